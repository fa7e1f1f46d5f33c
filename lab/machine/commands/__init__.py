# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the machine, at NetBSD's paths.

Every one is the same small file, /.machine/command, found by many names; the name decides.
"""

from __future__ import annotations

import importlib
import os
import sys

# Where NetBSD has them.
PATHS = {
    "/sbin/dmesg": "dmesg",
    "/sbin/drvctl": "drvctl",
    "/sbin/halt": "shutdown",
    "/sbin/ifconfig": "ifconfig",
    "/sbin/mount": "mount",
    "/sbin/poweroff": "shutdown",
    "/sbin/rcorder": "rcorder",
    "/sbin/reboot": "shutdown",
    "/sbin/route": "route",
    "/sbin/shutdown": "shutdown",
    "/sbin/swapctl": "swapctl",
    "/sbin/sysctl": "sysctl",
    "/usr/bin/hostname": "uname",
    "/usr/bin/uname": "uname",
    # The lab's own: beside pcibackd and pcibackctl, what they become; and what rc.subr asks for the processes of this machine.
    "/sbin/pciback-trial-simulated": "xen",
    "/usr/local/sbin/pcibackctl-simulated": "xen",
    "/usr/local/sbin/pcibackd-simulated": "xen",
    "/usr/sbin/lab-processes": "xen",
    "/usr/pkg/bin/xenstore-list": "xenstore",
    "/usr/pkg/bin/xenstore-ls": "xenstore",
    "/usr/pkg/bin/xenstore-read": "xenstore",
    "/usr/pkg/bin/xenstore-rm": "xenstore",
    "/usr/pkg/bin/xenstore-watch": "xenstore",
    "/usr/pkg/bin/xenstore-write": "xenstore",
    "/usr/pkg/sbin/xl": "xl",
    "/usr/sbin/pcictl": "pcictl",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command that argv[0] names; its exit status."""
    argv = sys.argv if argv is None else argv
    name = os.path.basename(argv[0])
    module = {os.path.basename(path): module for path, module in PATHS.items()}[name]
    try:
        status: int = importlib.import_module("machine.commands." + module).main(name, argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    return status


class OptionError(Exception):
    """An option that a command does not have, or one without its argument."""


def split_options(arguments: list[str], letters: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Split a command line as getopt(3) does: options and their arguments, then the rest.

    The module getopt would do, but loading its messages takes longer than most commands run.
    """
    options = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        while len(word) > 1:
            letter, word = word[1], "-" + word[2:]
            place = letters.find(letter)
            if place < 0 or letter == ":":
                raise OptionError(f"unknown option -- {letter}")
            value = ""
            if letters[place + 1 : place + 2] == ":":
                if word == "-" and not rest:
                    raise OptionError(f"option requires an argument -- {letter}")
                value, word = (word[1:], "-") if word != "-" else (rest.pop(0), "-")
            options.append((letter, value))
    return options, rest


def complain(program: str, message: str) -> None:
    """An error message in the form of err(3)."""
    sys.stdout.flush()
    sys.stderr.write(f"{program}: {message}\n")
