# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Linux's xen-pciback at run time: devices handed to it and back, through sysfs.

Each step is checked by its effect, because a write to sysfs can succeed and do nothing.
"""

from __future__ import annotations

import contextlib
import os

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.bus import (
    PCI_DEVICES,
    PCI_DRIVERS,
    PCIBACK,
    link_name,
    read_text,
)

MODULE = "xen-pciback"
DRIVER = "pciback"
MODPROBE = ("/usr/sbin/modprobe", "/sbin/modprobe")
XENSTORE_READ = "/usr/bin/xenstore-read"


class Pciback:
    """The driver of one host.

    :param run: runs an argument list, as :func:`commands.run` does
    :param sys: where sysfs is mounted
    :param xl: the path of xl, ``None`` if there is none
    """

    def __init__(self, run: Run, sys: str, xl: str | None) -> None:
        self._run = run
        self._sys = sys
        self._xl = xl

    def holder(self, address: Address) -> str | None:
        """The driver that holds a function, ``None`` if none does."""
        return link_name(self._device(address, "driver"))

    def load(self) -> None:
        """Load the module, unless it is there.

        :raises PcibackError: it can't be loaded
        """
        if self._is_loaded():
            return
        said = self._modprobe(MODULE)
        if not self._is_loaded():
            raise PcibackError(
                f"{MODULE} can't be loaded: {said or 'modprobe said nothing'}",
                remedy="use a kernel with CONFIG_XEN_PCIDEV_BACKEND, as Debian's are",
            )

    def assign(self, address: Address) -> None:
        """Take a function from its driver and let pciback hold it. If that fails, the driver gets it back.

        :raises PcibackError: it can't be taken
        """
        driver = self.holder(address)
        if driver == DRIVER:
            return
        if driver is not None:
            self._write(self._driver(driver, "unbind"), address)
        try:
            if address not in self._slots():
                self._write(os.path.join(PCIBACK, "new_slot"), address)
            self._write(os.path.join(PCIBACK, "bind"), address)
            if self.holder(address) != DRIVER:
                raise PcibackError(
                    f"pciback did not take {address.bdf}; {self.holder(address) or 'no driver'} holds it now",
                    remedy="look at the kernel's messages with dmesg",
                )
        except PcibackError:
            with contextlib.suppress(PcibackError):
                self._forget(address)
                if driver is not None and self.holder(address) is None:
                    self._write(self._driver(driver, "bind"), address)
            raise

    def release(self, address: Address, driver: str | None, *, known: bool) -> None:
        """Take a function from pciback, and let a driver hold it.

        :param driver: the driver that had it before, ``None`` if none had
        :param known: whether that is known; else the kernel chooses
        :raises PcibackError: pciback keeps it, or the driver does not take it
        """
        if self.holder(address) == DRIVER:
            self._leave_quarantine(address)
        if self.holder(address) == DRIVER:
            self._write(os.path.join(PCIBACK, "unbind"), address)
        self._forget(address)
        if self.holder(address) is not None:
            return
        if not known:
            self._probe(address)
        elif driver is not None:
            self._bind(address, driver)

    def driver_before(self, address: Address) -> str | None:
        """The driver that ``xl pci-assignable-add`` has noted for a function, ``None`` if it has none."""
        place = f"/libxl/pci/{str(address).replace(':', '-').replace('.', '-')}/driver_path"
        status, out, _err = self._run([XENSTORE_READ, place])
        return os.path.basename(out.strip()) or None if status == 0 else None

    # --- steps

    def _leave_quarantine(self, address: Address) -> None:
        """Let Xen give a function back to dom0.

        After it was in a guest, Xen keeps it from reaching any memory, and only xl can tell it to stop that. Of one that
        was in none xl says that it failed to, and changes nothing.
        """
        if self._xl is not None:
            self._run([self._xl, "pci-assignable-remove", str(address)])

    def _forget(self, address: Address) -> None:
        """Let pciback forget a function that it does not hold; else it would take it at the next chance."""
        if address in self._slots():
            self._write(os.path.join(PCIBACK, "remove_slot"), address)

    def _bind(self, address: Address, driver: str) -> None:
        if not os.path.isdir(os.path.join(self._sys, PCI_DRIVERS, driver)):
            self._modprobe(driver)
        # Loading it may be all that it takes.
        if self.holder(address) is None and os.path.isdir(os.path.join(self._sys, PCI_DRIVERS, driver)):
            self._write(self._driver(driver, "bind"), address)
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
        alias = read_text(os.path.join(self._sys, self._device_name(address), "modalias"))
        if alias:
            self._modprobe(alias)
        if self.holder(address) is None:
            # The kernel complains if there is none.
            with contextlib.suppress(PcibackError):
                self._write("bus/pci/drivers_probe", address)

    def _modprobe(self, module: str) -> str:
        """Load a module; what was said if that failed."""
        for place in MODPROBE:
            status, out, err = self._run([place, "-q", module] if module != MODULE else [place, module])
            if status != 127:
                return "" if status == 0 else (err or out).strip()
        return f"there is none of {', '.join(MODPROBE)}"

    # --- sysfs

    def _is_loaded(self) -> bool:
        return os.path.isdir(os.path.join(self._sys, PCIBACK))

    def _slots(self) -> tuple[Address, ...]:
        """The functions that pciback takes when it can."""
        return tuple(map(parse_address, (read_text(os.path.join(self._sys, PCIBACK, "slots")) or "").split()))

    def _device_name(self, address: Address) -> str:
        return os.path.join(PCI_DEVICES, str(address))

    def _device(self, address: Address, name: str) -> str:
        return os.path.join(self._sys, self._device_name(address), name)

    def _driver(self, driver: str, name: str) -> str:
        return os.path.join(PCI_DRIVERS, driver, name)

    def _write(self, name: str, address: Address) -> None:
        path = os.path.join(self._sys, name)
        try:
            write(path, str(address))
        except OSError as error:
            raise PcibackError(
                f"{address} can't be written to {path}: {error.strerror}",
                remedy="look at the kernel's messages with dmesg",
            ) from error


def write(path: str, text: str) -> None:
    """Write to a file of sysfs, where one write is one command."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)
