# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a NetBSD dom0 says of itself: pcictl(8), drvctl(8), sysctl(8), kernfs.

Tools are called by absolute path, because root's PATH over ssh holds no sbin directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device, with_slots
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError, printable
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import (
    Address,
    parse_address,
    parse_pcictl_address,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run

PCICTL = "/usr/sbin/pcictl"
SYSCTL = "/sbin/sysctl"
KERNFS_XEN = "/kern/xen"
KERNFS_PCI = "/kern/xen/pci"
DMESG_BOOT = "/var/run/dmesg.boot"

_LINE = re.compile(r"([0-9]+:[0-9]+:[0-9]+): (.*)\Z")
_DRIVER = re.compile(r" \[([^\]]+)\]\Z")
_CLASS_WORDS = re.compile(r" \([^()]*\)\Z")
_NUMBERS = re.compile(r"0x([0-9a-f]{8}) \(0x([0-9a-f]{8})\)")
_DUMP = re.compile(r"\s+0x([0-9a-f]{2,3}):((?: 0x[0-9a-f]{8}){4})\s*\Z")
_PCI_UNIT = re.compile(r"pci([0-9]+) at .*\bbus ([0-9]+)")


def check_dom0(run: Run) -> None:
    """Make sure that this is a Xen dom0 whose kernel shows its state.

    :raises PcibackError: another kernel runs, or kernfs is not mounted
    """
    if os.path.isdir(KERNFS_XEN):
        return
    status, out, _err = run([SYSCTL, "-n", "kern.configname"])
    if status == 0 and out.strip().startswith("XEN3_DOM0"):
        raise PcibackError(
            "kernfs is not mounted, so the kernel can't say which devices pciback holds",
            remedy="mount it with '/sbin/mount -t kernfs kernfs /kern' and add it to /etc/fstab",
        )
    kernel = out.strip() or "an unknown kernel"
    raise PcibackError(
        f"this host runs {kernel}, not a NetBSD dom0 under Xen",
        remedy="boot the menu entry that starts Xen with an XEN3_DOM0 kernel",
    )


def claims() -> tuple[Address, ...] | None:
    """The functions that pciback(4) offers to guests, in bus order; ``None`` if there is no backend.

    /kern/xen/pci is the only witness: it exists only if the hide list was read without a list error.
    """
    try:
        names = os.listdir(KERNFS_PCI)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PcibackError(f"it can't be read: {error.strerror}", file=KERNFS_PCI) from error
    return tuple(sorted(map(_claimed, names)))


def _claimed(name: str) -> Address:
    try:
        return parse_address(name)
    except PcibackError as error:
        raise PcibackError(
            "its name is no PCI address, so it is none of the functions that pciback shows there",
            file=os.path.join(KERNFS_PCI, name),
            remedy=f"see what is mounted on {os.path.dirname(KERNFS_XEN)}; it has to be kernfs",
        ) from error


def devices(run: Run, *, configuration: bool = False) -> tuple[Device, ...]:
    """Every PCI function, in bus order.

    :param configuration: also :func:`with_configuration` of all
    """
    numbers = _list(run, "pci0", "-n")
    if not numbers:
        raise PcibackError(
            f"'{PCICTL} pci0 list -n' prints no device, and every machine has one",
            remedy="see what it prints on the host; its kernel needs pci(4), and /dev/pci0 has to be there",
        )
    units = bus_units(kernel_messages())
    held = set(claims() or ())
    found = []
    for bus in sorted({address.bus for address, _text in numbers}):
        texts = dict(_list_bus(run, bus, units.get(bus, bus)))
        for address, ids in numbers:
            if address.bus != bus:
                continue
            device = _device(address, ids, texts.get(address, ""))
            if device.driver is None and address in held:
                device = _replace(device, driver="pciback")
            found.append(device)
    found.sort(key=lambda device: device.address)
    return with_configuration(run, found) if configuration else tuple(found)


def with_configuration(
    run: Run, devices: Sequence[Device], addresses: Container[Address] | None = None
) -> tuple[Device, ...]:
    """The devices, those at the given addresses with their configuration space, and all with their slots.

    One call for each of them that was not read before, and for each bridge.

    :param addresses: ``None`` for every one
    """
    units = bus_units(kernel_messages())

    def read(device: Device) -> Device:
        wanted = addresses is None or device.address in addresses or device.is_pci_bridge
        if device.config is not None or not wanted:
            return device
        bus = device.address.bus
        return _replace(device, config=_dump(run, device.address, units.get(bus, bus)))

    return with_slots(read(device) for device in devices)


def _device(address: Address, ids: str, text: str) -> Device:
    match = _NUMBERS.match(ids)
    if match is None:
        raise PcibackError(f"{PCICTL} printed '{ids}' for {address.pcictl}, which is no pair of id and class registers")
    id_register, class_register = (int(group, 16) for group in match.groups())
    driver = _DRIVER.search(text)
    name = _CLASS_WORDS.sub("", _DRIVER.sub("", text))
    return Device(
        address=address,
        vendor=id_register & 0xFFFF,
        device=id_register >> 16,
        class_code=class_register >> 8,
        revision=class_register & 0xFF,
        name=printable(name),
        driver=driver.group(1) if driver else None,
    )


def _replace(device: Device, **changes: object) -> Device:
    return Device(**{**device.__dict__, **changes})


def _list_bus(run: Run, bus: int, unit: int) -> Sequence[tuple[Address, str]]:
    # -N looks names up on the bus of the opened node, whatever -b says: each bus has to be asked through its own.
    try:
        return _list(run, f"pci{unit}", "-b", str(bus), "-N")
    except PcibackError:
        return _list(run, "pci0", "-b", str(bus))


def _list(run: Run, node: str, *options: str) -> list[tuple[Address, str]]:
    lines = []
    for line in _run(run, [PCICTL, node, "list", *options]).splitlines():
        match = _LINE.match(line.rstrip())
        if match:
            lines.append((parse_pcictl_address(match.group(1)), match.group(2)))
    return lines


def _dump(run: Run, address: Address, unit: int) -> ConfigSpace | None:
    """The registers of one function, ``None`` if pcictl(8) can't read them."""
    where = ["-b", str(address.bus), "-d", str(address.device), "-f", str(address.function)]
    # Any node reads every bus, but where there are several PCI domains only one of them is right.
    for node in dict.fromkeys((f"pci{unit}", "pci0")):
        status, out, _err = run([PCICTL, node, "dump", *where])
        registers = {}
        for line in out.splitlines() if status == 0 else ():
            match = _DUMP.match(line)
            if match:
                for index, word in enumerate(match.group(2).split()):
                    registers[int(match.group(1), 16) + 4 * index] = int(word, 16)
        if registers:
            return ConfigSpace(registers)
    return None


def kernel_messages() -> str:
    """The kernel's messages as rc(8) kept them, the last boot's at the end; empty if nobody kept any."""
    try:
        with open(DMESG_BOOT, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def bus_units(messages: str) -> Mapping[int, int]:
    """Which /dev/pciN belongs to which bus, by bus: units are numbered without gaps, buses are not."""
    return {int(bus): int(unit) for unit, bus in _PCI_UNIT.findall(messages)}


def _run(run: Run, argv: list[str]) -> str:
    status, out, err = run(argv)
    if status != 0:
        said = (err or out).strip().splitlines()
        raise PcibackError(f"'{' '.join(argv)}' failed with status {status}: {said[0] if said else 'it said nothing'}")
    return out
