# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that plays Xen: found by its lock, woken up, ended with all that hangs on it."""

from __future__ import annotations

import os
import subprocess
import sys

from machine import xen_process
from machine.state import Machine

from tests.unit.lab.conftest import LAB

HOLDER = """\
import sys, time
sys.path.insert(0, {lab!r})
from machine import xen_process
from machine.state import Machine
print(xen_process.lock(Machine.outside({host!r})), flush=True)
time.sleep(60)
"""


def test_the_lock_tells_who_it_is_and_only_one_has_it(machine: Machine) -> None:
    assert xen_process.running(machine) is None
    xen_process.end(machine)
    script = HOLDER.format(lab=str(LAB), host=os.path.dirname(machine.directory))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert xen_process.running(machine) == holder.pid
        second = subprocess.run(
            [sys.executable, "-c", script.replace("60", "0")], capture_output=True, text=True, check=True
        )
        assert second.stdout == "False\n"
        xen_process.end(machine)
        assert holder.wait(5) != 0
    assert xen_process.running(machine) is None


def test_what_watches_the_guests_ends_too(machine: Machine) -> None:
    path = machine.file(xen_process.WATCH)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for name, ends in (("pcibackd-guests", True), ("another", False)):
        script = "import time; print(flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", script, name], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            # Before that, its arguments may not be seen.
            process.stdout.readline()
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{process.pid}\n")
            xen_process.end(machine)
            if not ends:
                assert process.poll() is None
                process.kill()
            assert process.wait(5) < 0
    with open(path, "w", encoding="ascii") as file:
        file.write("no number\n")
    xen_process.end(machine)


def test_nobody_has_to_be_there_to_be_woken(machine: Machine) -> None:
    xen_process.wake(machine)
    with open(machine.path(xen_process.WAKE), "w", encoding="ascii"):
        pass
    xen_process.wake(machine)


def test_who_is_served(machine: Machine) -> None:
    assert xen_process.served(machine) is None
    with open(machine.path(xen_process.PEER), "w", encoding="ascii") as file:
        file.write("12\n")
    assert xen_process.served(machine) == 12
