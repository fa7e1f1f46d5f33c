# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bus with cards, for the tests of devices."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace


def device(bdf, ids, class_code=0x020000, driver=None, name="", subsystem=None):
    vendor, product = (int(part, 16) for part in ids.split(":"))
    config = None if subsystem is None else ConfigSpace({0x2C: subsystem[1] << 16 | subsystem[0]})
    return Device(parse_address(bdf), vendor, product, class_code, name=name, driver=driver, config=config)


BUS = (
    device("00:00.0", "8086:1237", 0x060000, "pchb0", "Intel 82441FX (PMC) PCI and Memory Controller"),
    device("00:04.0", "8086:100e", driver="wm0", name="Intel i82540EM 1000baseT Ethernet", subsystem=(0x1AF4, 0x1100)),
    device("00:05.0", "10ec:8139", driver="re0", name="Realtek Semiconductor 8139 10/100 Ethernet"),
    device("00:0a.0", "8086:100e", driver="wm1", name="Intel i82540EM 1000baseT Ethernet", subsystem=(0x1AF4, 0x1101)),
    device("01:00.0", "1b36:0010", 0x010802, "nvme0", "Red Hat QEMU NVM Express Controller"),
)
