# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest's kernel says of itself; anything that is none says nothing."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.guest_kernel import is_deaf_netbsd, is_netbsd, notes

IDENT = (b"NetBSD\0", 1, struct.pack("<I", 1100000000))
GUEST_OS = (b"Xen\0", 6, b"NetBSD\0")
LINUX = (b"Xen\0", 6, b"linux\0")


def elf(
    *contents: tuple[bytes, int, bytes], bits: int = 64, order: str = "<", sections: bool = False, rest: bytes = b""
) -> bytes:
    """An ELF file with these notes, in a segment or in a section."""
    area = b""
    for name, kind, text in contents:
        area += struct.pack(f"{order}III", len(name), len(text), kind)
        area += name.ljust(-(-len(name) // 4) * 4, b"\0") + text.ljust(-(-len(text) // 4) * 4, b"\0")
    head, word = (64, "Q") if bits == 64 else (52, "I")
    if sections:
        table = struct.pack(f"{order}II{word}{word}{word}{word}", 1, 7, 0, 0, 256, len(area)).ljust(64, b"\0")
    elif bits == 64:
        table = struct.pack(f"{order}IIQQQQ", 4, 4, 256, 0, 0, len(area)).ljust(64, b"\0")
    else:
        table = struct.pack(f"{order}IIIII", 4, 256, 0, 0, len(area)).ljust(64, b"\0")
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]).ljust(12, b"\0")
    places = (0, head) if sections else (head, 0)
    counts = (0, 0, 64, 1) if sections else (64, 1, 0, 0)
    header = struct.pack(f"{order}HHI{word}{word}{word}IHHHHHH", 2, 62, 1, 0, *places, 0, head, *counts, 0)
    return (ident + header + table).ljust(256, b"\0") + area + rest


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("sections", [False, True])
def test_notes_of_every_kind_of_elf_file(bits: int, order: str, sections: bool) -> None:
    kernel = elf(LINUX, IDENT, bits=bits, order=order, sections=sections)
    assert list(notes(kernel)) == [(b"Xen", 6, b"linux\0"), (b"NetBSD", 1, IDENT[2])]
    assert is_netbsd(kernel)


@pytest.mark.parametrize(
    ("kernel", "netbsd"),
    [
        (elf(IDENT), True),
        (elf(GUEST_OS), True),
        (elf((b"Xen\0", 5, b"xen-3.0\0"), GUEST_OS), True),
        (elf(rest=b"\0GUEST_OS=netbsd,GUEST_VER=4.99\0"), True),
        (elf(LINUX), False),
        (elf((b"NetBSD\0", 2, b"NetBSD\0"), (b"GNU\0", 1, b"NetBSD")), False),
        (elf(), False),
        (elf(IDENT)[1:], False),
        (b"GUEST_OS=netbsd", False),
        (b"placeholder of a kernel\n", False),
        (b"", False),
    ],
)
def test_which_kernels_are_netbsds(kernel: bytes, netbsd: bool) -> None:
    assert is_netbsd(kernel) == netbsd
    assert is_deaf_netbsd(kernel) == netbsd


def test_a_kernel_with_the_driver_hears() -> None:
    assert not is_deaf_netbsd(elf(IDENT, rest=b"\0xbdback\0xpci\0"))
    assert is_deaf_netbsd(elf(IDENT, rest=b"\0xpcix\0"))


def test_a_real_file_of_this_system() -> None:
    """The interpreter is an ELF file with notes of other names."""
    data = Path(sys.executable).resolve().read_bytes()
    assert data.startswith(b"\x7fELF") and b"GNU" in {name for name, _kind, _text in notes(data)}
    assert not is_netbsd(data)


@given(st.binary(max_size=400), st.integers(0, 320), st.binary(max_size=16))
def test_broken_files_have_notes_or_none(tail: bytes, at: int, change: bytes) -> None:
    whole = elf(IDENT, GUEST_OS)
    list(notes(b"\x7fELF" + tail))
    list(notes(whole[:at] + change + whole[at + len(change) :]))
    list(notes(whole[:at]))
