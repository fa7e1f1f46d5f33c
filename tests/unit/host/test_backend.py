# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A further backend is a class that a platform supplies."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.engines.assignment import AssignmentRequest, hand_over
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.linux_modules import CARD, XL, Dom0


class Toy(RunTimeBackend):
    """Takes devices in mind only."""

    driver = "toy"

    def __init__(self) -> None:
        self.taken: dict[Address, str | None] = {}

    def holder(self, address: Address) -> str | None:
        return self.driver if address in self.taken else "e1000"

    def has_taken(self, device: Device) -> bool:
        return device.address in self.taken

    def driver_before(self, address: Address) -> str | None:
        return self.taken.get(address)

    def take(self, addresses: Sequence[Address]) -> None:
        self.taken.update(dict.fromkeys(addresses, "e1000"))

    def let_go(self, addresses: Sequence[Address]) -> None:
        self.give_back(addresses)

    def give_back(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            del self.taken[address]


def test_devices_change_hands_through_whichever_backend(dom0: Dom0) -> None:
    backend = Toy()

    class Platform(Linux):
        def kernel_backend(self, state: StateDirectory, xl: str | None) -> RunTimeBackend:
            return backend

    for state, after in (("assigned", "toy"), ("returned", "e1000")):
        request = AssignmentRequest([{"address": CARD}], state, (), XL, False)
        directory = StateDirectory(state_directory.DIRECTORY)
        result = hand_over(dom0.run, Platform(dom0.run), directory, request, print)
        assert (result["changed"], result["devices"][0]["after"]) == (True, after)
    assert (backend.taken, dom0.calls) == ({}, [])


def test_a_system_that_takes_devices_at_boot_has_none(dom0: Dom0) -> None:
    with pytest.raises(PcibackError, match="NetBSD's kernel takes devices from dom0 at boot only"):
        Netbsd(dom0.run).kernel_backend(StateDirectory("/db"), None)
