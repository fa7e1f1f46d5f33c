# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dmesg(8): the message buffer, which a warm reboot does not clear."""

from __future__ import annotations

import sys

from ..state import Machine


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    with open(machine.path("msgbuf"), encoding="utf-8") as stream:
        sys.stdout.write(stream.read())
    return 0
