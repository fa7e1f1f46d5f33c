# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What ``pcibackctl status --json`` says of the pcibackd that runs, as far as its service has to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

SCHEMA = "xen.pciback/status/1"

_WITHOUT_DEVICES = ("released", "closed")


@dataclass(frozen=True)
class PcibackdStatus:
    """A pcibackd that answers.

    :ivar pid: its process
    :ivar source_sha256: digest of the sources that it is made of; empty for one that is too old to say so
    :ivar guests: numbers of the domains that have devices of it, or may reach one still
    :ivar taken: addresses of devices that dom0 does not have, and no guest has
    :ivar document: the whole answer
    """

    pid: int
    source_sha256: str
    guests: tuple[int, ...]
    taken: tuple[str, ...]
    document: Mapping[str, Any]


def parse(text: str) -> PcibackdStatus:
    """Read the answer.

    :raises PcibackError: it is not of the schema
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is '{document['schema']}'")
        return PcibackdStatus(
            pid=int(document["pid"]),
            source_sha256=str(document.get("source_sha256", "")),
            guests=tuple(sorted(_users(document))),
            taken=tuple(str(device["address"]) for device in document["taken"]),
            document=document,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise PcibackError(f"the answer of 'pcibackctl status' is not of schema '{SCHEMA}': {reason}") from error


def _users(document: Mapping[str, Any]) -> set[int]:
    """Who would lose something with this pcibackd. Another one knows nothing of a device that is held back."""
    guests = {
        int(guest["domain"])
        for guest in document["guests"]
        if guest["devices"] or guest["phase"] not in _WITHOUT_DEVICES
    }
    return guests | {int(device["domain"]) for device in document["held_back"]}
