# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose commands hang, fail or say nothing: one sentence that is true, and nothing that was taken for granted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import commands
from ansible_collections.xen.pciback.plugins.modules import domain
from tests.unit.module_call import call


@pytest.fixture
def hanging_xl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An xl that waits for ever, as one does whose xenstored is gone; nobody waits for it as long as for a real one."""
    path = tmp_path / "xl"
    path.write_text("#!/bin/sh\nsleep 3600 & wait\n")
    path.chmod(0o755)
    monkeypatch.setattr(commands, "_TOOLSTACK", commands.Limit(0.2, commands._TOOLSTACK.look))
    monkeypatch.setitem(commands._KINDS, "xl", commands._TOOLSTACK)
    return path


@pytest.mark.parametrize("check", [False, True])
def test_an_xl_that_hangs_holds_no_play(hanging_xl: Path, tmp_path: Path, check: bool) -> None:
    options: dict[str, Any] = {
        "domains": [{"name": "firewall", "state": "absent"}],
        "xl": str(hanging_xl),
        "state_directory": str(tmp_path / "db"),
    }
    result = call(domain.main, options, check=check)
    assert (result["failed"], result["msg"]) == (
        True,
        f"xl can't say which devices the guests have: '{hanging_xl} list -l' did not end within 0.2 s and was killed; it said nothing",
    )
    assert result["remedy"] == "see on the host whether xenstored runs, xl waits for it, and what /var/log/xen says"
    assert not (tmp_path / "db").exists()
