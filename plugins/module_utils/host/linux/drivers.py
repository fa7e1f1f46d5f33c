# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Drivers of a Linux dom0 let go of devices and get them back, through sysfs.

Each step is checked by its effect, because a write to sysfs can succeed and do nothing.
"""

from __future__ import annotations

import contextlib
import os

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.bus import (
    PCI_DEVICES,
    PCI_DRIVERS,
    link_name,
    read_text,
)

MODPROBE = ("/usr/sbin/modprobe", "/sbin/modprobe")


class LinuxDrivers:
    """The drivers of one host.

    :param run: runs an argument list, as :func:`commands.run` does
    :param sys: where sysfs is mounted
    """

    def __init__(self, run: Run, sys: str) -> None:
        self._run = run
        self.sys = sys

    def holder(self, address: Address) -> str | None:
        """The driver that holds a function, ``None`` if none does."""
        return link_name(self._device(address, "driver"))

    def detach(self, address: Address, driver: str) -> None:
        """Let a driver let go of a function.

        :raises PcibackError: it keeps it
        """
        self.write(driver_file(driver, "unbind"), address)
        if self.holder(address) == driver:
            raise PcibackError(
                f"{driver} does not let go of {address.bdf}", remedy="look at the kernel's messages with dmesg"
            )

    def attach(self, address: Address, driver: str | None, *, known: bool = True) -> None:
        """Let a driver hold a function that none holds.

        :param driver: the driver that had it before, ``None`` if none had
        :param known: whether that is known; else the kernel chooses
        :raises PcibackError: the driver does not take it
        """
        if self.holder(address) is not None:
            return
        if not known:
            self._probe(address)
        elif driver is not None:
            self._bind(address, driver)

    def _bind(self, address: Address, driver: str) -> None:
        if not os.path.isdir(os.path.join(self.sys, PCI_DRIVERS, driver)):
            self.modprobe(driver, "-q")
        # Loading it may be all that it takes.
        if self.holder(address) is None and os.path.isdir(os.path.join(self.sys, PCI_DRIVERS, driver)):
            self.write(driver_file(driver, "bind"), address)
        if self.holder(address) is None:
            self._probe(address)
        holder = self.holder(address)
        if holder != driver:
            raise PcibackError(
                f"{address.bdf} is back in dom0, but {holder or 'no driver'} holds it, and {driver} did before",
                remedy=f"load {driver}, and bind the device by writing {address} to /sys/bus/pci/drivers/{driver}/bind",
            )

    def _probe(self, address: Address) -> None:
        """Let the kernel choose a driver."""
        alias = read_text(os.path.join(self.sys, self._device_name(address), "modalias"))
        if alias:
            self.modprobe(alias, "-q")
        if self.holder(address) is None:
            # The kernel complains if there is none.
            with contextlib.suppress(PcibackError):
                self.write("bus/pci/drivers_probe", address)

    def modprobe(self, module: str, *options: str) -> str:
        """Load a module; what was said if that failed."""
        for place in MODPROBE:
            status, out, err = self._run([place, *options, module])
            if status != 127:
                return "" if status == 0 else (err or out).strip()
        return f"there is none of {', '.join(MODPROBE)}"

    # --- sysfs

    def _device_name(self, address: Address) -> str:
        return os.path.join(PCI_DEVICES, str(address))

    def _device(self, address: Address, name: str) -> str:
        return os.path.join(self.sys, self._device_name(address), name)

    def write(self, name: str, address: Address) -> None:
        """Write an address to a file of sysfs.

        :raises PcibackError: the kernel refuses it
        """
        path = os.path.join(self.sys, name)
        try:
            write(path, str(address))
        except OSError as error:
            raise PcibackError(
                f"{address} can't be written to {path}: {error.strerror}",
                remedy="look at the kernel's messages with dmesg",
            ) from error


def driver_file(driver: str, name: str) -> str:
    """A file of a driver, below where sysfs is mounted."""
    return os.path.join(PCI_DRIVERS, driver, name)


def write(path: str, text: str) -> None:
    """Write to a file of sysfs, where one write is one command."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)
