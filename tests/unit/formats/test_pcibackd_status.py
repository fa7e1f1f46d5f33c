# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pcibackd says of itself is read, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus, parse

CARD, DISK, WIFI = "0000:03:00.0", "0000:04:00.0", "0000:05:00.0"
STATUS: dict[str, Any] = {
    "schema": "xen.pciback/status/1",
    "pid": 12,
    "source_sha256": "ab",
    "guests": [
        {
            "domain": 3,
            "phase": "connected",
            "message": None,
            "devices": [
                {
                    "address": CARD,
                    "permissive": True,
                    "rdm_policy": "relaxed",
                    "line": 10,
                    "allow": "no-reset+shared-irq",
                    "irq": 20,
                }
            ],
        },
        {"domain": 4, "phase": "released", "message": "gone", "devices": []},
    ],
    "held_back": [{"address": DISK, "domain": 9, "permissions": 0}],
    "taken": [
        {"address": WIFI, "clean": True, "lost": False, "irq": None},
        {"address": "0000:06:00.0", "clean": True, "lost": True},
    ],
}


def test_devices_are_with_guests_or_idle_or_held_back() -> None:
    status = parse(json.dumps(STATUS))
    assert status.guests[3].devices == {parse_address(CARD): {"permissive": True, "rdm_policy": "relaxed"}}
    assert status.allowed[parse_address(CARD)] == {"no-reset", "shared-irq"}
    assert parse_address(WIFI) not in status.allowed
    assert status.claims == (parse_address(CARD), parse_address(DISK), parse_address(WIFI))
    assert (status.pid, status.source_sha256, status.guests[4].message) == (12, "ab", "gone")


def test_what_is_dom0s_again_is_not_claimed_although_a_domain_may_reach_it() -> None:
    """It has to be taken once more, and its domain has to go before another one gets it."""
    lost = json.loads(json.dumps(STATUS))
    lost["held_back"][0]["lost"] = True
    status = parse(json.dumps(lost))
    assert status.claims == (parse_address(CARD), parse_address(WIFI))
    assert status.held_back == {parse_address(DISK): 9}


def test_what_was_taken_anew_is_claimed_while_a_domain_may_reach_it() -> None:
    anew = json.loads(json.dumps(STATUS))
    anew["held_back"][0]["lost"] = True
    anew["taken"].append({"address": DISK, "clean": True, "lost": False})
    claims = (parse_address(CARD), parse_address(DISK), parse_address(WIFI))
    assert parse(json.dumps(anew)).claims == claims
    anew["guests"][1]["devices"].append(anew["taken"].pop())
    assert parse(json.dumps(anew)).claims == claims


def test_interrupts_as_it_was_told_and_as_guests_have_them() -> None:
    status = parse(json.dumps(STATUS))
    assert status.irqs == {parse_address(CARD): 20}
    assert (status.guests[3].lines, status.guests[4].lines) == ({parse_address(CARD): 10}, {})
    # What pcibackd was told of one that it took anew counts, not what it was told before.
    anew = json.loads(json.dumps(STATUS))
    anew["held_back"][0].update(lost=True, irq=21)
    anew["taken"].append({"address": DISK, "clean": True, "lost": False, "irq": None})
    assert parse(json.dumps(anew)).irqs == {parse_address(CARD): 20}


def test_who_would_lose_something_with_it() -> None:
    assert parse(json.dumps(STATUS)).users == (3, 9)
    assert PcibackdStatus().users == ()


def test_an_older_one_says_less() -> None:
    older = json.loads(json.dumps(STATUS))
    del older["source_sha256"], older["guests"][0]["devices"][0]["rdm_policy"]
    status = parse(json.dumps(older))
    assert (status.source_sha256, status.guests[3].devices[parse_address(CARD)]) == ("", {"permissive": True})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ('{"schema": "xen.pciback/scan/1"}', "its schema is 'xen.pciback/scan/1'"),
        ('{"schema": "xen.pciback/status/1"}', "there is no 'pid'"),
    ],
)
def test_what_is_none(text: str, why: str) -> None:
    with pytest.raises(PcibackError) as refused:
        parse(text)
    assert str(refused.value) == f"the answer of 'pcibackctl status' is not of schema 'xen.pciback/status/1': {why}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(STATUS)) | st.text(), inner),
    )
)
def test_any_answer_is_read_or_refused(document: object) -> None:
    try:
        parse(json.dumps({**STATUS, **document} if isinstance(document, dict) else document))
    except PcibackError as error:
        assert "is not of schema" in str(error)
