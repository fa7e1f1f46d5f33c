# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forgotten become is one sentence of every module, before it looks at anything."""

from __future__ import annotations

import importlib
from typing import Any
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import privileges
from tests.unit.module_call import call
from tests.unit.product import PLUGINS
from tests.unit.test_twins import has_functions

# One that has no function is only the documentation of an action of the controller.
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py") if has_functions(path))
# A path that a module refuses as soon as it looks at it: another sentence comes then.
BAD = {"state_directory": "not/absolute"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "assignable": {"devices": [{"address": "junk"}]},
    "boot_hide": {"devices": ["junk"]},
    "domain": {"domains": [{"name": "junk/", "state": "absent"}]},
    "domain_pci": {"domains": [{"config": "junk"}]},
}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("name", MODULES)
def test_an_ordinary_user_is_told_first_of_all(name: str, check: bool) -> None:
    main = importlib.import_module(f"ansible_collections.xen.pciback.plugins.modules.{name}").main
    arguments = {**BAD, **ARGUMENTS.get(name, {})}
    result = call(main, arguments, check=check, user=1000)
    assert (result["failed"], result["msg"]) == (
        True,
        "it needs root on the host, but runs as the user with number 1000; say 'become: true', or log in as root",
    )
    assert result["remedy"] == "say 'become: true' for the play or the host, or set 'ansible_user: root'"
    assert "needs root" not in call(main, arguments, check=check)["msg"]


def test_root_is_let_pass() -> None:
    with mock.patch.object(privileges, "geteuid", lambda: 0):
        privileges.require_root()
    with mock.patch.object(privileges, "geteuid", lambda: 1), pytest.raises(PcibackError):
        privileges.require_root()
