# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the plan that are refused before the host is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.arguments import absolute_path
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.modules.plan import main
from tests.unit.module_call import call


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"extra_devices": [{"address": "00:05.0", "permissive": True}]}, "Unsupported parameters"),
        (
            {"allow": [{"code": "bridges", "address": "00:05.0"}]},
            "value of code must be one of: boot-disk, bridge, console, foreign-hide-list, identity-changed, "
            "interrupt-unknown, iommu-group, kept-mappings, management-nic, no-iommu, "
            "no-reset, nothing-wanted, shared-bar-page, shared-irq, use-unknown, got: bridges",
        ),
        ({"state_directory": "db"}, "option 'state_directory' is 'db', and has to be an absolute path"),
    ],
)
def test_nothing_is_accepted_and_then_ignored(arguments: dict[str, Any], sentence: str) -> None:
    assert sentence in call(main, arguments)["msg"]


def test_paths_are_absolute_and_plain() -> None:
    assert absolute_path("/usr//local/", "native_prefix") == "/usr/local"
    for path in ("", "usr/local"):
        with pytest.raises(PcibackError) as refused:
            absolute_path(path, "native_prefix")
        assert str(refused.value) == f"option 'native_prefix' is '{path}', and has to be an absolute path"
