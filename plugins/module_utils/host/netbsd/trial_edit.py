# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The trial that goes with an edit of boot.cfg(5): what has to be done around its writing.

A trial is made in the order boot.cfg, record, link: until the link is there, the host boots what it runs now. It is
ended the other way round, unless it is confirmed: then the link stays until boot.cfg has the list plainly.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import trial as boot_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import (
    ARMED,
    CONFIRMED,
    NONE,
    RUNNING,
    TrialState,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.trial import NetbsdTrials


@dataclass(frozen=True)
class Trying:
    """What is done around the writing of boot.cfg so that its trial begins or ends; each step is for itself.

    :param trials: of this host
    :param state: what is the case now
    :param before: what boot.cfg tries now, ``None`` for nothing
    :param after: what it is to try
    :param seconds: how long the boot is to wait for a confirmation
    """

    trials: NetbsdTrials
    state: TrialState
    before: boot_trial.Trial | None
    after: boot_trial.Trial | None
    seconds: int = 0

    @property
    def is_done(self) -> bool:
        """Whether link and record are as they are to be, provided that boot.cfg is."""
        if self.after is None:
            return self.state.state == NONE and self.before is None
        return self.before == self.after and self.state.state == ARMED and self.state.seconds == self.seconds

    def check(self) -> None:
        """Make sure that a trial can be made or ended, before anything is changed.

        :raises PcibackError: it can't
        """
        if self.state.state == RUNNING and self.after is not None:
            raise PcibackError(
                f"nothing is tried while another trial runs: {self.state.message}",
                remedy="confirm it with 'pcibackctl confirm', or reboot, which undoes it",
            )

    def before_writing(self) -> None:
        """Let the next boot be no trial, unless it boots what was confirmed, and get the link ready."""
        self.trials.drop_prepared()
        if self.state.state == CONFIRMED:
            pass
        elif self.state.state != NONE or self.before is not None:
            self._disarm()
            if self.after is not None:
                # What an earlier trial came to is not said of the next one.
                self.trials.forget()
        if self.after is not None:
            self.trials.prepare_link(self.after.xen)

    def after_writing(self) -> None:
        """Let the next boot be the trial, or nothing be left of one."""
        if self.after is None:
            self._disarm()
            self.trials.forget()
            return
        self.trials.note(self.after.link, self.after.xen, self.seconds)
        if self.state.state == CONFIRMED:
            self._disarm(but=self.after.link)
        self.trials.arm(self.after.link)

    def _disarm(self, but: str | None = None) -> None:
        for link in dict.fromkeys((self.state.link, None if self.before is None else self.before.link)):
            if link is not None and link != but:
                self.trials.disarm(link)
