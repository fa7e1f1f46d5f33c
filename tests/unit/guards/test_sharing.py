# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interrupt lines, pages and cards that a device shares with others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts, Interface
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import Verdict, guard
from ansible_collections.xen.pciback.plugins.module_utils.guards.sharing import siblings
from tests.unit.guards.cases import ALONE, DEVICES, NICS, choose, device


def test_siblings_that_stay_are_named():
    (warning,) = siblings(DEVICES, choose("00:01.1"))
    assert "other functions of its card stay: 00:01.0" in warning
    assert siblings(DEVICES, choose("00:01.0", "00:01.1", "00:04.0")) == ()


INTX = 1 << 8  # the interrupt pin INTA, in the register of the interrupt line
MSI_ON = {0x04: 1 << 20, 0x34: 0x40, 0x40: 0x00010005}


def wired(bdf: str, driver: str | None, line: int, class_code: int = 0x020000, **registers: int) -> Device:
    """A function with INTA; ``bar0`` and ``bar1`` are its base address registers."""
    config = {0x3C: INTX | line, 0x10: registers.get("bar0", 0), 0x14: registers.get("bar1", 0)}
    return replace(device(bdf, class_code, driver), config=ConfigSpace(config))


def with_registers(device: Device, changes: dict[int, int]) -> Device:
    return replace(device, config=ConfigSpace({**device.config.registers, **changes}))


def sharing(facts: Facts, *devices: Device, owners: dict[str, str | None] | None = None, native: bool = False):
    """Judge the first device, everything else stays in dom0 or goes where ``owners`` says."""
    given_away = {parse_address(bdf): guest for bdf, guest in (owners or {}).items()}
    return guard(facts, devices, devices[:1], {devices[0].address: None, **given_away}, native=native)


WM1_UP = replace(ALONE, interfaces={"wm1": Interface("wm1", True, ("198.51.100.1",))})


@pytest.mark.parametrize(("irq", "refused"), [(16, True), (20, False), (None, False)])
def test_a_line_that_only_the_owner_knows(irq: int | None, refused: bool) -> None:
    card, other = wired("00:09.0", None, 10), wired("00:05.0", "wm1", 199)
    facts = replace(WM1_UP, routes_on_demand=True, interrupts={"wm1": ("ioapic0 pin 16",)})
    irqs = {} if irq is None else {card.address: irq}
    verdict = guard(facts, [card, other], [card], {card.address: "firewall"}, native=True, irqs=irqs)
    steps = [finding.message for finding in verdict.findings if finding.code == "shared-irq"]
    assert [("ioapic0 pin 16 is also that of 00:05.0" in step) for step in steps] == ([True] if refused else [])


def test_the_firmware_s_number_is_not_its_line_if_the_owner_knows_better() -> None:
    card, other = wired("00:09.0", None, 10), wired("00:05.0", "wm1", 10)
    facts = replace(WM1_UP, routes_on_demand=True, interrupts={"wm1": ("ioapic0 pin 16",)})
    for irqs, count in (({}, 1), ({card.address: 20}, 0)):
        verdict = guard(facts, [card, other], [card], {card.address: "firewall"}, native=True, irqs=irqs)
        assert len([finding for finding in verdict.findings if finding.code == "shared-irq"]) == count


def test_an_interrupt_line_that_dom0_uses_is_refused():
    (finding,) = sharing(WM1_UP, wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)).findings
    assert (finding.code, finding.device.bdf) == ("shared-irq", "00:09.0")
    assert (
        "00:09.0 (pcictl 000:09:0) 8086:1000 a card [wm2] shares its interrupt line with another device"
        in finding.message
    )
    assert "interrupt line 199 is also that of 00:05.0 (pcictl 000:05:0) 8086:1000 a card [wm1]" in finding.message
    assert "or allow code 'shared-irq' for this address: a guest that holds the line" in finding.remedy


@pytest.mark.parametrize(
    "other",
    [
        wired("00:05.0", "wm1", 198),
        wired("00:05.0", None, 199),
        wired("00:05.0", "pciback0", 199),
        with_registers(wired("00:05.0", "wm1", 199), {0x3C: 199}),
        with_registers(wired("00:05.0", "wm1", 199), MSI_ON),
        wired("00:05.0", "wm9", 199, class_code=0x060400),
    ],
    ids=["another line", "no driver", "held by pciback", "no pin", "MSI", "a bridge"],
)
def test_a_line_that_nobody_in_dom0_waits_for_is_not(other):
    assert sharing(WM1_UP, wired("00:09.0", "wm2", 199), other).findings == ()


def test_a_device_without_a_pin_shares_no_line():
    silent = with_registers(wired("00:09.0", "wm2", 199), {0x3C: 199})
    assert sharing(WM1_UP, silent, wired("00:05.0", "wm1", 199)).findings == ()


@pytest.mark.parametrize(
    ("interface", "bridges", "refused"),
    [
        (Interface("wm1"), {}, False),
        (Interface("wm1", up=True), {}, True),
        (Interface("wm1", addresses=("192.0.2.1",)), {}, True),
        (Interface("wm1"), {"bridge0": ("wm1",)}, True),
        (None, {}, True),
    ],
    ids=["idle", "up", "an address", "member of a bridge", "not known"],
)
def test_a_network_card_that_carries_nothing_does_not_count(interface, bridges, refused):
    interfaces = {"wm1": interface} if interface else {}
    facts = replace(ALONE, interfaces={**interfaces, "wm0": NICS["wm0"]}, bridges=bridges)
    verdict = sharing(facts, wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199))
    assert bool(verdict.findings) == refused


NETBSD = replace(ALONE, unbinds_lines=True, interfaces={"wm1": Interface("wm1")})


def test_where_hiding_unbinds_the_line_the_message_says_what_that_does():
    (finding,) = sharing(NETBSD, wired("00:09.0", "wm2", 199), wired("00:05.0", "ahcisata0", 199, 0x010601)).findings
    assert finding.message == (
        "00:09.0 (pcictl 000:09:0) 8086:1000 a card [wm2] shares its interrupt line with another device: "
        "interrupt line 199 is also that of 00:05.0 (pcictl 000:05:0) 8086:1000 a card [ahcisata0], which dom0 uses; the kernel unbinds the "
        "line in each boot that hides the device, so that dom0 can lose what else is on it, before any guest runs"
    )


def test_where_hiding_unbinds_the_line_an_idle_network_card_counts():
    cards = wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)
    (finding,) = sharing(NETBSD, *cards).findings
    assert (finding.code, finding.device.bdf) == ("shared-irq", "00:09.0")
    assert sharing(replace(NETBSD, unbinds_lines=False), *cards).findings == ()


def test_what_goes_back_to_dom0_counts_for_what_leaves_and_for_what_stays_away():
    held, back = wired("00:09.0", "pciback0", 10), wired("00:05.0", "pciback1", 10)
    leaving = wired("00:07.0", None, 10)
    devices = (held, back, leaving)
    owners = {held.address: "firewall", leaving.address: None}
    verdict = guard(NETBSD, devices, [leaving], owners)
    assert [(finding.code, finding.device.bdf) for finding in verdict.findings] == [
        ("shared-irq", "00:07.0"),
        ("shared-irq", "00:09.0"),
    ]
    assert all(
        "interrupt line 10 is also that of 00:05.0 (pcictl 000:05:0) 8086:1000 a card [pciback1], which goes back to dom0; "
        "the kernel unbinds" in finding.message
        for finding in verdict.findings
    )
    # Nothing leaves: the other guards have nothing to say, not even what they could not see.
    alone = guard(replace(NETBSD, unchecked=("mount failed",)), (held, back), [], {held.address: "firewall"})
    assert [finding.device.bdf for finding in alone.findings] == ["00:09.0"] and alone.warnings == ()
    # It stays with pciback, or is on another line, or is a bridge's.
    both = {**owners, back.address: None}
    assert guard(NETBSD, devices, [leaving], both).findings == ()
    elsewhere = (held, wired("00:05.0", "pciback1", 11))
    assert guard(NETBSD, elsewhere, [], {held.address: None}).findings == ()
    bridge = (held, wired("00:05.0", "pciback1", 10, class_code=0x060100))
    assert guard(NETBSD, bridge, [], {held.address: None}).findings == ()


def test_a_network_card_that_goes_back_is_idle_where_lines_stay_bound():
    held, card = wired("00:09.0", "pciback0", 10), wired("00:05.0", "pciback1", 10)
    disk = wired("00:06.0", "pciback2", 10, class_code=0x010601)
    assert guard(ALONE, (held, card), [], {held.address: None}).findings == ()
    (finding,) = guard(ALONE, (held, card, disk), [], {held.address: None}).findings
    assert "00:06.0" in finding.message and "00:05.0" not in finding.message and "unbinds" not in finding.message


def test_a_part_of_a_vlan_counts():
    facts = replace(ALONE, interfaces={"wm1": Interface("wm1"), "vlan0": Interface("vlan0", parts=("wm1",))})
    assert sharing(facts, wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)).findings


def test_any_other_driver_counts():
    disk = wired("01:00.0", "ahcisata0", 199, class_code=0x010601)
    (finding,) = sharing(ALONE, wired("00:09.0", "wm2", 199), disk).findings
    assert finding.code == "shared-irq" and "[ahcisata0]" in finding.message


def test_the_kernels_words_tell_lines_apart_where_numbers_do_not():
    facts = replace(WM1_UP, interrupts={"wm1": ("ioapic0 pin 11",), "wm2": ("ioapic0 pin 11",)})
    (finding,) = sharing(facts, wired("00:09.0", "wm2", 198), wired("00:05.0", "wm1", 199)).findings
    assert "ioapic0 pin 11 is also that of 00:05.0" in finding.message


def test_a_device_without_a_driver_has_the_firmwares_line():
    facts = replace(WM1_UP, interrupts={"wm1": ("ioapic0 pin 11",)})
    (finding,) = sharing(facts, wired("00:07.0", None, 11), wired("00:05.0", "wm1", 199)).findings
    assert "ioapic0 pin 11 is also that of 00:05.0" in finding.message
    assert sharing(facts, wired("00:07.0", None, 10), wired("00:05.0", "wm1", 199)).findings == ()


def test_a_line_of_two_guests_is_a_warning():
    cards = wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)
    owners = {"00:09.0": "firewall", "00:05.0": "storage"}
    expected = (
        "00:09.0 of guest firewall and 00:05.0 of guest storage share interrupt line 199: each can disturb the other"
    )
    assert sharing(ALONE, *cards, owners=owners) == Verdict((), (expected,))
    both = guard(ALONE, cards, cards, {parse_address(bdf): guest for bdf, guest in owners.items()})
    assert len(both.warnings) == 1 and "share interrupt line 199" in both.warnings[0]
    assert sharing(ALONE, *cards, owners=dict.fromkeys(owners, "firewall")) == Verdict((), ())
    assert sharing(ALONE, *cards, owners=dict.fromkeys(owners)) == Verdict((), ())


def test_pcibackd_gives_no_line_and_no_page_to_two_guests():
    cards = wired("00:09.0", "wm2", 199, bar0=0xFEBF1800), wired("00:05.0", "pcibackd", 199, bar0=0xFEBF1000)
    owners = {"00:09.0": "firewall", "00:05.0": "storage"}
    found = {each.code: each.message for each in sharing(ALONE, *cards, owners=owners, native=True).findings}
    assert found["shared-irq"].endswith("8086:1000 a card [pcibackd], which guest storage gets")
    assert "a card [pcibackd], which guest storage gets, lie in the page at 0xfebf1000" in found["shared-bar-page"]
    same = sharing(ALONE, *cards, owners=dict.fromkeys(owners, "firewall"), native=True)
    assert [each.code for each in same.findings] == ["no-reset"]


def test_pcibackd_counts_a_card_that_carries_nothing_and_no_boot_unbinds_its_line():
    cards = wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)
    for facts in (NETBSD, ALONE):
        _no_reset, finding = sharing(facts, *cards, native=True).findings
        assert finding.message.endswith("[wm1], which dom0 uses")
    assert sharing(ALONE, *cards).findings == ()


def test_a_page_with_registers_of_a_device_that_stays_is_refused():
    leaving = wired("00:09.0", "wm2", 199, bar0=0xFEBF1800)
    staying = wired("00:05.0", None, 10, bar0=0xC001, bar1=0xFEBF1008)
    (finding,) = sharing(ALONE, leaving, staying).findings
    assert (finding.code, finding.device.bdf) == ("shared-bar-page", "00:09.0")
    assert "00:09.0" in finding.message.partition(" shares a page of memory with another device: ")[0]
    assert finding.message.endswith(
        "its BAR 0 and BAR 1 of 00:05.0 (pcictl 000:05:0) 8086:1000 a card, which stays in dom0, lie in the page at 0xfebf1000"
    )
    assert "read and write registers of the other device" in finding.remedy
    assert sharing(ALONE, leaving, staying, owners={"00:05.0": "firewall"}).findings == ()


@pytest.mark.parametrize(
    ("mine", "its"),
    [(0xFEBF1000, 0xFEBF2000), (0xC001, 0xC041), (0, 0), (0xFEBF1000, 0xFEBF1001)],
    ids=["two pages", "ports", "not set", "memory and ports"],
)
def test_what_is_in_two_pages_or_no_memory_is_not(mine, its):
    devices = wired("00:09.0", "wm2", 199, bar0=mine), wired("00:05.0", None, 10, bar0=its)
    assert sharing(ALONE, *devices).findings == ()


def test_configuration_space_that_could_not_be_read_is_said():
    blind = replace(wired("00:09.0", "wm2", 199), config=None)
    (warning,) = sharing(ALONE, blind, wired("00:05.0", "wm1", 199)).warnings
    assert warning == (
        "configuration space of 00:09.0 could not be read: whether it shares registers or an interrupt line is not known"
    )
