# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables are the role's, and which only look like it."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.xen.pciback.plugins.lookup import variable_problems
from ansible_collections.xen.pciback.plugins.plugin_utils.role_variables import (
    RANGES,
    documented,
    numbers_out_of_range,
    unknown_variables,
    used,
)
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


def test_each_number_of_the_role_has_a_range_and_all_say_the_same() -> None:
    options = yaml.safe_load((ROOT / "roles/pciback/meta/argument_specs.yml").read_text())["argument_specs"]["main"][
        "options"
    ]
    assert {name for name, option in options.items() if option["type"] in ("int", "float")} == set(RANGES)
    reference = (ROOT / "docs/reference/variables.md").read_text()
    lookup = yaml.safe_load(variable_problems.DOCUMENTATION)["options"]
    for name, allowed in RANGES.items():
        said = f"from {allowed.least} to {allowed.most}."
        assert said in str(options[name]["description"]) and said in lookup[name]["description"]
        assert re.search(rf"^\| `{name}` \|.*{re.escape(said)}", reference, re.MULTILINE)
        assert numbers_out_of_range({name: options[name]["default"]}) == []


@pytest.mark.parametrize(
    ("name", "value", "sentences"),
    [
        ("pciback_reboot_timeout", 0, ["'pciback_reboot_timeout' is 0, and has to be from 5 to 86400 seconds"]),
        ("pciback_reboot_timeout", "4", ["'pciback_reboot_timeout' is 4, and has to be from 5 to 86400 seconds"]),
        ("pciback_reboot_timeout", 5, []),
        ("pciback_reboot_timeout", 86400, []),
        ("pciback_reboot_timeout", 86401, ["'pciback_reboot_timeout' is 86401, and has to be from 5 to 86400 seconds"]),
        ("pciback_reboot_throttle", 0, ["'pciback_reboot_throttle' is 0, and has to be from 1 to 10000 hosts"]),
        ("pciback_guest_timeout", -1, ["'pciback_guest_timeout' is -1, and has to be from 1 to 86400 seconds"]),
        ("pciback_guest_timeout", "soon", ["'pciback_guest_timeout' is 'soon', and has to be a whole number"]),
    ],
)
def test_a_number_out_of_range_is_named_with_the_range(name: str, value: object, sentences: list[str]) -> None:
    assert numbers_out_of_range({name: value}) == sentences
