# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Pass-through backends as values: what a plan has to know of how one takes devices and gives them to guests."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.refusals import NO_RESET, SHARED_IRQ

AT_BOOT = "at boot"
AT_RUN_TIME = "at run time"

KERNEL = "kernel"
NATIVE = "native"
AUTO = "auto"
"""The name of the backend that suits the host best, as its owner may choose it."""

KERNEL_ALLOWS = (NO_RESET, SHARED_IRQ)
"""What pcibackctl may do for NetBSD's kernel, whatever the owner allows. That kernel resets nothing, so that to reset what
can be reset is more than it ever did. A shared line has cost dom0 what it can cost when the device was hidden; of one that
two guests share the plan warns.
"""


@dataclass(frozen=True)
class Backend:
    """One backend on one platform.

    :ivar name: ``kernel`` or ``native``, as the owner chooses it
    :ivar takes: when it takes devices from dom0 and gives them back, :data:`AT_BOOT` or :data:`AT_RUN_TIME`
    :ivar hot_plug: whether a guest can get and lose devices while it runs
    :ivar bridge_loss: what happens to who takes a PCI bridge from dom0
    :ivar hides: whether the boot configuration hides its devices from dom0's drivers
    :ivar holder: what holds devices that it has taken, for a sentence
    :ivar follows: when it can follow the kernel's backend, beside which it can't be: at run time only where that one can
        be unloaded
    :ivar xl_gives: whether xl gives devices to guests itself; else pcibackctl does, to guests that are made paused
    :ivar keeps_apart: whether a device that a guest could still reach goes to nobody else
    """

    name: str
    takes: str
    hot_plug: bool
    bridge_loss: str
    hides: bool = True
    holder: str = "pciback"
    follows: str = AT_RUN_TIME
    xl_gives: bool = True
    keeps_apart: bool = False

    @property
    def needs_reboot(self) -> bool:
        """Whether only a reboot takes devices from dom0 and gives them back."""
        return self.takes == AT_BOOT

    @property
    def is_fragile(self) -> bool:
        """Whether a guest that ends before it has found its devices takes dom0 down: so does NetBSD's kernel."""
        return self.hides and not self.xl_gives


def native_backend(bridge_loss: str, follows: str) -> Backend:
    """pcibackd, which is the same on every system but for what it follows."""
    return Backend(
        NATIVE,
        AT_RUN_TIME,
        hot_plug=True,
        bridge_loss=bridge_loss,
        hides=False,
        holder="pcibackd",
        follows=follows,
        xl_gives=False,
        keeps_apart=True,
    )
