# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Linux's xen-pciback as a backend: it takes devices at run time, and their drivers are recorded in drivers.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.pciback import DRIVER, Pciback
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import RecordFile


class KernelBackend(RunTimeBackend):
    """See :class:`RunTimeBackend`.

    :param record: which driver each device had: replaced before one is taken from it, and after it is back
    """

    driver = DRIVER

    def __init__(self, pciback: Pciback, record: RecordFile[Mapping[Address, str | None]]) -> None:
        self._pciback = pciback
        self._record = record

    def holder(self, address: Address) -> str | None:
        return self._pciback.holder(address)

    def has_taken(self, device: Device) -> bool:
        return device.driver == DRIVER or device.address in self._record.value

    def driver_before(self, address: Address) -> str | None:
        return self._record.value.get(address)

    def take(self, addresses: Sequence[Address]) -> None:
        recorded = self._record.value
        now = {address: self.holder(address) for address in addresses}
        # One that a killed run has left without a driver keeps the driver that was recorded then.
        new = {
            address: driver
            for address, driver in now.items()
            if driver != DRIVER and (driver is not None or address not in recorded)
        }
        self._record.save({**recorded, **new})
        self._pciback.load()
        for address in addresses:
            self._pciback.assign(address)

    def give_back(self, addresses: Sequence[Address]) -> None:
        recorded = self._record.value
        for address in addresses:
            known = address in recorded
            noted = None if known else self._pciback.driver_before(address)
            self._pciback.release(address, recorded.get(address, noted), known=known or noted is not None)
        self._record.save({address: driver for address, driver in recorded.items() if address not in addresses})
