# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a bzImage, and the same image around another payload. Pure.

The header's fields are those of the x86 boot protocol (Documentation/x86/boot.rst): setup_sects at 0x1f1, syssize at
0x1f4, in units of 16 bytes, payload_offset and payload_length at 0x248, from the protected-mode code on. The last four
bytes of a payload are the size of what it unpacks to.
"""

from __future__ import annotations

import lzma
import struct

from ..errors import LabError

_SYSSIZE = 0x1F4
_PAYLOAD = 0x248
_UNIT = 16


def unpacked(image: bytes) -> bytes:
    """The ELF file in a bzImage that is packed as Debian packs it.

    :raises LabError: it is no bzImage, or packed otherwise.
    """
    start, offset, length = _place(image)
    try:
        kernel = lzma.LZMADecompressor().decompress(image[start + offset : start + offset + length])
    except lzma.LZMAError:
        raise LabError("Debian's kernel is not packed with xz any more") from None
    if kernel[:4] != b"\x7fELF":
        raise LabError("what Debian's kernel unpacks to is no ELF file")
    return kernel


def repacked(image: bytes, packed: bytes, size: int) -> bytes:
    """A bzImage with its kernel packed in another way, for Xen, which unpacks it itself and knows several ways.

    The code in the image that would unpack it without Xen still knows the old way only.

    :param packed: the packed kernel
    :param size: of the kernel that it unpacks to
    :raises LabError: it is no bzImage.
    """
    start, offset, _length = _place(image)
    payload = packed + struct.pack("<I", size)
    code = image[start : start + offset] + payload
    code += bytes(-len(code) % _UNIT)
    setup = bytearray(image[:start])
    struct.pack_into("<I", setup, _SYSSIZE, len(code) // _UNIT)
    struct.pack_into("<I", setup, _PAYLOAD + 4, len(payload))
    return bytes(setup) + code


def _place(image: bytes) -> tuple[int, int, int]:
    """Where the protected-mode code begins, where the payload in it, and how long that is."""
    if image[0x202:0x206] != b"HdrS":
        raise LabError("Debian's kernel is no bzImage")
    offset, length = struct.unpack_from("<II", image, _PAYLOAD)
    return (image[0x1F1] + 1) * 512, offset, length
