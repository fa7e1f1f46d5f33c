# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can't be told apart by an IOMMU, from configuration space."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.devices.iommu_groups import isolation_groups
from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace


def function(bdf: str, express: int | None = None, behind: int | None = None) -> Device:
    """A function, conventional or of a type of PCI Express; with ``behind``, a bridge to that bus."""
    registers = {}
    if express is not None:
        registers = {0x04: 1 << 20, 0x34: 0x40, 0x40: 0x10 | express << 20}
    if behind is not None:
        registers.update({0x0C: 1 << 16, 0x18: behind << 8 | behind << 16})
    code = 0x020000 if behind is None else 0x060400
    return Device(parse_address(bdf), 0x8086, 0x100E, code, config=ConfigSpace(registers))


def groups(*devices: Device) -> dict[str, str]:
    return {address.bdf: name for address, name in isolation_groups(devices).items()}


def test_functions_of_one_conventional_device():
    found = groups(function("00:06.0"), function("00:06.1"), function("00:07.0"))
    assert found == {"00:06.0": "of 00:06", "00:06.1": "of 00:06"}


def test_functions_of_express_are_left_to_acs():
    assert groups(function("01:00.0", 0), function("01:00.1", 0)) == {}


def test_a_conventional_function_among_express():
    assert groups(function("00:06.0", 9), function("00:06.1")) == {}


def test_all_behind_a_bridge_to_conventional_pci():
    for bridge in (function("00:1e.0", behind=2), function("00:1e.0", 7, behind=2)):
        found = groups(bridge, function("02:00.0"), function("02:01.0"), function("03:00.0", 0))
        assert found == {"02:00.0": "behind 00:1e.0", "02:01.0": "behind 00:1e.0"}


def test_nested_bridges_ask_in_the_name_of_the_first():
    devices = function("00:1c.0", 4, behind=1), function("01:00.0", 7, behind=2), function("02:03.0", behind=3)
    found = groups(*devices, function("02:04.0"), function("03:00.0"))
    assert found == dict.fromkeys(("02:03.0", "02:04.0", "03:00.0"), "behind 01:00.0")


def test_a_root_port_keeps_its_device_apart():
    assert groups(function("00:1c.0", 4, behind=1), function("01:00.0", 0), function("00:06.0")) == {}


def test_a_bridge_that_leads_to_its_own_bus_and_one_that_was_not_read():
    unread = Device(parse_address("00:05.0"), 1, 2, 0x020000)
    assert groups(function("02:00.0", behind=2), function("02:01.0"), unread) == {}
