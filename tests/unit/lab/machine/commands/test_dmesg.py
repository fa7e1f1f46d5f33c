# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dmesg(8)"""

from __future__ import annotations

from machine.state import Machine

from tests.unit.lab.machine.conftest import Command


def test_it_prints_the_message_buffer(command: Command, machine: Machine) -> None:
    machine.append_messages("the last line\n")
    status, out, err = command("dmesg")
    assert (status, err) == (0, "")
    assert "pciback" in out or "pci0" in out
    assert out.endswith("the last line\n")
