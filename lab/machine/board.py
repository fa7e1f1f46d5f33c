# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cards that are put in, taken out and swapped while the machine is off.

What the firmware does when it finds other hardware is done here: buses are numbered anew, depth
first in the order of the devices, as SeaBIOS does it; bridges get windows and cards addresses
where there is room, and a new card an interrupt line of its own while there is one. What was there and stays where it
was keeps its addresses.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

from .bus import MULTIFUNCTION, Bus, BusError, Function, Slot

# Where nothing of the chipset's own lies on the machines that there are dumps of.
_MEMORY = (0xF0000000, 0xFC000000)
_PORTS = (0x1000, 0x10000)
_MEMORY_GRANULE, _PORT_GRANULE = 0x100000, 0x1000
# The pins of the I/O APIC behind those that ISA has.
_LINES = range(16, 24)
_SERIAL_NUMBER = 0x0003

_PATH = re.compile(r"(?:0000:)?00((?:/[01][0-9a-f]\.[0-7])+)")


class BoardError(BusError):
    """What can't be done to this hardware, in one sentence."""


class Part:
    """One function and where it is plugged in: behind which bridge (None: on the root bus), as which
    device and function. ``bus`` is the number that the firmware gave its bus last."""

    def __init__(self, function: Function) -> None:
        self.config = bytearray(function.config)
        self.facts: dict[str, Any] = dict(function.facts)
        self.bus, self.device, self.function = function.slot
        self.parent: Part | None = None

    def as_function(self) -> Function:
        return Function(Slot(self.bus, self.device, self.function), bytes(self.config), self.facts)

    def read(self, register: int) -> int:
        return int.from_bytes(self.config[register : register + 4], "little")

    def write(self, register: int, value: int) -> None:
        self.config[register : register + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")

    @property
    def is_bridge(self) -> bool:
        return self.as_function().is_bridge

    def place(self) -> tuple[int, int]:
        return self.device, self.function


class Board:
    """The hardware of a machine on the bench."""

    def __init__(self, bus: Bus) -> None:
        self.facts = {key: value for key, value in bus.facts.items() if key != "functions"}
        self.parts = [Part(function) for function in bus]
        bridges = {part.as_function().secondary_bus: part for part in self.parts if part.is_bridge}
        for part in self.parts:
            part.parent = bridges.get(part.bus)
            if part.parent is None and part.bus != 0:
                raise BoardError(
                    f"bus {part.bus:02x} is behind no bridge; only machines with one root bus can be changed"
                )
        management = bus.facts.get("management")
        self.management = None if management is None else self._at(Slot.parse(management))

    def add(self, path: str, card: Function, mac: str | None = None) -> Slot:
        """Put a card in at a path such as ``00/03.0/04.0``; bridges that are missing on the way are put in as well.

        :param card: a function whose like the card is
        :param mac: its Ethernet address; the next free one by default
        """
        found = _PATH.fullmatch(path)
        if not found:
            raise BoardError(f"slot {path!r}: it is a path such as 00/03.0/04.0, bridges first, the card last")
        steps = [(int(step[:2], 16), int(step[3:])) for step in found.group(1).split("/")[1:]]
        parent: Part | None = None
        for device, function in steps[:-1]:
            bridge = next((part for part in self._behind(parent) if part.place() == (device, function)), None)
            parent = self._add_bridge(parent, device, function) if bridge is None else bridge
            if not parent.is_bridge:
                raise BoardError(f"{parent.as_function().slot} is no bridge; nothing can be put behind it")
        part = Part(card)
        part.facts.pop("channels", None)
        if "mac" in part.facts or mac is not None:
            _set_mac(part, self._next_mac() if mac is None else mac)
        part.config[0x0E] &= ~MULTIFUNCTION & 0xFF
        free = self._free_lines()
        if part.config[0x3D] and free:
            part.facts.pop("pin", None)
            part.config[0x3C] = free[0]
        self._plug(part, parent, *steps[-1])
        self._number()
        return part.as_function().slot

    def remove(self, slot: Slot) -> None:
        """Take a card out, with all its functions; what is behind it first, if it is a bridge."""
        for part in self._card(slot):
            if self._behind(part):
                raise BoardError(f"{slot} is a bridge with cards behind it; take those out first")
            self.parts.remove(part)
            if part is self.management:
                self.management = None
        self._number()

    def swap(self, one: Slot, other: Slot) -> None:
        """Exchange two cards; interrupts belong to the places."""
        first, second = self._card(one), self._card(other)
        if any(part.is_bridge for part in first + second) or len(first) != len(second):
            raise BoardError(f"{one} and {other} can't be swapped: only cards with equally many functions can")
        places = [(part.parent, part.device) for part in (first[0], second[0])]
        for part, counterpart in zip(first, second):
            part.config[0x3C], counterpart.config[0x3C] = counterpart.config[0x3C], part.config[0x3C]
            pins = part.facts.pop("pin", None), counterpart.facts.pop("pin", None)
            part.facts.update({} if pins[1] is None else {"pin": pins[1]})
            counterpart.facts.update({} if pins[0] is None else {"pin": pins[0]})
        self.parts = [part for part in self.parts if part not in first + second]
        for cards, (parent, device) in ((first, places[1]), (second, places[0])):
            for part in cards:
                self._plug(part, parent, device, part.function)
        self._number()

    def as_bus(self) -> Bus:
        """The hardware as the firmware leaves it."""
        functions = [part.as_function() for part in self.parts]
        facts = dict(self.facts, functions={str(each.slot): each.facts for each in functions if each.facts})
        facts.pop("management", None)
        if self.management is not None:
            facts["management"] = str(self.management.as_function().slot)
        return Bus(functions, facts)

    # -- plugging --------------------------------------------------------------------------

    def _at(self, slot: Slot) -> Part:
        for part in self.parts:
            if (part.bus, *part.place()) == slot:
                return part
        raise BoardError(f"{slot}: this machine has no such device")

    def _card(self, slot: Slot) -> list[Part]:
        """All functions of the card that a function belongs to."""
        self._at(slot)
        return [part for part in self.parts if (part.bus, part.device) == slot[:2]]

    def _behind(self, parent: Part | None) -> list[Part]:
        found = [part for part in self.parts if part.parent is parent]
        return sorted(found, key=Part.place)

    def _add_bridge(self, parent: Part | None, device: int, function: int) -> Part:
        like = next((part for part in self.parts if part.is_bridge), None)
        if like is None:
            raise BoardError("this machine has no bridge; begin with a bus that has one")
        bridge = Part(like.as_function())
        self._plug(bridge, parent, device, function)
        # A bridge on the root bus gets more than one card needs, so that another bridge can sit behind it.
        memory, ports = (_MEMORY_GRANULE, _PORT_GRANULE) if parent else (4 * _MEMORY_GRANULE, 2 * _PORT_GRANULE)
        first = self._room(parent, memory, _MEMORY_GRANULE, is_io=False)
        last = first + memory - _MEMORY_GRANULE
        bridge.write(0x20, first >> 16 & 0xFFF0 | last & 0xFFF00000)
        first = self._room(parent, ports, _PORT_GRANULE, is_io=True)
        last = first + ports - _PORT_GRANULE
        bridge.write(0x1C, bridge.read(0x1C) & 0xFFFF0000 | first >> 8 & 0xF0 | last & 0xF000)
        # A window whose base is above its limit is shut.
        bridge.write(0x24, bridge.read(0x24) & 0x000F000F | 0x0000FFF0)
        bridge.write(0x28, 0)
        bridge.write(0x2C, 0)
        return bridge

    def _plug(self, part: Part, parent: Part | None, device: int, function: int) -> None:
        """Put a function in its place, and give it addresses there."""
        if any(each.place() == (device, function) for each in self._behind(parent)):
            raise BoardError(f"device {device:02x}.{function} of that bus is taken")
        part.parent, part.device, part.function = parent, device, function
        for window in part.as_function().bars():
            address = self._room(parent, window.size, window.size, window.is_io)
            flags = part.read(window.register) & (3 if window.is_io else 15)
            part.write(window.register, address | flags)
            if not window.is_io and flags & 6 == 4:
                part.write(window.register + 4, address >> 32)
        self.parts.append(part)

    # -- addresses -------------------------------------------------------------------------

    def _room(self, parent: Part | None, size: int, alignment: int, is_io: bool) -> int:
        """The first free address on a bus."""
        begin, end = (_PORTS if is_io else _MEMORY) if parent is None else _window(parent, is_io)
        taken = sorted(self._taken(is_io, parent))
        address = -(-begin // alignment) * alignment
        for first, last in taken:
            if first < address + size and address < last:
                address = -(-last // alignment) * alignment
        if address + size > end:
            raise BoardError(f"there is no room for {size} {'ports' if is_io else 'bytes'} behind that bridge")
        return address

    def _taken(self, is_io: bool, inside: Part | None) -> Iterator[tuple[int, int]]:
        for part in self.parts:
            for window in part.as_function().bars():
                if window.is_io == is_io:
                    yield window.address, window.address + window.size
            if part.is_bridge and not _leads_to(part, inside):
                yield _window(part, is_io)

    def _free_lines(self) -> list[int]:
        """The lines that no card interrupts at, of those that are for cards only."""
        taken = {part.facts.get("pin", part.config[0x3C]) for part in self.parts if part.config[0x3D]}
        return [line for line in _LINES if line not in taken]

    # -- numbers ---------------------------------------------------------------------------

    def _number(self) -> None:
        """Number the buses: a bridge gets the next number for the bus behind it, before its neighbours do."""
        last = 0

        def descend(parent: Part | None, number: int) -> None:
            nonlocal last
            for part in self._behind(parent):
                part.bus = number
                if part.is_bridge:
                    last += 1
                    secondary = last
                    descend(part, secondary)
                    part.write(0x18, part.read(0x18) & 0xFF000000 | last << 16 | secondary << 8 | number)

        descend(None, 0)

    def _next_mac(self) -> str:
        known = [int(part.facts["mac"].replace(":", ""), 16) for part in self.parts if "mac" in part.facts]
        digits = f"{max(known, default=0x525400123455) + 1:012x}"
        return ":".join(digits[index : index + 2] for index in range(0, 12, 2))


def _window(bridge: Part, is_io: bool) -> tuple[int, int]:
    """What a bridge passes on, from its first address to the one after its last."""
    value = bridge.read(0x1C if is_io else 0x20)
    if is_io:
        return (value & 0xF0) << 8, (value & 0xF000) + _PORT_GRANULE
    return (value & 0xFFF0) << 16, (value & 0xFFF00000) + _MEMORY_GRANULE


def _leads_to(bridge: Part, part: Part | None) -> bool:
    while part is not None and part is not bridge:
        part = part.parent
    return part is bridge


def _set_mac(part: Part, mac: str) -> None:
    """The Ethernet address, and the serial number that QEMU makes of it on PCI Express."""
    part.facts["mac"] = mac
    first, last = bytes.fromhex(mac.replace(":", ""))[:3], bytes.fromhex(mac.replace(":", ""))[3:]
    offset = 0x100
    while 0x100 <= offset < len(part.config) - 12:
        value = part.read(offset)
        if value & 0xFFFF == _SERIAL_NUMBER:
            part.config[offset + 4 : offset + 12] = (first + b"\xff\xff" + last)[::-1]
        offset = value >> 20 & 0xFFC if value not in (0, 0xFFFFFFFF) else 0
