# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode beside the run: a way that a host goes, once in each, and what has to be the same in both."""

from __future__ import annotations

import re
from typing import Any

from tests.conftest import Dom0, Run, guest

REBOOT = {"pciback_reboot": "when_needed"}
ABSENT = {"pciback_state": "absent", "pciback_guests": [guest("firewall"), guest("storage", state="stopped")]}
INSTALL, REMOVE = "Install the native component", "Remove the native component"
# For each way its check run and its run.
Both = dict[str, tuple[Run, Run]]


def both(host: Dom0, ways: dict[str, dict[str, Any]]) -> Both:
    """The check run and the run of each way."""
    runs = {}
    for name, wanted in ways.items():
        before = host.tree()
        check = host.playbook(wanted, "--check", "--diff")
        assert host.tree() == before, f"{name}: check mode has changed something"
        runs[name] = (check, host.playbook(wanted, "--diff"))
    return runs


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


def must_say_what_is_done(check: Run, run: Run) -> None:
    assert (check.status, run.status) == (0, 0), check.output + run.output
    assert changes(check) == changes(run)
    assert recap(check) == recap(run)


def native_changes(run: Run) -> int:
    """How many tasks have changed something of the native component: what is installed, or what the host starts with it."""
    return run.changed().count("xen.pciback.native_backend")
