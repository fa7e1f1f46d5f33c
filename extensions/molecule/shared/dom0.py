# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios' tests ask a dom0, through the connection that the role used."""

from __future__ import annotations

from typing import Any

XL = "/usr/pkg/sbin/xl"


def held(host: Any) -> list[str]:
    """The functions that the kernel's backend offers to guests."""
    return sorted(host.check_output("ls /kern/xen/pci").split())


def guests(host: Any) -> dict[str, list[str]]:
    """The running guests and the devices that they have, as xl finds them in xenstore."""
    names = [line.split()[0] for line in host.check_output(f"{XL} list").splitlines()[2:]]
    return {
        name: [line.split()[1] for line in host.check_output(f"{XL} pci-list {name}").splitlines()[1:]]
        for name in names
    }
