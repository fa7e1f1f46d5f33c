# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which system this dom0 runs: decided here and nowhere else.

Each system is a package beside this file, whose ``platform.py`` supplies all that is its own. A new one is its package,
and a line in :data:`SYSTEMS`. Only the one of this host is imported, because a module call mostly waits for imports.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform

KERNFS_XEN = "/kern/xen"
SYSFS_PCI = "/sys/bus/pci/devices"


def _netbsd(run: Run) -> Platform:
    from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd

    return Netbsd(run)


def _linux(run: Run) -> Platform:
    from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux

    return Linux(run)


# How a system is known, by what only it has, and what supplies it.
SYSTEMS: tuple[tuple[Callable[[], bool], Callable[[Run], Platform]], ...] = (
    (lambda: os.path.isdir(KERNFS_XEN), _netbsd),
    (lambda: os.path.isdir(SYSFS_PCI), _linux),
    # Where nothing is known, NetBSD's kernfs is not mounted; its check of dom0 says so.
    (lambda: True, _netbsd),
)


def here(run: Run) -> Platform:
    """The platform of this host."""
    return next(make(run) for is_here, make in SYSTEMS if is_here())
