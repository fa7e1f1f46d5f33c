# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a boot is, by its serial port."""

from __future__ import annotations

from xen import progress

SERIAL = """\
Loading Xen 4.17-amd64 ...
 Xen version 4.17.7 (Debian 4.17.7)
[    0.000000] Linux version 6.1.0
[   20.728072] Run /init as init process
INIT: version 3.06 booting
xen-lab login: """


def test_progress_is_read_from_the_serial_port() -> None:
    lines = SERIAL.splitlines(keepends=True)
    seen = [[each.name for each in progress.stages_reached("".join(lines[:count]))] for count in range(len(lines) + 1)]
    names = [each.name for each in progress.STAGES]
    assert seen == [names[:count] for count in range(len(lines) + 1)]


def test_a_reboot_begins_anew() -> None:
    assert [each.name for each in progress.stages_reached(SERIAL + "\nLoading Xen 4.17-amd64 ...\n")] == ["GRUB"]
