# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a Linux dom0 says of itself: sysfs (Documentation/ABI/testing/sysfs-bus-pci of the kernel) and procfs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device, with_slots
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import pci_ids
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.xenstore import BACKENDS, kernel_guests

SYS = "/sys"
PCI_DEVICES = "bus/pci/devices"
PCI_DRIVERS = "bus/pci/drivers"
PCIBACK = f"{PCI_DRIVERS}/pciback"
CONTROL_DOMAIN = "control_d"
XENSTORE_LS = "/usr/bin/xenstore-ls"
XENSTORE_RM = "/usr/bin/xenstore-rm"
PCI_IDS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")

_FUNCTION = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")


def check_dom0(sys: str = SYS) -> None:
    """Make sure that this is a Xen dom0.

    :raises PcibackError: the kernel does not run under Xen, or it runs in a guest
    """
    hypervisor = read_text(os.path.join(sys, "hypervisor/type"))
    if hypervisor != "xen":
        below = f"under {hypervisor}" if hypervisor else "without Xen"
        raise PcibackError(
            f"this host runs Linux {below}, it is no Xen dom0",
            remedy="install Xen (on Debian the package xen-system-amd64), and boot the menu entry that starts it",
        )
    # xenfs has a file of capabilities as well, but where it is mounted is its owner's affair.
    features = read_text(os.path.join(sys, "hypervisor/properties/features"))
    uuid = read_text(os.path.join(sys, "hypervisor/uuid"))
    if uuid is not None and uuid.strip("0-") and not _is_initial_domain(features):
        raise PcibackError(
            "this host runs Linux in a guest of Xen, it is no dom0",
            remedy="name the dom0 in the inventory, not one of its guests",
        )


def claims(sys: str = SYS) -> tuple[Address, ...] | None:
    """The functions that the driver pciback holds, in bus order; ``None`` if it is not loaded."""
    try:
        names = os.listdir(os.path.join(sys, PCIBACK))
    except OSError:
        return None
    return tuple(sorted(parse_address(name) for name in names if _FUNCTION.match(name)))


def is_module(sys: str = SYS) -> bool:
    """Whether xen-pciback, which is there, was loaded as a module: a part of the kernel has no such state."""
    return os.path.isfile(os.path.join(sys, "module/xen_pciback/initstate"))


def obstacles(addresses: Sequence[Address], sys: str = SYS) -> tuple[str, ...]:
    """Why pciback can't give functions to a guest, one sentence for each that it can't."""
    held = claims(sys) or ()
    found = []
    for address in addresses:
        place = os.path.join(sys, PCI_DEVICES, str(address))
        name = str(address) if address.domain else address.bdf
        if not os.path.isdir(place):
            found.append(f"{name} does not exist")
        elif address not in held:
            driver = link_name(os.path.join(place, "driver"))
            found.append(f"{name} is not with pciback but with {driver or 'no driver'}")
    return tuple(found)


def backends(run: Run) -> Mapping[int, tuple[Address, ...]]:
    """The devices that xenstore lists for each domain that the backend serves, or has served."""
    return {domid: guest.devices for domid, guest in kernel_guests(run, XENSTORE_LS).items() if guest.devices}


def forget_backend(run: Run, domid: int) -> None:
    """Remove what xenstore has of the devices of a domain that is gone.

    libxl removes it only while the frontend is connected, and a Linux guest that shuts down has closed its own by then
    (seen with Xen 4.17).
    """
    # Its status tells nothing: there may be nothing to remove.
    run([XENSTORE_RM, f"{BACKENDS}/{domid}"])


def devices(sys: str = SYS, ids: Sequence[str] = PCI_IDS) -> tuple[Device, ...]:
    """Every PCI function, in bus order.

    Functions of made-up domains above ffff, such as those behind a VMD controller, are left out: Xen does not see them.

    :param sys: where sysfs is mounted
    :param ids: where the list of names may be; without one, names are empty
    :raises PcibackError: sysfs can't be read
    """
    place = os.path.join(sys, PCI_DEVICES)
    try:
        names = os.listdir(place)
    except OSError as error:
        raise PcibackError(f"{place} can't be read: {error.strerror}", remedy="mount sysfs") from error
    macs = _macs(sys)
    found = [_device(os.path.join(place, name), name, macs) for name in names if _FUNCTION.match(name)]
    named = pci_ids.names_of(_first(ids), {(each.vendor, each.device) for each in found})
    found = [replace(each, name=named.get((each.vendor, each.device), "")) for each in found]
    return with_slots(sorted(found, key=lambda device: device.address))


def read_text(path: str) -> str | None:
    """A file of sysfs or procfs without the last newline, ``None`` if it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return None


def link_name(path: str) -> str | None:
    """The last part of what a link of sysfs points to, ``None`` if there is no such link."""
    try:
        return os.path.basename(os.readlink(path))
    except OSError:
        return None


def is_function(name: str) -> bool:
    """Whether a name of sysfs is that of a PCI function that Xen sees."""
    return _FUNCTION.match(name) is not None


def _is_initial_domain(features: str | None) -> bool:
    """Whether the features that Xen gives to this domain have XENFEAT_dom0 (bit 11 of xen/interface/features.h)."""
    try:
        return bool(int(features or "0", 16) >> 11 & 1)
    except ValueError:
        return False


def _first(paths: Sequence[str]) -> str:
    """The first file of several that can be read."""
    return next((text for text in map(read_text, paths) if text is not None), "")


def _macs(sys: str) -> Mapping[str, str]:
    """Ethernet addresses of interfaces, by the name of the PCI function that they are on; the first of several."""
    found: dict[str, str] = {}
    place = os.path.join(sys, "class/net")
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else ():
        folders = os.path.realpath(os.path.join(place, name)).split(os.sep)
        function = next((folder for folder in reversed(folders) if _FUNCTION.match(folder)), None)
        mac = read_text(os.path.join(place, name, "address"))
        if function and mac and mac.strip("0:"):
            found.setdefault(function, mac.lower())
    return found


def _device(path: str, name: str, macs: Mapping[str, str]) -> Device:
    config = _config(path)
    irq = _number(path, "irq")
    # With MSI on, the file holds that interrupt's number, or the line's: it depends on the kernel.
    if config is not None and config.message_signalled:
        irq = 0
    resets = read_text(os.path.join(path, "reset_method"))
    return Device(
        address=parse_address(name),
        vendor=_number(path, "vendor"),
        device=_number(path, "device"),
        class_code=_number(path, "class"),
        revision=_number(path, "revision"),
        driver=link_name(os.path.join(path, "driver")),
        config=config,
        system_irq=irq,
        mac=macs.get(name),
        iommu_group=link_name(os.path.join(path, "iommu_group")),
        # Kernels before 5.15 don't tell; an empty file says that there is no way.
        reset_methods=None if resets is None else tuple(resets.split()),
        numa_node=_node(path),
    )


def _node(path: str) -> int | None:
    """The NUMA node, ``None`` where the machine has only one (-1)."""
    text = read_text(os.path.join(path, "numa_node"))
    return int(text) if text is not None and text.isdigit() else None


def _number(path: str, name: str) -> int:
    text = read_text(os.path.join(path, name))
    try:
        return int(text or "0", 0)
    except ValueError as error:
        raise PcibackError(f"{path}/{name} holds {text!r}, which is no number") from error


def _config(path: str) -> ConfigSpace | None:
    """What may be read of configuration space: 64 bytes, and all of it as root."""
    try:
        with open(os.path.join(path, "config"), "rb") as file:
            data = file.read()
    except OSError:
        return None
    return ConfigSpace(
        {offset: int.from_bytes(data[offset : offset + 4], "little") for offset in range(0, len(data) - 3, 4)}
    )
