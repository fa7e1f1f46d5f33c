# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A NetBSD dom0: each look at configuration space is a call of pcictl(8), and devices leave dom0 at boot."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin, fits, pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import MOST_BYTES, BootRequest, BootResult
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus, facts
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_loader import possible_loaders
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_plan import NetbsdBoot, NetbsdBootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.drivers import NetbsdDrivers
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.trial import NetbsdTrials
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import loader_root, predict
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.service import Service
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.xenstore import KernelGuest, kernel_guests
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import has_iommu
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import (
    AT_BOOT,
    KERNEL,
    NATIVE,
    Backend,
    native_backend,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import BootState
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID

BOOT_CFG = "/boot.cfg"
# Those of Xen's libraries whose names are the same for all releases of Xen that pcibackd knows, and where it looks for them.
XEN_LIBRARIES = ("libxencall.so.1", "libxenevtchn.so.1", "libxengnttab.so.1")
LIBRARY_DIRECTORIES = ("/usr/pkg/lib", "/usr/local/lib")
PRIVCMD = "/kern/xen/privcmd"
XENSTORE_LS = "/usr/pkg/bin/xenstore-ls"

_BACKEND = Backend(
    name=KERNEL,
    takes=AT_BOOT,
    hot_plug=False,
    bridge_loss="a NetBSD dom0 that hides it panics while it boots",
    follows=AT_BOOT,
    xl_gives=False,
)
_NATIVE = native_backend("dom0 would lose what is behind it, and a guest can't use it", follows=AT_BOOT)


class Netbsd(Platform):
    """See :class:`Platform`."""

    units = True
    backends: Mapping[str, Backend] = {KERNEL: _BACKEND, NATIVE: _NATIVE}

    def check_dom0(self) -> None:
        bus.check_dom0(self._run)

    def claims(self) -> tuple[Address, ...] | None:
        return bus.claims()

    def devices(self, *, configuration: bool = True) -> tuple[Device, ...]:
        return facts.with_macs(self._run, bus.devices(self._run, configuration=configuration))

    def devices_for(
        self, selectors: Sequence[Selector], claims: Sequence[Address], pins: Mapping[Address, Pin]
    ) -> tuple[Device, ...]:
        """A call for each configuration space adds up, so only those are read that count: what is held or pinned and
        what a selector asks for; but all if a pinned device is not surely where it was.
        """
        # Bridges alone, so that a selector can ask for a slot.
        devices = bus.with_configuration(self._run, facts.with_macs(self._run, bus.devices(self._run)), ())
        asked = {
            device.address
            for device in devices
            for selector in selectors
            if selector.asks_configuration_of(device, pins.get(device.address))
        }
        devices = bus.with_configuration(self._run, devices, asked.union(claims, pins))
        present = {device.address: device for device in devices}
        if all(address in present and fits(pin, pin_of(present[address])) for address, pin in pins.items()):
            return devices
        return bus.with_configuration(self._run, devices)

    def complete(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        return bus.with_configuration(self._run, devices)

    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        found = facts.read_facts(self._run, os.environ.get("SSH_CONNECTION"))
        return replace(found, iommu=has_iommu(self._run, xl))

    def read_boot(self, path: str | None, state_directory: str, pcibackctl: str | None) -> NetbsdBoot:
        path = path or BOOT_CFG
        data: bytes | PcibackError
        try:
            data = read_file(path, limit=MOST_BYTES)
        except PcibackError as error:
            error.code = BOOT_CONFIG_INVALID
            return NetbsdBoot(path, error)
        loaders = possible_loaders(path)
        prediction = None
        if pcibackctl is not None:
            prediction = predict(pcibackctl, path, files=loader_root(path), loaders=loaders, run=self._run)
        return NetbsdBoot(path, data, prediction, loaders=loaders)

    def boot_planner(self, boot: BootState) -> NetbsdBootPlanner:
        if not isinstance(boot, NetbsdBoot):
            raise TypeError("the state of another platform's boot")
        return NetbsdBootPlanner(boot)

    def edit_boot(self, request: BootRequest) -> BootResult:
        # Here, because most module calls edit nothing.
        from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import boot_editor

        return boot_editor.edit_boot(self._run, request.path or BOOT_CFG, request)

    def trials(self) -> NetbsdTrials:
        return NetbsdTrials(self._run)

    def service(self) -> Service:
        # Here, because most module calls start nothing.
        from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.service import RcService

        return RcService(self._run)

    def guests_service(self) -> Service:
        from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.service import RcGuests

        return RcGuests(self._run)

    def drivers(self) -> NetbsdDrivers:
        return NetbsdDrivers(self._run)

    def kernel_backend(self, state: StateDirectory, xl: str | None) -> RunTimeBackend:
        raise PcibackError(
            "NetBSD's kernel takes devices from dom0 at boot only",
            remedy="use xen.pciback.boot_hide and reboot, or backend: native, which needs no reboot",
        )

    def suitable_backend(self) -> tuple[str, str]:
        if not os.path.exists(PRIVCMD):
            return KERNEL, f"pcibackd needs {PRIVCMD}, and this host has none"
        for library in XEN_LIBRARIES:
            if not any(os.path.exists(os.path.join(directory, library)) for directory in LIBRARY_DIRECTORIES):
                return KERNEL, f"pcibackd needs Xen's {library}, and {' or '.join(LIBRARY_DIRECTORIES)} has none"
        return NATIVE, ""

    def kernel_guests(self) -> Mapping[int, KernelGuest]:
        return kernel_guests(self._run, XENSTORE_LS)
