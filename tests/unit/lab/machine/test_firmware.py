# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model as the machine's firmware. What it says is what test_boot.py compares with real boots."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from machine import firmware
from machine.state import Machine

from tests.unit.lab.conftest import Host


def test_firmware_that_does_not_run_is_one_sentence(host: Host) -> None:
    host.create()
    shutil.copy("/bin/false", host.directory / "machine" / "pcibackctl")
    before = (host.directory / "machine" / "state.json").read_bytes()
    done = host.dom0("reboot")
    assert done.returncode == 1
    assert done.stderr.startswith("dom0.py: the machine's firmware, ")
    assert done.stderr.count("\n") == 1
    assert (host.directory / "machine" / "state.json").read_bytes() == before


def test_it_reads_the_machines_own_files(machine: Machine) -> None:
    assert firmware.predict(machine)["claims"] == []
    boot_cfg = Path(machine.file("/boot.cfg"))
    boot_cfg.write_text(boot_cfg.read_text().replace("console=xencons", "pciback.hide=(00:04.0)", 1))
    assert firmware.predict(machine)["claims"] == ["0000:00:04.0"]
    assert firmware.predict(machine, 2)["outcome"] == "not-xen"


def test_an_answer_that_is_none_is_one_sentence(machine: Machine) -> None:
    program = Path(machine.path("pcibackctl"))
    program.unlink()
    program.write_text("#!/bin/sh\necho it is wrong >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(firmware.FirmwareError, match="ended with 1 and said: it is wrong"):
        firmware.predict(machine)
