# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of NetBSD's kernel backend, which pcibackctl gives their devices: whom it serves, and what is said before."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.planning.given import allowed, stated, warn_of_start
from tests.unit.planning.hosts import BUS, GUEST, ONE, converged, device, draft_of, guest, host
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


STATED = replace(ONE, guests=(guest(device(address="00:05.0", irq=20)),))


def test_a_stated_interrupt_goes_with_the_guest_that_starts_and_is_recorded() -> None:
    plan = make_plan(STATED, changed(converged(), running=()))
    start_up, action = plan.actions
    assert action.arguments["domains"][0]["irq"] == {"0000:00:05.0": 20}
    assert start_up.arguments["devices"] == ["0000:00:05.0,id=8086:100e,irq=20,allow=no-reset+shared-irq"]
    # One for a boot to come, too.
    assert (
        ",irq=20,"
        in next(action for action in make_plan(STATED, host()).actions if action.kind == "start_up").arguments[
            "devices"
        ][0]
    )
    assert stated(draft_of(ONE, host()), ONE.guests[0]) == {}


def test_a_guest_that_was_given_another_interrupt_is_to_start_anew() -> None:
    (now,) = converged().running
    seen = changed(converged(), running=(replace(now, irqs={CARD: 21}),))
    assert make_plan(STATED, seen).pending == (
        "guest firewall runs with interrupt 21 for 00:05.0 where the inventory says 20, until it is restarted; allow that with "
        "pciback_restart_guests: when_needed",
    )
    assert make_plan(STATED, changed(converged(), running=(replace(now, irqs={CARD: 20}),))).pending == ()
    assert make_plan(STATED, converged()).pending == ()


def test_the_line_that_is_stated_is_judged_also_of_a_device_that_is_hidden_already() -> None:
    """The kernel's backend never asks whose line it is; nor does it unbind a line by the owner's number."""
    card = replace(BUS[2], driver="pciback0", config=ConfigSpace({0x3C: 1 << 8 | 255}))
    other = replace(BUS[3], config=ConfigSpace({0x3C: 1 << 8 | 199}))
    facts = Facts(iommu=True, routes_on_demand=True, unbinds_lines=True, interrupts={"wm2": ("ioapic0 pin 20",)})
    seen = changed(converged(), devices=(*BUS[:2], card, other, *BUS[4:]), facts=facts)
    (refusal,) = make_plan(STATED, seen).refusals
    assert (refusal.code, refusal.device) == ("shared-irq", "00:05.0")
    assert "ioapic0 pin 20 is also that of" in refusal.message and "unbinds" not in refusal.message
    assert make_plan(replace(STATED, allow=(("shared-irq", CARD),)), seen).refusals == ()
    elsewhere = replace(ONE, guests=(guest(device(address="00:05.0", irq=21)),))
    assert make_plan(elsewhere, seen).refusals == ()


def test_a_line_that_two_guests_share_by_the_owners_word_is_warned_of() -> None:
    cards = [replace(BUS[number], config=ConfigSpace({0x3C: 1 << 8 | 255})) for number in (2, 3)]
    facts = Facts(iommu=True, routes_on_demand=True)
    seen = host(
        devices=(*BUS[:2], *cards, *BUS[4:]), facts=facts, guest_configs={PATH: GUEST, "/etc/xen/b": b"name = 'b'\n"}
    )
    two = (guest(device(address="00:05.0", irq=20)), guest(device(address="00:0a.0", irq=20), name="b"))
    (warning,) = [each for each in make_plan(replace(ONE, guests=two), seen).warnings if "disturb" in each]
    assert warning.endswith("share ioapic0 pin 20: each can disturb the other")
