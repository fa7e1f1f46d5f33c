# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A boot that undoes itself, as engines see it: whether a host can make one, and what became of the last one.

A trial is armed and ended by an edit of the boot configuration (:class:`boot_edit.BootRequest`), whose platform uses
what is here for the record; the host itself reads the record when it starts (``pciback-trial begin``).
"""

from __future__ import annotations

import abc
import os
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import (
    UNREADABLE,
    NoTrial,
    TrialState,
    read_status,
    render_record,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    content,
    make_directory,
    remove_directory,
    remove_file,
    replace_file,
)

PROGRAM = "/sbin/pciback-trial"
"""On the root file system, because nothing else is mounted when it has to run."""

RECORD = "/etc/xen-pciback/trial"

SCRIPT = "/etc/rc.d/pciback_trial"
UNIT = "/etc/systemd/system/pciback-trial.service"
LINK = "/etc/systemd/system/sysinit.target.wants/pciback-trial.service"
"""What systemctl makes, so that systemd starts the unit."""
STARTERS = (SCRIPT, UNIT, LINK)
"""What starts the program, under one init system or another."""

_OWNER_ONLY = 0o600

_NOT_DONE = 1
"""The exit status of pciback-trial for what it has tried; one that does not know the command ends with another."""


class Trials(abc.ABC):
    """The trials of one host.

    :param run: runs an argument list, as :func:`commands.run` does
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    @abc.abstractmethod
    def obstacle(self, *, may_install: bool = False) -> NoTrial | None:
        """Why this host can't make a trial, whatever is tried; ``None`` if it can.

        :param may_install: whether what is missing of pciback-trial will be installed before
        """

    def placed(self, staged: Mapping[str, bytes]) -> dict[str, bytes]:
        """What is to be installed on this host of all that was built.

        :param staged: what ``make install-trial`` installs for every system, and what else was built
        """
        return {path: data for path, data in staged.items() if path not in STARTERS or path == self.starter()}

    def starter(self) -> str | None:
        """The file of :data:`STARTERS` by which this host starts pciback-trial; ``None``: its owner's own."""
        return SCRIPT

    def starts(self) -> bool:
        """Whether the host starts pciback-trial, if it is installed."""
        return True

    def check_start(self) -> None:
        """Make sure that the host starts pciback-trial, or could once it is installed.

        :raises PcibackError: it could not
        """
        return

    def enable(self) -> None:
        """Let the host start pciback-trial, which is installed.

        :raises PcibackError: it would not
        """
        return

    def disable(self) -> None:
        """Let the host start pciback-trial no more, before it goes.

        :raises PcibackError: the host's tool for that fails
        """
        return

    @abc.abstractmethod
    def boot_time(self) -> float | None:
        """When this boot began, in seconds since 1970; ``None`` if that can't be told."""

    @abc.abstractmethod
    def used_names(self) -> tuple[str, ...]:
        """Names that a link can't have, because other files have them."""

    def refused_by_xen(self) -> str:
        """Why Xen would undo no trial, in pciback-trial's words; empty if it would, or if that program can't be asked yet."""
        status, _output, errors = self._run([PROGRAM, "probe"])
        return _words_of(errors) if status == _NOT_DONE else ""

    def look(self) -> TrialState:
        """What is the case. A host without a record is asked nothing."""
        if not os.path.lexists(RECORD):
            return TrialState()
        status, output, errors = self._run([PROGRAM, "status", "--json"])
        if status == NOT_FOUND:
            return TrialState(UNREADABLE, message=f"there is a record of a trial in {RECORD}, but no {PROGRAM}")
        try:
            return read_status(output)
        except (ValueError, KeyError, TypeError):
            said = " ".join((errors or output).split())[:200] or "nothing"
            return TrialState(
                UNREADABLE,
                message=f"{PROGRAM} does not tell the state of the trial: it ended with {status} and said {said}",
            )

    def confirm(self) -> None:
        """Let the host go on with what it tries. Once more does no harm.

        :raises PcibackError: it is undone by now, or can't be confirmed
        """
        status, output, errors = self._run([PROGRAM, "confirm"])
        if status == NOT_FOUND:
            raise PcibackError(
                f"the trial can't be confirmed: there is no {PROGRAM}",
                remedy="install it with xen.pciback.native_backend and trial: true, before Xen resets the host",
            )
        if status != 0:
            raise PcibackError(f"not confirmed: {_words_of(errors or output)}")

    def note(self, link: str, xen: str, seconds: int) -> None:
        """Record that the next boot is a trial.

        :param link: the name whose presence makes the host boot what is tried
        :param xen: what it is a link to
        :raises PcibackError: the record can't be written
        """
        make_directory(os.path.dirname(RECORD))
        replace_file(RECORD, render_record(link, xen, seconds), expected=content(RECORD), mode=_OWNER_ONLY)

    def forget(self) -> None:
        """Remove the record.

        :raises PcibackError: it can't be removed
        """
        if os.path.isdir(os.path.dirname(RECORD)):
            remove_file(RECORD)
            remove_directory(os.path.dirname(RECORD))


def _words_of(printed: str) -> str:
    """The sentence that the program has printed, without its name."""
    said = " ".join(printed.split())
    prefix = f"{os.path.basename(PROGRAM)}: "
    return said[len(prefix) :] if said.startswith(prefix) else said
