# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the configuration space of a PCI function says.

Offsets and bits are those of the PCI Local Bus Specification 3.0 and the PCI Express Base Specification. A function is
given as its 32-bit registers by byte offset; one that could not be read counts as zero, as does all of a function that
does not answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

BAR_KINDS = ("io", "mem32", "mem64")

_TYPE_0, _TYPE_1 = 0, 1
_STATUS_CAPABILITIES = 1 << 20
_POWER, _MSI, _EXPRESS, _MSI_X, _ADVANCED_FEATURES = 0x01, 0x05, 0x10, 0x11, 0x13
_EXPRESS_FLR = 1 << 28
_ADVANCED_FLR = 1 << 25
_NO_SOFT_RESET = 1 << 3
EXPRESS_TO_PCI = 7
"""The type of a bridge from PCI Express to PCI or PCI-X."""
_SERIAL_NUMBER = 0x0003


@dataclass(frozen=True)
class Bar:
    """One base address register: ``kind`` is one of BAR_KINDS; ``address`` is in bytes. Its size can't be read."""

    index: int
    kind: str
    address: int
    prefetchable: bool = False


@dataclass(frozen=True)
class ConfigSpace:
    """The registers of one function, each 32 bits at its byte offset."""

    registers: Mapping[int, int]

    def _register(self, offset: int) -> int:
        return self.registers.get(offset & ~3, 0)

    @property
    def header_type(self) -> int:
        """0 of a device, 1 of a PCI-PCI bridge, 2 of a CardBus bridge."""
        return self._register(0x0C) >> 16 & 0x7F

    @property
    def subsystem(self) -> tuple[int, int] | None:
        """Vendor and device of the subsystem, ``None`` where the header has no place for them."""
        value = self._register(0x2C)
        return (value & 0xFFFF, value >> 16) if self.header_type == _TYPE_0 else None

    @property
    def bridged_buses(self) -> tuple[int, int] | None:
        """The secondary and the subordinate bus of a PCI-PCI bridge; ``None`` of any other function."""
        if self.header_type != _TYPE_1:
            return None
        value = self._register(0x18)
        return value >> 8 & 0xFF, value >> 16 & 0xFF

    @property
    def interrupt_line(self) -> int | None:
        """What the operating system noted as the interrupt line, ``None`` if there is none."""
        line = self._register(0x3C) & 0xFF
        return line if 0 < line < 0xFF else None

    @property
    def interrupt_pin(self) -> int | None:
        """1 to 4 for INTA to INTD, ``None`` of a function that has no such interrupt."""
        pin = self._register(0x3C) >> 8 & 0xFF
        return pin if 1 <= pin <= 4 else None

    @property
    def message_signalled(self) -> bool:
        """Whether MSI or MSI-X is on, so that the interrupt line is not used."""
        enable = {_MSI: 1 << 16, _MSI_X: 1 << 31}
        return any(self._register(offset) & enable.get(kind, 0) for kind, offset in self._capabilities())

    @property
    def can_signal_by_message(self) -> bool:
        """Whether it has MSI or MSI-X, on or not."""
        return any(kind in (_MSI, _MSI_X) for kind, _offset in self._capabilities())

    @property
    def express_type(self) -> int | None:
        """The type of a PCI Express function (its capability's register, bits 7:4), ``None`` of conventional PCI."""
        for kind, offset in self._capabilities():
            if kind == _EXPRESS:
                return self._register(offset) >> 20 & 0xF
        return None

    @property
    def serial(self) -> str | None:
        """The serial number of a PCI Express device, as lspci prints it; ``None`` if none could be read."""
        for kind, offset in self._extended_capabilities():
            low, high = self._register(offset + 4), self._register(offset + 8)
            if kind == _SERIAL_NUMBER and (low or high):
                return "-".join(f"{byte:02x}" for byte in (high << 32 | low).to_bytes(8, "big"))
        return None

    @property
    def is_resettable(self) -> bool:
        """Whether the function can be reset by itself: FLR [PCIe 7.5.3.3; AF 2], or by D3hot [PM 3.2.4]."""
        for kind, offset in self._capabilities():
            flr = kind == _EXPRESS and self._register(offset + 4) & _EXPRESS_FLR
            af = kind == _ADVANCED_FEATURES and self._register(offset) & _ADVANCED_FLR
            if flr or af or (kind == _POWER and not self._register(offset + 4) & _NO_SOFT_RESET):
                return True
        return False

    def bars(self) -> Iterator[Bar]:
        """The base address registers that hold an address."""
        index, count = 0, 6 if self.header_type == _TYPE_0 else 2
        while index < count:
            value = self._register(0x10 + 4 * index)
            here, index = index, index + 1
            if value & 1:
                if value & ~3:
                    yield Bar(here, "io", value & ~3)
                continue
            address = value & ~0xF
            kind = "mem32"
            if value & 6 == 4:
                kind = "mem64"
                address |= self._register(0x10 + 4 * index) << 32
                index += 1
            if address:
                yield Bar(here, kind, address, prefetchable=bool(value & 8))

    def _capabilities(self) -> Iterator[tuple[int, int]]:
        """Kind and offset; a chain of pointers that leads back to itself is walked once."""
        if not self._register(0x04) & _STATUS_CAPABILITIES:
            return
        offset, seen = self._register(0x34) & 0xFC, set()
        while offset >= 0x40 and offset not in seen:
            seen.add(offset)
            value = self._register(offset)
            yield value & 0xFF, offset
            offset = value >> 8 & 0xFC

    def _extended_capabilities(self) -> Iterator[tuple[int, int]]:
        offset, seen = 0x100, set()
        while offset >= 0x100 and offset not in seen:
            seen.add(offset)
            value = self._register(offset)
            if value in (0, 0xFFFFFFFF):
                return
            yield value & 0xFFFF, offset
            offset = value >> 20 & 0xFFC
