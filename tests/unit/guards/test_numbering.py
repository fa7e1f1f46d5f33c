# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units that the next boot numbers anew."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Interface, Mount
from tests.unit.guards.cases import BASE, judge


def test_units_that_move_are_a_warning():
    facts = replace(BASE, interfaces={"wm1": Interface("wm1", True, ("192.0.2.1",))}, default_routes=("wm1",))
    (warning,) = judge(facts, "00:04.0").warnings
    assert "without wm0 the next boot gives wm1 a lower number" in warning and "/etc/ifconfig.wm1" in warning
    mounts = replace(BASE, mounts=(Mount("/dev/wd1a", "/", "ffs"),), root_device="wd1")
    assert any("without wd0 the next boot gives wd1" in warning for warning in judge(mounts, "00:01.1").warnings)
