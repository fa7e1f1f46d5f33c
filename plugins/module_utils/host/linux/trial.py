# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Trial boots of a Linux dom0: a variable of GRUB's environment block lets the menu boot the new list once."""

from __future__ import annotations

import glob
import os
import re

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import SIZE, read, with_variable
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import Trials

NO_WATCHDOG = "no-watchdog"
NO_START_UP = "no-start-up"
NO_BLOCK = "no-environment-block"

PRIVCMD = "/dev/xen/privcmd"
GRUB = "grub"
"""What a record has in the place of a link."""
BLOCKS = ("/boot/grub/grubenv", "/boot/grub2/grubenv")
"""The only ones that pciback-trial writes."""

PROBES = ("/usr/sbin/grub-probe", "/usr/sbin/grub2-probe")
# A unit that a target wants, or a script of the runlevel that is run first.
_STARTED = ("/etc/systemd/system/*.wants/pciback-trial.service", "/etc/rcS.d/S[0-9][0-9]pciback-trial")
_BOOT_TIME = re.compile(r"^btime ([0-9]+)$", re.MULTILINE)


class LinuxTrials(Trials):
    """See :class:`Trials`.

    :param block: GRUB's environment block
    :param root: stands before every path of the host
    """

    def __init__(self, run: Run, block: str = BLOCKS[0], root: str = "") -> None:
        super().__init__(run)
        self.block = block
        self._root = root

    def obstacle(self) -> NoTrial | None:
        if not os.path.exists(self._root + PRIVCMD):
            return NoTrial(NO_WATCHDOG, f"Xen's watchdog is asked for through {PRIVCMD}, and this dom0 has none")
        if not any(glob.glob(self._root + place) for place in _STARTED):
            return NoTrial(
                NO_START_UP,
                "nothing starts pciback-trial with this host: neither does systemd have its unit enabled, nor is there a "
                "script in /etc/rcS.d",
            )
        if self.block not in BLOCKS:
            return NoTrial(
                NO_BLOCK,
                f"GRUB's environment block would be {self.block}, and pciback-trial writes only {' or '.join(BLOCKS)}",
            )
        try:
            variables = read(self._read(), self.block)
        except PcibackError as error:
            return NoTrial(NO_BLOCK, f"GRUB can't be told what to try: {self.block}: {error.message}")
        probe = next((place for place in PROBES if os.access(self._root + place, os.X_OK)), PROBES[0])
        said = []
        for target in ("fs", "abstraction"):
            status, output, _errors = self._run([probe, f"--target={target}", os.path.dirname(self.block)])
            if status != 0:
                return NoTrial(NO_BLOCK, f"{probe} does not tell in what {self.block} lies; it ended with {status}")
            said.append(output.strip())
        return grub_trial.hindrance(variables, *said)

    def boot_time(self) -> float | None:
        match = _BOOT_TIME.search(bus.read_text(f"{self._root}/proc/stat") or "")
        return None if match is None else float(match.group(1))

    def used_names(self) -> tuple[str, ...]:
        return ()

    def is_armed(self) -> bool:
        """Whether the next start of GRUB tries the list of the menu."""
        try:
            return read(self._read()).get(grub_trial.VARIABLE) == grub_trial.ARMED
        except PcibackError:
            return False

    def arm(self) -> None:
        """Let the next boot be the trial, in one step.

        :raises PcibackError: the block can't be read or written
        """
        data = self._read()
        bare = with_variable(data, grub_trial.VARIABLE, None, self.block)
        self._write(data, with_variable(bare, grub_trial.VARIABLE, grub_trial.ARMED, self.block))

    def disarm(self) -> None:
        """Let the next boot be none. A block that is not there arms nothing.

        :raises PcibackError: the block can't be read or written
        """
        if os.path.lexists(self._root + self.block):
            data = self._read()
            self._write(data, with_variable(data, grub_trial.VARIABLE, None, self.block))

    def _read(self) -> bytes:
        return read_file(self._root + self.block, limit=SIZE)

    def _write(self, before: bytes, after: bytes) -> None:
        if before != after:
            replace_file(self._root + self.block, after, expected=before)
