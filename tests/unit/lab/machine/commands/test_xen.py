# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd-simulated of a machine, and which processes a machine has."""

from __future__ import annotations

import os
import subprocess

from machine.commands.xen import processes
from machine.state import Machine

from tests.unit.lab.conftest import Host
from tests.unit.lab.machine.conftest import Command


def test_a_machine_without_the_program_says_how_to_get_it(host: Host) -> None:
    host.create().install_pcibackd()
    (host.directory / "machine" / "pcibackd-simulated").unlink()
    started = host.service("pcibackd", "start")
    assert started.returncode == 1
    assert "'make -C native' builds it, and 'dom0.py create' copies it" in started.stderr


def test_without_xen_there_is_no_backend(host: Host) -> None:
    host.create(boot_cfg="menu=NetBSD:boot netbsd\ntimeout=1\n").install_pcibackd()
    started = host.service("pcibackd", "start")
    assert started.returncode == 1
    assert "the hypervisor can't be opened (No such file or directory); is this dom0" in started.stderr


def test_processes_are_those_of_this_machine(machine: Machine, command: Command) -> None:
    with subprocess.Popen(["sleep", "30"], cwd="/") as process:
        # Its root is the controller's.
        elsewhere = Machine(machine.directory, "/")
        # Linux may show a process a moment before its arguments.
        assert any(process.pid in processes(elsewhere, ["sleep"]) for _attempt in range(100))
        assert processes(machine, ["sleep"]) == []
        assert command("lab-processes", "sleep", module="xen") == (0, "\n", "")
        process.kill()
    assert os.getpid() not in processes(Machine(machine.directory, "/"), ["nobody"])
