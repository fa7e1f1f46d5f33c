# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around engines/native_component.py; test_links and test_crashes install with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.modules.native_backend import main
from tests.unit.module_call import call


def test_it_needs_its_action_plugin() -> None:
    result = call(main, {})
    assert result["failed"] and "call this module as xen.pciback.native_backend" in result["msg"]


@pytest.mark.parametrize("option", ["prefix", "state_directory", "record", "originals", "lock"])
def test_a_relative_path_is_refused(option: str) -> None:
    assert f"option '{option}' is 'db'" in call(main, {option: "db", "source_sha256": "a" * 64})["msg"]


def test_it_says_what_the_host_lacks(tmp_path: Path) -> None:
    result = call(main, {"prefix": str(tmp_path), "source_sha256": "a" * 64, "method": "cross", "target": "x"})
    assert (result["changed"], result["needs"], result["target"]) == (True, "binaries", "x")
    assert result["reason"].startswith("nothing of it is recorded in ")


def test_what_is_not_there_is_absent() -> None:
    result = call(main, {"state": "absent"})
    assert (result["changed"], result["removed"], result["diff"]) == (False, [], [])
