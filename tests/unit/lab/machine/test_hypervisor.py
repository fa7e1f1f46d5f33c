# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Xen's book of devices, and the nodes of domains."""

from __future__ import annotations

import pytest
from machine import hypervisor
from machine.state import Machine

from tests.unit.lab.machine.conftest import Command

CARD = "0000:00:04.0"


def test_a_device_goes_by_quarantine_into_a_guest_and_back(machine: Machine) -> None:
    quarantine = hypervisor.QUARANTINE
    assert hypervisor.owner(machine, CARD) == hypervisor.DOM0
    hypervisor.assign(machine, quarantine, CARD)
    assert hypervisor.cut_off(machine) == ["wm0"]
    hypervisor.assign(machine, 3, CARD)
    with pytest.raises(hypervisor.Busy):
        hypervisor.assign(machine, 4, CARD)
    assert not hypervisor.deassign(machine, 4, CARD)
    assert not hypervisor.deassign(machine, quarantine, CARD)
    assert hypervisor.deassign(machine, 3, CARD)
    assert hypervisor.owner(machine, CARD) == quarantine
    assert hypervisor.deassign(machine, quarantine, CARD)
    assert (hypervisor.owner(machine, CARD), hypervisor.cut_off(machine)) == (hypervisor.DOM0, [])


def test_a_domain_that_is_gone_leaves_no_node_and_its_devices_in_quarantine(machine: Machine, command: Command) -> None:
    path = machine.file("/usr/pkg/etc/xen/one")
    with open(path, "w", encoding="utf-8") as file:
        file.write('name = "one"\nkernel = "/netbsd"\n')
    before = dict(machine.state["xen"]["store"])
    assert command("xl", "create", "-pq", path)[0] == 0
    machine.load()
    domain = machine.state["domains"][0]
    store = hypervisor.store(machine)
    assert store.read("/local/domain/1/name") == "one"
    for key, value in (("num_devs", "1"), ("dev-0", CARD), ("opts-0", "permissive=1,rdm_policy=relaxed")):
        store.write(f"{hypervisor.BACKENDS}/1/0/{key}", value)
    hypervisor.assign(machine, 1, CARD)
    assert hypervisor.served(machine, 1) == [
        {"address": CARD, "slot": None, "options": {"permissive": 1}, "strict": False}
    ]
    hypervisor.forget(machine, domain)
    assert hypervisor.served(machine, 1) == []
    assert hypervisor.owner(machine, CARD) == hypervisor.QUARANTINE
    assert machine.state["xen"]["store"] == before
