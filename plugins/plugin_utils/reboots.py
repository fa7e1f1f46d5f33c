# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reboots of one run of ansible-playbook: how many there are at a time, and which hosts were lost by one.

Ansible runs each task of each host in a process of its own. What they have in common is the run's temporary directory on
the controller, which goes with the run.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from ansible import constants

_SECONDS_BETWEEN_LOOKS = 1


@dataclass(frozen=True)
class LostHost:
    """A host that was told to reboot and did not come back in time.

    :ivar message: a sentence about that, and what a person at its console does
    """

    host: str
    message: str


def lost_hosts() -> list[LostHost]:
    """The hosts that this run has lost so far, in this order."""
    try:
        with open(_path("lost"), encoding="utf-8") as file:
            return [LostHost(**json.loads(line)) for line in file]
    except FileNotFoundError:
        return []


def add_lost_host(lost: LostHost) -> None:
    """Remember a host that was lost, until the run ends."""
    with open(_path("lost"), "a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(lost)) + "\n")


@contextmanager
def turn(at_once: int) -> Iterator[None]:
    """Wait until fewer than so many others of this run are in their turn, and be in it."""
    while True:
        for number in range(at_once):
            with open(_path(f"turn-{number}"), "a", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                # The lock ends with the file, or with the process.
                yield
                return
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _path(name: str) -> str:
    return os.path.join(constants.DEFAULT_LOCAL_TMP, f"xen.pciback-reboots-{name}")
