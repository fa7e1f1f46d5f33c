# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees while a machine boots: how far the serial port's log says that it is. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Stage(NamedTuple):
    """A step of the boot, and the text of the serial port that begins it."""

    says: str
    mark: str


# GRUB, Xen and dom0 share the serial port; a reboot begins with GRUB again.
STAGES = (
    Stage("GRUB", "Loading Xen"),
    Stage("Xen", "Xen version 4."),
    Stage("dom0's kernel", "Linux version"),
    Stage("dom0's initramfs", "Run /init as init process"),
    Stage("dom0's services", "INIT: version"),
    Stage("dom0 is up", "xen-lab login:"),
)


def stage(log: str) -> str | None:
    """The last step that the latest boot in a log has come to, or None before the first."""
    begins = log.rfind(STAGES[0].mark)
    if begins < 0:
        return None
    reached = [each.says for each in STAGES if log.find(each.mark, begins) >= 0]
    return reached[-1]
