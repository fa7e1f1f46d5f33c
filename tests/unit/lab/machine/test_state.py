# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's memory: whole files, one change at a time, and when the machine is silent."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from machine import state
from machine.bus import Slot
from machine.state import Machine, write_atomically


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("old")
    write_atomically(str(file), "new", 0o600)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_change_that_fails_is_not_kept(machine: Machine) -> None:
    before = Path(machine.path("state.json")).read_bytes()
    with pytest.raises(ValueError, match="no"), machine.changing():
        machine.state["name"] = "other"
        raise ValueError("no")
    assert Path(machine.path("state.json")).read_bytes() == before
    with machine.changing():
        assert machine.state["name"] != "other"
        machine.state["name"] = "third"
    assert json.loads(Path(machine.path("state.json")).read_text())["name"] == "third"


def test_changes_wait_for_each_other(machine: Machine) -> None:
    other = Machine(machine.directory, machine.root)
    with machine.changing():
        machine.state["next_domid"] = 100
        thread = threading.Thread(target=lambda: increase(other))
        thread.start()
        thread.join(0.1)
        assert thread.is_alive()
    thread.join()
    machine.load()
    assert machine.state["next_domid"] == 101


def increase(machine: Machine) -> None:
    with machine.changing():
        machine.state["next_domid"] += 1


def test_what_was_written_to_a_register_is_what_is_read(machine: Machine) -> None:
    slot = Slot(0, 4, 0)
    assert machine.read_config(slot, 0) == 0x100E8086
    assert machine.read_config(Slot(0, 31, 7), 0) == 0xFFFFFFFF
    machine.write_config(slot, 0x3C, 0x1C7)
    assert machine.read_config(slot, 0x3C) == 0x1C7


def test_the_message_buffer_forgets_its_beginning(machine: Machine) -> None:
    machine.append_messages("x" * state.MESSAGE_BUFFER + "end\n")
    kept = Path(machine.path("msgbuf")).read_text()
    assert len(kept) == state.MESSAGE_BUFFER and kept.endswith("xend\n")


def test_silence_ends_or_never_does(machine: Machine) -> None:
    now = time.time()
    machine.state["power"] = {"state": "on", "up_at": now + 60}
    assert machine.silent_until() == now + 60
    machine.state["power"]["up_at"] = now - 1
    assert machine.silent_until() is None
    machine.state["power"] = {"state": "dead", "up_at": None}
    assert machine.silent_until() == float("inf")
