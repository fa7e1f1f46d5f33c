# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The map of the sources in docs/explanation/design.md names files that are there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.product import PLUGINS, ROOT

DESIGN = (ROOT / "docs/explanation/design.md").read_text(encoding="utf-8")
MAP = DESIGN[DESIGN.index("## Layers") :]


def named() -> list[str]:
    """What is written as the path of a file or a folder in the text of the map."""
    return re.findall(r"`([a-z0-9_*/]+(?:/|\.(?:py|c|h)))`", MAP.split("```")[2])


def places(name: str) -> list[Path]:
    """Where a name of the map leads: it is short for files below module_utils, and for others of the same line."""
    roots = (ROOT, PLUGINS / "module_utils", ROOT / "tests/unit", PLUGINS / "module_utils/formats")
    nearby = (PLUGINS / "module_utils/formats/boot_cfg", ROOT / "native/core/guest")
    return [found for root in (*roots, *nearby) for found in root.glob(name.rstrip("/"))]


def test_the_map_names_files_that_are_there() -> None:
    assert len(named()) > 30
    assert [name for name in named() if not places(name)] == []


def test_the_threat_model_names_tests_that_are_there() -> None:
    page = (ROOT / "docs/explanation/threat-model.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`((?:test|fuzz)_[a-z0-9_]+)`", page))
    sources = [path for path in (ROOT / "native").rglob("*.c") if "build" not in path.parts]
    defined = set(re.findall(r"^((?:test|fuzz)_[a-z0-9_]+)\(", "\n".join(p.read_text() for p in sources), re.MULTILINE))
    defined |= {path.stem for path in sources}
    assert len(names) > 10
    assert names - defined == set()


def test_the_map_fits_on_a_screen() -> None:
    table = MAP[MAP.index("## Where is") :]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 14, "a head, and the fourteen questions"
