# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known while a plan is made, and what steps add to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Move
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action, Refusal, Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import BUS, draft_of, host

FREE, HELD = BUS[1], BUS[2]


@pytest.fixture
def draft() -> Draft:
    """Of a host whose pciback holds the second card and whose firewall has it."""
    observed = host(claims=(HELD.address,), running=(RunningGuest("firewall", 3, (HELD.address,)),))
    return draft_of(Wanted(), observed)


def test_devices_that_are_planned(draft: Draft) -> None:
    draft.add_device(HELD, "firewall", (("permissive", True),))
    draft.add_device(FREE, None)
    assert [(each.device, each.guest, each.held, each.attached) for each in draft.devices] == [
        (HELD, "firewall", True, True),
        (FREE, None, False, False),
    ]
    assert draft.hidden == [FREE.address, HELD.address]
    assert draft.missing == [FREE]
    assert [each.options for each in draft.devices_of("firewall")] == [(("permissive", True),)]


def test_a_device_of_another_guest_is_not_attached(draft: Draft) -> None:
    draft.add_device(HELD, "storage")
    assert (draft.devices[0].held, draft.devices[0].attached) == (True, False)


def test_a_host_without_a_backend_has_no_claims() -> None:
    assert draft_of(Wanted(), host(claims=None)).claims == ()


@pytest.mark.parametrize(
    ("reasons", "reboot", "reboots"),
    [([], "when_needed", False), (["why"], "never", False), (["why"], "when_needed", True)],
)
def test_a_reboot_is_needed_and_allowed(draft: Draft, reasons: list[str], reboot: str, reboots: bool) -> None:
    draft.reasons, draft.wanted = reasons, replace(draft.wanted, reboot=reboot)
    assert draft.reboots is reboots


@pytest.mark.parametrize(
    ("codes", "settled"),
    [
        ([], True),
        (["bridge", "boot-disk"], True),
        (["bridge", "assigned-twice"], False),
        (["no-such-device"], False),
    ],
)
def test_a_guard_leaves_no_doubt_about_which_devices_are_wanted(draft: Draft, codes: list[str], settled: bool) -> None:
    draft.refusals = [Refusal(code, "no") for code in codes]
    assert draft.is_settled is settled


@pytest.mark.parametrize(
    ("code", "device", "overridden"),
    [
        ("boot-disk", FREE.address, True),
        ("boot-disk", HELD.address, False),
        ("boot-disk", None, False),
        ("list-too-long", FREE.address, False),
    ],
)
def test_the_owner_overrides_a_code_for_a_device(draft: Draft, code: str, device: object, overridden: bool) -> None:
    draft.wanted = Wanted(allow=(("boot-disk", FREE.address), ("list-too-long", FREE.address)))
    draft.refuse(code, "it is /", device=device, remedy="give away another")  # type: ignore[arg-type]
    if overridden:
        assert draft.warnings == [f"overridden by the owner: {code} for {FREE.address.bdf}: it is /"]
        assert draft.refusals == []
    else:
        shown = None if device is None else device.bdf  # type: ignore[attr-defined]
        assert draft.refusals == [Refusal(code, "it is /", shown, "give away another")]
        assert draft.warnings == []


def test_an_error_is_refused_with_its_own_code_or_with_another(draft: Draft) -> None:
    draft.refuse_error(PcibackError("too long", code="list-too-long", remedy="hide fewer"), "boot-config-invalid")
    draft.refuse_error(PcibackError("it is a pipe", file="/boot.cfg"), "boot-config-invalid")
    assert draft.refusals == [
        Refusal("list-too-long", "too long", None, "hide fewer"),
        Refusal("boot-config-invalid", "/boot.cfg: it is a pipe"),
    ]


def test_a_refused_plan_keeps_all_but_the_actions() -> None:
    move = Move(parse_address("00:06.0"), FREE.address, "firewall", "its MAC address")
    draft = draft_of(Wanted(), host())
    draft.selection = replace(draft.selection, moves=(move,))
    draft.act(Step.NATIVE, "install pcibackctl")
    draft.warnings, draft.reasons, draft.recovery = ["a warning"], ["why"], ("choose the other entry",)
    draft.add_device(FREE, None)
    plan = draft.finish()
    assert plan.actions == (Action(Step.NATIVE, "install pcibackctl"),)
    assert draft.without_actions() == replace(plan, actions=())
    assert (plan.warnings, plan.reasons, plan.recovery, plan.moves) == (
        ("a warning",),
        ("why",),
        ("choose the other entry",),
        (move,),
    )
    assert [planned.device for planned in plan.devices] == [FREE]
