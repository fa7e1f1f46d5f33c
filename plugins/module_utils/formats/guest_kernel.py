# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a guest's kernel is one of NetBSD that can't use passed devices: its ELF notes, and the name of a driver.

Facts: the System V ABI's ELF header and notes; NetBSD's ``sys/exec_elf.h`` (note "NetBSD" of type 1); Xen's
``public/elfnote.h`` (note "Xen" of type 6: GUEST_OS). Kernels of NetBSD up to 5 have a section of text instead of notes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAGIC = b"\x7fELF"
_BYTE_ORDERS = {1: "<", 2: ">"}


@dataclass(frozen=True)
class _Class:
    """Layouts of what is read of a class of ELF files.

    :ivar header: where the tables of segments and of sections are, then of each the size of an entry and their number
    :ivar segment: type, offset and length
    :ivar section: the same
    """

    header: str
    segment: str
    section: str


_CLASSES = {1: _Class("28xII6xHHHH", "II8xI", "4xI8xII"), 2: _Class("32xQQ6xHHHH", "I4xQ16xQ", "4xI16xQQ")}
_PT_NOTE, _SHT_NOTE = 4, 7
# More than any kernel has.
_MOST_ENTRIES, _MOST_NOTES, _MOST_BYTES = 256, 256, 1 << 16

_NETBSD_NOTE = (b"NetBSD", 1)
_GUEST_OS_NOTE = (b"Xen", 6)
_OLD_TEXT = b"GUEST_OS=netbsd"
# As the table of drivers has it.
_FRONTEND = b"\0xpci\0"


def is_deaf_netbsd(kernel: bytes) -> bool:
    """Whether it is a kernel of NetBSD without xpci(4), the driver for devices that a backend passes.

    :param kernel: the file, not compressed; anything else than an ELF file is no such kernel
    """
    return is_netbsd(kernel) and _FRONTEND not in kernel


def is_netbsd(kernel: bytes) -> bool:
    """Whether an ELF file says that it is NetBSD's kernel."""
    if not kernel.startswith(_MAGIC):
        return False
    for name, kind, text in notes(kernel):
        if (name, kind) == _NETBSD_NOTE or ((name, kind) == _GUEST_OS_NOTE and text.rstrip(b"\0").lower() == b"netbsd"):
            return True
    return _OLD_TEXT in kernel


def notes(elf: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Name, type and content of each note of an ELF file, as far as it is one; some can come twice."""
    try:
        layout, order = _CLASSES[elf[4]], _BYTE_ORDERS[elf[5]]
        header = struct.unpack_from(order + layout.header, elf)
    except (IndexError, KeyError, struct.error):
        return
    segments, sections, segment_size, n_segments, section_size, n_sections = header
    for begin, length in (
        *_places(elf, order + layout.segment, segments, segment_size, n_segments, _PT_NOTE),
        *_places(elf, order + layout.section, sections, section_size, n_sections, _SHT_NOTE),
    ):
        yield from _notes_in(elf[begin : begin + min(length, _MOST_BYTES)], order)


def _places(elf: bytes, layout: str, begin: int, size: int, count: int, wanted: int) -> Iterator[tuple[int, int]]:
    """Offset and length of what the entries of a table stand for that have the wanted type."""
    for index in range(min(count, _MOST_ENTRIES)):
        at = begin + index * size
        if at + struct.calcsize(layout) > len(elf):
            return
        kind, offset, length = struct.unpack_from(layout, elf, at)
        if kind == wanted:
            yield offset, length


def _notes_in(area: bytes, order: str) -> Iterator[tuple[bytes, int, bytes]]:
    at = 0
    for _number in range(_MOST_NOTES):
        try:
            name_size, size, kind = struct.unpack_from(f"{order}III", area, at)
        except struct.error:
            return
        name = area[at + 12 : at + 12 + name_size]
        at += 12 + _aligned(name_size)
        yield name.rstrip(b"\0"), kind, area[at : at + size]
        at += _aligned(size)


def _aligned(size: int) -> int:
    return size + 3 & ~3
