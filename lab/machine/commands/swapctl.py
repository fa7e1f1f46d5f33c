# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""swapctl(8), for listing: the swap partition of the disk that dom0 booted from."""

from __future__ import annotations

import sys

from ..state import Machine

USAGE = """usage: swapctl -A [-f] [-n] [-o] [-p priority] [-t blk|noblk|auto]
       swapctl -a [-p priority] path
       swapctl -l [-k|-m|-g|-h]
       swapctl -s [-k|-m|-g|-h]
"""
_BLOCKS = 262144


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    if arguments not in (["-l"], ["-lk"], ["-l", "-k"]):
        sys.stderr.write(USAGE)
        return 1
    machine.load()
    if machine.tree.find("wd0") is None:
        sys.stdout.write("no swap devices configured\n")
        return 0
    header, blocks = ("512-blocks", _BLOCKS) if arguments == ["-l"] else ("1K-blocks", _BLOCKS // 2)
    columns = "{:<11} {:>" + str(len(header)) + "} {:>8} {:>8} "
    sys.stdout.write((columns + "{:>8}  {}\n").format("Device", header, "Used", "Avail", "Capacity", "Priority"))
    sys.stdout.write((columns + "{:>5.0f}%    {}\n").format("/dev/wd0b", blocks, 0, blocks, 0, 0))
    return 0
