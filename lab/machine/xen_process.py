# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of the process that plays Xen: it starts when pcibackd does, and ends with the boot."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import struct
import time

from .state import Machine

# In the machine's folder: what pcibackd connects to, what wakes the process up, what it has locked, guests' pages.
SOCKET = "xen.sock"
WAKE = "xen.wake"
LOCK = "xen.lock"
PAGES = "pages"
# The process that is connected, as a number.
PEER = "pcibackd.pid"
# What pcibackd-guests leaves while it watches: its process, as a number.
WATCH = "/var/run/pcibackd-guests.pid"
# struct flock: kind, whence, start, length, process.
_FLOCK = "hhqqi4x"
_PATIENCE = 5.0


def running(machine: Machine) -> int | None:
    """The process that holds the lock, or None."""
    try:
        with open(machine.path(LOCK), "rb+") as file:
            found = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except FileNotFoundError:
        return None
    kind, _whence, _start, _length, process = struct.unpack(_FLOCK, found)
    return None if kind == fcntl.F_UNLCK else int(process)


def served(machine: Machine) -> int | None:
    """The pcibackd that is connected, or was last."""
    try:
        with open(machine.path(PEER), encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def wake(machine: Machine) -> None:
    """Tell the process that the machine's memory has changed; without one, nobody has to know."""
    if not os.path.exists(machine.path(WAKE)):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        with contextlib.suppress(OSError):
            sender.sendto(b"!", machine.path(WAKE))


def lock(machine: Machine) -> bool:
    """Be the one such process of this machine, from now to its end."""
    handle = os.open(machine.path(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return False
    return True


def _end_watch(machine: Machine) -> None:
    """End `pcibackd-guests watch`, which on a real machine ends with the boot."""
    try:
        with open(machine.file(WATCH), encoding="ascii") as file:
            number = int(file.read())
        with open(f"/proc/{number}/cmdline", "rb") as file:
            if b"pcibackd-guests" in file.read():
                os.kill(number, signal.SIGTERM)
    except (OSError, ValueError):
        pass


def end(machine: Machine) -> None:
    """End the process of this machine, and pcibackd and what watches its guests with it; return when it is gone."""
    _end_watch(machine)
    number = signal.SIGTERM
    waited = 0.0
    while True:
        process = running(machine)
        if process is None:
            return
        try:
            os.kill(process, number)
        except ProcessLookupError:
            return
        time.sleep(0.01)
        waited += 0.01
        if waited > _PATIENCE:
            number = signal.SIGKILL
