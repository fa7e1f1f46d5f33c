# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads a guest's kernel, as xl does: as it is, or compressed with gzip(1)."""

from __future__ import annotations

import os
import stat
import zlib

MOST_BYTES = 64 << 20
"""A kernel of a guest, decompressed, is smaller."""

_GZIP = b"\x1f\x8b"


def read_kernel(path: str) -> bytes | None:
    """The bytes of a kernel, decompressed; ``None`` if it can't be read or is too large.

    xl says what is wrong with such a one when it starts the guest; here it is only looked at.
    """
    try:
        # A pipe would block.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            data = file.read(MOST_BYTES + 1)
        if data.startswith(_GZIP):
            data = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, MOST_BYTES + 1)
    except (OSError, zlib.error, ValueError):
        return None
    return data if len(data) <= MOST_BYTES else None
