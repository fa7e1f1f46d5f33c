# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step that hides and pins devices, which all platforms share."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of, to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import hide_action
from ansible_collections.xen.pciback.plugins.module_utils.planning.choose import choose_devices
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action, Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import BUS, ONE, converged, draft_of, host

PINS = {BUS[2].address: pin_of(BUS[2])}


def hide(wanted: Wanted, observed: Observed, *, changed: bool, keep_held: bool) -> list[Action]:
    draft = draft_of(wanted, observed)
    choose_devices(draft)
    return list(hide_action(draft, "/boot.cfg", changed=changed, keep_held=keep_held))


@pytest.mark.parametrize(
    ("pins", "changed", "summary"),
    [
        ({}, True, "make /boot.cfg hide 00:05.0"),
        ({}, False, "pin 00:05.0"),
        (PINS, True, "make /boot.cfg hide 00:05.0"),
    ],
)
def test_devices_are_hidden_and_pinned_in_one_step(pins: Any, changed: bool, summary: str) -> None:
    (action,) = hide(ONE, host(pins=pins), changed=changed, keep_held=False)
    assert (action.kind, action.summary) == (Step.HIDE, summary)
    assert action.arguments == {"devices": ["0000:00:05.0"], "pins": to_mapping(PINS)}


def test_what_is_hidden_and_pinned_needs_no_step() -> None:
    assert hide(ONE, converged(), changed=False, keep_held=True) == []


@pytest.mark.parametrize(("keep_held", "summary"), [(False, ["pin nothing"]), (True, [])])
def test_a_device_that_pciback_holds_stays_pinned_while_it_does(keep_held: bool, summary: list[str]) -> None:
    actions = hide(Wanted(), converged(), changed=False, keep_held=keep_held)
    assert [action.summary for action in actions] == summary
    assert [action.arguments for action in actions] == [{"devices": [], "pins": {}}][: len(summary)]


def test_a_list_of_nothing() -> None:
    (action,) = hide(Wanted(), converged(), changed=True, keep_held=False)
    assert action.summary == "make /boot.cfg hide nothing"
