# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""swapctl(8)"""

from __future__ import annotations

from tests.unit.lab.machine.conftest import Command


def test_swap_is_on_the_boot_disk(command: Command) -> None:
    status, out, _err = command("swapctl", "-l")
    header, device = out.splitlines()
    assert status == 0 and header.split()[:2] == ["Device", "512-blocks"]
    assert device.split()[:2] == ["/dev/wd0b", "262144"]
    assert command("swapctl", "-lk")[1].splitlines()[1].split()[1] == "131072"


def test_other_uses_are_refused(command: Command) -> None:
    status, out, err = command("swapctl", "-s")
    assert (status, out) == (1, "") and err.startswith("usage: swapctl")
