# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A boot that undoes itself: the record that a host reads, and what pciback-trial says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass

SCHEMA = "xen.pciback/trial/1"
RECORD_SCHEMA = "xen.pciback/trial-record/1"
RECORD_SIZE = 512
"""Bytes of the record: one sector, which the host writes over in place."""

NONE = "none"
UNREADABLE = "unreadable"
ARMED = "armed"
RUNNING = "running"
UNDONE = "undone"
CONFIRMED = "confirmed"
STATES = (NONE, UNREADABLE, ARMED, RUNNING, UNDONE, CONFIRMED)


NOT_HERE = "not-here"
NOTHING_TO_TRY = "nothing-to-try"
TRIAL_ALREADY = "trial-already"


@dataclass(frozen=True)
class NoTrial:
    """Why a list can't be tried, though it could be written: a code and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True)
class TrialState:
    """What the record, what it names, and this boot come to together.

    :ivar state: ``none`` (no record), ``unreadable``, ``armed`` (the next boot tries the list), ``running`` (this one
        does), ``undone`` or ``confirmed``
    :ivar link: the name whose presence makes the host boot the new list, ``None`` without a record
    :ivar seconds: how long the boot waits for a confirmation
    :ivar starts: how many boots have tried the list
    :ivar remaining: seconds until Xen resets the host; 0 if it will not
    :ivar message: the same as a sentence
    """

    state: str = NONE
    link: str | None = None
    seconds: int | None = None
    starts: int = 0
    remaining: int = 0
    message: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether the list was tried, and the host has started again since, before anybody confirmed."""
        return self.state == UNDONE and self.starts > 0


def read_status(answer: str) -> TrialState:
    """Read what ``pciback-trial status --json`` prints.

    :raises ValueError: it is not of schema :data:`SCHEMA`; so do KeyError and TypeError say
    """
    document = json.loads(answer)
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is {document['schema']!r}")
    if document["state"] not in STATES:
        raise ValueError(f"no state is called {document['state']!r}")
    return TrialState(
        document["state"],
        None if document["link"] is None else str(document["link"]),
        None if document["seconds"] is None else int(document["seconds"]),
        int(document["starts"] or 0),
        int(document["remaining"]),
        str(document["message"]),
    )


def render_record(link: str, xen: str, seconds: int) -> bytes:
    """The record of a trial that is armed.

    :param link: the name whose presence makes the host boot the new list
    :param xen: the path of the Xen that it is a link to
    :param seconds: how long the boot waits for a confirmation
    :raises ValueError: it does not fit
    """
    values = (RECORD_SCHEMA, ARMED, link, xen, seconds, "-", 0, 0, 0)
    keys = ("schema", "state", "link", "xen", "seconds", "boot", "started", "watchdog", "starts")
    text = "".join(f"{key}\t{value}\n" for key, value in zip(keys, values)).encode()
    if len(text) > RECORD_SIZE:
        raise ValueError(f"the record of the trial would have {len(text)} bytes, not {RECORD_SIZE}")
    return text.ljust(RECORD_SIZE, b"\n")
