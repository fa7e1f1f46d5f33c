# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pcibackd as a backend, on every system: drivers let go of devices, and pcibackd takes them, while dom0 runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import PCIBACKD, Device
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import take_word
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RecordingBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import RecordFile


class Drivers(Protocol):
    """The drivers of one system, which let go of devices and get them back."""

    def holder(self, address: Address) -> str | None:
        """The driver that holds a function, ``None`` if none does."""

    def detach(self, address: Address, driver: str) -> None:
        """Let a driver let go of a function.

        :raises PcibackError: it keeps it
        """

    def attach(self, address: Address, driver: str | None, *, known: bool = True) -> None:
        """Let a driver hold a function that none holds.

        :param driver: the driver that had it before, ``None`` if none had
        :param known: whether that is known; else the system chooses
        :raises PcibackError: the driver does not take it
        """


class NativeBackend(RecordingBackend):
    """See :class:`RunTimeBackend`."""

    driver = PCIBACKD

    def __init__(
        self,
        drivers: Drivers,
        pcibackd: Pcibackd,
        record: RecordFile[Mapping[Address, str | None]],
        consents: Callable[[Address], Sequence[str]] = lambda _address: (),
        irqs: Mapping[Address, int] | None = None,
    ) -> None:
        """Look at nothing yet.

        :param consents: what the owner allows for a device, in pcibackd's words
        :param irqs: the interrupts that devices have by the owner's word
        """
        super().__init__(record)
        self._consents = consents
        self._irqs = irqs or {}
        self._drivers = drivers
        self._pcibackd = pcibackd

    def holder(self, address: Address) -> str | None:
        return self.driver if address in self._claims() else self._drivers.holder(address)

    def has_taken(self, device: Device) -> bool:
        return device.driver == self.driver or device.address in self._record.value

    def take(self, addresses: Sequence[Address]) -> None:
        now = {address: self._drivers.holder(address) for address in addresses}
        self._note(now)
        detached: list[tuple[Address, str]] = []
        try:
            for address, driver in now.items():
                if driver is not None:
                    self._drivers.detach(address, driver)
                    detached.append((address, driver))
            self._pcibackd.take([self._word(address) for address in addresses])
        except PcibackError:
            for address, driver in detached:
                with contextlib.suppress(PcibackError):
                    self._drivers.attach(address, driver)
            raise

    def let_go(self, addresses: Sequence[Address]) -> None:
        self._note_boots(addresses)
        self._give_up(addresses)

    def give_back(self, addresses: Sequence[Address]) -> None:
        self._give_up(addresses)
        for address in addresses:
            self._drivers.attach(address, self.driver_before(address), known=self._is_known(address))
        self._forget(addresses)

    def _give_up(self, addresses: Sequence[Address]) -> None:
        claims = self._claims()
        held = [address for address in addresses if address in claims]
        if held:
            self._pcibackd.give_back(held)

    def _word(self, address: Address) -> str:
        return take_word(str(address), None, allowed=self._consents(address), irq=self._irqs.get(address))

    def _claims(self) -> tuple[Address, ...]:
        status = self._pcibackd.status()
        return () if status is None else status.claims
