# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode says what the run does: the same tasks, the same numbers, the same differences, on each way of a host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Dom0, Run, guest

REBOOT = {"pciback_reboot": "when_needed"}
ABSENT = {"pciback_state": "absent", "pciback_guests": [guest("firewall"), guest("storage", state="stopped")]}
# What is wanted of one host, one after the other.
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
    "nothing to guests again": {"pciback_guests": [guest("firewall", {"address": "00:05.0"})], **REBOOT},
    "present to absent": {**ABSENT, **REBOOT},
}
INSTALL, REMOVE = "Install the native component", "Remove the native component"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Run, Run]]:
    """The check run and the run of each way."""
    workspace = tmp_path_factory.mktemp("ways")
    host = Dom0(workspace / "dom0", workspace).create()

    def both() -> Iterator[tuple[str, tuple[Run, Run]]]:
        for name, wanted in WAYS.items():
            before = host.tree()
            check = host.playbook(wanted, "--check", "--diff")
            assert host.tree() == before, f"{name}: check mode has changed something"
            yield name, (check, host.playbook(wanted, "--diff"))

    return dict(both())


def changes(run: Run) -> list[tuple[str, Any]]:
    """What each task that changes something shows; check mode can't show files that are not yet there to be removed."""
    tasks = [line["task"] for line in run.results if line["changed"]]
    return [
        (line["task"], None if REMOVE in line["task"] and any(INSTALL in task for task in tasks) else line["diff"])
        for line in run.results
        if line["changed"]
    ]


def recap(run: Run) -> str:
    """How many tasks have changed something, as the run itself says."""
    (count,) = re.findall(r"^dom0 +: .* changed=(\d+)", run.output, flags=re.MULTILINE)
    return str(count)


@pytest.mark.parametrize("name", WAYS)
def test_check_mode_says_what_the_run_does(runs: dict[str, tuple[Run, Run]], name: str) -> None:
    check, run = runs[name]
    assert (check.status, run.status) == (0, 0), check.output + run.output
    assert changes(check) == changes(run)
    assert recap(check) == recap(run)


def test_the_ways_have_what_they_are_called_after(runs: dict[str, tuple[Run, Run]]) -> None:
    done = {name: run.changed() for name, (_check, run) in runs.items()}
    assert [name for name in WAYS if "xen.pciback.reboot" not in done[name]] == [
        "present to absent with a reboot pending"
    ]
    native = {name: done[name].count("xen.pciback.native_backend") for name in WAYS}
    assert native == {**dict.fromkeys(WAYS, 1), "absent with the reboot, without native component": 2}


def starts(run: Run) -> list[tuple[str, list[str]]]:
    """What is said to be done with each guest once dom0 is up again."""
    *_before, last = [
        line["result"] for line in run.results if line["action"] == "xen.pciback.domain" and line["changed"]
    ]
    return [(domain["name"], domain["actions"]) for domain in last["domains"]]


def test_guests_that_run_are_started_after_a_reboot_not_restarted(runs: dict[str, tuple[Run, Run]]) -> None:
    for run in runs["guests to moved devices, with another native component"]:
        assert starts(run) == [("firewall", ["created"]), ("storage", ["created"])]
