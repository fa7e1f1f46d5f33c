# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mount(8)"""

from __future__ import annotations

from tests.unit.lab.machine.conftest import Command


def test_the_root_and_kernfs_are_mounted_and_nothing_else_can_be(command: Command) -> None:
    status, out, _err = command("mount")
    assert (status, out) == (0, "/dev/wd0a on / type ffs (local)\nkernfs on /kern type kernfs (local)\n")
    assert command("mount", "/dev/wd1a", "/mnt") == (1, "", "mount: nothing can be mounted on an embedded dom0\n")
