# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mount(8) without arguments: what is mounted."""

from __future__ import annotations

import sys

from ..state import Machine
from . import complain


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    if arguments:
        complain(program, "nothing can be mounted on an embedded dom0")
        return 1
    sys.stdout.write("/dev/wd0a on / type ffs (local)\nkernfs on /kern type kernfs (local)\n")
    return 0
