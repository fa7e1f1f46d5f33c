# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with 16 devices, no byte of whose identities and patterns is that of another one at the same offset."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import cached_property

DEVICES = 16
PAGE = 4096
POWER, MSI, MSIX, VPD, VENDOR_SPECIFIC = 0x40, 0x50, 0x70, 0x80, 0xF0
VECTORS = 8
MSIX_TABLE = 0x400

# What a guest may change in its own device, directly or through the policy: COMMAND, errors in STATUS, cache line,
# self-test, power state, MSI and MSI-X on and off, the address of vital product data and what is read there.
CHANGEABLE = frozenset(
    [4, 5, 6, 7, 0x0C, 0x0F, POWER + 4, POWER + 5, MSI + 2, MSI + 3, MSIX + 2, MSIX + 3, *range(VPD + 2, VPD + 8)]
)
# What a guest reads as it is: identity, class, subsystem and a pattern. The last capability is one that is hidden.
PATTERN = range(0x90, VENDOR_SPECIFIC)
EXTENDED_PATTERN = range(0x200, 0x300)
EXACT = frozenset([0, 1, 2, 3, 8, 9, 10, 11, *range(0x2C, 0x30), *PATTERN, *EXTENDED_PATTERN])


@dataclass(frozen=True)
class Bar:
    """A base address register; index 6 is the ROM. Size in bytes."""

    index: int
    address: int
    size: int
    is_io: bool = False
    is_64: bool = False

    @property
    def offset(self) -> int:
        return 0x30 if self.index == 6 else 0x10 + 4 * self.index

    def pages(self) -> range:
        """Frames of 4096 bytes, or ports."""
        if self.is_io:
            return range(self.address, self.address + self.size)
        return range(self.address // PAGE, (self.address + self.size - 1) // PAGE + 1)


@dataclass
class Device:
    """One PCI function. ``number`` tells its pattern from those of all others."""

    number: int
    address: str
    irq: int
    bars: list[Bar]
    express: bool
    has_msi: bool
    has_msix: bool
    can_be_reset: bool = True
    masks: dict[int, int] = field(default_factory=dict)

    def pattern(self, offset: int) -> int:
        """The byte that only this device has at an offset; neither 0 nor ff."""
        return (16 + self.number * 13 + offset * 7) % 251 + 1

    @property
    def slot(self) -> int:
        """Device and function as in a request."""
        return int(self.address[8:10], 16) << 3 | int(self.address[11])

    @property
    def msix_table(self) -> int:
        """The address in memory of its MSI-X table."""
        return self.bars[0].address + MSIX_TABLE

    @cached_property
    def config(self) -> bytes:
        """Its configuration space as the machine starts."""
        config = bytearray(PAGE if self.express else 256)
        for offset in range(len(config)):
            if offset in EXACT:
                config[offset] = self.pattern(offset)
        # Decoding on, capabilities, and an error that the first guest may clear.
        struct.pack_into("<HH", config, 4, 3, 0x8010)
        config[0x0C], config[0x0E] = 16, 0x80 if self.address[8:11] == "00." else 0
        config[8:12] = bytes([self.pattern(8), 0, 0, 2])
        for register in self.bars:
            flags = 1 if register.is_io else 4 if register.is_64 else 0
            struct.pack_into("<I", config, register.offset, (register.address & 0xFFFFFFFF) | flags)
            if register.is_64:
                struct.pack_into("<I", config, register.offset + 4, register.address >> 32)
        struct.pack_into("<BB", config, 0x3C, self.irq, 1)
        chain = [POWER, VPD, VENDOR_SPECIFIC]
        chain += [MSI] * self.has_msi + [MSIX] * self.has_msix
        chain.sort()
        config[0x34] = chain[0]
        identities = {POWER: 1, MSI: 5, MSIX: 0x11, VPD: 3, VENDOR_SPECIFIC: 9}
        for at, following in zip(chain, [*chain[1:], 0]):
            config[at], config[at + 1] = identities[at], following
        struct.pack_into("<H", config, POWER + 2, 0x0003)
        # One that keeps its state in D3 has no way to be reset.
        config[POWER + 4] = 0 if self.can_be_reset else 8
        if self.has_msi:
            struct.pack_into("<H", config, MSI + 2, 0x0080)
        if self.has_msix:
            struct.pack_into("<HII", config, MSIX + 2, VECTORS - 1, MSIX_TABLE, MSIX_TABLE + 0x200)
        config[VENDOR_SPECIFIC + 2] = 8
        return bytes(config)

    @cached_property
    def sizing(self) -> dict[int, int]:
        """For each byte of an address register what it shows while its size is asked for."""
        shown = {}
        for register in self.bars:
            flags = 1 if register.is_io else 4 if register.is_64 else 0
            low = -register.size & (~3 if register.is_io else ~2047 if register.index == 6 else ~15)
            mask = struct.pack("<I", (low & 0xFFFFFFFF) | flags)
            mask += struct.pack("<I", (low >> 32) & 0xFFFFFFFF) if register.is_64 else b""
            shown.update({register.offset + i: byte for i, byte in enumerate(mask)})
        return shown

    def may_show(self, offset: int, value: bytes, now: bytes) -> bool:
        """Whether a guest may read these bytes there, if the registers are ``now``."""
        for at, byte in enumerate(value, offset):
            if at >= len(now):
                good = byte == 0xFF
            elif at in EXACT:
                good = byte == now[at]
            elif 0x10 <= at < 0x28 or 0x30 <= at < 0x34:
                good = byte in (self.config[at], self.sizing.get(at, 0))
            elif at == 0x3C:
                good = byte == self.irq
            elif MSI + 4 <= at < MSIX and self.has_msi:
                # Addresses of the host's interrupt controllers.
                good = byte == 0
            else:
                good = at in CHANGEABLE or at < 0x100 or byte in (0, now[at])
            if not good:
                return False
        return True


def _size(address: int, taken: list[int], is_io: bool) -> int:
    """The size that the simulated bus gives a BAR, as native/include/pciback/simulated_bus.h has it."""
    size = 256 if is_io else 1 << 20
    while any(address < other < address + size for other in taken) or address & (size - 1):
        size //= 2
    return size


class Machine:
    """Sixteen devices: of one and of several functions, in two domains, some with a shared interrupt line, two with
    their memory in the same page, some with memory above 4 GiB."""

    def __init__(self) -> None:
        plans: list[tuple[int, str, int, dict[int, tuple[int, bool, bool]]]] = []
        for number in range(DEVICES):
            # Three functions of one card, then cards of one function, then two in another domain.
            if number < 3:
                address, irq = f"0000:01:00.{number}", 16 + number // 2
            elif number < 14:
                address, irq = f"0000:{number // 5 + 2:02x}:{number:02x}.0", 20 + number
            else:
                address, irq = f"0001:00:{number:02x}.{number % 2}", 36 + number
            plans.append((number, address, irq, self._bars(number)))
        memory = [a for _n, _a, _i, bars in plans for a, is_io, _is_64 in bars.values() if not is_io]
        ports = [a for _n, _a, _i, bars in plans for a, is_io, _is_64 in bars.values() if is_io]
        self.devices = [
            Device(
                number,
                address,
                irq,
                [
                    Bar(index, at, _size(at, ports if is_io else memory, is_io), is_io, is_64)
                    for index, (at, is_io, is_64) in bars.items()
                ],
                express=number % 4 == 0,
                has_msi=number % 2 == 0,
                has_msix=number % 3 != 2 and number not in (8, 9),
                can_be_reset=number != 12,
            )
            for number, address, irq, bars in plans
        ]
        self.by_address = {device.address: device for device in self.devices}
        self.memory = self._owners(is_io=False)
        self.ports = self._owners(is_io=True)
        self.lines: dict[int, set[str]] = {}
        for device in self.devices:
            self.lines.setdefault(device.irq, set()).add(device.address)

    @staticmethod
    def _bars(number: int) -> dict[int, tuple[int, bool, bool]]:
        """Index to address, whether it is ports, whether it has 64 bits."""
        if number in (8, 9):
            # Half a page each.
            return {0: (0xFD000000 + 2048 * (number - 8), False, False)}
        base = (0x4000000000 if number % 3 == 0 else 0xE0000000) + number * 0x100000
        bars = {0: (base, False, number % 3 == 0)}
        if number % 2:
            bars[2] = (0xC000 + number * 0x40, True, False)
        if number % 5 == 1:
            bars[3] = (0xF0000000 + number * 0x100000 + 0x4000, False, False)
        if number % 7 == 2:
            bars[6] = (0xF8000000 + number * 0x20000, False, False)
        return bars

    def _owners(self, *, is_io: bool) -> dict[int, set[str]]:
        """Which devices have a frame of memory, or a port."""
        owners: dict[int, set[str]] = {}
        for device in self.devices:
            for register in device.bars:
                if register.is_io == is_io:
                    for page in register.pages():
                        owners.setdefault(page, set()).add(device.address)
        return owners

    def dump(self) -> str:
        """The machine's bus as ``lspci -Dxxxx`` prints it."""
        lines = []
        for device in self.devices:
            lines.append(f"{device.address} Ethernet controller: Device {device.number}")
            for offset in range(0, len(device.config), 16):
                lines.append(f"{offset:02x}: {device.config[offset : offset + 16].hex(' ')}")
            lines.append("")
        return "\n".join(lines) + "\n"
