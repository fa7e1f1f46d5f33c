# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's PCI hardware: configuration space as ``lspci -xxxx`` prints it.

What a dump can't tell (sizes of BARs, Ethernet addresses, disks) stands in a JSON file of the
same name beside it, see buses/README.md.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterator, NamedTuple

_HEADER = re.compile(r"^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])(?: |$)")
_BYTES = re.compile(r"^([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ){0,15}[0-9a-f]{2})\s*$")

MULTIFUNCTION = 0x80


class Slot(NamedTuple):
    """Where a function sits; the machine has one PCI domain."""

    bus: int
    device: int
    function: int

    def __str__(self) -> str:
        return "0000:{:02x}:{:02x}.{:x}".format(*self)

    @classmethod
    def parse(cls, text: str) -> Slot:
        """The inverse of ``str()``: ``0000:00:1f.2``."""
        return cls(int(text[5:7], 16), int(text[8:10], 16), int(text[11:], 16))


class BusError(Exception):
    """The dump or its JSON file can't be read."""


class Bar(NamedTuple):
    """A base address register: offset in configuration space, kind, address and size in bytes."""

    register: int
    is_io: bool
    address: int
    size: int


class Function:
    """One PCI function: its configuration space after the firmware ran, and its board's facts."""

    def __init__(self, slot: Slot, config: bytes, facts: dict[str, Any]) -> None:
        self.slot = slot
        self.config = config
        self.facts = facts

    def read(self, register: int) -> int:
        """32 bits at a register (a multiple of 4); all ones past the end of the dump."""
        data = self.config[register : register + 4]
        return int.from_bytes(data, "little") if len(data) == 4 else 0xFFFFFFFF

    @property
    def vendor(self) -> int:
        return self.read(0x00) & 0xFFFF

    @property
    def product(self) -> int:
        return self.read(0x00) >> 16

    @property
    def subsystem(self) -> tuple[int, int]:
        """Vendor and product of the board."""
        value = self.read(0x2C)
        return value & 0xFFFF, value >> 16

    @property
    def class_register(self) -> int:
        return self.read(0x08)

    @property
    def class_code(self) -> int:
        """Class and subclass, 16 bits."""
        return self.read(0x08) >> 16

    @property
    def interface(self) -> int:
        return (self.read(0x08) >> 8) & 0xFF

    @property
    def revision(self) -> int:
        return self.read(0x08) & 0xFF

    @property
    def header_type(self) -> int:
        return (self.read(0x0C) >> 16) & 0x7F

    @property
    def is_bridge(self) -> bool:
        """A PCI-PCI bridge: header type 1, with a bus behind it."""
        return self.header_type == 1

    @property
    def secondary_bus(self) -> int:
        return (self.read(0x18) >> 8) & 0xFF

    @property
    def interrupt_pin(self) -> int:
        return (self.read(0x3C) >> 8) & 0xFF

    @property
    def interrupt_line(self) -> int:
        return self.read(0x3C) & 0xFF

    def bars(self) -> list[Bar]:
        """The base address registers in use. Their sizes come from the JSON file; without it the
        natural alignment of the address is taken, at most 256 ports or 128 KiB."""
        sizes = self.facts.get("bars", {})
        last = 0x18 if self.is_bridge else 0x28
        found = []
        register = 0x10
        while register < last:
            value = self.read(register)
            here = register
            register += 4
            is_io = bool(value & 1)
            address = value & (0xFFFFFFFC if is_io else 0xFFFFFFF0)
            if not is_io and value & 6 == 4:
                address |= self.read(register) << 32
                register += 4
            if address == 0:
                continue
            natural = min(address & -address, 0x100 if is_io else 0x20000)
            found.append(Bar(here, is_io, address, int(sizes.get(f"0x{here:02x}", natural))))
        return found


class Bus:
    """All functions of the machine, in bus order."""

    def __init__(self, functions: list[Function], facts: dict[str, Any]) -> None:
        self.functions = sorted(functions, key=lambda function: function.slot)
        self.facts = facts
        self._by_slot = {function.slot: function for function in self.functions}

    def __iter__(self) -> Iterator[Function]:
        return iter(self.functions)

    def get(self, slot: Slot) -> Function | None:
        return self._by_slot.get(slot)

    def on(self, bus: int) -> list[Function]:
        """Functions that a scan of one bus finds: those past function 0 only where function 0
        says that there are more."""
        found = []
        for function in self.functions:
            if function.slot.bus != bus:
                continue
            if function.slot.function > 0:
                first = self.get(Slot(bus, function.slot.device, 0))
                if first is None or not (first.read(0x0C) >> 16) & MULTIFUNCTION:
                    continue
            found.append(function)
        return found

    def numbers(self) -> list[int]:
        """Bus numbers in the order in which autoconfiguration meets them: a bus behind a bridge
        right after the bridge."""
        return list(self._walk(0))

    def _walk(self, bus: int) -> Iterator[int]:
        yield bus
        for function in self.on(bus):
            if function.is_bridge and function.secondary_bus > bus:
                yield from self._walk(function.secondary_bus)


def parse(text: str, facts: dict[str, Any] | None = None) -> Bus:
    """Read the text of ``lspci -xxx`` or ``-xxxx``; lines of its other options are passed over."""
    facts = facts or {}
    boards = facts.get("functions", {})
    functions: list[Function] = []
    slot: Slot | None = None
    config = bytearray()

    def finish() -> None:
        if slot is not None:
            if len(config) < 64:
                raise BusError(f"{slot} has {len(config)} bytes of configuration space; at least 64 are needed")
            functions.append(Function(slot, bytes(config), boards.get(str(slot), {})))

    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            finish()
            if int(header.group(1) or "0", 16) != 0:
                raise BusError(f"line {number}: only PCI domain 0000 can be modelled, this is {line.split()[0]}")
            slot = Slot(int(header.group(2), 16), int(header.group(3), 16), int(header.group(4), 16))
            config = bytearray()
            continue
        data = _BYTES.match(line)
        if data:
            if slot is None:
                raise BusError(f"line {number}: bytes before any device line")
            if int(data.group(1), 16) != len(config):
                raise BusError(f"line {number}: offset {data.group(1)}, expected {len(config):02x}")
            config += bytes.fromhex(data.group(2))
    finish()
    if not functions:
        raise BusError("no PCI function in the dump; it must be the text of lspci -xxx or -xxxx")
    return Bus(functions, facts)


def render(bus: Bus) -> str:
    """The text that :func:`parse` reads, without the words that lspci adds."""
    blocks = []
    for function in bus:
        lines = [f"{function.slot} Class {function.class_code:04x}: {function.vendor:04x}:{function.product:04x}"]
        for offset in range(0, len(function.config), 16):
            lines.append(f"{offset:02x}: {function.config[offset : offset + 16].hex(' ')}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def load(dump: str, facts: str) -> Bus:
    """Read a dump file and the JSON file beside it (which may be missing)."""
    with open(dump, encoding="ascii") as stream:
        text = stream.read()
    try:
        with open(facts, encoding="utf-8") as stream:
            known = json.load(stream)
    except FileNotFoundError:
        known = {}
    return parse(text, known)
