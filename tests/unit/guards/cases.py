# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dom0 with its tree of devices, and what guards say of it."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts, Interface, Mount
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard


def device(bdf: str, class_code: int, driver: str | None) -> Device:
    return Device(parse_address(bdf), 0x8086, 0x1000, class_code, name="a card", driver=driver, config=ConfigSpace({}))


DEVICES = (
    device("00:01.0", 0x060100, "pcib0"),
    device("00:01.1", 0x010180, "piixide0"),
    device("00:02.0", 0x030000, "vga0"),
    device("00:04.0", 0x020000, "wm0"),
    device("00:05.0", 0x020000, "wm1"),
    device("00:06.0", 0x060400, "ppb0"),
    device("01:00.0", 0x010601, "ahcisata0"),
    device("01:01.0", 0x070002, "puc0"),
    device("01:02.0", 0x0C0330, "xhci0"),
)
TREE = {
    "mainbus0": "",
    "pci0": "mainbus0",
    "pcib0": "pci0",
    "piixide0": "pci0",
    "atabus0": "piixide0",
    "wd0": "atabus0",
    "vga0": "pci0",
    "wsdisplay0": "vga0",
    "wm0": "pci0",
    "makphy0": "wm0",
    "wm1": "pci0",
    "ppb0": "pci0",
    "pci1": "ppb0",
    "ahcisata0": "pci1",
    "atabus2": "ahcisata0",
    "wd1": "atabus2",
    "puc0": "pci1",
    "com2": "puc0",
    "xhci0": "pci1",
    "usb0": "xhci0",
    "sd0": "usb0",
    "wskbd1": "usb0",
    "raid0": "",
    "cgd0": "",
    "dk0": "",
}
NICS = {
    "wm0": Interface("wm0", True, ("192.0.2.1",)),
    "wm1": Interface("wm1"),
    "lo0": Interface("lo0", True, ("127.0.0.1",)),
}
BASE = Facts(
    parents=TREE,
    mounts=(Mount("/dev/wd0a", "/", "ffs"),),
    root_device="wd0",
    interfaces=NICS,
    default_routes=("wm0",),
    iommu=True,
)


# Nothing is in use; the connection came in over the loopback interface.
ALONE = Facts(parents=TREE, interfaces=NICS, server_address="127.0.0.1", iommu=True)


def choose(*addresses: str) -> list[Device]:
    return [device for device in DEVICES if device.address.bdf in addresses]


def judge(facts: Facts, *addresses: str):
    return guard(facts, DEVICES, choose(*addresses))


def found(facts: Facts) -> set[tuple[str, str]]:
    """Everything that would be refused if all were given away."""
    return {(finding.code, finding.device.bdf) for finding in guard(facts, DEVICES, DEVICES).findings}
