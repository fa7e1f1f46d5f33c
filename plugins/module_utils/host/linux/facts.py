# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a Linux dom0 uses of its devices, from sysfs and procfs alone; no tool is asked.

The kernel's tree of devices is the path of a block device or an interface below /sys/devices. In it a PCI function has
its address for a name. A file that is missing never ends a run: the facts say in ``unseen`` and ``unchecked`` what is not
known without.
"""

from __future__ import annotations

import os
import re

from ansible_collections.xen.pciback.plugins.module_utils.formats import procfs
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import (
    DISKS,
    NETWORK,
    Facts,
    Interface,
    Mount,
    Unseen,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.bus import PCI_DEVICES, SYS, link_name, read_text

PROC = "/proc"

_FUNCTION = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]\Z")
_CONTROLLER = re.compile(r"nvme[0-9]+\Z")
# Disks made of memory.
_IN_MEMORY = re.compile(r"(?:ram|zram)[0-9]+\Z")
_LOOP = re.compile(r"(loop[0-9]+)(?:p[0-9]+)?\Z")
_IFF_UP = 0x1

# File systems made of kernel state or memory; those that lie on another mounted one.
_WITHOUT_DISK = frozenset(
    {"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
     "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rootfs", "rpc_pipefs", "securityfs",
     "selinuxfs", "sysfs", "tmpfs", "tracefs", "xenfs", "aufs", "ecryptfs", "overlay"}
)  # fmt: skip


def read_facts(connection: str | None = None, *, sys: str = SYS, proc: str = PROC) -> Facts:
    """Read what the host uses.

    :param connection: ``SSH_CONNECTION`` of this run's environment: client, port, server, port
    :param sys: where sysfs is mounted
    :param proc: where procfs is mounted
    """
    return _Reader(sys, proc).facts(connection)


class _Reader:
    """One reading of a host. ``parents`` grows with everything that is looked at."""

    def __init__(self, sys: str, proc: str) -> None:
        self.sys = os.path.realpath(sys)
        self.proc = proc
        self.parents: dict[str, str] = {}
        self.layers: dict[str, tuple[str, ...]] = {}
        self.unchecked: list[str] = []
        self.unseen: list[Unseen] = []

    def facts(self, connection: str | None) -> Facts:
        functions = [name for name in self._names(PCI_DEVICES) if _FUNCTION.match(name)]
        for name in functions:
            self._place(f"{PCI_DEVICES}/{name}")
        mounts = self._mounts()
        swap = self._swap()
        holders = self._blocks()
        routes = procfs.parse_routes(self._proc("net/route", "IPv4 routes were not looked at", NETWORK))
        interfaces, bridges = self._interfaces(routes)
        words = (connection or "").split()
        return Facts(
            parents=self.parents,
            mounts=mounts,
            swap=swap,
            layers=self.layers,
            holders=holders,
            interfaces=interfaces,
            bridges=bridges,
            # Without the file there is no IPv6.
            default_routes=procfs.default_interfaces(routes, read_text(f"{self.proc}/net/ipv6_route") or ""),
            server_address=words[2] if len(words) == 4 else None,
            consoles=self._consoles(functions),
            locations={name: parse_address(name) for name in functions},
            iommu_groups=self._iommu_groups(functions),
            unseen=tuple(self.unseen),
            unchecked=tuple(self.unchecked),
        )

    # --- files

    def _path(self, name: str) -> str:
        return os.path.join(self.sys, name)

    def _names(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(self._path(folder)))
        except OSError:
            return []

    def _proc(self, name: str, otherwise: str, use: str | None = None) -> str:
        """A file of procfs; nothing if it can't be read, or is empty, which those that tell of a use never are."""
        text = read_text(f"{self.proc}/{name}")
        why = "can't be read" if text is None else "is empty"
        if use is not None and not text:
            self.unseen.append(Unseen(use, f"{self.proc}/{name} {why}: {otherwise}"))
        elif text is None:
            self.unchecked.append(f"{self.proc}/{name} {why}: {otherwise}")
        return text or ""

    # --- the kernel's tree

    def _place(self, entry: str) -> str | None:
        """Enter what an entry of sysfs points to into the tree; its name there."""
        real = os.path.realpath(self._path(entry))
        folders = os.path.relpath(real, self._path("devices")).split(os.sep)
        if not os.path.isdir(real) or folders[0] == os.pardir:
            return None
        parent = ""
        for depth, name in enumerate(folders):
            # Folders that only sort devices by class have no uevent.
            if not os.path.exists(os.path.join(self.sys, "devices", *folders[: depth + 1], "uevent")):
                continue
            known = self.parents.setdefault(name, parent)
            if known != parent:
                self.unchecked.append(
                    f"two devices are called {name}, one on {known or 'nothing'} and one on {parent or 'nothing'}: "
                    "only the first was looked at"
                )
            parent = name
        return parent or None

    # --- disks

    def _blocks(self) -> dict[str, tuple[str, ...]]:
        """Enter every block device and what it is made of; returns what lies on each."""
        holders = {}
        for name in self._names("class/block"):
            self._place(f"class/block/{name}")
            parts = tuple(self._names(f"class/block/{name}/slaves"))
            parts = parts or self._part_of(name) or self._backing(name)
            if parts:
                self.layers[name] = parts
            above = self._names(f"class/block/{name}/holders")
            if above:
                holders[name] = tuple(above)
        return holders

    def _part_of(self, name: str) -> tuple[str, ...]:
        """What carries a disk that sysfs keeps below no controller: the whole of a partition, NVMe's controllers."""
        real = os.path.realpath(self._path(f"class/block/{name}"))
        above = os.path.dirname(real)
        if not real.startswith(self._path("devices/virtual") + os.sep):
            return ()
        if os.path.exists(os.path.join(real, "partition")):
            return (os.path.basename(above),)
        if os.path.basename(above).startswith("nvme-subsys"):
            controllers = [each for each in sorted(os.listdir(above)) if _CONTROLLER.match(each)]
            for each in controllers:
                self._place(os.path.relpath(os.path.join(above, each), self.sys))
            return tuple(controllers)
        return ()

    def _backing(self, name: str) -> tuple[str, ...]:
        """The device behind a loop device; a file lies on a file system that is mounted itself."""
        path = read_text(self._path(f"class/block/{name}/loop/backing_file"))
        disk = self._disk_at(path) if path and path.startswith("/dev/") else None
        return (disk,) if disk else ()

    def _disk_at(self, path: str) -> str | None:
        """The kernel's name of a device in /dev, without looking into /dev."""
        name = path[len("/dev/") :]
        if name.startswith("mapper/"):
            wanted = name[len("mapper/") :]
            named = [each for each in self._names("class/block") if self._mapped(each) == wanted]
            return named[0] if named else None
        return name if os.path.exists(self._path(f"class/block/{name}")) else None

    def _mapped(self, name: str) -> str | None:
        return read_text(self._path(f"class/block/{name}/dm/name"))

    def _mounts(self) -> tuple[Mount, ...]:
        found = []
        for line in procfs.parse_mounts(self._proc("self/mountinfo", "mounted file systems were not looked at", DISKS)):
            if line.kind in _WITHOUT_DISK:
                continue
            for name in self._disks_of(line):
                if not _IN_MEMORY.match(name) and not self._is_file(name):
                    found.append(Mount(name, line.point, line.kind))
        return tuple(dict.fromkeys(found))

    def _disks_of(self, line: procfs.MountLine) -> tuple[str, ...]:
        disk = link_name(self._path(f"dev/block/{line.number}"))
        if disk is None and line.source.startswith("/dev/"):
            disk = self._disk_at(line.source)
        if disk is None:
            return (line.source,)
        if line.kind == "btrfs":
            for each in self._names("fs/btrfs"):
                members = self._names(f"fs/btrfs/{each}/devices")
                if disk in members:
                    return tuple(members)
        return (disk,)

    def _is_file(self, name: str) -> bool:
        """Whether a disk is a file of a file system that is mounted itself."""
        match = _LOOP.match(name)
        return match is not None and not self._backing(match.group(1))

    def _swap(self) -> tuple[str, ...]:
        found = []
        for path in procfs.parse_swaps(self._proc("swaps", "swap areas were not looked at", DISKS)):
            name = self._disk_at(path) if path.startswith("/dev/") else None
            # A swap area that is no device is a file of a mounted file system.
            if path.startswith("/dev/") and not (name and _IN_MEMORY.match(name)):
                found.append(f"/dev/{name}" if name else path)
        return tuple(found)

    # --- the network

    def _interfaces(self, routes: tuple[procfs.Route, ...]) -> tuple[dict[str, Interface], dict[str, tuple[str, ...]]]:
        names = [name for name in self._names("class/net") if os.path.isdir(self._path(f"class/net/{name}"))]
        if not names:
            why = f"{self._path('class/net')} is empty: network interfaces were not looked at"
            self.unseen.append(Unseen(NETWORK, why))
        local = procfs.parse_local_addresses(self._proc("net/fib_trie", "IPv4 addresses are not known", NETWORK))
        ipv4 = procfs.place_addresses(local, routes)
        ipv6 = procfs.parse_ipv6_addresses(read_text(f"{self.proc}/net/if_inet6") or "")
        interfaces, bridges = {}, {}
        for name in names:
            place = f"class/net/{name}"
            self._place(place)
            lower = tuple(each[len("lower_") :] for each in self._names(place) if each.startswith("lower_"))
            if os.path.isdir(self._path(f"{place}/bridge")):
                bridges[name] = tuple(self._names(f"{place}/brif")) or lower
                lower = ()
            flags = read_text(self._path(f"{place}/flags")) or "0"
            interfaces[name] = Interface(
                name=name,
                up=bool(int(flags, 0) & _IFF_UP),
                addresses=(*ipv4.get(name, ()), *ipv6.get(name, ())),
                parts=lower,
                tunnel=procfs.tunnel_start(
                    read_text(self._path(f"{place}/type")) or "", read_text(self._path(f"{place}/address")) or ""
                ),
            )
        return interfaces, bridges

    # --- the console

    def _consoles(self, functions: list[str]) -> dict[str, str]:
        found = {}
        for name in procfs.parse_consoles(self._proc("consoles", "the kernel's consoles are not known")):
            if self._place(f"class/tty/{name}"):
                found[name] = f"{name} is the kernel's console"
        for name in self._names("class/tty"):
            # Other serial ports, for the warning.
            if re.match(r"ttyS[0-9]+\Z", name):
                self._place(f"class/tty/{name}")
        if self._place("class/graphics/fb0"):
            found["fb0"] = "fb0 shows dom0's console"
        for name in functions:
            if read_text(self._path(f"{PCI_DEVICES}/{name}/boot_vga")) == "1":
                found[name] = f"{name} is the display that the firmware started with"
        return found

    def _iommu_groups(self, functions: list[str]) -> dict[Address, str]:
        groups = {name: link_name(self._path(f"{PCI_DEVICES}/{name}/iommu_group")) for name in functions}
        return {parse_address(name): group for name, group in groups.items() if group}
