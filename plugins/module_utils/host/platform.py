# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which system a dom0 runs, decided here and nowhere else, and what each one says of its devices."""

from __future__ import annotations

import abc
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.iommu_groups import isolation_groups
from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin, fits, pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus as linux
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import facts as linux_facts
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus as netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import facts as netbsd_facts
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import has_iommu

NETBSD = "netbsd"
LINUX = "linux"


class Platform(abc.ABC):
    """What both systems can be asked.

    :cvar name: ``netbsd`` or ``linux``
    :cvar units: whether the names of drivers end with the numbers of their units
    """

    name: str
    units: bool

    def __init__(self, run: Run) -> None:
        self._run = run

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

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        """Why xl would fail to give devices to a guest, one sentence for each that it can't have.

        On NetBSD xl itself has to say.
        """
        return ()

    def backends(self) -> Mapping[int, tuple[Address, ...]]:
        """The devices that xenstore lists for each domain, where a domain that is gone can leave some behind."""
        return {}

    @abc.abstractmethod
    def forget_backend(self, domid: int) -> None:
        """Remove what xenstore has of the devices of a domain that is gone, where it can stay behind."""

    @abc.abstractmethod
    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        """What the host uses of its devices.

        :param devices: all of them, as :meth:`complete` gives them
        """


class NetbsdDom0(Platform):
    """NetBSD: each look at configuration space is a call of pcictl(8)."""

    name = NETBSD
    units = True

    def check_dom0(self) -> None:
        netbsd.check_dom0(self._run)

    def claims(self) -> tuple[Address, ...] | None:
        return netbsd.claims()

    def forget_backend(self, domid: int) -> None:
        """On NetBSD nothing is known to stay."""

    def devices(self, *, configuration: bool = True) -> tuple[Device, ...]:
        return netbsd_facts.with_macs(self._run, netbsd.devices(self._run, configuration=configuration))

    def devices_for(
        self, selectors: Sequence[Selector], claims: Sequence[Address], pins: Mapping[Address, Pin]
    ) -> tuple[Device, ...]:
        """A call for each configuration space adds up, so only those are read that count: what is held or pinned and
        what a selector asks for; but all if a pinned device is not surely where it was.
        """
        # Bridges alone, so that a selector can ask for a slot.
        devices = netbsd.with_configuration(self._run, netbsd_facts.with_macs(self._run, netbsd.devices(self._run)), ())
        asked = {
            device.address
            for device in devices
            for selector in selectors
            if selector.asks_configuration_of(device, pins.get(device.address))
        }
        devices = netbsd.with_configuration(self._run, devices, asked.union(claims, pins))
        present = {device.address: device for device in devices}
        if all(address in present and fits(pin, pin_of(present[address])) for address, pin in pins.items()):
            return devices
        return netbsd.with_configuration(self._run, devices)

    def complete(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        return netbsd.with_configuration(self._run, devices)

    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        facts = netbsd_facts.read_facts(self._run, os.environ.get("SSH_CONNECTION"))
        return replace(facts, iommu=has_iommu(self._run, xl))


class LinuxDom0(Platform):
    """Linux: sysfs has everything."""

    name = LINUX
    units = False

    def check_dom0(self) -> None:
        linux.check_dom0(linux.SYS)

    def claims(self) -> tuple[Address, ...] | None:
        return linux.claims(linux.SYS)

    def devices(self, *, configuration: bool = True) -> tuple[Device, ...]:
        return linux.devices(linux.SYS)

    def devices_for(
        self, selectors: Sequence[Selector], claims: Sequence[Address], pins: Mapping[Address, Pin]
    ) -> tuple[Device, ...]:
        return linux.devices(linux.SYS)

    def complete(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        return tuple(devices)

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        return linux.obstacles(addresses, linux.SYS)

    def backends(self) -> Mapping[int, tuple[Address, ...]]:
        return linux.backends(self._run)

    def forget_backend(self, domid: int) -> None:
        linux.forget_backend(self._run, domid)

    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        facts = linux_facts.read_facts(os.environ.get("SSH_CONNECTION"), sys=linux.SYS, proc=linux_facts.PROC)
        # Under Xen the kernel sees no IOMMU and knows no groups.
        groups = facts.iommu_groups or isolation_groups(devices)
        return replace(facts, iommu=has_iommu(self._run, xl), iommu_groups=groups)


def system() -> str:
    """``netbsd`` or ``linux``, by what only one of them has."""
    if os.path.isdir(netbsd.KERNFS_XEN) or not os.path.isdir(os.path.join(linux.SYS, linux.PCI_DEVICES)):
        return NETBSD
    return LINUX


def here(run: Run) -> Platform:
    """The platform of this host."""
    return LinuxDom0(run) if system() == LINUX else NetbsdDom0(run)
