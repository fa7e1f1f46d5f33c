# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watched guest writes to its disk (attack/disk.c), and whether a disk holds it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

BLOCK = 4096
BLOCKS = 256
BEGIN = 1 << 20
WORDS = BLOCK // 8
FACTOR = 0x9E3779B97F4A7C15
_BLOCK = struct.Struct(f"<{WORDS}Q")


def block(nth: int) -> bytes:
    """The block that is written as the nth, counted from 1."""
    return _BLOCK.pack(nth, *((nth * FACTOR + i) % (1 << 64) for i in range(1, WORDS)))


def missed(disk: bytes, n_writes: int) -> Iterator[str]:
    """A sentence for each block that a disk does not hold as it was last written.

    :param n_writes: how often the guest has written, as it said; more may have followed.
    """
    numbers = [int.from_bytes(_at(disk, i)[:8], "little") for i in range(BLOCKS)]
    last = max((n for i, n in enumerate(numbers) if _at(disk, i) == block(n)), default=0)
    if last < n_writes:
        yield f"the guest has written {n_writes} times, and {last} is the last that the disk holds"
    for nth in range(max(last - BLOCKS + 1, 1), last + 1):
        if _at(disk, nth % BLOCKS) != block(nth):
            yield f"write {nth} is not on the disk, where {numbers[nth % BLOCKS]} is"


def _at(disk: bytes, i: int) -> bytes:
    return disk[BEGIN + i * BLOCK : BEGIN + (i + 1) * BLOCK]
