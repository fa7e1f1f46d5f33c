# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions of a Linux dom0, read from sysfs: a captured bus."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus as linux_bus
from tests.unit.host.linux.judged import devices, judge


def test_the_captured_bus(host):
    found = {device.address.bdf: device for device in devices(host)}
    assert len(found) == 12
    card = found["00:06.1"]
    assert (card.id, card.class_code, card.driver, card.irq) == ("8086:100e", 0x020000, "e1000", 22)
    assert card.subsystem_id == "1af4:1100" and [each.kind for each in card.bars] == ["mem32", "io"]
    assert found["00:1f.2"].driver is None and found["00:08.0"].is_pci_bridge
    assert found["01:00.0"].class_code == 0x010802


def test_msi_hides_the_line_and_zero_is_none(host):
    found = {device.address.bdf: device for device in devices(host)}
    assert found["00:02.0"].config.message_signalled and found["00:02.0"].irq is None
    assert found["00:00.0"].irq is None


def test_functions_that_xen_does_not_see_are_left_out(host):
    (host.sys / "bus/pci/devices/10000:e1:00.0").symlink_to("../../../devices/pci0000:00/0000:00:05.0")
    assert len(devices(host)) == 12


def test_configuration_space_that_can_not_be_read(host):
    (host.function("0000:00:05.0") / "config").unlink()
    (device,) = (each for each in devices(host) if each.address.bdf == "00:05.0")
    assert device.config is None and device.irq == 21
    assert any("configuration space of 00:05.0 could not be read" in text for text in judge(host, "00:05.0").warnings)


def test_a_module_can_be_told_from_a_part_of_the_kernel(host):
    assert not linux_bus.is_module(str(host.sys))
    (host.sys / "module/xen_pciback").mkdir(parents=True)
    assert not linux_bus.is_module(str(host.sys)), "its parameters are there in both cases"
    (host.sys / "module/xen_pciback/initstate").write_text("live\n")
    assert linux_bus.is_module(str(host.sys))


def test_without_sysfs_it_says_so(tmp_path):
    with pytest.raises(PcibackError, match=r"can't be read: No such file or directory"):
        linux_bus.devices(str(tmp_path))
