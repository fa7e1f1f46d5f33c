# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0's root directory: mmdebstrap fills it, the files of dom0/ configure it. Needs root and apt."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import LabError
from . import bytecode, disk, guest, kernel, packages

DOM0 = Path(__file__).parent / "dom0"
# Tools of the initramfs that nothing calls there; each is copied by two processes.
KLIBC_LEFT_OUT = (
    *("chroot", "cpio", "dd", "dmesg", "gunzip", "gzip", "insmod", "ipconfig", "kill", "kinit", "losetup", "minips"),
    *("mkfifo", "mv", "nfsmount", "nuke", "pivot_root", "poweroff", "resume", "sync", "uname", "zcat"),
)
# Each process takes its time under emulation. Without udevd and what checks file systems, the initramfs boots in a third
# of the time and is made in half of it: devtmpfs and its list of modules do. The menu has nothing of what is left out.
# grub-probe would start udevadm four times, which knows nothing where no udevd runs.
LEFT_OUT = (
    *(f"usr/lib/klibc/bin/{name}" for name in KLIBC_LEFT_OUT),
    "etc/grub.d/05_debian_theme",
    "etc/grub.d/30_os-prober",
    "etc/grub.d/30_uefi-firmware",
    "usr/bin/udevadm",
    "usr/lib/modprobe.d/fbdev-blacklist.conf",
    "usr/share/initramfs-tools/hooks/dmsetup",
    "usr/share/initramfs-tools/hooks/fsck",
    "usr/share/initramfs-tools/hooks/keymap",
    "usr/share/initramfs-tools/hooks/resume",
    "usr/share/initramfs-tools/hooks/thermal",
    "usr/share/initramfs-tools/hooks/udev",
    "usr/share/initramfs-tools/hooks/zz-busybox",
    "usr/share/initramfs-tools/scripts/init-bottom/udev",
    "usr/share/initramfs-tools/scripts/init-top/all_generic_ide",
    "usr/share/initramfs-tools/scripts/init-top/blacklist",
    "usr/share/initramfs-tools/scripts/init-top/keymap",
    "usr/share/initramfs-tools/scripts/init-top/udev",
    "usr/share/initramfs-tools/scripts/local-premount/resume",
)
# What grub-probe says in dom0 of /dev/vda1, for the time that grub-mkconfig runs without that disk: byte for byte, since
# undo is to give back the menu that was there. It has no hints for a virtio disk.
GRUB_PROBE = """\
#!/bin/sh
for argument; do
    case $argument in
    --target=*) target=${argument#--target=} ;;
    esac
    [ "$previous" = -t ] && target=$argument
    previous=$argument
done
case $target in
device) echo %(device)s ;;
fs_uuid) echo %(uuid)s ;;
partuuid) echo %(partuuid)s ;;
fs) echo ext2 ;;
partmap) echo msdos ;;
drive) echo "(hd0,msdos1)" ;;
esac
"""


def install(tree: Path, say: Callable[[str], None]) -> None:
    """Fill a directory with Debian's packages.

    :raises LabError: mmdebstrap failed; the sentence ends with what it said last.
    """
    argv = ["mmdebstrap", "--variant=essential", "--components=main", f"--include={','.join(packages.PACKAGES)}"]
    argv += [f"--aptopt={option}" for option in ('APT::Install-Recommends "false"', *packages.acquire_options())]
    argv += [f"--dpkgopt={option}" for option in packages.dpkg_options()]
    argv += ["", str(tree), *packages.sources()]
    last = ""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            last = line.strip() or last
            if line.startswith("I: ") and line.rstrip().endswith("..."):
                say(line[3:].strip().rstrip("."))
    if running.returncode:
        raise LabError(f"mmdebstrap failed: {last}")


def configure(tree: Path, keys: Path) -> None:
    """Make dom0 of a directory of packages; the key that opens it and its own public key are left in ``keys``."""
    shutil.copytree(DOM0, tree, dirs_exist_ok=True)
    fstab = "/dev/vda1 / ext4 noatime,errors=remount-ro 0 0\n"
    (tree / "etc/fstab").write_text(fstab)
    for left in (tree / "etc/apt/sources.list.d").iterdir():
        left.unlink()
    (tree / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    (tree / "var/log/xen/console").mkdir(parents=True, exist_ok=True)
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "xen-lab", "-f", str(keys / "id_ed25519")])
    ssh = tree / "root/.ssh"
    ssh.mkdir(mode=0o700)
    shutil.copy(keys / "id_ed25519.pub", ssh / "authorized_keys")
    host_key = (tree / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
    (keys / "known_host").write_text(" ".join(host_key[:2]) + "\n")
    for path in LEFT_OUT:
        (tree / path).unlink(missing_ok=True)
    # mkinitramfs reads it in the shell, which reads each byte by itself; modprobe(8) reads modules.builtin.bin.
    (tree / "usr/lib/modules" / kernel_release(tree) / "modules.builtin").write_text("")
    _chroot(tree, "update-initramfs", "-u")
    shutil.copytree(tree / "usr/lib/grub/i386-pc", tree / "boot/grub/i386-pc", dirs_exist_ok=True)
    _chroot(tree, "grub-editenv", "/boot/grub/grubenv", "create")


def write_grub_cfg(tree: Path) -> None:
    """Let dom0's own grub-mkconfig write grub.cfg, as it would in dom0."""
    with _as_in_dom0(tree):
        _chroot(tree, "grub-mkconfig", "-o", "/boot/grub/grub.cfg")


@contextlib.contextmanager
def _as_in_dom0(tree: Path) -> Iterator[None]:
    """dom0's disk, as far as GRUB's scripts ask for it."""
    probe = tree / "usr/sbin/grub-probe"
    real = probe.with_name("grub-probe.real")
    probe.rename(real)
    try:
        probe.write_text(
            GRUB_PROBE
            % {"device": "/dev/vda1", "uuid": disk.FILE_SYSTEM_UUID, "partuuid": f"{disk.DISK_SIGNATURE:08x}-01"}
        )
        probe.chmod(0o755)
        yield
    finally:
        real.replace(probe)


def repack_kernel(tree: Path) -> None:
    """Pack dom0's kernel with zstd, which Xen unpacks in a tenth of the time: it boots under Xen alone then.

    :raises LabError: it is no bzImage.
    """
    unpacked = tree / guest.DIRECTORY / guest.VMLINUX
    packed = tree / "tmp/vmlinux.zst"
    _chroot(tree, "zstd", "-q", "-9", "-T0", f"/{unpacked.relative_to(tree)}", "-o", f"/{packed.relative_to(tree)}")
    image = tree / f"boot/vmlinuz-{kernel_release(tree)}"
    image.write_bytes(kernel.repacked(image.read_bytes(), packed.read_bytes(), unpacked.stat().st_size))
    packed.unlink()


def keep_bytecode(tree: Path) -> None:
    """Let dom0's own Python compile what it will be sent."""
    bytecode.copy_sources(tree)
    _chroot(tree, "python3", "-c", bytecode.COMPILE)
    shutil.rmtree(tree / "tmp/sources")


def kernel_release(tree: Path) -> str:
    """The release of dom0's one kernel, as uname -r says it."""
    (release,) = [path.name for path in (tree / "usr/lib/modules").iterdir()]
    return release


def _chroot(tree: Path, *command: str) -> None:
    _run(["chroot", str(tree), *command])


def _run(argv: Sequence[str]) -> None:
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(f"{' '.join(argv)} failed: {said[-1] if said else f'exit status {done.returncode}'}")
