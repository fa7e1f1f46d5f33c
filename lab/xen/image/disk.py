# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0's disk: a DOS partition table, GRUB behind it, one ext4 file system. No loop devices and no mounts."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..errors import LabError

SECTOR = 512
SIZE = 1 << 30
FIRST = 2048  # the partition's first sector, where partitioning tools put it: what is before belongs to GRUB
FILE_SYSTEM_UUID = "3f6c0d52-9a1e-4b7c-8f53-6d2b1c0e9a47"
DISK_SIGNATURE = 0x58454E4C
_BOOT_CODE = 440
_LINUX = 0x83
# What GRUB needs before it can read its other modules from the disk.
GRUB_MODULES = ("biosdisk", "ext2", "part_msdos", "search_fs_uuid")
EARLY_CFG = f"""\
search.fs_uuid {FILE_SYSTEM_UUID} root
set prefix=($root)/boot/grub
"""


def master_boot_record(boot_code: bytes, size: int = SIZE) -> bytes:
    """The first sector: GRUB's boot.img, the disk's signature and one active partition that fills the disk.

    The partition's cylinders and heads are those that say that the sector numbers count. (Layout of the DOS partition
    table: UEFI specification 2.10, 5.2.1.)
    """
    sectors = size // SECTOR - FIRST
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", _LINUX, b"\xfe\xff\xff", FIRST, sectors)
    return (
        boot_code[:_BOOT_CODE].ljust(_BOOT_CODE, b"\0")
        + struct.pack("<IH", DISK_SIGNATURE, 0)
        + entry
        + bytes(3 * len(entry))
        + b"\x55\xaa"
    )


def check_core_fits(core: bytes) -> None:
    """
    :raises LabError: GRUB's core would reach into the partition.
    """
    room = (FIRST - 1) * SECTOR
    if len(core) > room:
        raise LabError(
            f"GRUB's core has {len(core)} bytes, between the first sector and the partition is room for {room}"
        )


def write(tree: Path, image: Path, size: int = SIZE) -> None:
    """Write a disk that boots what is in a directory.

    :raises LabError: a tool failed.
    """
    early = tree / "tmp/early.cfg"
    early.write_text(EARLY_CFG)
    core = tree / "tmp/core.img"
    grub = ["grub-mkimage", "-O", "i386-pc", "-o", "/tmp/core.img", "-c", "/tmp/early.cfg", "-p", "/boot/grub"]
    _run(["chroot", str(tree), *grub, *GRUB_MODULES])
    core_image = core.read_bytes()
    check_core_fits(core_image)
    core.unlink()
    early.unlink()
    boot_code = (tree / "usr/lib/grub/i386-pc/boot.img").read_bytes()
    with image.open("wb") as file:
        file.write(master_boot_record(boot_code, size))
        file.write(core_image)
        file.truncate(size)
    # Without a journal: what counts after a crash is tested elsewhere, and each write is emulated.
    features = ["-O", "^has_journal,^metadata_csum", "-m", "0", "-E", f"root_owner=0:0,offset={FIRST * SECTOR}"]
    features += ["-U", FILE_SYSTEM_UUID, "-d", str(tree)]
    _run(["mke2fs", "-q", "-F", "-t", "ext4", *features, str(image), f"{(size - FIRST * SECTOR) // 1024}k"])


def _run(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"{argv[0]} failed: {(done.stderr or done.stdout).strip()}")
