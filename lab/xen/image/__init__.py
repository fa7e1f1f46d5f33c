# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of dom0: packages, root directory, guests' files, GRUB and partition, kept by what they are made of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import disk, guest, packages, root

KEPT = ("disk.img", "id_ed25519", "known_host", "versions.json")


@dataclass(frozen=True)
class Image:
    """A disk that was built, and what one needs to log in."""

    directory: Path

    @property
    def disk(self) -> Path:
        """The raw disk; machines write to an overlay."""
        return self.directory / "disk.img"

    @property
    def identity(self) -> Path:
        """The private key that root's account accepts."""
        return self.directory / "id_ed25519"

    @property
    def known_host(self) -> Path:
        """dom0's public host key: type and key."""
        return self.directory / "known_host"


def find(cache: Path) -> tuple[Image, bool]:
    """The image that belongs to the lab as it is and to apt's lists, and whether it is built.

    :raises LabError: apt does not know a package.
    """
    key = packages.cache_key(packages.lab_files(Path(__file__).parent), packages.available())
    image = Image(cache / key)
    return image, all((image.directory / name).exists() for name in KEPT)


def build(image: Image, say: Callable[[str], None]) -> None:
    """Build an image, and remove the others: they are of another lab or of older packages.

    :raises LabError: a step failed.
    """
    cache = image.directory.parent
    work = cache / "work"
    for old in cache.glob("*") if cache.exists() else ():
        shutil.rmtree(old)
    work.mkdir(parents=True)
    tree = work / "root"
    say("installing Debian's packages into a directory")
    root.install(tree, say)
    say("configuring dom0")
    root.configure(tree, work)
    say("compiling what Ansible sends")
    root.keep_bytecode(tree)
    say("making the guests' kernel and initramfs")
    guest.install(tree)
    root.repack_kernel(tree)
    say("writing the boot configuration")
    root.write_grub_cfg(tree)
    say("filling the disk")
    disk.write(tree, work / "disk.img")
    shutil.rmtree(tree)
    (work / "versions.json").write_text(json.dumps(packages.available(), indent=1) + "\n")
    work.rename(image.directory)
