# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysctl(8), for reading: the variables that tell a dom0 apart and when it booted."""

from __future__ import annotations

import sys
import time

from ..kernel import KERNEL_RELEASE, kernel_version
from ..state import Machine
from . import complain

_LEVELS = ("top", "second", "third", "fourth", "fifth")


def variables(machine: Machine) -> dict[str, str]:
    """All variables, in the order in which ``sysctl -a`` prints them."""
    boot = machine.state["boot"]
    memory = boot["memory_mib"]
    return {
        "kern.ostype": "NetBSD",
        "kern.osrelease": KERNEL_RELEASE,
        "kern.osrevision": "799001000",
        "kern.version": "{}\n\troot@vm:BUILD\n".format(kernel_version(boot["configname"])),
        "kern.hostname": machine.state["name"],
        "kern.boottime": time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(boot["boottime"])),
        "kern.securelevel": "-1",
        "kern.configname": boot["configname"],
        "kern.root_device": "wd0",
        "hw.machine": "amd64",
        "hw.model": "Intel 686-class",
        "hw.ncpu": "1",
        "hw.ncpuonline": "1",
        "hw.byteorder": "1234",
        "hw.pagesize": "4096",
        "hw.physmem": str(memory * 1024 * 1024 if memory < 2048 else -1),
        "hw.physmem64": str(memory * 1024 * 1024),
        "hw.machine_arch": "x86_64",
    }


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    machine.load()
    known = variables(machine)
    bare = every = False
    while arguments and arguments[0].startswith("-") and arguments[0] != "-":
        for letter in arguments[0][1:]:
            if letter not in "aneqx":
                complain(program, "only reading is possible on an embedded dom0: options -a, -e, -n, -q and -x")
                return 1
            bare = bare or letter == "n"
            every = every or letter == "a"
        arguments = arguments[1:]
    for name in sorted(known) if every else arguments:
        if "=" in name:
            complain(program, "{}: Operation not permitted".format(name.split("=")[0]))
            return 1
        found = [known_name for known_name in known if known_name == name or known_name.startswith(name + ".")]
        if not found:
            complain(program, _invalid(name, known))
            return 1
        for each in found:
            sys.stdout.write(f"{known[each]}\n" if bare else f"{each} = {known[each]}\n")
    return 0


def _invalid(name: str, known: dict[str, str]) -> str:
    parts = name.split(".")
    for depth in range(len(parts)):
        prefix = ".".join(parts[: depth + 1])
        if depth == 0 and prefix in ("machdep", "vfs", "net", "vm", "ddb", "proc", "security", "user", "vendor"):
            continue
        if not any(each == prefix or each.startswith(prefix + ".") for each in known):
            return f"{_LEVELS[min(depth, 4)]} level name '{parts[depth]}' in '{name}' is invalid"
    return f"top level name '{parts[0]}' in '{name}' is invalid"
