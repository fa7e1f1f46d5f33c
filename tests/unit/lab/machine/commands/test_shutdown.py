# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""shutdown(8) and its relatives; what the boot does then is in ../test_boot.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine.state import Machine

from tests.unit.lab.machine.conftest import Command


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([], "Usage: shutdown "),
        (["-y", "now"], "shutdown: unknown option -- y\nUsage: "),
        (["-r", "0"], "shutdown: illegal time format\nUsage: "),
    ],
)
def test_what_is_not_understood_changes_nothing(
    command: Command, machine: Machine, words: list[str], error: str
) -> None:
    before = Path(machine.path("state.json")).read_bytes()
    status, out, err = command("shutdown", *words)
    assert (status, out) == (1, "") and err.startswith(error)
    assert Path(machine.path("state.json")).read_bytes() == before


def test_k_only_says_so(command: Command, machine: Machine) -> None:
    status, out, _err = command("shutdown", "-k", "now")
    assert status == 0 and out.startswith("Shutdown NOW!\nshutdown: [pid ")
    assert machine.silent_until() is None


@pytest.mark.parametrize(
    ("name", "words", "reason"),
    [
        ("shutdown", ["-p", "now"], "it was halted"),
        ("shutdown", ["now"], "it was brought to single-user mode"),
        ("halt", [], "it was halted"),
    ],
)
def test_an_end_for_good(command: Command, machine: Machine, name: str, words: list[str], reason: str) -> None:
    assert command(name, *words, module="shutdown")[0] == 0
    machine.load()
    assert machine.state["power"] == {"state": "dead", "up_at": None, "reason": reason}
    assert machine.silent_until() == float("inf")


def test_reboot_begins_the_next_boot(command: Command, machine: Machine) -> None:
    number = machine.state["boot"]["number"]
    assert command("reboot", module="shutdown")[0] == 0
    machine.load()
    assert machine.state["boot"]["number"] == number + 1
