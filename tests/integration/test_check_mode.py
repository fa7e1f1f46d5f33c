# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode says what the run does: the same tasks, numbers and differences, on a host that has nothing of ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.check_mode import ABSENT, REBOOT, Both, both, must_say_what_is_done, native_changes
from tests.conftest import Dom0, Run, guest

# What is wanted, one after the other.
WAYS: dict[str, dict[str, Any]] = {
    "nothing to guests": {
        "pciback_guests": [guest("firewall", {"address": "00:05.0"}), guest("storage", {"address": "00:09.0"})],
        **REBOOT,
    },
    "guests to moved devices, with another native component": {
        "pciback_guests": [guest("firewall", {"address": "00:09.0"}), guest("storage", {"address": "00:06.0"})],
        "pciback_native_cflags": "-O0 -g",
        **REBOOT,
    },
    "present to absent with a reboot pending": ABSENT,
    "absent with the reboot, without native component": {**ABSENT, **REBOOT},
}


def starts(run: Run) -> list[tuple[str, list[str]]]:
    """What is said to be done with each guest once dom0 is up again."""
    *_before, last = [
        line["result"] for line in run.results if line["action"] == "xen.pciback.domain" and line["changed"]
    ]
    return [(domain["name"], domain["actions"]) for domain in last["domains"]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Both:
    workspace = tmp_path_factory.mktemp("new")
    return both(Dom0(workspace / "dom0", workspace).create(), WAYS)


@pytest.mark.soak(instead="tests/integration/test_check_mode_built.py::test_check_mode_says_what_the_run_does")
@pytest.mark.parametrize("name", WAYS)
def test_check_mode_says_what_the_run_does(runs: Both, name: str) -> None:
    must_say_what_is_done(*runs[name])


@pytest.mark.soak(instead="tests/integration/test_check_mode_built.py::test_the_ways_have_what_they_are_called_after")
def test_the_ways_have_what_they_are_called_after(runs: Both) -> None:
    done = {name: run for name, (_check, run) in runs.items()}
    without = [name for name, run in done.items() if "xen.pciback.reboot" not in run.changed()]
    assert without == ["present to absent with a reboot pending"]
    # It is installed, and the host is told what it gives to its guests when it starts.
    assert [native_changes(run) for run in done.values()] == [2, 2, 1, 2]


@pytest.mark.soak(instead="tests/integration/test_role.py::test_first_run_brings_the_guests_up")
def test_guests_that_run_are_started_after_a_reboot_not_restarted(runs: Both) -> None:
    for run in runs["guests to moved devices, with another native component"]:
        assert starts(run) == [("firewall", ["created"]), ("storage", ["created"])]
