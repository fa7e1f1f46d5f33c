# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All guards together: which device is refused, with which evidence, and that nothing untraceable is silent."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts, Interface, Mount
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import SAYS, guard
from ansible_collections.xen.pciback.plugins.module_utils.refusals import GUARDS
from tests.unit.guards.cases import BASE, DEVICES, TREE, judge


def test_what_is_not_chosen_is_not_refused():
    verdict = judge(BASE, "01:00.0")
    assert verdict.findings == () and verdict.warnings == ()


def test_what_could_not_be_read_is_said():
    assert judge(replace(BASE, unchecked=("'/sbin/mount' failed",)), "00:05.0").warnings == ("'/sbin/mount' failed",)


def test_hostile_names_do_not_reach_the_terminal():
    facts = replace(BASE, mounts=(Mount("/dev/wd0a", "/\x1b[2J\u202e\r", "ffs"),))
    (finding,) = judge(facts, "00:01.1").findings
    assert "\x1b" not in finding.message and "\r" not in finding.message


NAMES = st.sampled_from([*TREE, "vlan0", "agr0", "bridge0", "ccd0", "", "x"])


@given(
    parents=st.dictionaries(NAMES, NAMES, max_size=12),
    layers=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=6),
    disks=st.lists(NAMES, max_size=4),
    parts=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=5),
    bridges=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=2),
    routes=st.lists(NAMES, max_size=2).map(tuple),
)
def test_every_use_is_refused_or_named(parents, layers, disks, parts, bridges, routes):
    """Whatever the tools say: with all devices chosen, a disk in use ends in a finding or in a warning."""
    facts = Facts(
        parents=parents,
        mounts=tuple(Mount(f"/dev/{name}a", f"/{name}", "ffs") for name in disks),
        layers=layers,
        interfaces={name: Interface(name, True, ("192.0.2.1",), parts[name]) for name in parts},
        bridges=bridges,
        default_routes=routes,
    )
    verdict = guard(facts, DEVICES, DEVICES)
    said = " ".join([*(finding.message for finding in verdict.findings), *verdict.warnings])
    bridge = {"ppb0"}
    for name in disks:
        if name not in bridge:
            assert f"{name}a is /{name}" in said or f"{name}a (/{name}) can't be traced" in said
    for name in routes:
        assert f"the default route leaves through {name}" in said


def test_every_guard_of_the_registry_has_its_words():
    assert sorted(SAYS) == list(GUARDS)
