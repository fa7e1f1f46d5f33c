# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which devices leave dom0, and which must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import BUS, codes, device, guest, host, kinds
from tests.unit.plans import make_plan


def test_extra_devices_are_hidden_and_given_to_nobody():
    plan = make_plan(Wanted(extra_devices=(device(address="00:0a.0"),)), host())
    assert kinds(plan) == ["hide"]
    assert plan.devices[0].guest is None


def test_isa_bridge_can_be_allowed_and_is_reported():
    isa = replace(BUS[0], class_code=0x060100)
    wanted = Wanted(guests=(guest(device(address="00:00.0")),))
    seen = host(devices=(isa, *BUS[1:]))
    assert codes(make_plan(wanted, seen)) == ["bridge"]
    allowed = replace(wanted, allow=(("bridge", parse_address("00:00.0")),))
    plan = make_plan(allowed, seen)
    assert codes(plan) == [] and any("overridden by the owner: bridge" in warning for warning in plan.warnings)
    assert codes(make_plan(replace(wanted, allow=(("bridge", parse_address("00:01.0")),)), seen)) == ["bridge"]


def test_a_device_in_one_list_three_times():
    """Of the same device by other words, too; it is one refusal."""
    three = (device(address="00:05.0"), device(address="0000:00:05.0"), device(driver="wm1"))
    plan = make_plan(Wanted(guests=(guest(*three),)), host())
    (refusal,) = plan.refusals
    assert (refusal.code, refusal.device) == ("assigned-twice", "00:05.0")
    assert refusal.message == f"{BUS[2].describe()} is wanted 3 times by guest firewall; once is enough"
    assert refusal.remedy == "leave it in one line, or make the selectors more exact"


def test_a_device_in_several_lists():
    wanted = Wanted(
        guests=(guest(device(address="00:05.0"), device(driver="wm1")), guest(device(driver="wm1"), name="storage")),
        extra_devices=(device(address="00:05.0"),),
    )
    (refusal,) = make_plan(wanted, host()).refusals
    assert refusal.message == (
        f"{BUS[2].describe()} is wanted 2 times by guest firewall, by guest storage and by the extra devices; a device "
        "belongs to one guest"
    )
    assert refusal.remedy == "leave it in one list, or make the selectors more exact"


@pytest.mark.parametrize("backend", ["native", "kernel"])
def test_an_interrupt_that_the_system_says_otherwise(backend: str) -> None:
    card = replace(BUS[2], config=ConfigSpace({0x3C: 1 << 8 | 10}))
    facts = Facts(iommu=True, routes_on_demand=True, interrupts={"wm1": ("ioapic0 pin 23",)})
    seen = host(devices=(*BUS[:2], card, *BUS[3:]), facts=facts)
    wanted = Wanted(
        guests=(guest(device(address="00:05.0", irq=20)),),
        allow=(("no-reset", card.address), ("inventory-invalid", card.address)),
    )
    (refusal,) = make_plan(wanted, seen, backend).refusals
    assert (refusal.code, refusal.device) == ("inventory-invalid", "00:05.0")
    assert refusal.message == (
        f"guest firewall: irq 20 is stated of {card.describe()}, which has 23, as the kernel itself says"
    )
    assert refusal.remedy == "leave irq out of that device: what the system says counts"
    agreed = replace(wanted, guests=(guest(device(address="00:05.0", irq=23)),))
    assert codes(make_plan(agreed, seen, backend)) == []


def test_pci_bridge_can_not_be_allowed():
    wanted = Wanted(guests=(guest(device(address="00:0d.0")),), allow=(("bridge", parse_address("00:0d.0")),))
    assert codes(make_plan(wanted, host())) == ["bridge"]


def test_same_guest_twice():
    assert codes(make_plan(Wanted(guests=(guest(), guest())), host())) == ["domain-config-invalid"]
