# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Drivers of a NetBSD dom0 let go of devices and get them back while it runs, through drvctl(8)."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import driver_of
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.facts import DRVCTL

# Detaching it panics the kernel of NetBSD 11.0_RC6.
_PANICS = ("ichlpcib",)


class NetbsdDrivers:
    """The drivers of one host.

    :param run: runs an argument list, as :func:`commands.run` does
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def holder(self, address: Address) -> str | None:
        """The driver with its unit that holds a function, ``None`` if none does."""
        return next((device.driver for device in bus.devices(self._run) if device.address == address), None)

    def detach(self, address: Address, driver: str) -> None:
        """Let a driver let go of a function. drvctl(8) asks nobody: who uses the device loses it.

        :raises PcibackError: the kernel would panic, or the driver keeps it
        """
        if driver_of(driver) in _PANICS:
            raise PcibackError(
                f"{driver} can't let go of {address.bdf}: NetBSD's kernel panics when that driver is detached",
                remedy="leave the device to dom0",
            )
        status, out, err = self._run([DRVCTL, "-d", driver])
        if status != 0:
            said = " ".join((err or out).split()) or f"drvctl ended with status {status}"
            raise PcibackError(
                f"{driver} does not let go of {address.bdf}: {said}",
                remedy=f"see what uses {driver} and end that, or hide the device from the next boot with "
                "pciback_backend: kernel",
            )

    def attach(self, address: Address, driver: str | None, *, known: bool = True) -> None:
        """Let the kernel find a driver for a function that none holds; of several, it always chooses the same.

        Locators keep the search to this function: without them, every function without a driver would get one.

        :param driver: the driver that had it before, ``None`` if none had
        :param known: whether that is known
        :raises PcibackError: another one or none takes it
        """
        if (known and driver is None) or self.holder(address) is not None:
            return
        units = bus.bus_units(bus.kernel_messages())
        node = f"pci{units.get(address.bus, address.bus)}"
        locators = [str(address.device), str(address.function)]
        status, out, err = self._run([DRVCTL, "-r", "-a", "pci", node, *locators])
        if status != 0:
            said = " ".join((err or out).split()) or f"drvctl ended with status {status}"
            raise PcibackError(
                f"the kernel did not look for a driver of {address.bdf}: {said}",
                remedy=f"run 'drvctl -r {node}', which gives a driver to each device on that bus that has none",
            )
        now = self.holder(address)
        # Units are numbered anew.
        if driver is not None and (now is None or driver_of(now) != driver_of(driver)):
            raise PcibackError(
                f"{address.bdf} is back in dom0, but {now or 'no driver'} holds it, and {driver_of(driver)} did before",
                remedy="look at the kernel's messages with dmesg",
            )
