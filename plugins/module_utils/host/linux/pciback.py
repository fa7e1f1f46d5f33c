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
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.bus import (
    PCIBACK,
    claims,
    read_text,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.drivers import LinuxDrivers, driver_file

MODULE = "xen-pciback"
DRIVER = "pciback"
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
        self._drivers = LinuxDrivers(run, sys)

    def holder(self, address: Address) -> str | None:
        """The driver that holds a function, ``None`` if none does."""
        return self._drivers.holder(address)

    def load(self) -> None:
        """Load the module, unless it is there.

        :raises PcibackError: it can't be loaded
        """
        if self.is_loaded():
            return
        said = self._drivers.modprobe(MODULE)
        if not self.is_loaded():
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
            self._drivers.detach(address, driver)
        try:
            if address not in self._slots():
                self._drivers.write(os.path.join(PCIBACK, "new_slot"), address)
            self._drivers.write(os.path.join(PCIBACK, "bind"), address)
            if self.holder(address) != DRIVER:
                raise PcibackError(
                    f"pciback did not take {address.bdf}; {self.holder(address) or 'no driver'} holds it now",
                    remedy="look at the kernel's messages with dmesg",
                )
        except PcibackError:
            with contextlib.suppress(PcibackError):
                self._forget(address)
                if driver is not None and self.holder(address) is None:
                    self._drivers.write(driver_file(driver, "bind"), address)
            raise

    def release(self, address: Address) -> None:
        """Take a function from pciback.

        :raises PcibackError: pciback keeps it
        """
        if self.holder(address) == DRIVER:
            self._leave_quarantine(address)
        if self.holder(address) == DRIVER:
            self._drivers.write(os.path.join(PCIBACK, "unbind"), address)
        self._forget(address)

    def give_back(self, address: Address, driver: str | None, *, known: bool) -> None:
        """Take a function from pciback, and let a driver hold it.

        :param driver: the driver that had it before, ``None`` if none had
        :param known: whether that is known; else the kernel chooses
        :raises PcibackError: pciback keeps it, or the driver does not take it
        """
        self.release(address)
        self._drivers.attach(address, driver, known=known)

    def unload(self) -> None:
        """Unload the module.

        :raises PcibackError: it stays, or holds functions, which it would take from their guests
        """
        if not self.is_loaded():
            return
        held = claims(self._sys)
        if held:
            raise PcibackError(
                f"{MODULE} is not unloaded, because it holds {listed(held)} still", remedy="run the play again"
            )
        said = self._drivers.modprobe(MODULE, "-r")
        if self.is_loaded():
            raise PcibackError(
                f"{MODULE} can't be unloaded, and pcibackd can't serve beside it: {said or 'modprobe said nothing'}",
                remedy=f"find with 'lsmod' what uses it, and unload it with 'modprobe -r {MODULE}'",
            )

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
            self._drivers.write(os.path.join(PCIBACK, "remove_slot"), address)

    # --- sysfs

    def is_loaded(self) -> bool:
        """Whether the module is there, or a part of the kernel."""
        return os.path.isdir(os.path.join(self._sys, PCIBACK))

    def _slots(self) -> tuple[Address, ...]:
        """The functions that pciback takes when it can."""
        return tuple(map(parse_address, (read_text(os.path.join(self._sys, PCIBACK, "slots")) or "").split()))
