# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine's process and what is waited for, with a process that stands for QEMU."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from xen import machine
from xen.errors import LabError
from xen.machine import Machine

from tests.unit.lab.xen.test_progress import SERIAL


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine whose serial port has shown nothing yet."""
    monkeypatch.setattr(machine, "POLL_SECONDS", 0.01)
    found = Machine(tmp_path / "machine")
    found.files.directory.mkdir()
    return found


@pytest.fixture
def process(lab: Machine) -> Iterator[subprocess.Popen[bytes]]:
    """What runs in QEMU's place: it has the machine's files among its arguments."""
    running = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(lab.files.pid)])
    lab.files.pid.write_text(f"{running.pid}\n")
    while lab.process is None:  # it becomes the interpreter before it has its arguments
        time.sleep(0.01)
    yield running
    running.kill()
    running.wait()


def is_interpreter(process: int | None) -> bool:
    return process is not None and Path(f"/proc/{process}/cmdline").read_bytes().startswith(os.fsencode(sys.executable))


def test_only_its_own_process_counts(lab: Machine, process: subprocess.Popen[bytes]) -> None:
    assert lab.process == process.pid
    lab.files.pid.write_text("1\n")
    assert lab.process is None
    lab.files.pid.unlink()
    assert lab.process is None and lab.stop() is False


def test_waiting_tells_each_step_once(lab: Machine, process: subprocess.Popen[bytes]) -> None:
    lab.files.serial.write_text(SERIAL)
    said: list[str] = []
    lab.wait(5, said.append, until="login")
    assert said[0] == "GRUB loads Xen" and said[-1] == "dom0 is up" and len(said) == len(set(said))
    begins = len(lab.serial())
    with pytest.raises(LabError, match="did not come up within 0 s: the firmware starts"):
        lab.wait(0, said.append, until="Xen", since=begins)


def test_a_machine_that_has_ended_is_not_waited_for(lab: Machine) -> None:
    with pytest.raises(LabError, match="QEMU has ended; its serial port's log is"):
        lab.wait(5, lambda _text: None)


def test_destroying_ends_the_process_and_removes_the_files(lab: Machine, tmp_path: Path) -> None:
    # In the background, where QEMU goes, it is nobody's child.
    script = f"""'{sys.executable}' -c 'import time; time.sleep(60)' "$0" 2>&1 >/dev/null & echo $! >"$0\""""
    subprocess.run(["/bin/sh", "-c", script, str(lab.files.pid)], check=True, stderr=subprocess.DEVNULL)
    # Until then it is still the shell, with the same arguments, and has none while it becomes the interpreter.
    while not is_interpreter(lab.process):
        time.sleep(0.01)
    lab.files.serial.write_text("said\n")
    assert lab.stop() is True
    assert lab.process is None
    lab.keep_logs(tmp_path / "logs")
    assert (tmp_path / "logs/serial.log").read_text() == "said\n"
    lab.destroy()
    assert not lab.files.directory.exists()


def test_a_command_that_fails_is_one_sentence() -> None:
    with pytest.raises(LabError, match="/bin/sh failed: it is wrong"):
        machine._run(["/bin/sh", "-c", "echo it is wrong >&2; exit 1"])
