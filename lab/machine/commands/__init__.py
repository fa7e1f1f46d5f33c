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
from typing import List, Optional

# Where NetBSD has them.
PATHS = {
    "/sbin/dmesg": "dmesg",
    "/sbin/drvctl": "drvctl",
    "/sbin/halt": "shutdown",
    "/sbin/ifconfig": "ifconfig",
    "/sbin/mount": "mount",
    "/sbin/poweroff": "shutdown",
    "/sbin/reboot": "shutdown",
    "/sbin/shutdown": "shutdown",
    "/sbin/sysctl": "sysctl",
    "/usr/bin/hostname": "uname",
    "/usr/bin/uname": "uname",
    "/usr/pkg/sbin/xl": "xl",
    "/usr/sbin/pcictl": "pcictl",
}


def main(argv: Optional[List[str]] = None) -> int:
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


def complain(program: str, message: str) -> None:
    """An error message in the form of err(3)."""
    sys.stdout.flush()
    sys.stderr.write("%s: %s\n" % (program, message))
