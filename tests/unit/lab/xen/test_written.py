# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk holds what the watched guest has written, or what it lacks is told; the program and this one know the same blocks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from xen import attacked, written

# More than the disk has blocks.
N = 300
SIZE = 16 << 20


def put(disk: bytearray, nth: int, content: bytes) -> None:
    begin = written.BEGIN + nth % written.BLOCKS * written.BLOCK
    disk[begin : begin + written.BLOCK] = content


@pytest.fixture
def disk() -> bytearray:
    made = bytearray(SIZE)
    for nth in range(1, N + 1):
        put(made, nth, written.block(nth))
    return made


def test_all_is_there(disk: bytearray) -> None:
    assert list(written.missed(bytes(disk), N)) == []


def test_more_was_written_than_was_said(disk: bytearray) -> None:
    assert list(written.missed(bytes(disk), N - 9)) == []


def test_what_was_said_last_is_not_there(disk: bytearray) -> None:
    assert list(written.missed(bytes(disk), N + 1)) == [
        "the guest has written 301 times, and 300 is the last that the disk holds"
    ]


def test_an_older_block_is_where_a_later_one_should_be(disk: bytearray) -> None:
    put(disk, 290, written.block(290 - written.BLOCKS))
    assert list(written.missed(bytes(disk), N)) == ["write 290 is not on the disk, where 34 is"]


def test_a_block_that_differs_in_its_last_bit(disk: bytearray) -> None:
    put(disk, 270, written.block(270)[:-1] + bytes([written.block(270)[-1] ^ 0x80]))
    assert list(written.missed(bytes(disk), N)) == ["write 270 is not on the disk, where 270 is"]


def test_a_disk_that_was_never_written() -> None:
    assert list(written.missed(bytes(SIZE), 1)) == [
        "the guest has written 1 times, and 0 is the last that the disk holds"
    ]


def test_the_program_writes_these_and_reads_them_again(tmp_path: Path) -> None:
    """On a file, whose blocks it writes as it does a disk's; one that is written over by others is read as wrong."""
    attacked.build(tmp_path / "hostile")
    # Where temporary files are in memory they have a cache that can't be passed.
    disk = Path(__file__).parents[4] / "build" / f"written-{tmp_path.name}"
    disk.parent.mkdir(exist_ok=True)
    disk.write_bytes(bytes(SIZE))
    try:
        process = subprocess.Popen([tmp_path / "hostile/watch/disk", disk], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            (first,) = attacked.parse(process.stdout.readline()).disk
            disk.write_bytes(bytes(SIZE))
            second = attacked.parse(process.stdout.readline()).disk[0]
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        left = list(written.missed(disk.read_bytes(), second["writes"]))
    finally:
        disk.unlink()
    assert first["writes"] == first["reads"] > 1
    assert first["wrong"] == 0
    assert second["wrong"] > 0
    assert left
    assert all("is not on the disk, where 0 is" in each for each in left)
