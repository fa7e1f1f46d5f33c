# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Predictions are read as pcibackctl writes them, and judged."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import (
    OUTCOMES,
    SCHEMA,
    Finding,
    MenuEntry,
    Prediction,
    agrees,
    disagreement,
    read_prediction,
    wanted_outcome,
)

A, B = parse_address("00:04.0"), parse_address("00:05.0")

ANSWER: dict[str, Any] = {"schema": SCHEMA, "entry": 1, "entries": [], "claims": [], "outcome": "empty", "findings": []}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_read(outcome: str) -> None:
    assert read_prediction({**ANSWER, "outcome": outcome}) == Prediction(1, outcome, (), (), (), None)


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ({"line": 1, "column": 8}, Finding("info", "x", 1, 8, "why")),
        ({"line": None, "column": None}, Finding("info", "x", None, None, "why")),
        ({}, Finding("info", "x", None, None, "why")),
    ],
)
def test_a_finding_is_of_a_place_or_of_the_whole(given: dict[str, Any], finding: Finding) -> None:
    read = read_prediction({**ANSWER, "findings": [{"severity": "info", "code": "x", "message": "why", **given}]})
    assert read.findings == (finding,)
    assert str(finding) == ("why" if finding.line is None else "line 1, column 8: why")


def test_the_default_entry_is_the_one_that_says_so() -> None:
    entries = [{"number": n, "title": "", "kind": "xen", "default": n == 2} for n in (1, 2, 3)]
    read = read_prediction({**ANSWER, "entries": entries})
    assert read.default == 2
    assert read.entries == tuple(MenuEntry(n, "", "xen", n == 2) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("outcome", "claims", "wanted", "agreed"),
    [
        ("registered", [A, B], [B, A], True),
        ("registered", [A, A], [A], True),
        ("empty", [], [], True),
        ("registered", [A], [B], False),
        ("registered", [], [], False),
        ("not-registered", [A], [A], False),
        ("empty", [], [A], False),
        ("loader-failure", [], [], False),
    ],
)
def test_a_boot_is_as_wanted_or_not(outcome: str, claims: list[Any], wanted: list[Any], agreed: bool) -> None:
    assert agrees(outcome, claims, wanted) is agreed
    assert wanted_outcome(wanted) == ("registered" if wanted else "empty")


def _prediction(outcome: str, claims: tuple[Any, ...], *messages: str) -> Prediction:
    findings = tuple(Finding(severity, "x", 1, 1, text) for severity, text in zip(("warning", "error"), messages))
    return Prediction(1, outcome, claims, findings, (), 1)


@pytest.mark.parametrize(
    ("prediction", "wanted", "sentence"),
    [
        (_prediction("registered", (A, B)), [B, A], None),
        (_prediction("empty", ()), [], None),
        (
            _prediction("kernel-fault", (), "a warning", "the kernel faults here"),
            [A],
            "for entry 1 the outcome 'kernel-fault' is predicted, not 'registered': line 1, column 1: the kernel faults here",
        ),
        (_prediction("registered", (A,)), [], "for entry 1 the outcome 'registered' is predicted, not 'empty'"),
        (_prediction("empty", ()), [A], "for entry 1 the outcome 'empty' is predicted, not 'registered'"),
        (
            _prediction("registered", (A,)),
            [A, B],
            "for entry 1 other claims are predicted than wanted: without 0000:00:05.0",
        ),
        (
            _prediction("registered", (A,)),
            [B],
            "for entry 1 other claims are predicted than wanted: without 0000:00:05.0 and with 0000:00:04.0",
        ),
    ],
)
def test_disagreement(prediction: Prediction, wanted: list[Any], sentence: str | None) -> None:
    assert disagreement(prediction, wanted) == sentence


def test_disagreement_without_a_menu() -> None:
    assert disagreement(Prediction(None, "not-xen", (), (), (), None), [A]) == (
        "for the file without a menu the outcome 'not-xen' is predicted, not 'registered'"
    )
