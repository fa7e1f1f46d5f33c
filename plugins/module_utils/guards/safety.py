# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guards: does dom0 itself need a device that is to leave it, and can the device be kept apart from dom0?

Pure functions. The host's own tools say what is in use (:class:`Facts`); each use is traced through its layers
(RAID, encryption, wedges; VLANs, aggregates, bridges, tunnels) and the kernel's tree of devices to a PCI function.
What can't be traced is never passed over: it becomes a warning that names it.

What a guest's device shares with others comes from Xen's advisories: 61 (no IOMMU), 461 (an interrupt line or a page of
registers that belongs to two devices).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.xen.pciback.plugins.module_utils.devices.device import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address

BOOT_DISK = "boot-disk"
MANAGEMENT_NIC = "management-nic"
CONSOLE = "console"
SHARED_IRQ = "shared-irq"
SHARED_BAR_PAGE = "shared-bar-page"
NO_IOMMU = "no-iommu"
IOMMU_GROUP = "iommu-group"
GUARDS = (BOOT_DISK, CONSOLE, IOMMU_GROUP, MANAGEMENT_NIC, NO_IOMMU, SHARED_BAR_PAGE, SHARED_IRQ)
BRIDGE = "bridge"
IDENTITY_CHANGED = "identity-changed"
# What an owner can override; of the rest, the kernel would not survive it or nothing could be done.
ALLOWABLE = tuple(sorted((BRIDGE, IDENTITY_CHANGED, *GUARDS)))

# mount(8) shows the root like this until it is remounted by name.
ROOT_DEVICE = "root_device"

# File systems in memory or made of kernel state; those that lie on another mounted one.
_WITHOUT_DISK = frozenset({"fdesc", "kernfs", "mfs", "mqueue", "procfs", "ptyfs", "tmpfs"})
_ON_ANOTHER = frozenset({"null", "overlay", "umap", "union"})
# Disks made of a file of a mounted file system, or of memory.
_DISKS_WITHOUT_CONTROLLER = frozenset({"md", "vnd"})

# The lines of the interrupt router that the firmware programs are the I/O APIC's first pins.
_ROUTED_LINES = 16
_NETWORK_CLASS = 0x02
_PAGE = 0x1000

_DISK = re.compile(r"(?:/dev/)?([a-z]+[0-9]+)([a-p])?\Z")
_UNIT = re.compile(r"([A-Za-z][A-Za-z0-9]*?)([0-9]+)\Z")
# Linux's own names of interfaces, in the order in which drivers found them.
_NUMBERED = frozenset({"eth", "wlan"})
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]")


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
class Facts:
    """What a host says of its own use of devices.

    ``parents`` is the kernel's tree (child to parent, the empty string above the top). NetBSD calls a PCI function in it
    by its driver's unit, Linux by its address. ``locations`` says where these are, for listings that name no drivers.
    ``layers`` holds what disks are made of: raid(4), cgd(4), ccd(4) and dk(4); on Linux LVM and whatever else has slaves.
    ``holders`` are disks that others lie on, whether mounted or not. ``consoles`` are devices with the reason why they
    are dom0's console, displays with a wsdisplay(4) aside. ``interrupts`` are the lines that a driver is interrupted at,
    in the kernel's words. ``iommu`` is whether Xen has one in use, ``None`` if nobody could say. ``iommu_groups`` are
    the functions that an IOMMU can't tell from one another. ``unchecked`` says what could not be read.
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
    iommu: bool | None = None
    iommu_groups: Mapping[Address, str] = field(default_factory=dict)
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A device that must not leave dom0: the refusal's code, the sentence with its evidence, and what helps."""

    code: str
    device: Address
    message: str
    remedy: str


@dataclass(frozen=True)
class Verdict:
    """What the guards found: refusals, and what the owner should know."""

    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()


def disk_of(name: str) -> str | None:
    """The disk of a device name or path (``/dev/wd0a`` is on ``wd0``), ``None`` if it names no disk."""
    match = _DISK.match(name)
    return match.group(1) if match else None


def disks_in_use(facts: Facts) -> list[tuple[str, str]]:
    """Devices that dom0 stands on, each with its use (``wd0a``, ``/``); what lies on no disk is left out.

    The name is what the host printed if it is no device of /dev.
    """
    uses = []
    for mount in facts.mounts:
        if mount.kind in _WITHOUT_DISK or mount.kind in _ON_ANOTHER:
            continue
        device = mount.device
        if device == ROOT_DEVICE and facts.root_device:
            device = facts.root_device
        uses.append((_short(device), mount.point))
    # A swap area that is no device is a file of a mounted file system.
    uses += [(_short(path), "swap") for path in facts.swap if path.startswith("/dev/")]
    if facts.root_device:
        uses.append((_short(facts.root_device), "the root device"))
    return [
        use
        for use in dict.fromkeys(uses)
        if use[0] in facts.layers or _base(disk_of(use[0]) or "") not in _DISKS_WITHOUT_CONTROLLER
    ]


def siblings(devices: Sequence[Device], chosen: Sequence[Device]) -> tuple[str, ...]:
    """A sentence for each function that stays in dom0 while another one of the same card leaves."""
    leaving = {device.address for device in chosen}
    warnings = []
    for device in chosen:
        here = device.address
        staying = [
            other.describe()
            for other in devices
            if (other.address.domain, other.address.bus, other.address.device) == (here.domain, here.bus, here.device)
            and other.address not in leaving
            and not other.held_by_pciback
        ]
        if staying:
            warnings.append(f"{device.describe()} leaves dom0, other functions of its card stay: {'; '.join(staying)}")
    return tuple(warnings)


def guard(
    facts: Facts,
    devices: Sequence[Device],
    chosen: Sequence[Device],
    owners: Mapping[Address, str | None] | None = None,
) -> Verdict:
    """Judge the chosen devices by what the host uses.

    :param devices: every function of the host
    :param chosen: those that are to leave dom0 and have not left yet
    :param owners: every device that dom0 is to be without, with the guest that gets it; the chosen ones by default
    """
    return _Guard(facts, devices, chosen, owners or {device.address: None for device in chosen}).verdict()


@dataclass(frozen=True)
class _Trace:
    """One way from a use down to a PCI function, ``None`` if it leads to none; ``steps`` is the evidence."""

    steps: tuple[str, ...]
    address: Address | None


class _Guard:
    """The state of one judgement."""

    def __init__(
        self,
        facts: Facts,
        devices: Sequence[Device],
        chosen: Sequence[Device],
        owners: Mapping[Address, str | None],
    ) -> None:
        self.facts = facts
        self.devices = devices
        self.owners = owners
        self.chosen = {device.address: device for device in chosen}
        self.functions = dict(facts.locations)
        # Where the tree calls functions by their address, drivers are no names of it.
        self.by_address = any(str(device.address) in facts.parents for device in devices)
        if not self.by_address:
            self.functions.update({device.driver: device.address for device in devices if device.driver})
        self.bridges = {device.address for device in devices if device.is_pci_bridge}
        self.evidence: dict[tuple[str, Address], list[str]] = {}
        self.warnings: list[str] = list(facts.unchecked)

    def verdict(self) -> Verdict:
        self._disks()
        self._management()
        self._console()
        self._interfaces()
        self._held_disks()
        self._renumbered()
        self._registers()
        self._interrupts()
        self._iommu()
        self._iommu_group()
        findings = [
            Finding(
                code,
                address,
                f"{self.chosen[address].describe()} {_NEEDED[code]}: {'; '.join(steps)}",
                f"{_INSTEAD[code]}, or allow code '{code}' for this address{_MEANING.get(code, '')}",
            )
            for (code, address), steps in sorted(self.evidence.items())
        ]
        return Verdict(tuple(findings), tuple(_plain(text) for text in dict.fromkeys(self.warnings)))

    def _hold(self, code: str, trace: _Trace) -> None:
        if trace.address in self.chosen:
            for step in trace.steps:
                self._note(code, trace.address, step)

    def _note(self, code: str, address: Address, step: str) -> None:
        known = self.evidence.setdefault((code, address), [])
        if _plain(step) not in known:
            known.append(_plain(step))

    # --- the kernel's tree

    def _path(self, name: str) -> list[str]:
        """The device and everything above it; a tree that bites its own tail is walked once."""
        path = []
        while name and name not in path:
            path.append(name)
            name = self.facts.parents.get(name, "")
        return path

    def _functions_above(self, name: str) -> Iterator[_Trace]:
        """Each PCI function that a device of the tree hangs on; those bridges aside that can't be given away anyway."""
        path = self._path(name)
        for index, driver in enumerate(path):
            address = self.functions.get(driver)
            if address is None or address in self.bridges:
                continue
            above = path[1 : index + 1]
            if not self.by_address:
                bus = path[index + 1] if index + 1 < len(path) else f"bus {address.bus}"
                above.append(f"{bus} dev {address.device} function {address.function}")
            if not above:
                yield _Trace((), address)
                continue
            yield _Trace((f"{name} is {'on' if index else 'at'} {', '.join(above)}",), address)

    # --- disks

    def _disks(self) -> None:
        for name, use in disks_in_use(self.facts):
            traces = list(self._trace_disk(name, ()))
            for trace in traces:
                self._hold(BOOT_DISK, _Trace((f"{name} is {use}", *trace.steps), trace.address))
            for trace in traces:
                if trace.address is None:
                    self._untraced(f"{name} ({use})", trace.steps, "carries it")

    def _trace_disk(self, name: str, seen: tuple[str, ...]) -> Iterator[_Trace]:
        disk = name if name in self.facts.layers or name in self.facts.parents else disk_of(name)
        if disk is None or disk in seen:
            yield _Trace((), None)
            return
        parts = self.facts.layers.get(disk)
        if parts:
            for part in parts:
                for trace in self._trace_disk(part, (*seen, disk)):
                    yield _Trace((f"{disk} lies on {', '.join(map(_short, parts))}", *trace.steps), trace.address)
            return
        found = list(self._functions_above(disk))
        yield from found or [_Trace((), None)]

    def _untraced(self, what: str, steps: Sequence[str], needs: str) -> None:
        so_far = f" ({'; '.join(steps)})" if steps else ""
        self.warnings.append(
            f"{what} can't be traced to the bus{so_far}: make sure yourself that none of the chosen devices {needs}"
        )

    # --- the network

    def _management(self) -> None:
        ways = [(name, f"the default route leaves through {name}") for name in self.facts.default_routes]
        server = self.facts.server_address
        if server is not None:
            name = self._interface_of(server)
            if name is None:
                self._untraced(f"the address {server} that this connection came in at", (), "carries it")
            else:
                ways.append((name, f"this connection came in at {server}, an address of {name}"))
        if not ways and server is None:
            self.warnings.append(
                "this host has no default route, and SSH_CONNECTION is not set: which card it is managed through is not known"
            )
        for name, reason in ways:
            if _base(name) == "lo":
                continue
            for trace in self._trace_interface(name, ()):
                self._hold(MANAGEMENT_NIC, _Trace((reason, *trace.steps), trace.address))
                if trace.address is None:
                    self._untraced(f"interface {name} ({reason})", trace.steps, "carries it")

    def _interface_of(self, address: str) -> str | None:
        wanted, scope = _ip(address)
        for interface in self.facts.interfaces.values():
            for own in interface.addresses:
                found, _scope = _ip(own)
                if wanted is not None and found == wanted and scope in (None, interface.name):
                    return interface.name
        return None

    def _trace_interface(self, name: str, seen: tuple[str, ...]) -> Iterator[_Trace]:
        if name in seen:
            return
        seen = (*seen, name)
        found = list(self._functions_above(name))
        if found:
            yield from found
            return
        parts, how = self._carriers(name)
        below = []
        for part in parts:
            if part not in seen:
                below += [
                    _Trace((f"{name} {how} {part}", *t.steps), t.address) for t in self._trace_interface(part, seen)
                ]
        # Guests' ends of a bridge lead nowhere; that is no gap while another member leads to a card.
        traced = [trace for trace in below if trace.address is not None]
        yield from traced or [_Trace((), None)]

    def _carriers(self, name: str) -> tuple[tuple[str, ...], str]:
        interface = self.facts.interfaces.get(name)
        if name in self.facts.bridges:
            return self.facts.bridges[name], "bridges"
        if interface is not None and interface.parts:
            return interface.parts, "is carried by"
        if interface is not None and interface.tunnel is not None:
            below = self._interface_of(interface.tunnel)
            if below is not None:
                return (below,), f"is a tunnel from {interface.tunnel} of"
        return tuple(bridge for bridge, members in self.facts.bridges.items() if name in members), "is a member of"

    def _interfaces(self) -> None:
        """Warn of configured interfaces, unless their loss is refused anyway."""
        uses = [
            (interface.name, f"interface {interface.name} ({', '.join(shown)})")
            for interface in self.facts.interfaces.values()
            for shown in [[text for text in interface.addresses if not _is_local(text)]]
            if interface.up and shown and _base(interface.name) != "lo"
        ]
        uses += [
            (member, f"{member}, a member of {bridge}")
            for bridge, members in self.facts.bridges.items()
            for member in members
        ]
        for name, words in uses:
            for trace in self._trace_interface(name, ()):
                device = self.chosen.get(trace.address) if trace.address else None
                if device is not None and (MANAGEMENT_NIC, device.address) not in self.evidence:
                    self.warnings.append(f"{device.describe()} is in use: dom0 loses {words}; {'; '.join(trace.steps)}")

    def _held_disks(self) -> None:
        """Warn of disks that something lies on which is not mounted in dom0, such as guests' volumes."""
        for name, above in self.facts.holders.items():
            for trace in self._trace_disk(name, ()):
                device = self.chosen.get(trace.address) if trace.address else None
                if device is not None and (BOOT_DISK, device.address) not in self.evidence:
                    self.warnings.append(
                        f"{device.describe()} is in use: {', '.join(above)} lies on {name}; {'; '.join(trace.steps)}"
                    )

    # --- the console

    def _console(self) -> None:
        for name in self.facts.parents:
            kind = _base(name)
            for trace in self._functions_above(name):
                device = self.chosen.get(trace.address) if trace.address else None
                if device is None:
                    continue
                if kind == "wsdisplay":
                    self._hold(CONSOLE, trace)
                elif name in self.facts.consoles:
                    self._hold(CONSOLE, _Trace((self.facts.consoles[name], *trace.steps), trace.address))
                elif kind in ("com", "ttyS"):
                    self.warnings.append(
                        f"{device.describe()} is a serial port: {trace.steps[0]}; make sure that no console is on it"
                    )
                elif kind == "wskbd":
                    self.warnings.append(f"{device.describe()} has a keyboard: {trace.steps[0]}")

    # --- units

    def _renumbered(self) -> None:
        """Units are handed out anew at each boot: what leaves makes the numbers above it move."""
        leaving = [
            name for name in self.facts.parents if any(t.address in self.chosen for t in self._functions_above(name))
        ]
        configured = [name for name, each in self.facts.interfaces.items() if each.up and each.addresses]
        if self.by_address:
            # udev(7) gives lasting names to all else, and fstab(5) names file systems.
            used = [(name, "the network's configuration") for name in configured if _base(name) in _NUMBERED]
        else:
            disks = [disk_of(name) for name, _use in disks_in_use(self.facts)]
            disks += [disk_of(part) for parts in self.facts.layers.values() for part in parts]
            used = [(name, "/etc/fstab") for name in disks if name]
            used += [(name, f"/etc/ifconfig.{name} and packet filters") for name in configured]
        for name, where in dict.fromkeys(used):
            if name not in self.facts.parents or name in leaving:
                continue
            lower = [other for other in leaving if _base(other) == _base(name) and _number(other) < _number(name)]
            if lower:
                self.warnings.append(
                    f"without {', '.join(lower)} the next boot gives {name} a lower number: "
                    f"what names it, such as {where}, has to follow"
                )

    # --- what a device shares with others

    def _staying(self) -> list[Device]:
        return [device for device in self.devices if device.address not in self.owners]

    def _registers(self) -> None:
        """A guest gets whole pages; two BARs lie in one if and only if they begin in it, because BARs are aligned."""
        for device in self.chosen.values():
            if device.config is None:
                self.warnings.append(
                    f"configuration space of {device.address.bdf} could not be read: "
                    "whether it shares registers or an interrupt line is not known"
                )
            for page, index in _pages(device):
                for other in self._staying():
                    for its_page, its_index in _pages(other):
                        if page == its_page:
                            self._note(
                                SHARED_BAR_PAGE,
                                device.address,
                                f"its BAR {index} and BAR {its_index} of {other.describe()} lie in the page at {page:#x}",
                            )

    def _lines(self, device: Device) -> frozenset[str]:
        """The names of the line that a function interrupts at: the number that the system noted, the kernel's words.

        A Xen dom0 notes a number of its own for each line that a driver asked for; without a driver it is the
        firmware's, which counts the lines of the interrupt router.
        """
        config = device.config
        if config is None or config.interrupt_pin is None:
            return frozenset()
        lines = set(self.facts.interrupts.get(device.driver or "", ()))
        if device.irq is not None:
            lines.add(f"interrupt line {device.irq}")
            if device.driver is None and device.irq < _ROUTED_LINES:
                lines.add(f"ioapic0 pin {device.irq}")
        return frozenset(lines)

    def _interrupts(self) -> None:
        used = [device for device in self._staying() if self._is_interrupted(device)]
        for device in self.chosen.values():
            if device.config is not None and device.config.interrupt_pin is not None and not self._lines(device):
                self.warnings.append(
                    f"the interrupt line of {device.address.bdf} is not known"
                    f"{' while MSI is on' if device.config.message_signalled else ''}: "
                    "whether it shares one with a device of dom0 could not be checked"
                )
            for other in used:
                shared = sorted(self._lines(device) & self._lines(other))
                if shared:
                    self._note(SHARED_IRQ, device.address, f"{', '.join(shared)} is also that of {other.describe()}")
        self._lines_of_guests()

    def _is_interrupted(self, device: Device) -> bool:
        """Whether a driver of dom0 waits for this function's line, for something that dom0 uses.

        A bridge's own interrupt tells of hot plug and errors, and most drivers never ask for it.
        """
        if device.driver is None or device.held_by_pciback or device.is_bridge:
            return False
        if device.config is None or device.config.message_signalled:
            return False
        return device.class_code >> 16 != _NETWORK_CLASS or not self._is_idle(device)

    def _is_idle(self, card: Device) -> bool:
        """Whether a network card has interfaces, all of them known to carry nothing."""
        members = {name for names in self.facts.bridges.values() for name in names}
        members.update(name for interface in self.facts.interfaces.values() for name in interface.parts)
        interfaces = [
            interface
            for interface in self.facts.interfaces.values()
            if any(trace.address == card.address for trace in self._functions_above(interface.name))
        ]
        return bool(interfaces) and not any(
            interface.up or interface.addresses or interface.name in members for interface in interfaces
        )

    def _lines_of_guests(self) -> None:
        """Warn of a line that two guests share: one that never lets go of it stops the other's device."""
        owned = [device for device in self.devices if self.owners.get(device.address)]
        for device in self.chosen.values():
            guest = self.owners.get(device.address)
            for other in owned if guest else ():
                if self.owners[other.address] == guest or (
                    other.address in self.chosen and other.address < device.address
                ):
                    continue
                shared = sorted(self._lines(device) & self._lines(other))
                if shared:
                    self.warnings.append(
                        f"{device.address.bdf} of guest {guest} and {other.address.bdf} of guest "
                        f"{self.owners[other.address]} share {', '.join(shared)}: each can disturb the other"
                    )

    def _iommu(self) -> None:
        if self.facts.iommu is None and self.chosen:
            self.warnings.append(
                "no toolstack says whether Xen uses an IOMMU: without one, a guest reaches all memory by DMA (XSA-61)"
            )
        elif not self.facts.iommu:
            for address in self.chosen:
                self._note(NO_IOMMU, address, "virt_caps of 'xl info' names no directio")

    def _iommu_group(self) -> None:
        """Functions of a group reach each other's memory. Bridges of a group carry their traffic and have none to lose."""
        for address in self.chosen:
            group = self.facts.iommu_groups.get(address)
            for other in self._staying() if group is not None else ():
                if self.facts.iommu_groups.get(other.address) == group and not other.is_bridge:
                    self._note(IOMMU_GROUP, address, f"IOMMU group {group} holds {other.describe()} as well")


_NEEDED = {
    BOOT_DISK: "carries disks that dom0 stands on",
    MANAGEMENT_NIC: "carries the network connection that dom0 is managed by",
    CONSOLE: "is dom0's console",
    SHARED_IRQ: "shares its interrupt line with a device that dom0 uses",
    SHARED_BAR_PAGE: "shares a page of memory with a device that stays in dom0",
    NO_IOMMU: "would be given away without an IOMMU, and Xen has none in use",
    IOMMU_GROUP: "can't be told by the IOMMU from a device that stays in dom0",
}
_INSTEAD = {
    BOOT_DISK: "leave it to dom0",
    MANAGEMENT_NIC: "leave it to dom0 or manage the host through another card",
    CONSOLE: "leave it to dom0",
    SHARED_IRQ: "take a device of another line, or give the other one away too",
    SHARED_BAR_PAGE: "give the other one to the same guest",
    NO_IOMMU: "switch VT-d or AMD-Vi on in the machine's firmware",
    IOMMU_GROUP: "give every function of the group to the same guest",
}
# What an owner accepts who overrides.
_MEANING = {
    SHARED_IRQ: ": a guest that holds the line stops the other device, too (XSA-461)",
    SHARED_BAR_PAGE: ": its guest can then read and write registers of the other device, too (XSA-461)",
    NO_IOMMU: (
        ": its guest can then read and write all memory of the machine by DMA, that of Xen and dom0 included (XSA-61), "
        "so it has to be trusted like dom0"
    ),
    IOMMU_GROUP: ": its guest can then reach what the other device reaches",
}


def _pages(device: Device) -> list[tuple[int, int]]:
    """The page in which each memory BAR begins, with the BAR's number."""
    return [(each.address - each.address % _PAGE, each.index) for each in device.bars or () if each.kind != "io"]


def _short(name: str) -> str:
    return name[len("/dev/") :] if name.startswith("/dev/") else name


def _base(name: str) -> str:
    match = _UNIT.match(name)
    return match.group(1) if match else name


def _number(name: str) -> int:
    match = _UNIT.match(name)
    return int(match.group(2)) if match else -1


def _ip(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address | None, str | None]:
    """An address and the interface that its scope names; an IPv4 address in IPv6 clothes is an IPv4 address."""
    bare, _percent, scope = text.partition("%")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None, None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address, scope or None


def _is_local(text: str) -> bool:
    """Whether an address comes by itself (fe80::) and says nothing about use."""
    address, _scope = _ip(text)
    return address is None or (address.version == 6 and address.is_link_local)


def _plain(text: str) -> str:
    """Text of a host for a message: one line, nothing that a terminal would obey."""
    return _UNPRINTABLE.sub("?", text)
