# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rc(8) starts when the machine has booted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from . import boot, consequence
from .state import Machine

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FILES = os.path.join(LAB, "machine", "files")
# pcibackd finds a simulated Xen and the devices of the machine's bus there; what it has to be allowed is the board's:
# its cards have no reset, and share their interrupt lines.
RC_CONF = """\
rc_configured=YES
hostname={name}
xencommons=YES
pcibackd_flags="--bus /.machine/devices.lspci --xen-socket /.machine/xen.sock --allow no-reset,shared-irq"
"""
# A script that never ends would keep the machine from answering for ever.
_PATIENCE = 120


def install(machine: Machine, name: str) -> None:
    """The files of rc(8) and rc.conf(5)."""
    shutil.copytree(FILES, machine.root, dirs_exist_ok=True)
    os.makedirs(machine.file("/etc/rc.conf.d"), exist_ok=True)
    with open(machine.file("/etc/rc.conf"), "w", encoding="utf-8") as file:
        file.write(RC_CONF.format(name=name))


def has_some(machine: Machine) -> bool:
    """Whether rc(8) has anything to start: a script that is not the lab's, or guests of the owner's list."""
    own = set(os.listdir(os.path.join(FILES, "etc", "rc.d")))
    directory = machine.file("/etc/rc.d")
    if os.path.isdir(directory) and set(os.listdir(directory)) - own:
        return True
    for name in ("/etc/rc.conf", "/etc/rc.conf.d/xendomains"):
        try:
            with open(machine.file(name), encoding="utf-8", errors="replace") as file:
                if re.search(r"^\s*xendomains=", file.read(), re.MULTILINE):
                    return True
        except OSError:
            pass
    return False


def start(machine: Machine) -> None:
    """Run rc(8) on a machine that has just booted; what it prints goes to the console. Nobody may hold the lock."""
    if machine.state["power"]["state"] == "dead":
        return
    if has_some(machine):
        _run_rc(machine)
    if machine.state["power"]["state"] == "lost":
        _end(machine)


def _end(machine: Machine) -> None:
    """What becomes of a dom0 that does not stay as it came up."""
    ends = machine.state["boot"]["ends"]
    machine.console(consequence.LAST_WORDS[ends])
    if ends != consequence.PANIC:
        return
    with machine.changing():
        if machine.state["boot"]["number"] - machine.state.get("panicked", -_PATIENCE) == 1:
            machine.state["power"]["reason"] = "its kernel panics in each boot"
            boot.write_down(machine, machine.state["boot"]["number"])
            return
        machine.state["panicked"] = machine.state["boot"]["number"]
        boot.power_on(machine)
    start(machine)


def _run_rc(machine: Machine) -> None:
    inside = machine.root == "/"
    command = ["/bin/sh", "/etc/rc"]
    if not inside:
        command = [os.path.join(LAB, "enter"), "--booting", machine.root, "--", *command]
    with open(machine.path("console.log"), "ab") as console:
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=False, timeout=_PATIENCE
            )
        except subprocess.TimeoutExpired:
            machine.console("[lab] rc(8) has not ended, and was ended\n")
