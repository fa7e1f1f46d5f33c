# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who would lose something with the pcibackd that runs, as it says itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import parse

EMPTY: dict[str, Any] = {"schema": "xen.pciback/status/1", "pid": 7, "guests": [], "held_back": [], "taken": []}


def guest(domain: int, phase: str, *devices: str) -> dict[str, Any]:
    return {"domain": domain, "phase": phase, "devices": [{"address": address} for address in devices]}


def test_what_is_read() -> None:
    document = {**EMPTY, "source_sha256": "a" * 64, "taken": [{"address": "0000:03:00.0"}]}
    status = parse(json.dumps(document))
    assert (status.pid, status.source_sha256, status.guests, status.taken) == (7, "a" * 64, (), ("0000:03:00.0",))
    assert status.document == document


def test_an_old_one_does_not_tell_its_sources() -> None:
    assert parse(json.dumps(EMPTY)).source_sha256 == ""


def test_guests_have_devices_until_they_are_released() -> None:
    guests = [
        guest(9, "connected", "0000:03:00.0"),
        guest(3, "new"),
        guest(4, "released"),
        guest(5, "closed"),
        guest(6, "leaving", "0000:04:00.0"),
    ]
    assert parse(json.dumps({**EMPTY, "guests": guests})).guests == (3, 6, 9)


def test_who_may_reach_a_device_still_counts() -> None:
    held_back = [{"address": "0000:03:00.0", "domain": 12, "permissions": 0}]
    assert parse(json.dumps({**EMPTY, "held_back": held_back})).guests == (12,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "list indices must be"),
        ("{}", "there is no 'schema'"),
        ('{"schema": "xen.pciback/status/2"}', "its schema is 'xen.pciback/status/2'"),
        (json.dumps({**EMPTY, "guests": [5]}), "not subscriptable"),
        (json.dumps({**EMPTY, "pid": "x"}), "invalid literal"),
    ],
)
def test_another_answer_is_refused(text: str, reason: str) -> None:
    with pytest.raises(PcibackError, match=f"the answer of 'pcibackctl status' is not of schema .*{reason}"):
        parse(text)
