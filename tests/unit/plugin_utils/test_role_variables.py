# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are the role's, and which only look like it."""

from __future__ import annotations

import re

import pytest

from ansible_collections.xen.pciback.plugins.plugin_utils.role_variables import documented, unknown_variables, used
from tests.conftest import ROOT


def test_all_that_the_reference_documents_is_known() -> None:
    names = set(re.findall(r"^\| `(pciback_\w+)` \|", (ROOT / "docs/reference/variables.md").read_text(), re.MULTILINE))
    assert set(documented()) < names
    assert unknown_variables(names) == []


def test_what_the_role_sets_itself_is_known() -> None:
    assert {"pciback_plan", "pciback_reboot_required", "pciback_steps", "pciback_rebooted"} <= used() - set(
        documented()
    )


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("pciback_guest", "the nearest right name is 'pciback_guests'"),
        ("pciback_extra_device", "the nearest right name is 'pciback_extra_devices'"),
        ("pciback_sate", "the nearest right name is 'pciback_state'"),
        ("pciback_restart_guest", "the nearest right name is 'pciback_restart_guests'"),
        ("pciback_zzzzzzzzzzzzzzzzzz", "no right name is near"),
    ],
)
def test_a_slip_is_named_with_what_was_meant(name: str, end: str) -> None:
    (sentence,) = unknown_variables([name, "ansible_host", "xpciback_guest"])
    assert sentence == (
        f"the role has no variable '{name}', and names that begin with 'pciback_' are the role's; {end}"
    )
