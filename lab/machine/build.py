# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new machine: its folders and files, and its first boot."""

from __future__ import annotations

import json
import os
import shutil

from . import boot, bus, loader, services
from .borrowed import COMMAND, DEVICES, borrow, link_as_the_controller, write
from .commands import PATHS
from .kernel import KERNEL_RELEASE
from .state import STATE_SCHEMA, Machine

KERNELS = ("/netbsd", "/netbsd-XEN3_DOM0.gz", "/xen.gz")
GUEST_KERNEL = "/usr/local/xen/%s/netbsd-XEN3_DOMU.gz"
GUEST_CONFIG = """\
name = "%(name)s"
type = "pv"
kernel = "%(kernel)s"
memory = 256
vcpus = 1
"""
# Real folders of the machine, writable inside.
FOLDERS = (
    "dev", "etc", "etc/alternatives", "kern", "proc", "root", "sbin", "tmp", "usr/local/bin", "usr/local/sbin",
    "usr/pkg/bin", "usr/pkg/etc/xen", "usr/pkg/lib", "usr/pkg/sbin", "usr/sbin", "var/db", "var/log", "var/run", "var/tmp",
    ".lab", ".machine",
)  # fmt: skip


# Whoever looks whether the host has them finds them. Nothing loads them: pcibackd, and pcibackctl for the kernel's
# backend, are linked with a simulated Xen here.
XEN_LIBRARIES = ("libxencall.so.1", "libxenctrl.so.4.17", "libxenevtchn.so.1", "libxengnttab.so.1", "libxenstore.so.4")


def build(
    machine: Machine,
    settings: dict[str, object],
    dump: str,
    facts: str,
    firmware: str,
    boot_cfg: bytes,
    guests: list[str],
    kernels: tuple[str, ...],
) -> None:
    """Make a machine in an empty directory, and boot it.

    :param settings: what it is asked for at each ``dom0.py create``
    :param dump: its hardware, and with ``facts`` what the dump does not tell
    :param guests: names of guests that get a configuration and a kernel
    :param kernels: paths of kernels beside those that each machine has
    """
    os.makedirs(machine.directory, exist_ok=True)
    for folder in FOLDERS:
        os.makedirs(machine.file(folder), exist_ok=True)
    for folder in ("tmp", "var/tmp"):
        os.chmod(machine.file(folder), 0o1777)
    os.chmod(machine.file("root"), 0o700)
    link_as_the_controller(machine.root)
    for device in DEVICES:
        write(machine.file("dev/" + device), b"")
    for number in range(8):
        write(machine.file(f"dev/pci{number}"), b"", 0o600)
    write(machine.file("dev/drvctl"), b"", 0o600)
    for link, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, machine.file("dev/" + link))
    write(
        machine.file("etc/passwd"),
        b"root:*:0:0:root:/root:/bin/sh\nnobody:*:32767:39:nobody:/nonexistent:/sbin/nologin\n",
    )
    write(machine.file("etc/group"), b"wheel:*:0:root\nnobody:*:39:\n")
    write(machine.file("etc/ld.so.cache"), b"")
    name = os.path.basename(os.path.dirname(os.path.abspath(machine.directory)))
    services.install(machine, name)
    for kernel in KERNELS + kernels:
        os.makedirs(os.path.dirname(machine.file(kernel)), exist_ok=True)
        write(machine.file(kernel), b"placeholder of a kernel\n", 0o755)
    # A kernel that is asked for may be in a folder of that name.
    if not os.path.isdir(machine.file(loader.PATH)):
        write(machine.file(loader.PATH), loader.program(KERNEL_RELEASE), 0o444)
    for library in XEN_LIBRARIES:
        write(machine.file("usr/pkg/lib/" + library), b"placeholder of a library\n", 0o755)
    write(machine.file("boot.cfg"), boot_cfg)
    for guest in guests:
        kernel = GUEST_KERNEL % guest
        os.makedirs(os.path.dirname(machine.file(kernel)), exist_ok=True)
        write(machine.file(kernel), b"placeholder of a kernel\n")
        write(machine.file("usr/pkg/etc/xen/" + guest), (GUEST_CONFIG % {"name": guest, "kernel": kernel}).encode())
    shutil.copyfile(dump, machine.path("bus.lspci"))
    known = dict(bus.load(dump, facts).facts, management=settings["management"])
    write(machine.path("bus.json"), (json.dumps(known, indent=2) + "\n").encode())
    for path in PATHS:
        if path.startswith("/usr/local/"):
            # Beside what the role installs there, and copied from machine to machine like that.
            write(machine.file(path), COMMAND.encode(), 0o755)
        elif not path.startswith("/usr/bin/"):
            os.symlink("/.machine/command", machine.file(path))
    borrow(machine, bool(settings["compiler"]), firmware)
    machine.state = {"schema": STATE_SCHEMA, "name": name, "settings": settings}
    with machine.locked():
        boot.power_on(machine)
        machine.save()
