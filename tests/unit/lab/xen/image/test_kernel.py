# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0's kernel, unpacked and packed anew."""

from __future__ import annotations

import lzma
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xen.errors import LabError
from xen.image import kernel

ELF = b"\x7fELF" + bytes(range(256))


def bz_image(payload: bytes) -> bytes:
    """A kernel image with two setup sectors and a payload 16 bytes into its protected-mode code."""
    setup = bytearray(3 * 512)
    setup[0x1F1] = 2
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", setup, 0x248, 16, len(payload))
    return bytes(setup) + bytes(16) + payload


def test_the_kernel_is_unpacked() -> None:
    packed = lzma.compress(ELF) + struct.pack("<I", len(ELF))
    assert kernel.unpacked(bz_image(packed)) == ELF


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_repacked_kernel_is_where_the_header_says(before: bytes, after: bytes) -> None:
    image = bz_image(before)
    found = kernel.repacked(image, after, 4711)
    offset, length = struct.unpack_from("<II", found, 0x248)
    assert found[3 * 512 + offset :][:length] == after + struct.pack("<I", 4711)
    assert 3 * 512 + 16 * struct.unpack_from("<I", found, 0x1F4)[0] == len(found)
    # But for what the header says of the payload it is the same.
    assert found[:0x1F4] == image[:0x1F4] and found[0x250 : 3 * 512 + 16] == image[0x250 : 3 * 512 + 16]


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (bytes(4096), "no bzImage"),
        (bz_image(b"\x1f\x8b" + bytes(64)), "not packed with xz"),
        (bz_image(lzma.compress(b"text")), "no ELF file"),
    ],
)
def test_another_kernel_is_refused(image: bytes, said: str) -> None:
    with pytest.raises(LabError, match=said):
        kernel.unpacked(image)
