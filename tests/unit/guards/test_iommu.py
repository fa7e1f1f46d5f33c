# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Xen limits DMA at all."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.guards.cases import ALONE, BASE, choose, judge


def test_without_an_iommu_each_device_is_refused():
    verdict = judge(replace(BASE, iommu=False), "00:05.0", "01:02.0")
    assert [(finding.code, finding.device.bdf) for finding in verdict.findings] == [
        ("no-iommu", "00:05.0"),
        ("no-iommu", "01:02.0"),
    ]
    assert verdict.findings[0].message.endswith("virt_caps of 'xl info' names no directio")
    assert "read and write all memory of the machine by DMA" in verdict.findings[0].remedy


def test_an_iommu_that_nobody_can_tell_of_is_a_warning():
    (warning,) = judge(replace(BASE, iommu=None), "00:05.0").warnings
    assert warning.startswith("no toolstack says whether Xen uses an IOMMU") and "XSA-61" in warning
    assert judge(replace(BASE, iommu=None)).warnings == ()


def test_a_part_of_a_group_is_refused():
    groups = dict.fromkeys([each.address for each in choose("00:04.0", "00:05.0", "00:06.0")], "3")
    (finding,) = judge(replace(ALONE, iommu_groups=groups), "00:04.0").findings
    assert finding.code == "iommu-group"
    assert finding.message.endswith("IOMMU group 3 holds 00:05.0 (pcictl 000:05:0) 8086:1000 a card [wm1] as well")
    assert judge(replace(ALONE, iommu_groups=groups), "00:04.0", "00:05.0").findings == ()
