# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Tells what functions a dom0 has, what holds them, and what is recorded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin, differences, locate, pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector, select
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory

# What only configuration space tells.
CONFIGURATION = ("subsystem", "serial", "slot")


def report(
    host: Platform, state: StateDirectory, wanted: Sequence[Mapping[str, Any]] | None, *, configuration: bool
) -> dict[str, Any]:
    """The documented result: the functions that selectors name.

    :param wanted: the selectors, as the module's option has them; ``None``: every function
    :param configuration: whether to read configuration space; it is read as well if a selector asks for it
    :raises PcibackError: this is no dom0, or a selector names no function, or several
    """
    host.check_dom0()
    selectors = [parse_selector(item) for item in wanted or []]
    asked = any(key in CONFIGURATION for selector in selectors for key, _value in selector.criteria)
    found = host.devices(configuration=configuration or asked)
    claims = host.claims()
    pins = state.pins()
    places = locate(pins, {device.address: pin_of(device) for device in found})
    pinned = {place.address: (old, pins[old]) for old, place in places.items() if place.address is not None}
    if wanted is not None:
        by_place = {address: pin for address, (_old, pin) in pinned.items()}
        chosen = {device.address for selector in selectors for device in select(selector, found, by_place)}
        found = tuple(device for device in found if device.address in chosen)
    return {
        "devices": [
            _describe(device, device.address in (claims or ()), pinned.get(device.address), pins.get(device.address))
            for device in found
        ],
        "backend": claims is not None,
    }


def _describe(device: Device, assignable: bool, pinned: tuple[Address, Pin] | None, here: Pin | None) -> dict[str, Any]:
    """The documented form of one function.

    :param pinned: its pin, and the address that it is under
    :param here: the pin at its address
    """
    return {
        "address": str(device.address),
        "pcictl": device.address.pcictl,
        "id": device.id,
        "subsystem": device.subsystem_id,
        "class": f"{device.class_code:06x}",
        "revision": device.revision,
        "name": device.name,
        "driver": device.driver,
        "driver_before": pinned[1].driver if pinned else None,
        "slot": device.slot,
        "mac": device.mac or (pinned[1].mac if pinned else None),
        "serial": device.serial,
        "pinned_at": str(pinned[0]) if pinned else None,
        "not_as_pinned": list(differences(here, pin_of(device))) if here else [],
        "bars": None
        if device.bars is None
        else [{**each.__dict__, "address": hex(each.address)} for each in device.bars],
        "irq": device.irq,
        "bridge": device.is_bridge,
        "iommu_group": device.iommu_group,
        "reset_methods": None if device.reset_methods is None else list(device.reset_methods),
        "numa_node": device.numa_node,
        "assignable": assignable,
    }
