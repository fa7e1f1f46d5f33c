# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each scenario of Molecule is run once: on the embedded dom0 by ``make test``, in the Xen lab by ``make test-xen``."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def recipe(target: str) -> str:
    """What make does for a target."""
    (found,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return str(found)


def scenarios_of_the_xen_lab() -> list[str]:
    found = []
    for path in sorted(ROOT.glob("extensions/molecule/*/molecule.yml")):
        platforms = yaml.safe_load(path.read_text(encoding="utf-8")).get("platforms", [])
        found += [path.parent.name] if {"name": "xen-lab"} in platforms else []
    return found


def test_make_test_leaves_the_xen_lab_to_make_test_xen() -> None:
    there = scenarios_of_the_xen_lab()
    assert there
    assert sorted(re.findall(r"--exclude (\S+)", recipe("test-molecule"))) == there
    assert sorted(re.findall(r"--scenario-name ([\w-]+)", recipe("xen-scenario"))) == there
