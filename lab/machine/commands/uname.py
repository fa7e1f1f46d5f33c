# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uname(1) and hostname(1)."""

from __future__ import annotations

import sys

from ..kernel import KERNEL_RELEASE, kernel_version
from ..state import Machine


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    machine.load()
    if program == "hostname":
        sys.stdout.write(machine.state["name"] + "\n")
        return 0
    letters = "".join(argument[1:] for argument in arguments if argument.startswith("-")) or "s"
    if any(not argument.startswith("-") for argument in arguments) or set(letters) - set("amnprsv"):
        sys.stderr.write("usage: uname [-amnprsv]\n")
        return 1
    # The kernel's version has a line break and a tab, which uname turns to blanks.
    version = kernel_version(machine.state["boot"]["configname"]) + "  root@vm:BUILD"
    words = {"s": "NetBSD", "n": machine.state["name"], "r": KERNEL_RELEASE, "v": version, "m": "amd64", "p": "x86_64"}
    wanted = "snrvm" if "a" in letters else [letter for letter in "snrvmp" if letter in letters]
    sys.stdout.write(" ".join(words[letter] for letter in wanted) + "\n")
    return 0
