# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that dom0 stands on, through their layers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Mount
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard
from tests.unit.guards.cases import BASE, DEVICES, judge


def test_boot_disk_with_its_chain():
    (finding,) = judge(BASE, "00:01.1").findings
    assert (finding.code, finding.device) == ("boot-disk", parse_address("00:01.1"))
    assert finding.message.endswith(
        "wd0a is /; wd0 is on atabus0, piixide0, pci0 dev 1 function 1; wd0 is the root device"
    )
    assert "allow code 'boot-disk'" in finding.remedy


@pytest.mark.parametrize(
    ("changes", "controller", "evidence"),
    [
        ({"swap": ("/dev/wd1b",)}, "01:00.0", "wd1b is swap; wd1 is on atabus2, ahcisata0, pci1 dev 0 function 0"),
        ({"mounts": (Mount("/dev/sd0e", "/mnt", "msdos"),)}, "01:02.0", "sd0 is on usb0, xhci0, pci1 dev 2 function 0"),
        (
            {"mounts": (Mount("/dev/raid0a", "/", "ffs"),), "layers": {"raid0": ("wd0a", "wd1a")}},
            "01:00.0",
            "raid0a is /; raid0 lies on wd0a, wd1a; wd1 is on atabus2, ahcisata0",
        ),
        (
            {
                "mounts": (Mount("/dev/cgd0a", "/home", "ffs"),),
                "layers": {"cgd0": ("raid0e",), "raid0": ("dk0",), "dk0": ("wd1",)},
            },
            "01:00.0",
            "cgd0a is /home; cgd0 lies on raid0e; raid0 lies on dk0; dk0 lies on wd1; wd1 is on atabus2",
        ),
        (
            {"mounts": (Mount("root_device", "/", "ffs"),), "root_device": "wd1"},
            "01:00.0",
            "wd1 is /; wd1 is on atabus2",
        ),
    ],
)
def test_disks_through_their_layers(changes, controller, evidence):
    findings = {
        f.device.bdf: f for f in guard(replace(BASE, **changes), DEVICES, DEVICES).findings if f.code == "boot-disk"
    }
    assert evidence in findings[controller].message


@pytest.mark.parametrize(
    ("mount", "named"),
    [
        (Mount("tank/root", "/", "zfs"), "tank/root (/)"),
        (Mount("/dev/mapper/vg-home", "/home", "ffs"), "mapper/vg-home (/home)"),
        (Mount("server:/export", "/mnt", "nfs"), "server:/export (/mnt)"),
        (Mount("/dev/raid0a", "/", "ffs"), "raid0a (/)"),
        (Mount("/dev/ld7a", "/x", "ffs"), "ld7a (/x)"),
        (Mount("root_device", "/", "ffs"), "root_device (/)"),
    ],
)
def test_what_can_not_be_traced_is_named(mount, named):
    verdict = judge(replace(BASE, mounts=(mount,), root_device=None), "01:00.0")
    assert any(warning.startswith(f"{named} can't be traced to the bus") for warning in verdict.warnings)


@pytest.mark.parametrize(
    "mount",
    [
        Mount("kernfs", "/kern", "kernfs"),
        Mount("tmpfs", "/tmp", "tmpfs"),
        Mount("/usr/pkg", "/opt", "null"),
        Mount("/dev/vnd0a", "/mnt", "cd9660"),
        Mount("/dev/md0a", "/", "ffs"),
    ],
)
def test_what_lies_on_no_disk_of_its_own_needs_no_trace(mount):
    verdict = judge(replace(BASE, mounts=(mount,), root_device=None), "00:01.1")
    assert verdict == judge(replace(BASE, mounts=(), root_device=None), "00:01.1")


def test_a_disk_of_guests_volumes_is_a_warning_unless_it_is_refused():
    facts = replace(BASE, holders={"wd1": ("vg0-mail", "vg0-web"), "wd0": ("vg1-swap",)})
    (warning,) = judge(facts, "01:00.0").warnings
    assert warning.endswith("vg0-mail, vg0-web lies on wd1; wd1 is on atabus2, ahcisata0, pci1 dev 0 function 0")
    verdict = judge(facts, "00:01.1")
    assert [finding.code for finding in verdict.findings] == ["boot-disk"] and verdict.warnings == ()
