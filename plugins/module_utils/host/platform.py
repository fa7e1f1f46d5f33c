# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What every system that can be a dom0 supplies. Which one this host runs is decided in ``platforms``."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import BootRequest, BootResult
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.native_backend import Drivers
from ansible_collections.xen.pciback.plugins.module_utils.host.service import Service
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import Trials
from ansible_collections.xen.pciback.plugins.module_utils.host.xenstore import KernelGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL, Backend
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import BootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import BootState


class Platform(abc.ABC):
    """One system, as engines see it.

    :cvar units: whether the names of drivers end with the numbers of their units
    :cvar backends: its pass-through backends, by the names by which the owner chooses them
    """

    units: bool
    backends: Mapping[str, Backend]

    def __init__(self, run: Run) -> None:
        self._run = run

    # --- the bus

    @abc.abstractmethod
    def check_dom0(self) -> None:
        """Make sure that this is a Xen dom0 that can be asked.

        :raises PcibackError: it is not
        """

    @abc.abstractmethod
    def claims(self) -> tuple[Address, ...] | None:
        """The functions that the backend can offer to guests, in bus order; ``None`` if there is no backend."""

    @abc.abstractmethod
    def devices(self, *, configuration: bool = True) -> tuple[Device, ...]:
        """Every PCI function, in bus order, with Ethernet addresses.

        :param configuration: also what only configuration space tells
        """

    @abc.abstractmethod
    def devices_for(
        self, selectors: Sequence[Selector], claims: Sequence[Address], pins: Mapping[Address, Pin]
    ) -> tuple[Device, ...]:
        """Every PCI function, with as much of configuration space as a plan has to know."""

    @abc.abstractmethod
    def complete(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        """The same with the whole of configuration space, for the guards."""

    @abc.abstractmethod
    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        """What the host uses of its devices.

        :param devices: all of them, as :meth:`complete` gives them
        """

    # --- the next boot

    @abc.abstractmethod
    def read_boot(self, path: str | None, state_directory: str, pcibackctl: str | None) -> BootState:
        """What the next boot does. A configuration that can't be read is kept as the error that says so.

        :param path: the boot configuration, ``None`` for the one at its usual place
        :param pcibackctl: the program that can predict, ``None`` if there is none that can be trusted
        """

    def boot_places(self, boot: BootState) -> Mapping[str, str]:
        """Where the files are that hide devices from the next boot, by their names for a person."""
        return {boot.path: boot.path}

    @abc.abstractmethod
    def boot_planner(self, boot: BootState) -> BootPlanner:
        """What plans the next boot.

        :param boot: as :meth:`read_boot` gives it
        """

    @abc.abstractmethod
    def edit_boot(self, request: BootRequest) -> BootResult:
        """Change the boot configuration.

        :raises PcibackError: it is refused; nothing was changed then
        """

    def trials(self) -> Trials | None:
        """Its boots that undo themselves; ``None`` where none are made."""
        return None

    # --- changing hands while dom0 runs

    @abc.abstractmethod
    def drivers(self) -> Drivers:
        """The drivers of dom0, which let go of devices and get them back."""

    @abc.abstractmethod
    def kernel_backend(self, state: StateDirectory, xl: str | None) -> RunTimeBackend:
        """The kernel's backend, if it takes devices while dom0 runs.

        :param xl: the path of xl, ``None`` if there is no toolstack
        :raises PcibackError: it needs a reboot, or what is recorded of devices that were taken can't be read or understood
        """

    def is_backend_built_in(self) -> bool:
        """Whether the kernel's backend, which is up, is part of the kernel and so can't be unloaded."""
        return False

    def suitable_backend(self) -> tuple[str, str]:
        """The name of the backend that suits this host best, and why not the other one, for a sentence."""
        return KERNEL, ""

    @abc.abstractmethod
    def service(self) -> Service:
        """The service that starts pcibackd with this host.

        :raises PcibackError: no init system is known that runs here
        """

    # --- guests

    def guests_service(self) -> Service | None:
        """The service that starts guests of the kernel's backend with this host; ``None`` where xl does all that takes."""
        return None

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        """Why xl would fail to give devices to a guest, one sentence for each that it can't have.

        Where nobody else can say, xl itself has to.
        """
        return ()

    def kernel_guests(self) -> Mapping[int, KernelGuest]:
        """The guests that the kernel's backend serves, by their domains, where xl does not know their devices."""
        return {}

    def listed_backends(self) -> Mapping[int, tuple[Address, ...]]:
        """The devices that xenstore lists for each domain, where a domain that is gone can leave some behind."""
        return {}

    def forget_backend(self, domid: int) -> None:
        """Remove what xenstore has of the devices of a domain that is gone, where it can stay behind."""
        return
