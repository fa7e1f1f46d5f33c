# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Trial boots of a Linux dom0: a variable of GRUB's environment block lets the menu boot the new list once."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import SIZE, read, with_variable
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import (
    ARMED,
    CONFIRMED,
    NONE,
    RUNNING,
    NoTrial,
    TrialState,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import LINK, UNIT, Trials

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
_STARTED = (f"{os.path.dirname(UNIT)}/*.wants/{os.path.basename(UNIT)}", "/etc/rcS.d/S[0-9][0-9]pciback-trial")
_NOT_STARTED = (
    "nothing starts pciback-trial with this host: neither does systemd have its unit enabled, nor is there a script in "
    "/etc/rcS.d"
)
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

    def obstacle(self, *, may_install: bool = False) -> NoTrial | None:
        if not os.path.exists(self._root + PRIVCMD):
            return NoTrial(NO_WATCHDOG, f"Xen's watchdog is asked for through {PRIVCMD}, and this dom0 has none")
        if not self.starts() and not (may_install and self.starter()):
            return NoTrial(NO_START_UP, _NOT_STARTED)
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
        hindrance = grub_trial.hindrance(variables, *said)
        if hindrance is not None:
            return hindrance
        refused = self.refused_by_xen()
        return NoTrial(NO_WATCHDOG, refused) if refused else None

    def starter(self) -> str | None:
        # Here, because most module calls start nothing.
        from ansible_collections.xen.pciback.plugins.module_utils.host.linux.service import SYSTEMD_RUNS

        return UNIT if os.path.isdir(self._root + SYSTEMD_RUNS) else None

    def starts(self) -> bool:
        return any(glob.glob(self._root + place) for place in _STARTED)

    def check_start(self) -> None:
        if not self.starts() and self.starter() is None:
            raise PcibackError(_NOT_STARTED)

    def enable(self) -> None:
        if self.starts():
            return
        if self.starter() is not None:
            self._tell_systemd("daemon-reload")
            self._tell_systemd("enable", os.path.basename(UNIT))
        if not self.starts():
            raise PcibackError(_NOT_STARTED)

    def disable(self) -> None:
        if os.path.lexists(self._root + LINK):
            self._tell_systemd("disable", os.path.basename(UNIT))

    def _tell_systemd(self, *words: str) -> None:
        status, output, errors = self._run(["systemctl", *words])
        if status != 0:
            said = " ".join((errors or output).split()) or "nothing"
            raise PcibackError(f"systemd does not do what its tool is told: 'systemctl {' '.join(words)}' said {said}")

    def boot_time(self) -> float | None:
        match = _BOOT_TIME.search(bus.read_text(f"{self._root}/proc/stat") or "")
        return None if match is None else float(match.group(1))

    def used_names(self) -> tuple[str, ...]:
        return ()

    def is_armed(self) -> bool:
        """Whether the next start of GRUB tries the list of the menu."""
        return self._variables().get(grub_trial.VARIABLE) == grub_trial.ARMED

    def is_done(self, state: TrialState, seconds: int | None) -> bool:
        """Whether the record and the variable are as they are to be, provided that the menu is.

        :param state: what is the case
        :param seconds: how long the next boot shall wait to be confirmed, ``None`` for a plain one
        """
        if seconds is None:
            return state.state == NONE and grub_trial.VARIABLE not in self._variables()
        return state.state == ARMED and state.seconds == seconds and self.is_armed()

    def check(self, state: TrialState, seconds: int | None) -> None:
        """Make sure that an edit of the boot configuration is no harm to a trial, and that the next boot can be one.

        :raises PcibackError: it can't, or this boot is one that nobody has confirmed
        """
        if state.state == RUNNING:
            raise PcibackError(
                f"GRUB's menu is not edited before the trial is over: {state.message}",
                remedy="confirm it with 'pcibackctl confirm', or reboot, which undoes it",
            )
        if seconds is None:
            return
        if state.state == CONFIRMED:
            raise PcibackError(
                "the list that was confirmed is not in all entries yet, and comes before another trial",
                remedy="write it plainly with xen.pciback.boot_hide and state: confirmed",
            )
        obstacle = self.obstacle()
        if obstacle is not None:
            raise PcibackError(
                f"GRUB can't try a list here ({obstacle.code}): {obstacle.reason}; nothing was changed",
                remedy="have a plain reboot, without option trial",
            )

    def before_writing(self, state: TrialState, seconds: int | None) -> None:
        """Let the next boot be no trial, unless it boots what was confirmed."""
        if state.state == CONFIRMED:
            return
        self.disarm()
        if seconds is not None:
            # What an earlier trial came to is not said of the next one.
            self.forget()

    def after_writing(self, seconds: int | None) -> None:
        """Let the next boot be the trial of the menu, or nothing be left of one."""
        if seconds is None:
            self.disarm()
            self.forget()
            return
        self.note(GRUB, self.block, seconds)
        self.arm()

    def arm(self) -> None:
        """Let the next boot be the trial, in one step.

        :raises PcibackError: the block can't be read or written
        """
        data = self._read()
        bare = with_variable(data, grub_trial.VARIABLE, None, self.block)
        self._write(data, with_variable(bare, grub_trial.VARIABLE, grub_trial.ARMED, self.block))

    def disarm(self) -> None:
        """Let the next boot be none. A block that is not there, or that GRUB can't read, arms nothing.

        :raises PcibackError: the block can't be written
        """
        if grub_trial.VARIABLE in self._variables():
            data = self._read()
            self._write(data, with_variable(data, grub_trial.VARIABLE, None, self.block))

    def _variables(self) -> Mapping[str, str]:
        """What the block holds; one that GRUB can't read holds nothing."""
        try:
            return read(self._read(), self.block)
        except PcibackError:
            return {}

    def _read(self) -> bytes:
        return read_file(self._root + self.block, limit=SIZE)

    def _write(self, before: bytes, after: bytes) -> None:
        if before != after:
            replace_file(self._root + self.block, after, expected=before)
