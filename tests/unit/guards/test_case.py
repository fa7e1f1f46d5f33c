# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guards are asked about."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Evidence, Trace, make_case
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from tests.unit.guards.cases import BASE, DEVICES, choose

CARD, OTHER = (parse_address(bdf) for bdf in ("00:04.0", "00:05.0"))


@pytest.mark.parametrize(
    ("facts", "name", "by_address"),
    [
        (BASE, "wm0", False),
        (
            Facts(parents={"0000:00:04.0": "", "eth0": "0000:00:04.0"}, locations={"0000:00:04.0": CARD}),
            str(CARD),
            True,
        ),
    ],
    ids=["NetBSD", "Linux"],
)
def test_the_tree_calls_functions_by_drivers_or_by_addresses(facts, name, by_address):
    case = make_case(facts, DEVICES, choose("00:04.0"), {CARD: None})
    assert (case.by_address, case.functions[name]) == (by_address, CARD)
    assert ("wm1" in case.functions) != by_address


def test_what_stays_is_what_nobody_is_to_get():
    case = make_case(BASE, DEVICES, choose("00:04.0"), {CARD: None, OTHER: "mail"})
    assert {each.address for each in DEVICES} - {each.address for each in case.staying()} == {CARD, OTHER}


def test_evidence_is_of_chosen_devices_alone():
    case = make_case(BASE, DEVICES, choose("00:04.0"), {CARD: None})
    ways = [Trace(("a", "b"), CARD), Trace(("c",), OTHER), Trace(("d",), None)]
    assert list(case.evidence("console", ways)) == [Evidence("console", CARD, "a"), Evidence("console", CARD, "b")]
    assert [case.chosen_of(way) is not None for way in ways] == [True, False, False]
