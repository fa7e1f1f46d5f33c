# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A Linux dom0: sysfs has everything, and devices change hands at run time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.iommu_groups import isolation_groups
from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import BootRequest, BootResult
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files, bus, facts
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_plan import LinuxBootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.drivers import LinuxDrivers
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.kernel_backend import KernelBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.pciback import Pciback
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.trial import LinuxTrials
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.service import Service
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import has_iommu
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import (
    AT_RUN_TIME,
    KERNEL,
    NATIVE,
    Backend,
    native_backend,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import BootState

_BRIDGE_LOSS = "dom0 would lose what is behind it, and a guest can't use it"
_BACKEND = Backend(name=KERNEL, takes=AT_RUN_TIME, hot_plug=True, bridge_loss=_BRIDGE_LOSS)


class Linux(Platform):
    """See :class:`Platform`."""

    units = False
    backends: Mapping[str, Backend] = {KERNEL: _BACKEND, NATIVE: native_backend(_BRIDGE_LOSS, follows=AT_RUN_TIME)}

    def check_dom0(self) -> None:
        bus.check_dom0(bus.SYS)

    def claims(self) -> tuple[Address, ...] | None:
        return bus.claims(bus.SYS)

    def devices(self, *, configuration: bool = True) -> tuple[Device, ...]:
        return bus.devices(bus.SYS)

    def devices_for(
        self, selectors: Sequence[Selector], claims: Sequence[Address], pins: Mapping[Address, Pin]
    ) -> tuple[Device, ...]:
        return bus.devices(bus.SYS)

    def complete(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        return tuple(devices)

    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        found = facts.read_facts(os.environ.get("SSH_CONNECTION"), sys=bus.SYS, proc=facts.PROC)
        # Under Xen the kernel sees no IOMMU and knows no groups.
        groups = found.iommu_groups or isolation_groups(devices)
        return replace(found, iommu=has_iommu(self._run, xl), iommu_groups=groups)

    def read_boot(self, path: str | None, state_directory: str, pcibackctl: str | None) -> LinuxBoot:
        return boot_files.read(path or boot_files.default_menu(boot_files.HOST), state_directory, boot_files.HOST)

    def boot_places(self, boot: BootState) -> Mapping[str, str]:
        names = [boot.path, *(boot.files if isinstance(boot, LinuxBoot) else ())]
        return {name: boot_files.HOST.path(name) for name in names}

    def boot_planner(self, boot: BootState) -> LinuxBootPlanner:
        if not isinstance(boot, LinuxBoot):
            raise TypeError("the state of another platform's boot")
        return LinuxBootPlanner(boot)

    def edit_boot(self, request: BootRequest) -> BootResult:
        # Here, because most module calls edit nothing.
        from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_editor

        return boot_editor.edit_boot(self._run, request.path or boot_files.default_menu(boot_files.HOST), request)

    def trials(self) -> LinuxTrials:
        host = boot_files.HOST
        return LinuxTrials(self._run, boot_files.environment_block(boot_files.default_menu(host)), host.root)

    def drivers(self) -> LinuxDrivers:
        return LinuxDrivers(self._run, bus.SYS)

    def kernel_backend(self, state: StateDirectory, xl: str | None) -> RunTimeBackend:
        return KernelBackend(Pciback(self._run, bus.SYS, xl), state.drivers())

    def is_backend_built_in(self) -> bool:
        return not bus.is_module(bus.SYS)

    def service(self) -> Service:
        # Here, because most module calls start nothing.
        from ansible_collections.xen.pciback.plugins.module_utils.host.linux import service

        return service.of_this_host(self._run)

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        return bus.obstacles(addresses, bus.SYS)

    def listed_backends(self) -> Mapping[int, tuple[Address, ...]]:
        return bus.backends(self._run)

    def forget_backend(self, domid: int) -> None:
        bus.forget_backend(self._run, domid)
