# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests: Debian's kernel and busybox, with the drivers of the cards, and an init of our own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..errors import LabError
from . import kernel

INIT = Path(__file__).parent / "guest_init"
BENCH = Path(__file__).parent / "guest_bench"
# In dom0.
DIRECTORY = "usr/local/lib/xen-lab"
VMLINUX = "vmlinux"
DRIVERS = ("xen-pcifront", "e1000", "e1000e", "8139cp", "nvme")
APPLETS = (
    "basename", "cat", "dd", "insmod", "ip", "mkdir", "mount", "ping", "printf", "readlink", "sh", "sleep", "tr", "wc",
)  # fmt: skip
POWER_OFF = "#!/bin/sh\nexec /bin/busybox %s -f\n"


def install(tree: Path) -> None:
    """Put the guests' kernel and initramfs into dom0's root directory, at /usr/local/lib/xen-lab.

    :raises LabError: the kernel is not as expected, or a tool failed.
    """
    target = tree / DIRECTORY
    target.mkdir(parents=True)
    (release,) = [path.name for path in (tree / "usr/lib/modules").iterdir()]
    # Unpacked, so that each guest need not do that under emulation.
    (target / VMLINUX).write_bytes(kernel.unpacked((tree / f"boot/vmlinuz-{release}").read_bytes()))
    modules = tree / "usr/lib/modules" / release
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch)
        for folder in ("bin", "sbin", "modules"):
            (files / folder).mkdir()
        shutil.copy(tree / "usr/bin/busybox", files / "bin/busybox")
        for applet in APPLETS:
            (files / "bin" / applet).symlink_to("busybox")
        # What the kernel calls when xl asks the guest to end.
        for name in ("poweroff", "reboot"):
            (files / "sbin" / name).write_text(POWER_OFF % name)
            (files / "sbin" / name).chmod(0o755)
        for script, name in ((INIT, "init"), (BENCH, "bench")):
            shutil.copy(script, files / name)
            (files / name).chmod(0o755)
        order = load_order(DRIVERS, (modules / "modules.dep").read_text())
        for path in order:
            shutil.copy(modules / path, files / "modules" / Path(path).name)
        (files / "modules/order").write_text("".join(f"{Path(path).stem}\n" for path in order))
        (target / "initramfs").write_bytes(_archive(files, tree))


def load_order(drivers: Iterable[str], dependencies: str) -> list[str]:
    """The files of drivers and of what they depend on, each after what it needs.

    :param dependencies: the text of modules.dep, whose lines name what a module needs, the last to be loaded first.
    :raises LabError: the kernel has no such module.
    """
    needed = {}
    for line in dependencies.splitlines():
        path, _colon, rest = line.partition(":")
        needed[path] = rest.split()
    by_name = {Path(path).stem: path for path in needed}
    order: list[str] = []
    for name in drivers:
        if name not in by_name:
            raise LabError(f"Debian's kernel has no module {name}")
        for path in [*reversed(needed[by_name[name]]), by_name[name]]:
            if path not in order:
                order.append(path)
    return order


def _archive(files: Path, tree: Path) -> bytes:
    """A directory as an initramfs, by dom0's cpio and zstd."""
    names = sorted(str(path.relative_to(files)) for path in files.rglob("*"))
    inside = tree / "tmp/guest"
    shutil.copytree(files, inside, symlinks=True)
    try:
        command = ["chroot", str(tree), "sh", "-c", "cd /tmp/guest && cpio --create --format=newc --quiet | zstd -q -3"]
        done = subprocess.run(command, input="\n".join(names).encode(), check=False, capture_output=True)
    finally:
        shutil.rmtree(inside)
    if done.returncode:
        raise LabError(f"cpio failed: {done.stderr.decode().strip()}")
    return done.stdout
