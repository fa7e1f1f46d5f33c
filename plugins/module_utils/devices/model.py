# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""PCI functions of a host, and the paths to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import Bar, ConfigSpace

_BRIDGE_CLASS = 0x06
_PCI_BRIDGE = 0x0604
PCIBACKD = "pcibackd"
"""Stands for the driver of a device that pcibackd has taken; no driver of the kernel holds it."""

_BACKEND = re.compile(r"pciback(?:[0-9]*|d)\Z")
_UNIT = re.compile(r"[0-9]+\Z")


def is_backend(driver: str | None) -> bool:
    """Whether what holds a device is a pass-through backend."""
    return driver is not None and _BACKEND.match(driver) is not None


@dataclass(frozen=True)
class Device:
    """One PCI function as its dom0 shows it.

    ``class_code`` holds class, subclass and interface in 24 bits. ``driver`` is the instance that holds the
    function (``wm0``, ``pciback1``), ``None`` if nobody does; ``mac`` is the Ethernet address of that driver's
    interface. ``config`` is ``None`` where configuration space was not read, and so is what comes from it.
    ``system_irq`` is the interrupt line where the system says it elsewhere than in configuration space: 0 if the
    function has none now. ``slot`` is the path to the function (:func:`with_slots`). ``iommu_group``,
    ``reset_methods`` and ``numa_node`` are ``None`` where the system does not say.
    """

    address: Address
    vendor: int
    device: int
    class_code: int
    revision: int = 0
    name: str = ""
    driver: str | None = None
    config: ConfigSpace | None = None
    system_irq: int | None = None
    mac: str | None = None
    slot: str | None = None
    iommu_group: str | None = None
    reset_methods: tuple[str, ...] | None = None
    numa_node: int | None = None

    @property
    def id(self) -> str:
        """``vendor:device`` in hexadecimal."""
        return f"{self.vendor:04x}:{self.device:04x}"

    @property
    def subsystem(self) -> tuple[int, int] | None:
        """Vendor and device of the subsystem."""
        return None if self.config is None else self.config.subsystem

    @property
    def bars(self) -> tuple[Bar, ...] | None:
        """The base address registers that hold an address."""
        return None if self.config is None else tuple(self.config.bars())

    @property
    def irq(self) -> int | None:
        """The interrupt line as the operating system noted it."""
        if self.system_irq is not None:
            return self.system_irq or None
        return None if self.config is None else self.config.interrupt_line

    @property
    def subsystem_id(self) -> str | None:
        """``vendor:device`` of the subsystem in hexadecimal."""
        return None if self.subsystem is None else "{:04x}:{:04x}".format(*self.subsystem)

    @property
    def serial(self) -> str | None:
        """The device serial number of PCI Express, ``None`` if it has none or it could not be read."""
        return None if self.config is None else self.config.serial

    @property
    def is_bridge(self) -> bool:
        """Whether the function is a bridge of any kind (class 06)."""
        return self.class_code >> 16 == _BRIDGE_CLASS

    @property
    def is_pci_bridge(self) -> bool:
        """Whether other functions sit behind this one (class 0604); NetBSD panics when such a one is hidden."""
        return self.class_code >> 8 == _PCI_BRIDGE

    @property
    def held_by_backend(self) -> bool:
        """Whether a pass-through backend holds the function: pciback(4) or pcibackd."""
        return is_backend(self.driver)

    def describe(self) -> str:
        """One line for a person, with the address in both notations."""
        holder = f" [{self.driver}]" if self.driver else ""
        return f"{self.address.bdf} (pcictl {self.address.pcictl}) {self.id} {self.name}{holder}".replace("  ", " ")


def driver_of(instance: str) -> str:
    """The driver of an instance: ``wm`` of ``wm0``."""
    return _UNIT.sub("", instance)


def with_slots(devices: Iterable[Device]) -> tuple[Device, ...]:
    """The devices with their paths: root bus, then device and function of each bridge on the way and of the device.

    Such a path (``0000:00/1c.0/00.0``) stays when the firmware numbers buses anew. It is unknown where a bridge on the
    way could not be read.
    """
    devices = tuple(devices)
    bridges = {
        (device.address.domain, device.config.bridged_buses[0]): device.address
        for device in devices
        if device.config is not None and device.config.bridged_buses is not None
    }
    # Behind which bus such a bridge sits is not known, so only bus 0 is surely no bus behind it.
    unread = any(device.is_pci_bridge and device.config is None for device in devices)
    return tuple(replace(device, slot=_slot(device.address, bridges, unread)) for device in devices)


def _slot(address: Address, bridges: Mapping[tuple[int, int], Address], unread: bool) -> str | None:
    steps: list[str] = []
    here = address
    while True:
        steps.insert(0, f"{here.device:02x}.{here.function:x}")
        bridge = bridges.get((here.domain, here.bus))
        # A bridge leads to a higher bus; one that doesn't was set up by nobody.
        if bridge is None or bridge.bus >= here.bus:
            break
        here = bridge
    if unread and here.bus != 0:
        return None
    return "/".join([f"{here.domain:04x}:{here.bus:02x}", *steps])
