# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The running pcibackd of a host, asked through pcibackctl."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import PROGRAM, ask, daemon_status

_NOTICES = 3.0
"""Seconds: it looks each second what it can free."""


class Pcibackd:
    """What pcibackd can be asked for.

    :param run: runs an argument list, as :func:`commands.run` does
    :param pcibackctl: the path of pcibackctl
    """

    def __init__(self, run: Run, pcibackctl: str = PROGRAM) -> None:
        self._run = run
        self._pcibackctl = pcibackctl

    def status(self) -> PcibackdStatus | None:
        """See :func:`pcibackctl.daemon_status`."""
        return daemon_status(self._run, self._pcibackctl)

    def take(self, devices: Sequence[str]) -> None:
        """Take devices from dom0, all of them or none; no driver has them any more.

        :param devices: addresses, each with what is known of it, as ``pcibackctl take`` reads them
        :raises PcibackError: they can't be taken
        """
        self._ask("devices were not taken from dom0", "take", *devices)

    def give_back(self, addresses: Sequence[Address]) -> None:
        """Let dom0 have devices again, all of them or none; no guest has them any more.

        :raises PcibackError: they can't be given back
        """
        self._ask("devices were not given back to dom0", "return", *map(str, addresses))

    def attach(self, domid: int, devices: Sequence[str], *, who: str) -> None:
        """Give devices to a guest, all of them or none.

        :param devices: addresses with options, as ``pcibackctl attach`` reads them
        :param who: the guest, for a sentence
        :raises PcibackError: it does not get them
        """
        self._await_freed(domid, [parse_address(device.partition(",")[0]) for device in devices])
        self._ask(f"guest {who} did not get its devices", "attach", "--domain", str(domid), *devices)

    def _await_freed(self, domid: int, addresses: Sequence[Address]) -> None:
        """Let pcibackd notice that a guest has ended that had devices; it may be a moment later than xl."""
        deadline = time.monotonic() + _NOTICES
        while time.monotonic() < deadline:
            status = self.status()
            owners = {} if status is None else status.held_back
            if all(owners.get(address, domid) == domid for address in addresses):
                return
            time.sleep(0.2)

    def detach(self, domid: int, addresses: Sequence[Address], *, who: str) -> None:
        """Take devices from a guest; it has to let go of them.

        :raises PcibackError: it keeps them
        """
        shown = " ".join(address.bdf for address in addresses)
        self._ask(f"{shown} stays with guest {who}", "detach", "--domain", str(domid), *map(str, addresses))

    def _ask(self, what: str, command: str, *arguments: str) -> None:
        ask(self._run, self._pcibackctl, what, command, *arguments)
