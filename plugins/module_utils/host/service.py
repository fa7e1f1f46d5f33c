# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The service by which a host starts pcibackd and ends it: one subclass for each init system."""

from __future__ import annotations

import abc
import contextlib
import os
import re
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run

NAME = "pcibackd"

# What syslogd writes before a message of pcibackd.
_LOGGED = re.compile(rb"\b" + NAME.encode() + rb"\[[0-9]+\]: (.*)")
_MOST_LOGGED = 1 << 16
_LONGEST = 300


class Service(abc.ABC):
    """pcibackd as a service of this host.

    :cvar source: the file of ``make install`` that is for this init system, below ``share/xen-pciback``
    :cvar syslog: files in which a syslogd may write what pcibackd logs
    """

    source: str
    syslog: tuple[str, ...] = ()

    def __init__(self, run: Run, root: str = "/") -> None:
        """Look at nothing yet.

        :param root: the directory that the host's paths begin at
        """
        self._run = run
        self._root = root
        self._logged_before = {path: self._size(path) for path in self.syslog}

    @abc.abstractmethod
    def files(self, text: bytes) -> Mapping[str, bytes]:
        """What is to be installed for the service, by its places on the host.

        :param text: the file :attr:`source`
        """

    def check(self) -> None:
        """Make sure that the owner of the host does not forbid the service.

        :raises PcibackError: it is forbidden
        """
        return

    def warnings(self) -> tuple[str, ...]:
        """Sentences about what of the owner's the service overrides."""
        return ()

    @abc.abstractmethod
    def enabled(self) -> bool:
        """Whether it starts with the host. No process is started to find out."""

    @abc.abstractmethod
    def enable(self) -> None:
        """Let it start with the host.

        :raises PcibackError: the host's tool for that fails
        """

    @abc.abstractmethod
    def disable(self) -> None:
        """Let it no longer start with the host.

        :raises PcibackError: the host's tool for that fails
        """

    @abc.abstractmethod
    def start(self) -> str:
        """Start pcibackd. Whether it runs then, only pcibackd itself can tell.

        :returns: why that did not work, as far as the service says it; empty if it says that it did
        """

    @abc.abstractmethod
    def restart(self) -> str:
        """End the pcibackd that runs, and start another one; see :meth:`start`."""

    @abc.abstractmethod
    def reload(self) -> str:
        """Have the installed pcibackd take the place of the one that runs, which hands over; see :meth:`start`."""

    @abc.abstractmethod
    def stop(self) -> str:
        """End pcibackd.

        :returns: why that did not work, as far as the service says it: for some it is a failure that none runs
        """

    def has_begun(self) -> bool:
        """Whether what it does once, when the host starts, is done."""
        return True

    def forget(self) -> None:
        """Make the init system see that the files are gone."""
        return

    def logged(self) -> str:
        """The last that pcibackd said to the host's log since this was made; empty if that can't be found."""
        for path in self.syslog:
            with contextlib.suppress(OSError), open(self._at(path), "rb") as file:
                file.seek(max(self._logged_before[path], self._size(path) - _MOST_LOGGED))
                found = _LOGGED.findall(file.read(_MOST_LOGGED))
                if found:
                    return bytes(found[-1]).decode("utf-8", "surrogateescape").strip()
        return ""

    def _at(self, path: str) -> str:
        """Where a path of the host is."""
        return os.path.join(self._root, path.lstrip("/"))

    def _size(self, path: str) -> int:
        try:
            return os.stat(self._at(path)).st_size
        except OSError:
            return 0

    def _do(self, *argv: str) -> None:
        """Run a tool that must not fail."""
        problem = self._try(*argv)
        if problem:
            raise PcibackError(problem, remedy="run it by hand on the host to see what hinders it")

    def _try(self, *argv: str) -> str:
        """Run a tool; what it said if it failed."""
        status, out, err = self._run(list(argv))
        if status == 0:
            return ""
        return f"'{' '.join(argv)}' ended with status {status} and said: {reason(err + out) or 'nothing'}"


def reason(text: str) -> str:
    """The line of some output that tells most: the last one of pcibackd itself, or else the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line[len(NAME) + 2 :] for line in lines if line.startswith(f"{NAME}: ")]
    return (own or lines or [""])[-1][:_LONGEST]
