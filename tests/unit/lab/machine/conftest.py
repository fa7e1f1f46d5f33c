# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One embedded dom0, and its commands called as functions."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest
from machine.state import Machine

from tests.unit.lab.conftest import Host

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def machine(host: Host) -> Machine:
    """A machine that has booted, seen from the controller."""
    host.create()
    made = Machine.outside(str(host.directory))
    made.load()
    return made


@pytest.fixture
def command(machine: Machine, capsys: pytest.CaptureFixture[str]) -> Command:
    """Calls a command of the machine: its exit status, output and errors."""

    def call(name: str, *arguments: str, module: str = "") -> tuple[int, str, str]:
        main = importlib.import_module("machine.commands." + (module or name)).main
        capsys.readouterr()
        status: int = main(name, list(arguments), machine)
        said = capsys.readouterr()
        return status, said.out, said.err

    return call
