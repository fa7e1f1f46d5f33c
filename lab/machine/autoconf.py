# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoconfiguration: which driver of the kernel takes which device, and what it says.

Drivers, children, messages and refusals are those of the dom0 kernel of the captures (NetBSD
7.99.10, XEN3_DOM0). A driver's units are handed out in the order of the bus, the lowest free one
first; a device that the hide list claims goes to pciback, whatever else would take it.
"""

from __future__ import annotations

from typing import Any, Collection, NamedTuple

from . import names
from .bus import Bus, Function, Slot

# Xen hands out interrupts of PCI devices downwards from here, event channels upwards.
_FIRST_PIRQ = 199
_FIRST_EVENT_CHANNEL = 8

EOPNOTSUPP = "Operation not supported"
ENOTSUP = "Not supported"
EBUSY = "Device busy"
ENXIO = "Device not configured"


class Line(NamedTuple):
    """A kernel message; a verbose one is kept in the message buffer but not shown on the console."""

    text: str
    verbose: bool = False


class Driver(NamedTuple):
    """What a driver does with a device it takes.

    ``says`` names the device (None: by its numbers); ``children`` are attached below it;
    ``refuses`` is the error of ``drvctl -d``, None when it detaches.
    """

    name: str
    says: str | None = None
    children: tuple[str, ...] = ()
    refuses: str | None = None
    interrupts: bool = False


class DetachError(Exception):
    """A detach was refused: the error's text, and what had been detached before."""

    def __init__(self, reason: str, detached: list[Line]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detached = detached


_E1000 = Driver("wm", "Intel i82540EM 1000BASE-T Ethernet", ("makphy",), interrupts=True)
_BY_PRODUCT = {
    (0x8086, 0x100E): _E1000,
    (0x8086, 0x10D3): _E1000._replace(says="Intel i82574L"),
    (0x10EC, 0x8029): Driver("ne", "Realtek 8029 Ethernet", refuses=EOPNOTSUPP, interrupts=True),
    (0x10EC, 0x8139): Driver("re", "RealTek 8139C+ 10/100BaseTX", ("rlphy",), interrupts=True),
    (0x8086, 0x7010): Driver("piixide", "Intel 82371SB IDE Interface (PIIX3)", refuses=EBUSY),
    (0x8086, 0x2918): Driver("ichlpcib", refuses=EOPNOTSUPP),
}
_BY_CLASS = {
    0x0600: Driver("pchb"),
    0x0601: Driver("pcib"),
    0x0604: Driver("ppb"),
    0x0300: Driver("vga", refuses=EOPNOTSUPP),
    0x0106: Driver("ahcisata", refuses=EBUSY, interrupts=True),
}
# Kernels other than XEN3_DOM0 (GENERIC) have drivers for these as well.
_NATIVE_ONLY = {
    (0x8086, 0x7113): Driver("piixpm", refuses=EOPNOTSUPP),
    (0x1AF4, 0x1000): Driver("virtio"),
    (0x1AF4, 0x1001): Driver("virtio"),
    (0x8086, 0x2930): Driver("ichsmb", refuses=EOPNOTSUPP),
}
_PCIBACK = Driver("pciback", refuses=EOPNOTSUPP, interrupts=True)
_PHYS = {
    "makphy": (1, "Marvell 88E1011 Gigabit PHY, rev. 0"),
    "rlphy": (0, "Realtek internal PHY"),
}
_MEDIA = "10baseT, 10baseT-FDX, 100baseTX, 100baseTX-FDX, auto"


def driver_for(function: Function, under_xen: bool) -> Driver | None:
    """The driver that takes a function which nobody hides; None: not configured."""
    key = (function.vendor, function.product)
    if key in _BY_PRODUCT:
        return _BY_PRODUCT[key]
    if not under_xen and key in _NATIVE_ONLY:
        return _NATIVE_ONLY[key]
    return _BY_CLASS.get(function.class_code)


class Tree:
    """The devices that are attached, in the order in which they came."""

    def __init__(self, bus: Bus, state: dict[str, Any]) -> None:
        self.bus = bus
        self.state = state

    @classmethod
    def empty(cls, bus: Bus, under_xen: bool) -> Tree:
        return cls(bus, {"under_xen": under_xen, "devices": [], "pins": {}, "channels": {}, "lines": {}, "pcibus": {}})

    @property
    def devices(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state["devices"]
        return found

    def find(self, name: str) -> dict[str, Any] | None:
        for device in self.devices:
            if device["name"] == name:
                return device
        return None

    def children(self, name: str) -> list[str]:
        return [device["name"] for device in self.devices if device["parent"] == name]

    def at(self, slot: Slot) -> str | None:
        """The driver instance that holds a function."""
        for device in self.devices:
            if device.get("slot") == str(slot):
                return str(device["name"])
        return None

    def pci_bus_name(self, number: int) -> str | None:
        """pciN of a bus number."""
        for name, bus in self.state["pcibus"].items():
            if bus == number:
                return str(name)
        return None

    def bus_number(self, name: str) -> int | None:
        """Bus number of pciN."""
        number = self.state["pcibus"].get(name)
        return None if number is None else int(number)

    def add(self, parent: str, driver: str, slot: Slot | None = None, refuses: str | None = None) -> str:
        taken = {device["unit"] for device in self.devices if device["driver"] == driver}
        unit = next(number for number in range(len(taken) + 1) if number not in taken)
        device: dict[str, Any] = {"name": f"{driver}{unit}", "driver": driver, "unit": unit, "parent": parent}
        if slot is not None:
            device["slot"] = str(slot)
        if refuses is not None:
            device["refuses"] = refuses
        self.devices.append(device)
        return str(device["name"])

    # -- attaching -------------------------------------------------------------------------

    def attach_bus(self, parent: str, number: int, claims: Collection[Slot], words: str) -> list[Line]:
        """pciN appears at a host bridge or at ppbN, and everything on it."""
        name = self.add(parent, "pci", refuses=ENOTSUP if parent == "hypervisor0" or parent == "mainbus0" else None)
        self.state["pcibus"][name] = number
        lines = [
            Line(f"{name} at {parent} bus {number}{words}"),
            Line(f"{name}: i/o space, memory space enabled", True),
        ]
        if number == 0:
            lines += [
                Line("pciback_pci_init: hide claim device {:x}:{:x}:{:x}".format(*claim), True) for claim in claims
            ]
        return lines + self.scan(name, claims)

    def scan(self, name: str, claims: Collection[Slot], only: tuple[int, int] | None = None) -> list[Line]:
        """Offer every function of a bus that has no driver yet to the kernel's drivers; ``only``
        narrows it to a device and a function (-1: any)."""
        number = self.bus_number(name)
        if number is None:
            return []
        lines: list[Line] = []
        deferred: list[str] = []
        for function in self.bus.on(number):
            if only and (only[0] not in (-1, function.slot.device) or only[1] not in (-1, function.slot.function)):
                continue
            if self.at(function.slot) is None:
                lines += self._offer(function, name, claims, deferred)
        for parent in deferred:
            lines += self._attach_isa(parent)
        return lines

    def _offer(self, function: Function, bus: str, claims: Collection[Slot], deferred: list[str]) -> list[Line]:
        where = f"{bus} dev {function.slot.device} function {function.slot.function}"
        driver = _PCIBACK if function.slot in claims else driver_for(function, bool(self.state["under_xen"]))
        if driver is None:
            return [Line(f"{names.kernel_words(function)} ({names.class_words(function)}) at {where} not configured")]
        name = self.add(bus, driver.name, function.slot, driver.refuses)
        revision = "" if driver.name == "ne" else f" (rev. 0x{function.revision:02x})"
        lines = [Line(f"{name} at {where}: {driver.says or names.kernel_words(function)}{revision}")]
        channel = self._route(function, driver) if driver.interrupts and function.interrupt_pin else ""
        if driver.name == "pciback":
            for window in function.bars():
                kind = "I/O" if window.is_io else "mem"
                lines.append(Line(f"{name}: {kind}: 0x{window.address:08x} - 0x{window.size:08x}", True))
            if channel:
                lines.append(Line(f"{name}: interrupting at {channel}"))
                lines.append(self._claimed_line(function))
        elif driver.name == "ne":
            lines += [
                Line("{}: Ethernet address {}".format(name, function.facts.get("mac", "00:00:00:00:00:00"))),
                Line(f"{name}: 10base2, 10baseT, 10baseT-FDX, auto, default [0x40 0x40] 10baseT-FDX"),
                Line(f"{name}: interrupting at {channel}"),
            ]
        elif driver.name in ("wm", "re"):
            lines += self._network(name, driver, function, channel)
        elif driver.name == "piixide":
            lines += self._disks(name, function, True)
        elif driver.name == "ahcisata":
            lines.append(Line(f"{name}: interrupting at {channel}"))
            lines += self._disks(name, function, False)
        elif driver.name == "vga":
            self.add(name, "wsdisplay")
            lines += [
                Line(f"wsdisplay0 at {name} kbdmux 1"),
                Line("wsmux1: connecting to wsdisplay0", True),
                Line("wskbd0: connecting to wsdisplay0", True),
                Line(f"drm at {name} not configured"),
            ]
        elif driver.name in ("pcib", "ichlpcib"):
            deferred.append(name)
        elif driver.name == "ppb":
            lines += self.attach_bus(name, function.secondary_bus, claims, "")
        return lines

    @property
    def has_global_interrupts(self) -> bool:
        """Whether a kernel under Xen uses the I/O APIC's numbers, as NetBSD 11 does: a driver's device has its own in
        the line register, and the firmware's again when the driver lets go of it."""
        return self.bus.facts.get("interrupts") == "gsi"

    def _pin(self, function: Function) -> int:
        return int(function.facts.get("pin", function.interrupt_line))

    def _route(self, function: Function, driver: Driver) -> str:
        """Map a function's interrupt as the kernel does under Xen, which leaves its number in the
        interrupt line register. Returns the words of the attach message."""
        pin = str(self._pin(function))
        pins: dict[str, int] = self.state["pins"]
        channels: dict[str, int] = self.state["channels"]
        if not self.state["under_xen"]:
            return f"ioapic0 pin {pin}"
        if self.has_global_interrupts:
            # pciback writes the firmware's number back.
            self.state["lines"][str(function.slot)] = function.interrupt_line if driver is _PCIBACK else int(pin)
            return f"ioapic0 pin {pin}"
        pins.setdefault(pin, _FIRST_PIRQ - len(pins))
        self.state["lines"][str(function.slot)] = pins[pin]
        following = _FIRST_EVENT_CHANNEL + len(channels)
        if driver is not _PCIBACK:
            channels.setdefault(pin, following)
        # pciback binds the interrupt only once a guest has the device.
        return f"ioapic0 pin {pin}, event channel {channels.get(pin, following)}"

    def _claimed_line(self, function: Function) -> Line:
        number = sum(1 for device in self.devices if device["driver"] == "pciback")
        line = self.state["lines"][str(function.slot)]
        # Where the driver's data lie differs from boot to boot.
        softc = 0xFFFFA00000975408 + (number - 1) * 0x3900
        return Line(f"irq line {line} pin {function.interrupt_pin} sc 0x{softc:016x}")

    def _network(self, name: str, driver: Driver, function: Function, channel: str) -> list[Line]:
        lines = [Line(f"{name}: interrupting at {channel}")]
        if driver.name == "wm":
            lines.append(Line(f"{name}: 32-bit 33MHz PCI bus", True))
            lines.append(Line(f"{name}: 64 words (6 address bits) MicroWire EEPROM", True))
        lines.append(Line("{}: Ethernet address {}".format(name, function.facts.get("mac", "00:00:00:00:00:00"))))
        if driver.name == "re":
            lines.append(Line(f"{name}: using 64 tx descriptors", True))
        for child in driver.children:
            phy = self.add(name, child)
            number, words = _PHYS[child]
            lines += [Line(f"{phy} at {name} phy {number}: {words}"), Line(f"{phy}: {_MEDIA}")]
        return lines

    def _disks(self, name: str, function: Function, legacy: bool) -> list[Line]:
        lines: list[Line] = []
        if legacy:
            lines.append(Line(f"{name}: bus-master DMA support present", True))
        for index, disk in enumerate(function.facts.get("channels", [])):
            channel = self.add(name, "atabus")
            if legacy:
                which = ("primary", "secondary")[index]
                lines.append(Line(f"{name}: {which} channel wired to compatibility mode", True))
                event = f", event channel {6 + index}" if self.state["under_xen"] else ""
                lines.append(Line(f"{name}: {which} channel interrupting at ioapic0 pin {14 + index}{event}"))
            lines.append(Line(f"{channel} at {name} channel {index}"))
            if disk == "wd0":
                self.add(channel, "wd")
            elif disk == "cd0":
                self.add(self.add(channel, "atapibus"), "cd")
        return lines

    def _attach_isa(self, parent: str) -> list[Line]:
        isa = self.add(parent, "isa")
        port = self.add(isa, "lpt")
        return [Line(f"{isa} at {parent}"), Line(f"{port} at {isa} port 0x378-0x37b irq 7")]

    # -- detaching -------------------------------------------------------------------------

    def detach(self, name: str) -> list[Line]:
        """``drvctl -d``: children go first, and stay gone when a later one refuses."""
        device = self.find(name)
        if device is None:
            raise DetachError(ENXIO, [])
        lines: list[Line] = []
        if device.get("refuses"):
            raise DetachError(device["refuses"], lines)
        for child in reversed(self.children(name)):
            try:
                lines += self.detach(child)
            except DetachError as error:
                raise DetachError(error.reason, lines + error.detached) from None
        self.devices.remove(device)
        self.state["pcibus"].pop(name, None)
        return [*lines, Line(f"{name}: detached")]


def boot(bus: Bus, claims: Collection[Slot], under_xen: bool) -> tuple[Tree, list[Line]]:
    """Attach everything, as a kernel does when it starts; the kernel's messages about PCI and disks."""
    tree = Tree.empty(bus, under_xen)
    tree.add("", "mainbus")
    for child in ("cpu", "ioapic"):
        tree.add("mainbus0", child)
    parent = "mainbus0"
    if under_xen:
        parent = tree.add("mainbus0", "hypervisor")
        for child in ("vcpu", "xenbus", "xencons"):
            tree.add(parent, child)
    acpi = tree.add(parent, "acpi")
    # ACPI numbers its keyboard controllers from 1, 0 being the console's.
    for unit in (1, 2):
        tree.devices.append({"name": f"pckbc{unit}", "driver": "pckbc", "unit": unit, "parent": acpi})
    tree.add(tree.add("pckbc1", "pckbd"), "wskbd")
    tree.add(tree.add("pckbc1", "pms"), "wsmouse")
    lines = tree.attach_bus(parent, 0, claims, ": configuration mode 1")
    tree.add("", "swcrypto")
    return tree, lines
