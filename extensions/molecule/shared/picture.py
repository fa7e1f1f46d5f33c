# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run could change in dom0, one line each. usage: python3 picture.py [unpacked]

Files with mode and digest, the drivers of the devices, what xenstore has of them; with "unpacked" the initramfs' content
too, which differs from the file by nothing but times. Runs in dom0, where each process costs much time.
"""

from __future__ import annotations

import glob
import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator

LISTED = ("/etc", "/boot", "/usr/local", "/var/lib", "/var/db")
DIGESTED = ("/etc/", "/boot/", "/usr/local/sbin/")
# GRUB's own modules, and what changes with each package, domain or boot.
LEFT_OUT = ("/boot/grub/i386-pc/", "/var/lib/dpkg/", "/var/lib/xen/", "/var/lib/xenstored")
INITRAMFS = "/boot/initrd.img-"
XENSTORE = ("/libxl/pci", "/local/domain/0/backend/pci")
NEWC_HEADER = 110


def files() -> Iterator[str]:
    """Each file with type, mode, and its target or digest."""
    for top in LISTED:
        for directory, directories, names in os.walk(top):
            directories.sort()
            inside = sorted(os.path.join(directory, name) for name in [*directories, *names])
            for path in [top, *inside] if directory == top else inside:
                if path.startswith(LEFT_OUT):
                    continue
                mode = os.lstat(path).st_mode
                target = os.readlink(path) if stat.S_ISLNK(mode) else ""
                digest = ""
                if stat.S_ISREG(mode) and path.startswith(DIGESTED) and not path.startswith("/boot/vmlinuz-"):
                    with open(path, "rb") as file:
                        digest = hashlib.sha256(file.read()).hexdigest()
                yield f"file {stat.filemode(mode)} {path} {target or digest}"


def initramfs() -> Iterator[str]:
    """Each member of the initramfs, an archive in cpio's format "newc", with mode and digest."""
    (path,) = glob.glob(INITRAMFS + "*")
    archive = subprocess.run(["zstd", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    place = 0
    while True:
        header = archive[place : place + NEWC_HEADER]
        assert header[:6] == b"070701", f"{path}: no member begins at byte {place}"
        mode, size, length = (int(header[at : at + 8], 16) for at in (14, 54, 94))
        start = place + NEWC_HEADER
        name = archive[start : start + length - 1].decode()
        if name == "TRAILER!!!":
            return
        start = (start + length + 3) & ~3
        digest = hashlib.sha256(archive[start : start + size]).hexdigest() if size else ""
        place = (start + size + 3) & ~3
        yield f"initramfs {stat.filemode(mode)} {name} {digest}"


def drivers() -> Iterator[str]:
    """The driver of each function."""
    for path in sorted(glob.glob("/sys/bus/pci/devices/*")):
        driver = os.path.join(path, "driver")
        yield f"driver {os.path.basename(path)} {os.path.basename(os.readlink(driver)) if os.path.islink(driver) else ''}"


def xenstore() -> Iterator[str]:
    """What the toolstack has noted of devices, and what is for backends; nothing where a directory is not there."""
    for directory in XENSTORE:
        yield from subprocess.run(
            ["xenstore-ls", "-f", directory], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ).stdout.splitlines()


lines = [*files(), *(sorted(initramfs()) if "unpacked" in sys.argv else ()), *drivers(), *xenstore()]
print("\n".join(lines))
