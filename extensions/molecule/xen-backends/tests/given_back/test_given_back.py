# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything is as it was before the first run, whichever backends there were since; a reboot was never needed."""

from __future__ import annotations

import re

# An initramfs that is made anew differs in times, its content is listed too; xl keeps notes in xenstore for ever; and Debian's
# update-rc.d numbers all scripts anew when one comes, and not when it goes.
NOT_COMPARED = (" /boot/initrd.img", "/libxl", " /etc/init.d/.depend.")
NUMBERED = re.compile(r" /etc/rc[0-6S]\.d/[SK][0-9][0-9]")


def test_dom0_is_as_it_was(picture):
    """Files, the initramfs' content, drivers, the backend's part of xenstore."""
    before, after = (
        sorted(
            NUMBERED.sub(" /etc/rc ", line) for line in picture(name) if not any(each in line for each in NOT_COMPARED)
        )
        for name in ("fresh", "given-back")
    )
    assert any(line.startswith("initramfs ") for line in before)
    assert after == before


def test_dom0_was_never_rebooted(recorded):
    reboots = [task["outcome"] for task in recorded if task["task"].endswith("Reboot dom0")]
    assert set(reboots) == {"skipped"}
