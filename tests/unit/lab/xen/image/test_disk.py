# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk's first sector."""

from __future__ import annotations

import struct

import pytest
from xen.errors import LabError
from xen.image import disk


def test_the_first_sector_describes_one_partition_that_fills_the_disk() -> None:
    sector = disk.master_boot_record(b"\xeb\x63" + bytes(510), size=64 << 20)
    assert len(sector) == 512
    assert sector[:2] == b"\xeb\x63"
    assert sector[510:] == b"\x55\xaa"
    assert struct.unpack_from("<I", sector, 440) == (disk.DISK_SIGNATURE,)
    active, _first, kind, _last, start, sectors = struct.unpack_from("<B3sB3sII", sector, 446)
    assert (active, kind, start) == (0x80, 0x83, 2048)
    assert (start + sectors) * 512 == 64 << 20
    assert sector[462:510] == bytes(48)


def test_grubs_code_does_not_reach_the_partition_table() -> None:
    assert disk.master_boot_record(b"\xff" * 512)[440:446] == struct.pack("<IH", disk.DISK_SIGNATURE, 0)


def test_a_core_that_is_too_large_is_refused() -> None:
    disk.check_core_fits(bytes(2047 * 512))
    with pytest.raises(LabError, match="1048065 bytes"):
        disk.check_core_fits(bytes(2047 * 512 + 1))
