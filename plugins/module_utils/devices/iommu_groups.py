# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which functions an IOMMU can't tell from one another, where the kernel does not say: under Xen the IOMMU is Xen's.

Only what is certain is said. An IOMMU knows who asks by the number that comes with each request:

- what is behind a bridge to conventional PCI asks in the bridge's name (PCI Express to PCI/PCI-X Bridge Specification);
- functions of one conventional device reach each other without asking, because only PCI Express has ACS to forbid it.

Whether functions of PCI Express are kept apart depends on ACS and on what their makers promise; nothing is said of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import EXPRESS_TO_PCI


def isolation_groups(devices: Sequence[Device]) -> Mapping[Address, str]:
    """The groups of those functions that share one, by a name for people; a function of its own has none."""
    bridges = {
        (device.address.domain, device.config.bridged_buses[0]): device
        for device in devices
        if device.config is not None and device.config.bridged_buses is not None
    }
    groups: dict[Address, str] = {}
    for device in devices:
        bridge = _conventional_bridge(device, bridges)
        if bridge is not None:
            groups[device.address] = f"behind {bridge.address.bdf}"
        elif _is_conventional(device):
            groups[device.address] = f"of {device.address.bdf[:-2]}"
    names = list(groups.values())
    return {address: name for address, name in groups.items() if names.count(name) > 1}


def _conventional_bridge(device: Device, bridges: Mapping[tuple[int, int], Device]) -> Device | None:
    """The bridge nearest to the root in whose name a function asks, ``None`` if it asks in its own."""
    found = None
    here = device.address
    while True:
        bridge = bridges.get((here.domain, here.bus))
        # A bridge leads to a higher bus; one that doesn't was set up by nobody.
        if bridge is None or bridge.config is None or bridge.address.bus >= here.bus:
            return found
        if bridge.config.express_type in (None, EXPRESS_TO_PCI):
            found = bridge
        here = bridge.address


def _is_conventional(device: Device) -> bool:
    return device.config is not None and device.config.express_type is None and not device.is_bridge
