# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a NetBSD dom0 uses of its devices: mount(8), swapctl(8), drvctl(8), ifconfig(8), route(8) and their like.

A tool that is missing, fails or tells nothing never ends a run: the facts say in ``unseen`` and ``unchecked`` what is not
known without it. Tools of
a layer (raidctl(8), cgdconfig(8), ccdconfig(8), dkctl(8), brconfig(8)) are asked only if something lies on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards.disk import disks_in_use
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import DISKS, NETWORK, Facts, Interface, Mount
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import base_of, disk_of
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus as netbsd_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.tools import Tools

MOUNT = "/sbin/mount"
SWAPCTL = "/sbin/swapctl"
DRVCTL = "/sbin/drvctl"
RAIDCTL = "/sbin/raidctl"
CGDCONFIG = "/sbin/cgdconfig"
CCDCONFIG = "/sbin/ccdconfig"
DKCTL = "/sbin/dkctl"
IFCONFIG = "/sbin/ifconfig"
BRCONFIG = "/sbin/brconfig"
ROUTE = "/sbin/route"

_NAME = r"[a-z][a-z0-9]*[0-9]"
_TREE = re.compile(rf"((?:  )*)({_NAME})\s*\Z")
_MOUNT = re.compile(r"(.+?) on (.+) type (\S+)(?: \(.*\))?\Z")
_SWAP = re.compile(r"(/\S+)\s+[0-9]")
_COMPONENT = re.compile(r"\s+(?:/dev/)?(\S+): (?:optimal|reconstructing|spare|used_spare|failed)\b")
_CGD = re.compile(r"(cgd[0-9]+): (?!not in use)(\S+)")
_CCD = re.compile(r"(ccd[0-9]+)\s+[0-9]+\s+\S+\s+(.*)")
_WEDGE = re.compile(r"(dk[0-9]+) at (\S+): ")
_INTERFACE = re.compile(r"([a-z][A-Za-z0-9_.]*): flags=[0-9a-fx]+(?:<([^>]*)>)?")
_MAC = re.compile(r"\s+address: ([0-9a-f]{2}(?::[0-9a-f]{2}){5})\s*\Z")
_ADDRESS = re.compile(r"\s+inet6? (?:alias )?([0-9A-Fa-f:.%a-z_]+)")
_VLAN = re.compile(r"\s+vlan: [0-9]+ parent: ([a-z]\S*)")
_AGGREGATE_PORT = re.compile(r"\s+agrport: ([^\s,]+)")
_LAGG_PORT = re.compile(r"\s+(\S+) pri=[0-9]+")
_TUNNEL = re.compile(r"\s+tunnel inet6? ([^\s,]+)\S* -->")
_BRIDGE = re.compile(r"([a-z][A-Za-z0-9]*): flags=")
_BRIDGE_MEMBER = re.compile(r"\t\t([a-z]\S*) flags=")
_ROUTE_INTERFACE = re.compile(r"\s*interface: (\S+)\s*\Z")
_AT = re.compile(rf"({_NAME}) at ({_NAME})\b")
_AT_PCI = re.compile(rf"({_NAME}) at pci([0-9]+) dev ([0-9]+) function ([0-9]+)\b")
_BOOT = "mainbus0 (root)"
_INTERRUPT = re.compile(rf"^({_NAME}): (?:.* )?interrupting at (ioapic[0-9]+ pin [0-9]+|irq [0-9]+)\b", re.MULTILINE)
_SERIAL_CONSOLE = re.compile(r"(com[0-9]+): console\b")
# What route(8) says if there is no such route, or no such protocol in the kernel.
_NO_ROUTE = ("not in table", "No such process", "not supported")
# A chain of layers longer than this is no chain that anybody built.
_MOST_LAYERS = 64


def read_facts(run: Run, connection: str | None = None) -> Facts:
    """Ask the host's tools.

    :param connection: ``SSH_CONNECTION`` of this run's environment: client, port, server, port
    """
    return _Reader(run).facts(connection)


def parse_tree(text: str) -> dict[str, str]:
    """Child to parent, from ``drvctl -lt``: two blanks a level."""
    parents: dict[str, str] = {}
    open_levels: list[str] = []
    for line in text.splitlines():
        match = _TREE.match(line)
        if match is None:
            continue
        depth = len(match.group(1)) // 2
        del open_levels[depth:]
        parents.setdefault(match.group(2), open_levels[-1] if open_levels else "")
        open_levels.append(match.group(2))
    return parents


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """What is mounted, from mount(8) without arguments."""
    return tuple(Mount(*match.groups()) for match in map(_MOUNT.match, text.splitlines()) if match)


def parse_swap(text: str) -> tuple[str, ...]:
    """Paths of the swap areas, from ``swapctl -l``."""
    return tuple(match.group(1) for match in map(_SWAP.match, text.splitlines()) if match)


def parse_interfaces(text: str) -> dict[str, Interface]:
    """Interfaces by name, from ``ifconfig -a``."""
    found: dict[str, Interface] = {}
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        lines = block.splitlines()
        head = _INTERFACE.match(lines[0]) if lines else None
        if head is None:
            continue
        parts, in_ports = [], False
        for line in lines[1:]:
            in_ports = line.strip() == "laggport:" or (in_ports and line.startswith("\t\t"))
            match = _VLAN.match(line) or _AGGREGATE_PORT.match(line) or (_LAGG_PORT.match(line) if in_ports else None)
            if match:
                parts.append(match.group(1))
        tunnels = [match.group(1) for match in map(_TUNNEL.match, lines[1:]) if match]
        found[head.group(1)] = Interface(
            name=head.group(1),
            up="UP" in (head.group(2) or "").split(","),
            addresses=tuple(match.group(1) for match in map(_ADDRESS.match, lines[1:]) if match),
            parts=tuple(parts),
            tunnel=tunnels[0] if tunnels else None,
        )
    return found


def parse_macs(text: str) -> dict[str, str]:
    """The Ethernet address of each interface that has one, from ``ifconfig -a``."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        head = _INTERFACE.match(line)
        match = _MAC.match(line)
        if head:
            name = head.group(1)
        elif match and name:
            found.setdefault(name, match.group(1))
    return found


def with_macs(run: Run, devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices with the Ethernet addresses of their interfaces; without any if ifconfig(8) can't be asked.

    An address that two cards show, as the ports of an agr(4) do, tells none of them, nor does one of zeros.
    """
    status, out, _err = run([IFCONFIG, "-a"])
    known = parse_macs(out) if status == 0 else {}
    shown = [known[device.driver] for device in devices if device.driver in known]
    return tuple(
        replace(device, mac=known[device.driver])
        if device.driver in known and shown.count(known[device.driver]) == 1 and known[device.driver].strip("0:")
        else device
        for device in devices
    )


def parse_bridges(text: str) -> dict[str, tuple[str, ...]]:
    """Members of each bridge(4), from ``brconfig -a``."""
    found: dict[str, tuple[str, ...]] = {}
    bridge, members = "", False
    for line in text.splitlines():
        head = _BRIDGE.match(line)
        if head:
            bridge, members = head.group(1), False
            found[bridge] = ()
        elif line.startswith("\t") and not line.startswith("\t\t"):
            members = line.strip() == "Interfaces:"
        elif members and bridge:
            match = _BRIDGE_MEMBER.match(line)
            if match:
                found[bridge] = (*found[bridge], match.group(1))
    return found


def parse_route(text: str) -> str | None:
    """The interface of a route, from ``route -n get``."""
    for line in text.splitlines():
        match = _ROUTE_INTERFACE.match(line)
        if match:
            return match.group(1)
    return None


def parse_components(text: str) -> tuple[str, ...]:
    """Components and spares of a RAID set, from ``raidctl -s``."""
    found = [match.group(1) for match in map(_COMPONENT.match, text.splitlines()) if match]
    # A component that is gone has a name of the set's own.
    return tuple(dict.fromkeys(name for name in found if not re.match(r"component[0-9]+\Z", name)))


def parse_encrypted(text: str) -> dict[str, tuple[str, ...]]:
    """What each cgd(4) lies on, from ``cgdconfig -l``."""
    return {match.group(1): (match.group(2),) for match in map(_CGD.match, text.splitlines()) if match}


def parse_concatenated(text: str) -> dict[str, tuple[str, ...]]:
    """Components of each ccd(4), from ``ccdconfig -g``; newer ones print a size before them."""
    found = {}
    for match in map(_CCD.match, text.splitlines()):
        if match:
            found[match.group(1)] = tuple(word for word in match.group(2).split() if not word.isdigit())
    return found


def parse_wedge(text: str) -> dict[str, tuple[str, ...]]:
    """The disk of a wedge, from ``dkctl dkN getwedgeinfo``."""
    return {match.group(1): (match.group(2),) for match in map(_WEDGE.match, text.splitlines()) if match}


def parse_interrupts(messages: str) -> dict[str, tuple[str, ...]]:
    """The lines that each driver is interrupted at, from the messages of the last boot that they hold."""
    found: dict[str, tuple[str, ...]] = {}
    for driver, line in _INTERRUPT.findall(messages[max(messages.rfind(_BOOT), 0) :]):
        found[driver] = (*(each for each in found.get(driver, ()) if each != line), line)
    return found


# How to ask what a disk lies on. Wedges are pseudo-devices: the kernel's tree does not show the disk that they are a part of.
_LAYERS: Mapping[str, tuple[Sequence[str], Callable[[str, str], tuple[str, ...]]]] = {
    "raid": ([RAIDCTL, "-s", "{}"], lambda text, _disk: parse_components(text)),
    "cgd": ([CGDCONFIG, "-l", "{}"], lambda text, disk: parse_encrypted(text).get(disk, ())),
    "ccd": ([CCDCONFIG, "-g", "{}"], lambda text, disk: parse_concatenated(text).get(disk, ())),
    "dk": ([DKCTL, "{}", "getwedgeinfo"], lambda text, disk: parse_wedge(text).get(disk, ())),
}


class _Reader:
    """One reading of a host; each tool is a process."""

    def __init__(self, run: Run) -> None:
        self._tools = Tools(run)

    def facts(self, connection: str | None) -> Facts:
        ask = self._tools.ask
        messages = netbsd_bus.kernel_messages()
        parents = self._tree(messages)
        mounts = parse_mounts(ask([MOUNT], "mounted file systems were not looked at", use=[DISKS], tells=_has_root))
        # Where there is none, it says so.
        swap = parse_swap(ask([SWAPCTL, "-l"], "swap areas were not looked at", use=[DISKS]))
        interfaces = parse_interfaces(
            ask([IFCONFIG, "-a"], "network interfaces were not looked at", use=[NETWORK], tells=parse_interfaces)
        )
        words = (connection or "").split()
        facts = Facts(
            parents=parents,
            mounts=mounts,
            swap=swap,
            root_device=self._root_device(),
            interfaces=interfaces,
            bridges=self._bridges({name for name in interfaces if name.startswith("bridge")}),
            default_routes=self._default_routes(),
            server_address=words[2] if len(words) == 4 else None,
            consoles={name: f"{name} is the kernel's console" for name in _SERIAL_CONSOLE.findall(messages)},
            locations=_locations(messages),
            interrupts=parse_interrupts(messages),
            # pciback.c 1.23, by the legacy number; seen on NetBSD 11.
            unbinds_lines=True,
            routes_on_demand=True,
        )
        layers = self._layers([name for name, _use in disks_in_use(facts)])
        return replace(facts, layers=layers, unseen=tuple(self._tools.unseen), unchecked=tuple(self._tools.unchecked))

    def _tree(self, messages: str) -> Mapping[str, str]:
        text = self._tools.ask(
            [DRVCTL, "-lt"], "the tree of devices is taken from the kernel's messages", tells=parse_tree
        )
        parents = parse_tree(text) or dict(_AT.findall(messages))
        if not parents:
            self._tools.miss(
                f"neither {DRVCTL} nor {netbsd_bus.DMESG_BOOT} tells the tree of devices: where disks and network "
                "interfaces are is not known",
                [DISKS, NETWORK],
            )
        return parents

    def _bridges(self, names: set[str]) -> Mapping[str, tuple[str, ...]]:
        if not names:
            return {}
        return parse_bridges(
            self._tools.ask(
                [BRCONFIG, "-a"],
                "members of bridges are not known",
                use=[NETWORK],
                tells=lambda text: names <= set(parse_bridges(text)),
            )
        )

    def _root_device(self) -> str | None:
        # Older kernels lack the variable; where it matters, mount(8) shows root_device, which then can't be traced.
        status, out, _err = self._tools.run([netbsd_bus.SYSCTL, "-n", "kern.root_device"])
        name = out.strip()
        return name if status == 0 and disk_of(name) else None

    def _default_routes(self) -> tuple[str, ...]:
        found = []
        otherwise = "this default route was not looked at"
        for family in ([], ["-inet6"]):
            argv = [ROUTE, "-n", "get", *family, "default"]
            status, out, err = self._tools.run(argv)
            if status != 0 and not any(words in err + out for words in _NO_ROUTE):
                self._tools.failed(argv, status, err or out, otherwise, [NETWORK])
            elif status == 0:
                name = parse_route(out)
                if name is None:
                    self._tools.miss(f"'{' '.join(argv)}' names no interface: {otherwise}", [NETWORK])
                else:
                    found.append(name)
        return tuple(dict.fromkeys(found))

    def _layers(self, names: list[str]) -> dict[str, tuple[str, ...]]:
        """Components of the disks that are made of others, down to those that are not."""
        layers: dict[str, tuple[str, ...]] = {}
        asked: set[str] = set()
        waiting = list(names)
        while waiting and len(asked) < _MOST_LAYERS:
            disk = disk_of(waiting.pop(0))
            if disk is None or disk in asked:
                continue
            asked.add(disk)
            parts = self._components(disk)
            if parts:
                layers[disk] = parts
                waiting += parts
        return layers

    def _components(self, disk: str) -> tuple[str, ...]:
        if base_of(disk) not in _LAYERS:
            return ()
        argv, parse = _LAYERS[base_of(disk)]
        command = [word.format(disk) for word in argv]
        otherwise = f"what {disk} lies on is not known"
        return parse(self._tools.ask(command, otherwise, use=[DISKS], tells=lambda text: parse(text, disk)), disk)


def _has_root(text: str) -> bool:
    """Whether mount(8) tells what every host has."""
    return any(mount.point == "/" for mount in parse_mounts(text))


def _locations(messages: str) -> dict[str, Address]:
    """Where drivers sit, for a pcictl(8) that can't name them."""
    units = {unit: bus for bus, unit in netbsd_bus.bus_units(messages).items()}
    found = {}
    for driver, unit, device, function in _AT_PCI.findall(messages):
        bus = units.get(int(unit), 0 if unit == "0" else None)
        if bus is not None and bus <= 0xFF and int(device) <= 0x1F and int(function) <= 7:
            found[driver] = Address(0, bus, int(device), int(function))
    return found
