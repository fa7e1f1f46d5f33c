# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees while a machine boots: how far the serial port's log says that it is. Pure."""

from __future__ import annotations

from typing import NamedTuple

SERVICES = "services"


class Stage(NamedTuple):
    """A step of the boot, what is said of it, and the text of the serial port that begins it."""

    name: str
    says: str
    mark: str


# GRUB, Xen and dom0 share the serial port; a reboot begins with GRUB again.
STAGES = (
    Stage("GRUB", "GRUB loads Xen", "Loading Xen"),
    Stage("Xen", "Xen starts", "Xen version 4."),
    Stage("kernel", "dom0's kernel starts", "Linux version"),
    Stage("initramfs", "the initramfs looks for the disk", "Run /init as init process"),
    Stage(SERVICES, "init starts the services", "INIT: version"),
    Stage("login", "dom0 is up", "xen-lab login:"),
)


def stages_reached(log: str) -> list[Stage]:
    """The steps that the latest boot in a log has come to, in order."""
    begins = log.rfind(STAGES[0].mark)
    return [each for each in STAGES if begins >= 0 and log.find(each.mark, begins) >= 0]
