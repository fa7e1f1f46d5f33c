# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of NetBSD's kernel backend, which pcibackctl gives their devices: whom it serves, and what is said before."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.planning.given import allowed, warn_of_start
from tests.unit.planning.hosts import GUEST, ONE, converged, device, draft_of, guest, host
from tests.unit.plans import changed, make_plan

PATH = "/etc/xen/firewall"
CARD = parse_address("00:05.0")
CODES = (("no-iommu", CARD), ("management-nic", CARD), ("no-reset", parse_address("00:04.0")))


def test_who_can_not_be_served() -> None:
    wanted = replace(ONE, guests=(guest(device(address="00:05.0", permissive=True)),))
    plan = make_plan(wanted, host(guest_configs={PATH: GUEST + b"type = 'hvm'\n"}))
    assert [(refusal.message, refusal.remedy) for refusal in plan.refusals] == [
        (f"{PATH} makes a guest of type hvm, and pciback serves PV guests only", 'set type = "pv" in the file'),
        (
            f"{PATH} wants 00:05.0 permissive, which NetBSD's kernel backend does not know: it passes each "
            "write to a register on as it is",
            "take permissive out of it, or use pciback_backend: native",
        ),
    ]
    assert make_plan(ONE, host()).refusals == ()


def test_options_without_effect_are_named() -> None:
    text = GUEST + b"pci = [ '00:05.0@7,seize=1' ]\n"
    assert (
        f"{PATH} says vslot for 00:05.0, which has no effect with pciback"
        in make_plan(ONE, host(guest_configs={PATH: text})).warnings
    )


def test_a_guest_that_starts_is_warned_of_and_one_that_runs_is_not() -> None:
    says = (
        "dom0's kernel panics, and the machine reboots, if firewall ends before its PCI frontend has connected, as with a "
        "wrong kernel or initrd; pciback_backend: native has no such risk"
    )
    assert says in make_plan(ONE, host()).warnings
    assert says in make_plan(ONE, changed(converged(), running=())).warnings
    assert make_plan(ONE, converged()).warnings == ()
    draft = draft_of(ONE, host())
    warn_of_start(draft, ["firewall"])
    assert draft.warnings == [], "it gets no device"


def test_consents_go_with_the_guest_that_starts() -> None:
    plan = make_plan(replace(ONE, allow=CODES), changed(converged(), running=()))
    start_up, action = plan.actions
    assert action.arguments["domains"][0]["allow"] == ["no-iommu"]
    assert start_up.arguments["devices"] == ["0000:00:05.0,id=8086:100e,allow=no-iommu+no-reset+shared-irq"]
    plan = make_plan(ONE, changed(converged(), running=()))
    assert "allow" not in plan.actions[0].arguments["domains"][0]
    assert allowed(draft_of(ONE, host()), ONE.guests[0]) == {}
