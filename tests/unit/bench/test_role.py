# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``make bench`` counts what the commands of an embedded dom0 take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import role
from tests.conftest import Dom0


def test_each_command_notes_what_it_has_taken(tmp_path: Path) -> None:
    dom0 = Dom0(tmp_path / "dom0", tmp_path).create()
    plain = dom0.command("/usr/sbin/pcictl", "pci0", "list").stdout
    notes = role.count_commands(dom0)
    assert [dom0.command("/usr/sbin/pcictl", "pci0", "list").stdout for _time in range(2)] == [plain, plain]
    first, second = map(float, notes.read_text().split())
    assert first > 0 and second > 0
    assert role.noted(notes) == pytest.approx(first + second)
    # One that fails has taken time too.
    assert dom0.command("/usr/sbin/pcictl", "pci0", "nonsense").returncode == 1
    assert role.noted(notes) > 0


def test_what_was_noted_counts_once(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("0.5\n0.25\n")
    assert role.noted(notes) == 0.75
    assert not notes.exists()
