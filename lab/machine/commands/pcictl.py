# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcictl(8): lists the PCI buses, and reads and writes configuration registers.

It prints device numbers in decimal; the hide list wants them in hexadecimal.
"""

from __future__ import annotations

import re
import sys
from typing import NoReturn

from .. import names
from ..bus import Function, Slot
from ..state import Machine
from . import OptionError, complain, split_options

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
    _fail(f'"{text}" is not a number')


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
        _fail(f"{path}: No such file or directory")
    if machine.tree.bus_number(found.group(1)) is None:
        _fail(f"{path}: Device not configured")
    return _Target(machine, found.group(1))


def _options(arguments: list[str], letters: str) -> tuple[dict[str, int], list[str]]:
    try:
        options, rest = split_options(arguments, letters)
    except OptionError as error:
        complain("pcictl", str(error))
        _usage()
    values = {letter: number(value) if letter in "bdf" else 1 for letter, value in options}
    return values, rest


def _scan(machine: Machine, bus: int, device: int, function: int) -> list[Function]:
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


def _list(target: _Target, arguments: list[str]) -> None:
    options, rest = _options(arguments, "b:d:f:Nn")
    if rest:
        _usage()
    tree = target.machine.tree
    lines = []
    for function in _scan(target.machine, options.get("b", -1), options.get("d", -1), options.get("f", -1)):
        slot = function.slot
        numbers = f"0x{function.read(0):08x} (0x{function.class_register:08x})"
        words = numbers if "n" in options else names.full_words(function)
        if "N" in options:
            # The ioctl takes device and function only, and looks on the bus of the opened node:
            # on any other bus it names whoever sits at the same place there.
            driver = tree.at(Slot(target.bus, slot.device, slot.function))
            words += f" [{driver}]" if driver else ""
        lines.append(f"{slot.bus:03}:{slot.device:02}:{slot.function}: {words}\n")
    sys.stdout.write("".join(lines))


def _place(target: _Target, options: dict[str, int], command: str) -> Slot:
    place = Slot(options.get("b", target.bus), options.get("d", -2), options.get("f", 0))
    if place.bus == -1:
        _fail(f"{command}: wildcard bus number not permitted")
    if place.device == -2:
        _fail(f"{command}: must specify a device number")
    if place.device == -1:
        _fail(f"{command}: wildcard device number not permitted")
    if place.function == -1:
        _fail(f"{command}: wildcard function number not permitted")
    return place


def _valid(place: Slot, register: int) -> bool:
    return (
        place.bus <= 255 and place.device <= 31 and place.function <= 7 and register % 4 == 0 and 0 <= register < 4096
    )


def _read(target: _Target, arguments: list[str]) -> None:
    options, rest = _options(arguments, "b:d:f:")
    if len(rest) != 1:
        _usage()
    place = _place(target, options, "read")
    register = number(rest[0])
    if not _valid(place, register):
        _fail("read: Invalid argument")
    sys.stdout.write(f"{target.machine.read_config(place, register):08x}\n")


def _write(target: _Target, arguments: list[str]) -> None:
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
        for window in function.bars():
            if window.register == register:
                return ~(window.size - 1) & 0xFFFFFFFF
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


def _dump(target: _Target, arguments: list[str]) -> None:
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


def _rows(registers: list[int], first: int, last: int) -> list[str]:
    return [
        "    0x{:02x}: {}".format(start, " ".join(f"0x{registers[start // 4 + column]:08x}" for column in range(4)))
        for start in range(first, last, 16)
    ]


def dump_lines(function: Function, registers: list[int]) -> list[str]:
    """``pcictl dump``: configuration space in words, then the rest of its 256 bytes in numbers."""
    command, status = registers[1] & 0xFFFF, registers[1] >> 16
    misc = registers[3]
    lines = ["PCI configuration registers:", "  Common header:"]
    lines += _rows(registers, 0x00, 0x10)
    lines += [
        "",
        f"    Vendor Name: {names.vendor_name(function.vendor)} (0x{function.vendor:04x})",
        f"    Device Name: {names.product_name(function.vendor, function.product)} (0x{function.product:04x})",
        f"    Command register: 0x{command:04x}",
    ]
    lines += [f"      {words}: {_on(command, bit)}" for bit, words in enumerate(_COMMAND_BITS)]
    lines += [
        f"      Interrupt disable: {_on(command, 10)}",
        f"    Status register: 0x{status:04x}",
        f"      Interrupt status: {'active' if status >> 3 & 1 else 'inactive'}",
    ]
    lines += [f"      {words}: {_on(status, bit)}" for bit, words in _STATUS_BITS]
    speed = status >> 9 & 3
    lines.append(
        "      DEVSEL timing: {} (0x{:x})".format(("fast", "medium", "slow", "unknown/reserved")[speed], speed)
    )
    lines += [f"      {words}: {_on(status, bit)}" for bit, words in _STATUS_ERRORS]
    header = misc >> 16 & 0xFF
    code, subclass = function.class_code >> 8, function.class_code & 0xFF
    lines += [
        f"    Class Name: {names.class_name(code)} (0x{code:02x})",
        f"    Subclass Name: {names.subclass_name(code, subclass)} (0x{subclass:02x})",
        f"    Interface: 0x{function.interface:02x}",
        f"    Revision ID: 0x{function.revision:02x}",
        f"    BIST: 0x{misc >> 24:02x}",
        "    Header Type: 0x{:02x}{} (0x{:02x})".format(
            header & 0x7F, "+multifunction" if header & 0x80 else "", header
        ),
        f"    Latency Timer: 0x{misc >> 8 & 0xFF:02x}",
        f"    Cache Line Size: {(misc & 0xFF) * 4}bytes (0x{misc & 0xFF:02x})",
        "",
    ]
    lines += _bridge_lines(registers) if function.is_bridge else _device_lines(registers)
    lines += [""]
    lines += _capability_lines(registers)
    lines.append("  Device-dependent header:")
    lines += _rows(registers, 0x40, 0x100)
    return [*lines, ""]


def _bar_lines(registers: list[int], last: int) -> list[str]:
    lines = []
    register = 0x10
    while register < last:
        value = registers[register // 4]
        lines.append(f"    Base address register at 0x{register:02x}")
        register += 4
        if value == 0:
            lines.append("      not implemented(?)")
        elif value & 1:
            lines += ["      type: i/o", f"      base: 0x{value & ~3:08x}, not sized"]
        else:
            prefetch = "prefetchable" if value & 8 else "nonprefetchable"
            if value & 6 == 4:
                lines.append(f"      type: 64-bit {prefetch} memory")
                lines.append(f"      base: 0x{registers[register // 4]:08x}{value & ~15:08x}, not sized")
                register += 4
            else:
                lines.append(f"      type: 32-bit {prefetch} memory")
                lines.append(f"      base: 0x{value & ~15:08x}, not sized")
    return lines


def _interrupt_lines(registers: list[int]) -> list[str]:
    pin = registers[15] >> 8 & 0xFF
    name = "none" if pin == 0 else "pin {}".format("ABCD"[pin - 1]) if pin <= 4 else "?"
    return [f"    Interrupt pin: 0x{pin:02x} ({name})", f"    Interrupt line: 0x{registers[15] & 0xFF:02x}"]


def _pointer_line(registers: list[int]) -> str:
    if registers[1] >> 20 & 1:
        return f"    Capability list pointer: 0x{registers[13] & 0xFF:02x}"
    return f"    Reserved @ 0x34: 0x{registers[13]:08x}"


def _device_lines(registers: list[int]) -> list[str]:
    lines = ['  Type 0 ("normal" device) header:', *_rows(registers, 16, 64), ""]
    lines += _bar_lines(registers, 0x28)
    lines += [
        f"    Cardbus CIS Pointer: 0x{registers[10]:08x}",
        f"    Subsystem vendor ID: 0x{registers[11] & 0xFFFF:04x}",
        f"    Subsystem ID: 0x{registers[11] >> 16:04x}",
        f"    Expansion ROM Base Address: 0x{registers[12]:08x}",
        _pointer_line(registers),
        f"    Reserved @ 0x38: 0x{registers[14]:08x}",
        f"    Maximum Latency: 0x{registers[15] >> 24:02x}",
        f"    Minimum Grant: 0x{registers[15] >> 16 & 0xFF:02x}",
    ]
    return lines + _interrupt_lines(registers)


def _bridge_lines(registers: list[int]) -> list[str]:
    buses, windows, memory, prefetch = registers[6], registers[7], registers[8], registers[9]
    lines = ["  Type 1 (PCI-PCI bridge) header:", *_rows(registers, 16, 64), ""]
    lines += _bar_lines(registers, 0x18)
    lines += [
        f"    Primary bus number: 0x{buses & 0xFF:02x}",
        f"    Secondary bus number: 0x{buses >> 8 & 0xFF:02x}",
        f"    Subordinate bus number: 0x{buses >> 16 & 0xFF:02x}",
        f"    Secondary bus latency timer: 0x{buses >> 24:02x}",
        f"    Secondary status register: 0x{windows >> 16:04x}",
        "    I/O region:",
        f"      range: 0x{(windows & 0xF0) << 8:04x}-0x{(windows & 0xF000) | 0xFFF:04x}",
        "    Memory region:",
        f"      range: 0x{(memory & 0xFFF0) << 16:08x}-0x{memory & 0xFFF00000 | 0xFFFFF:08x}",
        "    Prefetchable memory region:",
        f"      range: 0x{(prefetch & 0xFFF0) << 16:08x}-0x{prefetch & 0xFFF00000 | 0xFFFFF:08x}",
        _pointer_line(registers),
        f"    Expansion ROM Base Address: 0x{registers[14]:08x}",
    ]
    return lines + _interrupt_lines(registers) + [f"    Bridge control register: 0x{registers[15] >> 16:04x}"]


_CAPABILITIES = {
    0x01: "Power Management", 0x04: "Slot Identification", 0x05: "MSI", 0x09: "vendor-specific", 0x0C: "hot-plug",
    0x0D: "Sub Vendor ID", 0x10: "PCI Express", 0x11: "MSI-X", 0x12: "SATA",
}  # fmt: skip


def _capability_lines(registers: list[int]) -> list[str]:
    if not registers[1] >> 20 & 1:
        return []
    lines = []
    offset = registers[13] & 0xFC
    seen = set()
    while offset >= 0x40 and offset not in seen:
        seen.add(offset)
        value = registers[offset // 4]
        lines.append(f"  Capability register at 0x{offset:02x}")
        lines.append("    type: 0x{:02x} ({})".format(value & 0xFF, _CAPABILITIES.get(value & 0xFF, "unknown")))
        offset = value >> 8 & 0xFC
    return [*lines, ""]


_COMMANDS = {"list": _list, "dump": _dump, "read": _read, "write": _write}


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    try:
        if len(arguments) < 2:
            _usage()
        device, command = arguments[:2]
        if command not in _COMMANDS:
            _fail(f"unknown command: {command}")
        machine.load()
        _COMMANDS[command](_open(machine, device), arguments[2:])
    except _Exit as error:
        return error.status
    return 0
