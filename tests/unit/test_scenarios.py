# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each scenario of Molecule is run once: on the embedded dom0 by ``make test`` or ``make soak``, in the Xen lab by
``make test-xen`` or ``make soak``."""

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


def scenarios_of(target: str) -> list[str]:
    """What make runs for a target."""
    return re.findall(r"--scenario-name ([\w-]+)", recipe(target))


def test_each_scenario_is_run_once_where_it_belongs() -> None:
    on_the_controller, in_the_xen_lab = [], []
    for path in sorted(ROOT.glob("extensions/molecule/*/molecule.yml")):
        platforms = yaml.safe_load(path.read_text(encoding="utf-8")).get("platforms", [])
        there = in_the_xen_lab if {"name": "xen-lab"} in platforms else on_the_controller
        there.append(path.parent.name)
    assert on_the_controller and in_the_xen_lab
    assert scenarios_of("test-molecule"), "make test has one of each kind of test"
    assert sorted(scenarios_of("test-molecule") + scenarios_of("soak-molecule")) == on_the_controller
    assert sorted(scenarios_of("xen-scenario") + scenarios_of("soak-xen")) == in_the_xen_lab


def test_the_whole_has_each_part_of_soak() -> None:
    """What needs the Xen lab beside what does not."""
    parts = [name for name in recipe("soak").split() if name.startswith("soak-")]
    whole = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1].split()
    behind = recipe("ci-xen").split()
    assert behind[-2:] == ["xen-scenario", "soak-xen"]
    assert recipe("test-xen").split()[-1] == "xen-scenario"
    assert whole[whole.index("--beside") + 1] == "ci-xen"
    assert set(parts) == {"soak-xen", *(name for name in whole if name.startswith("soak-"))}
