# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0's sysfs and procfs in a folder: the bus of a captured machine, and what a test says is on it.

The bus is q35-bridges of the lab, captured from a Linux dom0 under Xen 4.17: lab/buses/q35-bridges.lspci (lspci -xxxx),
data/q35-sysfs-pci.txt (files of /sys/bus/pci/devices) and data/q35-lspci-nnk.txt (drivers). The rest follows the kernel's
layout: devices below the function that they hang on, classes as links into /sys/devices.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

TESTS = Path(__file__).parent
DUMP = TESTS.parent / "lab/buses/q35-bridges.lspci"

_FUNCTION = re.compile(r"(?:0000:)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?: |$)")
_BYTES = re.compile(r"[0-9a-f]{2,3}: ((?:[0-9a-f]{2} ?)+)$")
ROOT_PORT = "0000:00:08.0"


def captured_config() -> dict[str, bytes]:
    """Configuration space by address."""
    found: dict[str, bytearray] = {}
    current = bytearray()
    for line in DUMP.read_text().splitlines():
        head, data = _FUNCTION.match(line), _BYTES.match(line)
        if head:
            current = found.setdefault(f"0000:{head.group(1)}", bytearray())
        elif data:
            current += bytes.fromhex(data.group(1))
    return {address: bytes(config) for address, config in found.items()}


def captured_files() -> dict[str, dict[str, str]]:
    """Files of /sys/bus/pci/devices by address."""
    found: dict[str, dict[str, str]] = {}
    for block in (TESTS / "data/q35-sysfs-pci.txt").read_text().split("== /sys/bus/pci/devices/")[1:]:
        address, *rest = re.split(r"^-- (\w+)\n", block, flags=re.MULTILINE)
        found[address.strip()] = dict(zip(rest[::2], rest[1::2]))
    return found


def captured_drivers() -> dict[str, str]:
    """Drivers in use by address."""
    found, current = {}, ""
    for line in (TESTS / "data/q35-lspci-nnk.txt").read_text().splitlines():
        head = _FUNCTION.match(line)
        if head:
            current = f"0000:{head.group(1)}"
        elif line.startswith("\tKernel driver in use: "):
            found[current] = line.rpartition(" ")[2]
    return found


class LinuxHost:
    """``sys`` and ``proc`` of a host that grows as a test describes it."""

    def __init__(self, folder: Path) -> None:
        self.sys = folder / "sys"
        self.proc = folder / "proc"
        config, drivers = captured_config(), captured_drivers()
        for address, files in captured_files().items():
            place = self.function(address)
            self._device(place)
            for name, text in files.items():
                (place / name).write_text(text)
            (place / "config").write_bytes(config[address])
            self._link(self.sys / "bus/pci/devices" / address, place)
            if address in drivers:
                driver = self.sys / "bus/pci/drivers" / drivers[address]
                driver.mkdir(parents=True, exist_ok=True)
                self._link(place / "driver", driver)
        for name, text in (
            ("self/mountinfo", ""),
            ("swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
            ("consoles", "hvc0                 -W- (EC p    )  229:0\n"),
            ("net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"),
            ("net/fib_trie", ""),
        ):
            self.write(name, text)
        self.interface("lo", "virtual", up=True)

    def function(self, address: str) -> Path:
        """Where a PCI function is below /sys/devices."""
        host = self.sys / "devices/pci0000:00"
        return host / address if address.startswith("0000:00:") else host / ROOT_PORT / address

    def _device(self, place: Path) -> Path:
        """A folder of /sys/devices; every device has a uevent, folders that sort them have none."""
        place.mkdir(parents=True, exist_ok=True)
        for folder in (place, *place.parents):
            if re.match(r"pci[0-9a-f]{4}:|[0-9a-f]{4}:", folder.name) or folder == place:
                (folder / "uevent").touch()
            if folder == self.sys / "devices":
                break
        return place

    def _link(self, link: Path, target: Path) -> None:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))

    def write(self, name: str, text: str) -> None:
        """A file of procfs."""
        path = self.proc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def node(self, place: str) -> Path:
        """A device between a function and what is on it, such as ``0000:00:02.0/virtio0``."""
        address, _slash, rest = place.partition("/")
        top = self.sys / "devices/virtual" if address == "virtual" else self.function(address)
        folder = top
        for name in filter(None, rest.split("/")):
            folder = folder / name
            if name not in ("block", "net", "nvme", "tty", "nvme-subsystem"):
                self._device(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def disk(
        self, name: str, place: str, number: str = "", slaves: tuple[str, ...] = (), partition: bool = False
    ) -> Path:
        """A block device below a node; ``number`` is its MAJOR:MINOR."""
        folder = self._device(self.node(place) / name)
        self._link(self.sys / "class/block" / name, folder)
        if number:
            self._link(self.sys / "dev/block" / number, folder)
        if partition:
            (folder / "partition").write_text("1\n")
        for slave in slaves:
            target = (self.sys / "class/block" / slave).resolve()
            self._link(folder / "slaves" / slave, target)
            self._link(target / "holders" / name, folder)
        return folder

    def interface(self, name: str, place: str, *, up: bool = False, lower: tuple[str, ...] = (), **files: str) -> Path:
        """A network interface below a node; ``lower`` are those that carry it."""
        folder = self._device(self.node(f"{place}/net") / name)
        self._link(self.sys / "class/net" / name, folder)
        for file, text in {"flags": "0x1003\n" if up else "0x1002\n", "type": "1\n", **files}.items():
            (folder / file).write_text(text)
        for each in lower:
            self._link(folder / f"lower_{each}", (self.sys / "class/net" / each).resolve())
        return folder

    def link(self, name: str, place: str) -> None:
        """A link of sysfs, such as ``class/tty/ttyS4``, to a node below /sys/devices."""
        self._link(self.sys / name, self._device(self.node(place)))

    def mounts(self, *lines: tuple[str, str, str, str]) -> None:
        """Mounted file systems: MAJOR:MINOR, mount point, kind, source."""
        self.write(
            "self/mountinfo",
            "".join(
                f"{index} 1 {number} / {point} rw,relatime shared:{index} - {kind} {source} rw\n"
                for index, (number, point, kind, source) in enumerate(lines, 22)
            ),
        )

    def groups(self, **members: tuple[str, ...]) -> None:
        """IOMMU groups by number (``_7``), with their functions."""
        for number, addresses in members.items():
            group = self.sys / "kernel/iommu_groups" / number.lstrip("_")
            group.mkdir(parents=True)
            for address in addresses:
                self._link(self.function(address) / "iommu_group", group)


def usual_host(folder: Path) -> LinuxHost:
    """The captured machine in use: its root is on the virtio disk, it is managed through the virtio card."""
    host = LinuxHost(folder)
    host.disk("vda", "0000:00:02.0/virtio0/block", "254:0")
    host.disk("vda1", "0000:00:02.0/virtio0/block/vda", "254:1", partition=True)
    host.mounts(("254:1", "/", "ext4", "/dev/vda1"), ("0:5", "/dev", "devtmpfs", "udev"))
    host.interface("eth0", "0000:00:06.0")
    host.interface("eth1", "0000:00:05.0")
    host.interface("eth2", "0000:00:03.0/virtio1", up=True)
    host.interface("eth3", "0000:00:06.1")
    host.interface("eth4", "0000:00:07.0")
    host.write(
        "net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth2\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth2\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
    )
    host.write(
        "net/fib_trie",
        "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.2.15\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n",
    )
    return host
