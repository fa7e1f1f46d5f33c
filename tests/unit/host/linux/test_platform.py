# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Linux dom0 supplies beside what its bus, facts and boot are tested for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_plan import NetbsdBoot
from tests.linux_dom0 import LinuxDom0
from tests.unit.linux_modules import RTL, SECOND, XL


def test_devices_change_hands_while_dom0_runs() -> None:
    backend = Linux.backends["kernel"]
    assert (backend.name, backend.needs_reboot, backend.hot_plug) == ("kernel", False, True)


def test_every_look_at_the_bus_is_a_whole_one(dom0: LinuxDom0) -> None:
    linux = Linux(dom0.run)
    linux.check_dom0()
    devices = linux.devices()
    assert linux.devices_for([], (), {}) == linux.complete(devices) == devices
    assert all(device.config is not None for device in devices)
    assert linux.claims() is None
    dom0.load_pciback()
    assert linux.claims() == ()


def test_groups_are_the_kernel_s_or_what_the_bus_tells(dom0: LinuxDom0) -> None:
    linux = Linux(dom0.run)
    told = linux.facts(linux.devices(), XL)
    assert told.iommu is True
    assert told.iommu_groups[parse_address(RTL)] == told.iommu_groups[parse_address(SECOND)] == "of 00:06"
    dom0.host.groups(_7=(RTL, SECOND))
    assert linux.facts(linux.devices(), XL).iommu_groups == {parse_address(RTL): "7", parse_address(SECOND): "7"}


@pytest.mark.parametrize(("xl", "there", "iommu"), [(XL, True, True), (XL, False, False), ("/nowhere", True, None)])
def test_xen_says_whether_there_is_an_iommu(dom0: LinuxDom0, xl: str, there: bool, iommu: bool | None) -> None:
    dom0.xl.iommu = there
    linux = Linux(dom0.run)
    assert linux.facts(linux.devices(), xl).iommu is iommu


def test_the_menu_is_found_where_nobody_says_where_it_is(dom0: LinuxDom0, tmp_path: Path) -> None:
    boot = Linux(dom0.run).read_boot(None, str(tmp_path / "db"), None)
    assert (boot.path, boot.predictable) == ("/boot/grub/grub.cfg", False)


def test_the_boot_of_another_platform_is_refused(dom0: LinuxDom0) -> None:
    with pytest.raises(TypeError, match="another platform"):
        Linux(dom0.run).boot_planner(NetbsdBoot("/boot.cfg", b""))


def test_what_xenstore_lists_is_read_and_removed(dom0: LinuxDom0) -> None:
    dom0.xl.stale[7] = [RTL]
    linux = Linux(dom0.run)
    assert linux.listed_backends() == {7: (parse_address(RTL),)}
    linux.forget_backend(7)
    assert (linux.listed_backends(), dom0.xl.stale) == ({}, {})


def test_what_pciback_can_not_give(dom0: LinuxDom0) -> None:
    addresses = [parse_address(text) for text in (RTL, SECOND, "00:15.0", "0001:00:05.0")]
    dom0.write(f"{dom0.sys}/bus/pci/drivers/e1000/unbind", SECOND)
    dom0.load_pciback((SECOND,))
    assert Linux(dom0.run).obstacles(addresses) == (
        "00:06.0 is not with pciback but with 8139cp",
        "00:15.0 does not exist",
        "0001:00:05.0 does not exist",
    )
