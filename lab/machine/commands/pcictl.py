# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcictl(8): lists the PCI buses, and reads and writes configuration registers.

It prints device numbers in decimal; the hide list wants them in hexadecimal.
"""

from __future__ import annotations

import getopt
import re
import sys
from typing import Dict, List, NoReturn, Optional

from .. import names
from ..bus import Function, Slot
from ..state import Machine
from . import complain

USAGE = """usage: pcictl device command [arg [...]]
   Available commands:
\tlist [-Nn] [-b bus] [-d device] [-f function]
\tdump [-b bus] -d device [-f function]
\tread [-b bus] -d device [-f function] reg
\twrite [-b bus] -d device [-f function] reg value
"""
# MAKEDEV makes this many /dev/pciN, whatever buses there are.
DEVICE_NODES = 8


class _Exit(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _usage() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.write(USAGE)
    raise _Exit(1)


def _fail(message: str) -> NoReturn:
    complain("pcictl", message)
    raise _Exit(1)


def number(text: str) -> int:
    """A number in C's notation; -1 for ``any`` and ``all``."""
    if text in ("any", "all"):
        return -1
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        return int(text, 16)
    if re.fullmatch(r"0[0-7]*", text):
        return int(text, 8)
    if re.fullmatch(r"[1-9][0-9]*", text):
        return int(text)
    _fail('"%s" is not a number' % text)


class _Target:
    def __init__(self, machine: Machine, bus_name: str) -> None:
        self.machine = machine
        self.bus_name = bus_name
        bus = machine.tree.bus_number(bus_name)
        assert bus is not None
        self.bus = bus


def _open(machine: Machine, device: str) -> _Target:
    path = device if "/" in device else "/dev/" + device
    found = re.fullmatch(r"/dev/(pci([0-9]+))", path)
    if not found or int(found.group(2)) >= DEVICE_NODES:
        _fail("%s: No such file or directory" % path)
    if machine.tree.bus_number(found.group(1)) is None:
        _fail("%s: Device not configured" % path)
    return _Target(machine, found.group(1))


def _options(arguments: List[str], letters: str) -> "tuple[Dict[str, int], List[str]]":
    try:
        options, rest = getopt.getopt(arguments, letters)
    except getopt.GetoptError as error:
        sys.stderr.write(
            "pcictl: %s -- %s\n"
            % ("option requires an argument" if "requires" in error.msg else "unknown option", error.opt)
        )
        _usage()
    values: Dict[str, int] = {}
    for letter, value in options:
        values[letter[1]] = number(value) if letter in ("-b", "-d", "-f") else 1
    return values, rest


def _scan(machine: Machine, bus: int, device: int, function: int) -> List[Function]:
    """The functions that match; -1 matches any. Functions past 0 are looked for only on a
    multi-function device, unless one is asked for by number."""
    found = []
    for candidate in machine.bus:
        slot = candidate.slot
        if bus not in (-1, slot.bus) or device not in (-1, slot.device) or function not in (-1, slot.function):
            continue
        if function == -1 and candidate not in machine.bus.on(slot.bus):
            continue
        found.append(candidate)
    return found


def _list(target: _Target, arguments: List[str]) -> None:
    options, rest = _options(arguments, "b:d:f:Nn")
    if rest:
        _usage()
    tree = target.machine.tree
    lines = []
    for function in _scan(target.machine, options.get("b", -1), options.get("d", -1), options.get("f", -1)):
        slot = function.slot
        if "n" in options:
            words = "0x%08x (0x%08x)" % (function.read(0), function.class_register)
        else:
            words = names.full_words(function)
        if "N" in options:
            # The ioctl takes device and function only, and looks on the bus of the opened node:
            # on any other bus it names whoever sits at the same place there.
            driver = tree.at(Slot(target.bus, slot.device, slot.function))
            words += " [%s]" % driver if driver else ""
        lines.append("%03d:%02d:%d: %s\n" % (slot.bus, slot.device, slot.function, words))
    sys.stdout.write("".join(lines))


def _place(target: _Target, options: Dict[str, int], command: str) -> Slot:
    place = Slot(options.get("b", target.bus), options.get("d", -2), options.get("f", 0))
    if place.bus == -1:
        _fail("%s: wildcard bus number not permitted" % command)
    if place.device == -2:
        _fail("%s: must specify a device number" % command)
    if place.device == -1:
        _fail("%s: wildcard device number not permitted" % command)
    if place.function == -1:
        _fail("%s: wildcard function number not permitted" % command)
    return place


def _valid(place: Slot, register: int) -> bool:
    return place.bus <= 255 and place.device <= 31 and place.function <= 7 and register % 4 == 0 and 0 <= register < 4096


def _read(target: _Target, arguments: List[str]) -> None:
    options, rest = _options(arguments, "b:d:f:")
    if len(rest) != 1:
        _usage()
    place = _place(target, options, "read")
    register = number(rest[0])
    if not _valid(place, register):
        _fail("read: Invalid argument")
    sys.stdout.write("%08x\n" % target.machine.read_config(place, register))


def _write(target: _Target, arguments: List[str]) -> None:
    options, rest = _options(arguments, "b:d:f:")
    if len(rest) != 2:
        _usage()
    place = _place(target, options, "write")
    register, value = number(rest[0]), number(rest[1])
    if not _valid(place, register):
        _fail("write: Invalid argument")
    machine = target.machine
    function = machine.bus.get(place)
    if function is None:
        return
    with machine.changing():
        mask = _writable(function, register)
        machine.write_config(place, register, machine.read_config(place, register) & ~mask | value & mask)


def _writable(function: Function, register: int) -> int:
    """Which bits of a register keep what is written (PCI Local Bus Specification 3.0, chapter 6):
    identity, status and what only the firmware sets up do not."""
    if register == 0x04:
        return 0x0547
    if register == 0x0C:
        return 0x0000FFFF
    if register == 0x3C:
        return 0x000000FF
    if register < 0x40:
        for bar in function.bars():
            if bar.register == register:
                return ~(bar.size - 1) & 0xFFFFFFFF
    return 0


# -- dump --------------------------------------------------------------------------------------

_COMMAND_BITS = (
    "I/O space accesses", "Memory space accesses", "Bus mastering", "Special cycles", "MWI transactions",
    "Palette snooping", "Parity error checking", "Address/data stepping", "System error (SERR)",
    "Fast back-to-back transactions",
)  # fmt: skip
_STATUS_BITS = (
    (4, "Capability List support"), (5, "66 MHz capable"), (6, "User Definable Features (UDF) support"),
    (7, "Fast back-to-back capable"), (8, "Data parity error detected"),
)  # fmt: skip
_STATUS_ERRORS = (
    (11, "Slave signaled Target Abort"), (12, "Master received Target Abort"), (13, "Master received Master Abort"),
    (14, "Asserted System Error (SERR)"), (15, "Parity error detected"),
)  # fmt: skip


def _dump(target: _Target, arguments: List[str]) -> None:
    options, rest = _options(arguments, "b:d:f:")
    if rest:
        _usage()
    place = _place(target, options, "dump")
    function = target.machine.bus.get(place)
    if function is None:
        return
    registers = [target.machine.read_config(place, register) for register in range(0, 256, 4)]
    sys.stdout.write("\n".join(dump_lines(function, registers)) + "\n")


def _on(value: int, bit: int) -> str:
    return "on" if value >> bit & 1 else "off"


def _rows(registers: List[int], first: int, last: int) -> List[str]:
    return [
        "    0x%02x: %s" % (start, " ".join("0x%08x" % registers[start // 4 + column] for column in range(4)))
        for start in range(first, last, 16)
    ]


def dump_lines(function: Function, registers: List[int]) -> List[str]:
    """``pcictl dump``: configuration space in words, then the rest of its 256 bytes in numbers."""
    command, status = registers[1] & 0xFFFF, registers[1] >> 16
    misc = registers[3]
    lines = ["PCI configuration registers:", "  Common header:"]
    lines += _rows(registers, 0x00, 0x10)
    lines += [
        "",
        "    Vendor Name: %s (0x%04x)" % (names.vendor_name(function.vendor), function.vendor),
        "    Device Name: %s (0x%04x)" % (names.product_name(function.vendor, function.product), function.product),
        "    Command register: 0x%04x" % command,
    ]
    lines += ["      %s: %s" % (words, _on(command, bit)) for bit, words in enumerate(_COMMAND_BITS)]
    lines += [
        "      Interrupt disable: %s" % _on(command, 10),
        "    Status register: 0x%04x" % status,
        "      Interrupt status: %s" % ("active" if status >> 3 & 1 else "inactive"),
    ]
    lines += ["      %s: %s" % (words, _on(status, bit)) for bit, words in _STATUS_BITS]
    speed = status >> 9 & 3
    lines.append("      DEVSEL timing: %s (0x%x)" % (("fast", "medium", "slow", "unknown/reserved")[speed], speed))
    lines += ["      %s: %s" % (words, _on(status, bit)) for bit, words in _STATUS_ERRORS]
    header = misc >> 16 & 0xFF
    lines += [
        "    Class Name: %s (0x%02x)" % (names.class_name(function.class_code >> 8), function.class_code >> 8),
        "    Subclass Name: %s (0x%02x)"
        % (names.subclass_name(function.class_code >> 8, function.class_code & 0xFF), function.class_code & 0xFF),
        "    Interface: 0x%02x" % function.interface,
        "    Revision ID: 0x%02x" % function.revision,
        "    BIST: 0x%02x" % (misc >> 24),
        "    Header Type: 0x%02x%s (0x%02x)" % (header & 0x7F, "+multifunction" if header & 0x80 else "", header),
        "    Latency Timer: 0x%02x" % (misc >> 8 & 0xFF),
        "    Cache Line Size: %dbytes (0x%02x)" % ((misc & 0xFF) * 4, misc & 0xFF),
        "",
    ]
    lines += _bridge_lines(registers) if function.is_bridge else _device_lines(registers)
    lines += [""]
    lines += _capability_lines(registers)
    lines.append("  Device-dependent header:")
    lines += _rows(registers, 0x40, 0x100)
    return lines + [""]


def _bar_lines(registers: List[int], last: int) -> List[str]:
    lines = []
    register = 0x10
    while register < last:
        value = registers[register // 4]
        lines.append("    Base address register at 0x%02x" % register)
        register += 4
        if value == 0:
            lines.append("      not implemented(?)")
        elif value & 1:
            lines += ["      type: i/o", "      base: 0x%08x, not sized" % (value & ~3)]
        else:
            prefetch = "prefetchable" if value & 8 else "nonprefetchable"
            if value & 6 == 4:
                lines.append("      type: 64-bit %s memory" % prefetch)
                lines.append("      base: 0x%08x%08x, not sized" % (registers[register // 4], value & ~15))
                register += 4
            else:
                lines.append("      type: 32-bit %s memory" % prefetch)
                lines.append("      base: 0x%08x, not sized" % (value & ~15))
    return lines


def _interrupt_lines(registers: List[int]) -> List[str]:
    pin = registers[15] >> 8 & 0xFF
    name = "none" if pin == 0 else "pin %s" % "ABCD"[pin - 1] if pin <= 4 else "?"
    return ["    Interrupt pin: 0x%02x (%s)" % (pin, name), "    Interrupt line: 0x%02x" % (registers[15] & 0xFF)]


def _pointer_line(registers: List[int]) -> str:
    if registers[1] >> 20 & 1:
        return "    Capability list pointer: 0x%02x" % (registers[13] & 0xFF)
    return "    Reserved @ 0x34: 0x%08x" % registers[13]


def _device_lines(registers: List[int]) -> List[str]:
    lines = ['  Type 0 ("normal" device) header:'] + _rows(registers, 0x10, 0x40) + [""]
    lines += _bar_lines(registers, 0x28)
    lines += [
        "    Cardbus CIS Pointer: 0x%08x" % registers[10],
        "    Subsystem vendor ID: 0x%04x" % (registers[11] & 0xFFFF),
        "    Subsystem ID: 0x%04x" % (registers[11] >> 16),
        "    Expansion ROM Base Address: 0x%08x" % registers[12],
        _pointer_line(registers),
        "    Reserved @ 0x38: 0x%08x" % registers[14],
        "    Maximum Latency: 0x%02x" % (registers[15] >> 24),
        "    Minimum Grant: 0x%02x" % (registers[15] >> 16 & 0xFF),
    ]
    return lines + _interrupt_lines(registers)


def _bridge_lines(registers: List[int]) -> List[str]:
    buses, windows, memory, prefetch = registers[6], registers[7], registers[8], registers[9]
    lines = ["  Type 1 (PCI-PCI bridge) header:"] + _rows(registers, 0x10, 0x40) + [""]
    lines += _bar_lines(registers, 0x18)
    lines += [
        "    Primary bus number: 0x%02x" % (buses & 0xFF),
        "    Secondary bus number: 0x%02x" % (buses >> 8 & 0xFF),
        "    Subordinate bus number: 0x%02x" % (buses >> 16 & 0xFF),
        "    Secondary bus latency timer: 0x%02x" % (buses >> 24),
        "    Secondary status register: 0x%04x" % (windows >> 16),
        "    I/O region:",
        "      range: 0x%04x-0x%04x" % ((windows & 0xF0) << 8, (windows & 0xF000) | 0xFFF),
        "    Memory region:",
        "      range: 0x%08x-0x%08x" % ((memory & 0xFFF0) << 16, memory & 0xFFF00000 | 0xFFFFF),
        "    Prefetchable memory region:",
        "      range: 0x%08x-0x%08x" % ((prefetch & 0xFFF0) << 16, prefetch & 0xFFF00000 | 0xFFFFF),
        _pointer_line(registers),
        "    Expansion ROM Base Address: 0x%08x" % registers[14],
    ]
    return lines + _interrupt_lines(registers) + ["    Bridge control register: 0x%04x" % (registers[15] >> 16)]


_CAPABILITIES = {0x01: "Power Management", 0x05: "MSI", 0x09: "vendor-specific", 0x0C: "hot-plug", 0x0D: "Sub Vendor ID",
                 0x10: "PCI Express", 0x11: "MSI-X", 0x12: "SATA", 0x04: "Slot Identification"}  # fmt: skip


def _capability_lines(registers: List[int]) -> List[str]:
    if not registers[1] >> 20 & 1:
        return []
    lines = []
    offset = registers[13] & 0xFC
    seen = set()
    while offset >= 0x40 and offset not in seen:
        seen.add(offset)
        value = registers[offset // 4]
        lines.append("  Capability register at 0x%02x" % offset)
        lines.append("    type: 0x%02x (%s)" % (value & 0xFF, _CAPABILITIES.get(value & 0xFF, "unknown")))
        offset = value >> 8 & 0xFC
    return lines + [""]


_COMMANDS = {"list": _list, "dump": _dump, "read": _read, "write": _write}


def main(program: str, arguments: List[str], machine: Optional[Machine] = None) -> int:
    machine = machine or Machine.inside()
    try:
        if len(arguments) < 2:
            _usage()
        device, command = arguments[:2]
        if command not in _COMMANDS:
            _fail("unknown command: %s" % command)
        machine.load()
        _COMMANDS[command](_open(machine, device), arguments[2:])
    except _Exit as error:
        return error.status
    return 0
