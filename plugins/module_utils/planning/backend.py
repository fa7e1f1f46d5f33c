# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Pass-through backends as values: what a plan has to know of how one takes devices and gives them to guests."""

from __future__ import annotations

from dataclasses import dataclass

AT_BOOT = "at boot"
AT_RUN_TIME = "at run time"


@dataclass(frozen=True)
class Backend:
    """One backend on one platform.

    :ivar name: ``kernel`` or ``native``, as the owner chooses it
    :ivar takes: when it takes devices from dom0 and gives them back, :data:`AT_BOOT` or :data:`AT_RUN_TIME`
    :ivar hot_plug: whether a guest can get and lose devices while it runs
    :ivar bridge_loss: what happens to who takes a PCI bridge from dom0
    """

    name: str
    takes: str
    hot_plug: bool
    bridge_loss: str

    @property
    def needs_reboot(self) -> bool:
        """Whether only a reboot takes devices from dom0 and gives them back."""
        return self.takes == AT_BOOT
