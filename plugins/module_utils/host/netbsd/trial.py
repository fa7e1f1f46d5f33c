# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Trial boots of a NetBSD dom0: a hard link to Xen at the top of the root file system makes boot.cfg(5) boot the new list."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.trial import LINKS
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import remove_file, sync_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_loader import may_boot_by_efi
from ansible_collections.xen.pciback.plugins.module_utils.host.os_errors import reason_of
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import Trials

NO_WATCHDOG = "no-watchdog"
EFI = "efi"

PRIVCMD = "/kern/xen/privcmd"
BOOT_TIME = "/kern/boottime"

_PREPARED = "/.xen-pciback-link"
"""A link that is made already and that nobody boots yet."""


class NetbsdTrials(Trials):
    """See :class:`Trials`.

    :param root: what is at the top of the boot device
    """

    def __init__(self, run: Run, root: str = "") -> None:
        super().__init__(run)
        self._root = root

    def obstacle(self, *, may_install: bool = False) -> NoTrial | None:
        if not os.path.exists(self._root + PRIVCMD):
            return NoTrial(NO_WATCHDOG, f"Xen's watchdog is asked for through {PRIVCMD}, and this host has none")
        if may_boot_by_efi():
            return NoTrial(
                EFI,
                "this host may boot by EFI, whose loader prefers a boot.cfg of the EFI partition, where there are no hard links",
            )
        refused = self.refused_by_xen()
        return NoTrial(NO_WATCHDOG, refused) if refused else None

    def boot_time(self) -> float | None:
        with contextlib.suppress(OSError, ValueError), open(self._root + BOOT_TIME, encoding="ascii") as file:
            return float(file.read())
        return None

    def used_names(self) -> tuple[str, ...]:
        return tuple(link[1:] for link in LINKS if os.path.lexists(self._root + link))

    def prepare_link(self, xen: str) -> None:
        """Make the link under a name that nothing boots, so that what hinders it is known before anything is changed.

        :param xen: the path of the Xen that the entries start
        :raises PcibackError: it can't be made
        """
        prepared = self._root + _PREPARED
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(prepared)
            os.link(self._root + xen, prepared, follow_symlinks=False)
        except OSError as error:
            raise PcibackError(
                f"no trial can be made, because {xen} can't get a hard link beside it: {reason_of(error)}",
                remedy="have a plain reboot with pciback_trial: never",
            ) from error

    def arm(self, link: str) -> None:
        """Let the next boot be the trial: the prepared link gets its name, in one step.

        :raises PcibackError: it can't
        """
        try:
            os.rename(self._root + _PREPARED, self._root + link)
            sync_directory(self._root or "/")
        except OSError as error:
            raise PcibackError(
                f"the next boot is no trial, because {link} can't be made: {reason_of(error)}"
            ) from error

    def disarm(self, link: str) -> None:
        """Let the next boot be none. Only names that a trial gives are removed.

        :raises PcibackError: it can't be removed
        """
        if link in LINKS:
            remove_file(self._root + link)

    def drop_prepared(self) -> None:
        """Remove what a killed run has prepared."""
        with contextlib.suppress(OSError):
            os.unlink(self._root + _PREPARED)
