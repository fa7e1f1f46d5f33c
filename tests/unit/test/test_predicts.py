# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of predictions, as a playbook asks it."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.test import predicts

ONE, TWO = "0000:00:04.0", "0000:00:05.0"


@pytest.mark.parametrize(
    ("outcome", "claims", "wanted", "agrees"),
    [
        ("registered", [ONE, TWO], [TWO, ONE], True),
        ("empty", [], [], True),
        ("registered", [ONE], [ONE, TWO], False),
        ("registered", [ONE, TWO], [ONE], False),
        ("not-registered", [ONE], [ONE], False),
        ("empty", [], [ONE], False),
        ("registered", [], [], False),
        ("kernel-fault", [], [], False),
    ],
)
def test_outcome_and_claims_are_judged(outcome: str, claims: list[str], wanted: list[str], agrees: bool) -> None:
    judge = predicts.TestModule().tests()["predicts"]
    assert judge({"outcome": outcome, "claims": claims}, wanted) is agrees
