# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest gets no device whose interrupt nobody can tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.guards.interrupt import contradiction
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard

# A machine whose cards are at pins that no firmware's number is.
FACTS = Facts(iommu=True, routes_on_demand=True, interrupts={"wm0": ("ioapic0 pin 23",), "wm1": ("msi0 vec 0",)})
OLD = replace(FACTS, interrupts={"wm0": ("ioapic0 pin 11",)})
INTX = 0x01 << 8
CARD = Device(parse_address("00:05.0"), 0x8086, 0x100E, 0x020000, name="a card", config=ConfigSpace({0x3C: INTX | 10}))
WITH_MSI = {0x04: 1 << 20, 0x34: 0x40, 0x40: 0x05}


def said(card: Device, facts: Facts = FACTS, *, guest: str | None = "firewall", native: bool = True) -> list[str]:
    verdict = guard(facts, [card], [card], {card.address: guest}, native=native)
    return [finding.message for finding in verdict.findings if finding.code == "interrupt-unknown"]


def test_its_owner_knows_it() -> None:
    for facts, line in ((FACTS, 10), (OLD, 255)):
        card = replace(CARD, config=ConfigSpace({0x3C: INTX | line}))
        assert len(said(card, facts)) == 1
        verdict = guard(facts, [card], [card], {card.address: "firewall"}, native=True, irqs={card.address: 20})
        assert [finding.code for finding in verdict.findings] == ["no-reset"]


ROUTED = replace(FACTS, locations={"wm0": CARD.address})
LINUX = Facts(iommu=True)
MSI_ON = {**WITH_MSI, 0x40: 0x00010005, 0x3C: INTX | 10}


@pytest.mark.parametrize(
    ("facts", "device", "says"),
    [
        (ROUTED, CARD, "which has 23, as the kernel itself says"),
        (FACTS, replace(CARD, driver="wm0"), "which has 23, as the kernel itself says"),
        (ROUTED, replace(CARD, driver="pcibackd"), "which has 23, as the kernel itself says"),
        # Of what the kernel has said nothing, its owner knows more; and so of a driver that uses MSI.
        (FACTS, CARD, ""),
        (FACTS, replace(CARD, driver="wm1"), ""),
        # Which number a pin of another I/O APIC has, is for pcibackd.
        (replace(ROUTED, interrupts={"wm0": ("ioapic1 pin 3",)}), CARD, ""),
        (replace(ROUTED, interrupts={"wm0": ("irq 11",)}), CARD, "which has 11, as the kernel itself says"),
        (FACTS, replace(CARD, config=ConfigSpace({0x3C: 10})), "which has no interrupt line"),
        (FACTS, replace(CARD, config=None), ""),
        (LINUX, replace(CARD, driver="e1000", system_irq=16), "which has 16, as the kernel itself says"),
        (LINUX, replace(CARD, driver="e1000", system_irq=20), ""),
        # No driver has switched it on yet, or it has sent messages since.
        (LINUX, replace(CARD, system_irq=16), ""),
        (LINUX, replace(CARD, driver="e1000", system_irq=55, config=ConfigSpace(MSI_ON)), ""),
    ],
)
def test_what_the_system_says_counts(facts: Facts, device: Device, says: str) -> None:
    sentence = contradiction(facts, device, 20)
    assert sentence == (f"irq 20 is stated of {device.describe()}, {says}" if says else "")


def test_an_owner_who_says_the_same() -> None:
    assert contradiction(ROUTED, CARD, 23) == ""


def test_the_firmware_s_number_is_none_of_the_machine_s() -> None:
    assert said(CARD) == [
        "00:05.0 (pcictl 000:05:0) 8086:100e a card has an interrupt that nobody can tell, and its guest needs it: the kernel has said "
        "none in this boot, and its register has the firmware's, 10, which this machine does not use"
    ]
    assert said(CARD, OLD) == []


@pytest.mark.parametrize("line", [0, 255])
def test_no_number_at_all(line: int) -> None:
    (message,) = said(replace(CARD, config=ConfigSpace({0x3C: INTX | line})), OLD)
    assert message.endswith("the kernel has said none in this boot, and its register has none")


def test_a_driver_that_uses_msi_hides_the_pin() -> None:
    assert said(replace(CARD, driver="wm0")) == []
    assert len(said(replace(CARD, driver="wm1"))) == 1


def test_who_needs_none() -> None:
    assert said(CARD, guest=None) == []
    assert said(replace(CARD, config=ConfigSpace({0x3C: 10}))) == []
    assert said(CARD, replace(FACTS, routes_on_demand=False)) == []
    capable = replace(CARD, config=ConfigSpace({**WITH_MSI, 0x3C: INTX | 10}))
    assert said(capable) == []


def test_pciback_asks_the_kernel_itself() -> None:
    assert said(CARD, native=False) == []


def test_what_had_it_in_this_boot_has_asked() -> None:
    for driver in (None, "pcibackd"):
        assert said(replace(CARD, driver=driver), replace(FACTS, locations={"wm0": CARD.address})) == []
