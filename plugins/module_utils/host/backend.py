# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What takes devices from dom0 while it runs, and gives them back: one subclass for each backend of each system."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device, is_backend
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import RecordFile


class RunTimeBackend(abc.ABC):
    """A backend that needs no reboot.

    :cvar driver: the driver that holds the devices that were taken
    """

    driver: str

    @abc.abstractmethod
    def holder(self, address: Address) -> str | None:
        """The driver that holds a function now, ``None`` if none does."""

    @abc.abstractmethod
    def has_taken(self, device: Device) -> bool:
        """Whether it holds the device, or has not given it back completely."""

    @abc.abstractmethod
    def driver_before(self, address: Address) -> str | None:
        """The driver that is recorded for a function that was taken; ``None`` if it had none, or none is recorded."""

    @abc.abstractmethod
    def take(self, addresses: Sequence[Address]) -> None:
        """Take functions from their drivers, which are recorded first.

        :raises PcibackError: one can't be taken; its driver has it back
        """

    def is_in_the_way(self) -> bool:
        """Whether the other backend can't serve beside it, even if it holds nothing."""
        return False

    @abc.abstractmethod
    def let_go(self, addresses: Sequence[Address]) -> None:
        """Let the other backend have functions, which no guest may have any more: no driver of dom0 gets them meanwhile.

        What this one itself is in the way of ends, too.

        :raises PcibackError: one is kept
        """

    @abc.abstractmethod
    def give_back(self, addresses: Sequence[Address]) -> None:
        """Let the drivers that had the functions hold them again; no guest may have them any more.

        :raises PcibackError: one can't be given back, or its driver does not take it
        """


class RecordingBackend(RunTimeBackend):
    """One that remembers the drivers itself, in drivers.json.

    What the other backend has recorded there counts as its own. Of a device that a boot took the backend that had it is recorded
    when the other one gets it: which driver it would have in dom0 is not known.

    :param record: which driver each device had: replaced before one is taken from it, and after it is back
    """

    def __init__(self, record: RecordFile[Mapping[Address, str | None]]) -> None:
        self._record = record

    def driver_before(self, address: Address) -> str | None:
        driver = self._record.value.get(address)
        return None if is_backend(driver) else driver

    def _is_known(self, address: Address) -> bool:
        """Whether it is recorded which driver a function had, or that it had none. Of one that a boot took nobody knows."""
        recorded = self._record.value
        return address in recorded and not is_backend(recorded[address])

    def _note_boots(self, addresses: Sequence[Address]) -> None:
        """Record of functions that a boot took, before they lose their backend, that dom0's drivers did not have them."""
        recorded = self._record.value
        new = {address: self.driver for address in addresses if address not in recorded}
        if new:
            self._record.save({**recorded, **new})

    def _note(self, now: Mapping[Address, str | None]) -> None:
        """Record the drivers that are about to lose functions.

        :param now: the driver of each, ``None`` for none
        """
        recorded = self._record.value
        # One that a killed run has left without a driver keeps the driver that was recorded then.
        new = {
            address: driver
            for address, driver in now.items()
            if driver != self.driver and (driver is not None or address not in recorded)
        }
        self._record.save({**recorded, **new})

    def _forget(self, addresses: Collection[Address]) -> None:
        """Remove functions from the record that are back."""
        recorded = self._record.value
        self._record.save({address: driver for address, driver in recorded.items() if address not in addresses})
