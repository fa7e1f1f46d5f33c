# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Xen's processes: what pcibackd and pcibackctl find running, and which processes a machine has."""

from __future__ import annotations

import fcntl
import os
import sys

from .. import kernel_backend, watchdog, xen_process
from ..state import Machine
from . import complain

PROGRAMS = {
    "pcibackd-simulated": "pcibackd",
    "pcibackctl-simulated": "pcibackctl",
    "pciback-trial-simulated": "pciback-trial",
}
"""What the machine has a copy of in /.machine, and the name by which it is known."""


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    if program == "lab-processes":
        names = [] if not arguments else [arguments[0], os.path.basename(arguments[0])]
        sys.stdout.write(" ".join(str(number) for number in processes(machine, names)) + "\n")
        return 0
    name = PROGRAMS[program]
    if name == "pciback-trial":
        return _try(machine, program, arguments)
    if not _is_ready(machine, program):
        return 1
    if name == "pcibackd":
        _start(machine, stays=True)
    else:
        # Another one waits as long as it runs, and the process that answers it, which inherits the lock.
        lock = os.open(machine.path("pcibackctl.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        os.set_inheritable(lock, True)
        fcntl.flock(lock, fcntl.LOCK_EX)
        _start(machine, stays=False)
        os.environ.update(
            PCIBACK_SIMULATED_BUS="/.machine/devices.lspci",
            PCIBACK_SIMULATED_XEN="/.machine/xen.sock",
            PCIBACK_SIMULATED_HIDDEN=kernel_backend.hidden(machine),
        )
    # Who looks for a pcibackd finds it by the name that it was started by.
    os.execv(f"/.machine/{program}", [os.path.join(os.path.dirname(sys.argv[0]), name), *arguments])
    return 1


def _try(machine: Machine, program: str, arguments: list[str]) -> int:
    """Become pciback-trial with the Xen of this machine, unless that resets it now."""
    machine.load()
    if watchdog.look(machine):
        complain(PROGRAMS[program], "the machine was reset meanwhile")
        return 1
    if not os.access(f"/.machine/{program}", os.X_OK):
        complain(
            PROGRAMS[program],
            f"this machine has no {program}; 'make -C native' builds it, and 'dom0.py create' copies it",
        )
        return 1
    os.environ.update(watchdog.environment(machine))
    os.execv(f"/.machine/{program}", [f"/sbin/{PROGRAMS[program]}", *arguments])
    return 1


def _is_ready(machine: Machine, program: str) -> bool:
    """Whether there is what such a program needs; else it is said."""
    if not os.access(f"/.machine/{program}", os.X_OK):
        complain(
            PROGRAMS[program],
            f"this machine has no {program}; 'make -C native' builds it, and 'dom0.py create' copies it",
        )
        return False
    machine.load()
    if not machine.state["boot"]["under_xen"]:
        complain(
            PROGRAMS[program],
            "the hypervisor can't be opened (No such file or directory); is this dom0, and are you root?",
        )
        return False
    return True


def _start(machine: Machine, stays: bool) -> None:
    """Have a Xen that answers. The process leaves its starter altogether."""
    readable, writable = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
        os.close(readable)
        _serve(machine, writable, stays)
        os._exit(0)
    os.close(writable)
    os.wait()
    os.read(readable, 1)
    os.close(readable)


def _serve(machine: Machine, ready: int, stays: bool) -> None:
    if not xen_process.lock(machine):
        return
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(machine.path("xen.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor, target in ((null, 0), (null, 1), (log, 2)):
        os.dup2(descriptor, target)
    # Only now: whoever asks for processes need not load it.
    from ..xen_server import XenServer

    server = XenServer(machine, stays)
    os.write(ready, b"!")
    os.close(ready)
    server.run()


def processes(machine: Machine, names: list[str]) -> list[int]:
    """The processes of this machine that have one of these names."""
    found = []
    here = os.stat(machine.root)
    for number in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if os.fsdecode(words[0]) in names and _is_here(machine, number, here):
            found.append(number)
    return found


def _is_here(machine: Machine, number: int, here: os.stat_result) -> bool:
    """Whether a process has this machine's root. Of an ordinary user, who has a namespace for each process, Linux
    shows it to none of the others; then it is the one that Xen knows."""
    try:
        return os.path.samestat(os.stat(f"/proc/{number}/root"), here)
    except PermissionError:
        return number == xen_process.served(machine)
    except OSError:
        return False
