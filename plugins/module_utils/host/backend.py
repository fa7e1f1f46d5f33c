# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What takes devices from dom0 while it runs, and gives them back: one subclass for each backend of each system."""

from __future__ import annotations

import abc
from collections.abc import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address


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

    @abc.abstractmethod
    def give_back(self, addresses: Sequence[Address]) -> None:
        """Let the drivers that had the functions hold them again; no guest may have them any more.

        :raises PcibackError: one can't be given back, or its driver does not take it
        """
