# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Linux's xen-pciback as a backend: it takes devices at run time, and their drivers are recorded in drivers.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RecordingBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.pciback import DRIVER, Pciback
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import RecordFile


class KernelBackend(RecordingBackend):
    """See :class:`RunTimeBackend`."""

    driver = DRIVER

    def __init__(self, pciback: Pciback, record: RecordFile[Mapping[Address, str | None]]) -> None:
        super().__init__(record)
        self._pciback = pciback

    def holder(self, address: Address) -> str | None:
        return self._pciback.holder(address)

    def has_taken(self, device: Device) -> bool:
        return device.driver == DRIVER or device.address in self._record.value

    def take(self, addresses: Sequence[Address]) -> None:
        self._note({address: self.holder(address) for address in addresses})
        self._pciback.load()
        for address in addresses:
            self._pciback.assign(address)

    def is_in_the_way(self) -> bool:
        return self._pciback.is_loaded()

    def let_go(self, addresses: Sequence[Address]) -> None:
        self._note_boots(addresses)
        for address in addresses:
            self._pciback.release(address)
        self._pciback.unload()

    def give_back(self, addresses: Sequence[Address]) -> None:
        for address in addresses:
            known = self._is_known(address)
            driver = self.driver_before(address) if known else self._pciback.driver_before(address)
            self._pciback.give_back(address, driver, known=known or driver is not None)
        self._forget(addresses)
