# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""PCI functions of a Linux dom0, from sysfs (Documentation/ABI/testing/sysfs-bus-pci of the kernel)."""

from __future__ import annotations

import os

from ansible_collections.xen.pciback.plugins.module_utils.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.device import Device
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

SYS = "/sys"
PCI_DEVICES = "bus/pci/devices"


def devices(sys: str = SYS) -> tuple[Device, ...]:
    """Every PCI function, in bus order. Names are left empty: the kernel has none.

    Functions of made-up domains above ffff, such as those behind a VMD controller, are left out: Xen does not see them.

    :param sys: where sysfs is mounted
    :raises PcibackError: sysfs can't be read
    """
    place = os.path.join(sys, PCI_DEVICES)
    try:
        names = os.listdir(place)
    except OSError as error:
        raise PcibackError(f"{place} can't be read: {error.strerror}", remedy="mount sysfs") from error
    found = [_device(os.path.join(place, name), name) for name in names if len(name) == len("0000:00:00.0")]
    return tuple(sorted(found, key=lambda device: device.address))


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


def _device(path: str, name: str) -> Device:
    config = _config(path)
    irq = _number(path, "irq")
    # With MSI on, the file holds that interrupt's number, or the line's: it depends on the kernel.
    if config is not None and config.message_signalled:
        irq = 0
    return Device(
        address=parse_address(name),
        vendor=_number(path, "vendor"),
        device=_number(path, "device"),
        class_code=_number(path, "class"),
        revision=_number(path, "revision"),
        driver=link_name(os.path.join(path, "driver")),
        config=config,
        system_irq=irq,
    )


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
