# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a host says of its own use of devices: the values that guards judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address

# mount(8) shows the root like this until it is remounted by name.
ROOT_DEVICE = "root_device"

DISKS = "disks"
NETWORK = "network"


ROUTED_LINES = 16
"""Lines of the interrupt router, of which the firmware writes one into a register: the I/O APIC's first pins on old boards."""


@dataclass(frozen=True)
class Mount:
    """One line of mount(8): device, mount point, kind of file system."""

    device: str
    point: str
    kind: str


@dataclass(frozen=True)
class Interface:
    """A network interface: its addresses, and what it is made of.

    ``parts`` are the interfaces that carry it (the parent of a vlan(4), the ports of an agr(4) or lagg(4));
    ``tunnel`` is the local address of a tunnel.
    """

    name: str
    up: bool = False
    addresses: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    tunnel: str | None = None


@dataclass(frozen=True)
class Unseen:
    """What could not be seen: of the use of :data:`DISKS` or of the :data:`NETWORK`, and why."""

    use: str
    why: str


@dataclass(frozen=True)
class Facts:
    """What a host says of its own use of devices.

    ``parents`` is the kernel's tree (child to parent, the empty string above the top). NetBSD calls a PCI function in it
    by its driver's unit, Linux by its address. ``locations`` says where these are, for listings that name no drivers.
    ``layers`` holds what disks are made of: raid(4), cgd(4), ccd(4) and dk(4); on Linux LVM and whatever else has slaves.
    ``holders`` are disks that others lie on, whether mounted or not. ``consoles`` are devices with the reason why they
    are dom0's console, displays with a wsdisplay(4) aside. ``interrupts`` are the lines that a driver is interrupted at,
    in the kernel's words. ``unbinds_lines`` is whether the kernel, when it hides a device at boot, unbinds the device's
    interrupt line from whatever else listens there. ``routes_on_demand`` is whether the kernel finds out a function's
    interrupt only when a driver asks for it, so that without one only the firmware's number is known. ``iommu`` is
    whether Xen has one in use, ``None`` if nobody could say. ``iommu_groups`` are the functions that an IOMMU can't tell from one
    another. ``unseen`` is what could not be seen of the use of disks and network, ``unchecked`` says what else could not be read.
    """

    parents: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    swap: tuple[str, ...] = ()
    root_device: str | None = None
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    bridges: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_routes: tuple[str, ...] = ()
    server_address: str | None = None
    consoles: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, Address] = field(default_factory=dict)
    interrupts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unbinds_lines: bool = False
    routes_on_demand: bool = False
    iommu: bool | None = None
    iommu_groups: Mapping[Address, str] = field(default_factory=dict)
    unseen: tuple[Unseen, ...] = ()
    unchecked: tuple[str, ...] = ()
