# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How names lead to functions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Interface, Mount
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import disk_of
from tests.unit.guards.cases import BASE, DEVICES, judge


def test_a_listing_without_drivers_falls_back_on_the_kernels_messages():
    nameless = [replace(each, driver=None) for each in DEVICES]
    facts = replace(BASE, locations={"piixide0": parse_address("00:01.1")})
    (finding,) = guard(facts, nameless, nameless).findings
    assert (finding.code, finding.device.bdf) == ("boot-disk", "00:01.1")


def test_layers_and_trees_in_a_circle_end():
    facts = replace(
        BASE,
        parents={"a0": "b0", "b0": "a0", "wd0": "a0", "wm0": "b0"},
        mounts=(Mount("/dev/raid0a", "/", "ffs"),),
        layers={"raid0": ("cgd0a",), "cgd0": ("raid0a",)},
        interfaces={
            "vlan0": Interface("vlan0", True, ("192.0.2.1",), ("vlan1",)),
            "vlan1": Interface("vlan1", parts=("vlan0",)),
        },
        default_routes=("vlan0",),
    )
    assert any(warning.startswith("raid0a (/) can't be traced") for warning in judge(facts, "00:01.1").warnings)


@pytest.mark.parametrize(
    ("name", "disk"),
    [("/dev/wd0a", "wd0"), ("wd10", "wd10"), ("dk3", "dk3"), ("tank/root", None), ("server:/x", None), ("", None)],
)
def test_disk_of(name, disk):
    assert disk_of(name) == disk
