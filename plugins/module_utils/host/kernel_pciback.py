# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The backend of NetBSD's kernel, to which pcibackctl gives what guests are to have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import PROGRAM, ask
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL_ALLOWS


class KernelPciback:
    """What it can be asked for.

    :param run: runs an argument list, as :func:`commands.run` does
    :param pcibackctl: the path of pcibackctl
    """

    def __init__(self, run: Run, pcibackctl: str = PROGRAM) -> None:
        self._run = run
        self._pcibackctl = pcibackctl

    def attach(
        self, domid: int, devices: Sequence[str], allow: Collection[str], irqs: Mapping[Address, int], *, who: str
    ) -> None:
        """Give all its devices to a guest that has none; the kernel reads once how many there are.

        :param devices: addresses with options, as ``pcibackctl attach`` reads them
        :param allow: what the owner allows for them, in pcibackctl's words
        :param irqs: the interrupts that the owner states of devices, these and others
        :param who: the guest, for a sentence
        :raises PcibackError: it gets none of them
        """
        allowed = ",".join(sorted({*KERNEL_ALLOWS, *allow}))
        stated = {str(address): f",irq={irq}" for address, irq in irqs.items()}
        words = [word + stated.get(word.partition(",")[0], "") for word in devices]
        self._ask(f"guest {who} did not get its devices", "attach", domid, "--allow", allowed, *words)

    def detach(self, domid: int) -> None:
        """Remove what is left of a domain that is gone, once the kernel has let go of it.

        :raises PcibackError: it has not
        """
        self._ask(f"what domain {domid} had stays in xenstore", "detach", domid)

    def _ask(self, what: str, command: str, domid: int, *arguments: str) -> None:
        ask(self._run, self._pcibackctl, what, command, "--backend", "kernel", "--domain", str(domid), *arguments)
