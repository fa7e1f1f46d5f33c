#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: assignable
short_description: Hands PCI devices of a Linux dom0 to pciback, and back to their drivers
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Takes devices from their drivers while dom0 runs, so that guests can get them without a reboot, and gives them back.
  - Does what C(xl pci-assignable-add) and C(xl pci-assignable-remove -r) do, and refuses what they let pass. A bridge is
    refused, and so is what dom0 stands on, and a device that a guest still has. Success means that the device is where
    it should be.
  - The driver that a device had is recorded on the host, and gets it back.
  - Lasts until the next boot; M(xen.pciback.boot_hide) is for those that follow.
options:
  devices:
    description:
      - Selectors of the devices.
      - Each must name exactly one function unless it says O(devices[].all=true).
    required: true
  state:
    description:
      - V(assigned) lets pciback hold the devices, and loads xen-pciback if it is not there.
      - V(returned) gives them to the drivers that they had. Where none is recorded, it is the one that xl noted, or else
        the kernel chooses.
    type: str
    choices: [assigned, returned]
    default: assigned
  xl:
    description: The path of xl. By default C(/usr/sbin/xl) or C(/usr/local/sbin/xl).
    type: path
extends_documentation_fragment:
  - xen.pciback.allow
  - xen.pciback.selectors
  - xen.pciback.attributes
  - xen.pciback.state_directory
  - xen.pciback.state_directory.drivers
  - xen.pciback.state_directory.lock
  - xen.pciback.state_directory.pins
attributes:
  check_mode:
    support: full
    details: It can't know which driver the kernel will choose where none is recorded. A device that a guest still has is
      a warning, because a task before may detach it.
  diff_mode:
    support: full
  platform:
    platforms: Linux
notes:
  - Needs root, because sysfs is root's to write.
  - NetBSD's kernel takes devices at boot only.
seealso:
  - module: xen.pciback.boot_hide
  - module: xen.pciback.domain
"""

EXAMPLES = r"""
- name: Two cards are for guests now
  xen.pciback.assignable:
    devices:
      - address: "03:00.0"
      - id: "10ec:8139"

- name: One goes back to its driver
  xen.pciback.assignable:
    devices:
      - address: "03:00.0"
    state: returned
"""

RETURN = r"""
devices:
  description: The devices, in bus order.
  type: list
  elements: dict
  returned: success
  contains:
    address:
      description: Canonical address, hexadecimal, with the domain.
      type: str
      sample: "0000:03:00.0"
    id:
      description: Vendor and device.
      type: str
      sample: "8086:10d3"
    name:
      description: Vendor and product, empty where the host has no list of names.
      type: str
      sample: Intel Corporation 82574L Gigabit Network Connection
    before:
      description: The driver that held it, null if none did.
      type: str
      sample: e1000e
    after:
      description: The driver that holds it now, null if none does, or in check mode if that is not known.
      type: str
      sample: pciback
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    ALLOW,
    SELECTOR_OPTIONS,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import locate, pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector, select
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus as linux_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.pciback import DRIVER, Pciback
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import RecordFile, StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import Xl, find_xl
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BRIDGE

Drivers = RecordFile[Mapping[Address, "str | None"]]


def choose(module: AnsibleModule, found: Sequence[Device], state: StateDirectory) -> tuple[Device, ...]:
    """The devices that the selectors name, in bus order.

    :raises PcibackError: one names none or several
    """
    pins = state.pins()
    places = locate(pins, {device.address: pin_of(device) for device in found})
    by_place = {place.address: pins[old] for old, place in places.items() if place.address is not None}
    selectors = [parse_selector(item) for item in module.params["devices"]]
    chosen = {device.address: device for selector in selectors for device in select(selector, found, by_place)}
    return tuple(chosen[address] for address in sorted(chosen))


def check_assign(module: AnsibleModule, host: Platform, chosen: Sequence[Device], found: Sequence[Device]) -> None:
    """Make sure that dom0 can do without the devices.

    :raises PcibackError: it can't, with all reasons
    """
    allowed = {(item["code"], parse_address(item["address"], max_domain=0)) for item in module.params["allow"]}
    refusals = []
    for device in chosen:
        if device.is_pci_bridge:
            refusals.append(
                (
                    BRIDGE,
                    f"{device.describe()} is a PCI bridge: dom0 would lose what is behind it",
                    "take that instead",
                )
            )
        elif device.is_bridge and (BRIDGE, device.address) not in allowed:
            refusals.append((BRIDGE, f"{device.describe()} is a bridge that the machine itself needs", "leave it"))
    leaving = [device for device in chosen if not device.held_by_pciback]
    if leaving:
        owners: dict[Address, str | None] = dict.fromkeys([*(host.claims() or ()), *(each.address for each in leaving)])
        verdict = guard(host.facts(found, module.params["xl"]), found, leaving, owners)
        for finding in verdict.findings:
            if (finding.code, finding.device) in allowed:
                module.warn(f"overridden by the owner: {finding.code} for {finding.device.bdf}: {finding.message}")
            else:
                refusals.append((finding.code, finding.message, finding.remedy))
        for warning in verdict.warnings:
            module.warn(warning)
    if refusals:
        raise PcibackError(
            "; ".join(message for _code, message, _remedy in refusals),
            code=refusals[0][0],
            remedy="; ".join(dict.fromkeys(remedy for _code, _message, remedy in refusals)),
        )


def check_return(module: AnsibleModule, chosen: Sequence[Device], xl: str | None) -> None:
    """Make sure that no guest has the devices.

    :raises PcibackError: one has, outside check mode
    """
    if xl is None:
        return
    owners = {address: domain.name for domain in Xl(runner(module), xl).domains() for address in domain.devices}
    for device in chosen:
        owner = owners.get(device.address)
        if owner is None:
            continue
        message = f"{device.address.bdf} is with guest {owner}"
        if not module.check_mode:
            raise PcibackError(message, remedy="detach it there first, or shut the guest down")
        module.warn(f"{message}, and has to be detached first")


def assign(module: AnsibleModule, pciback: Pciback, record: Drivers, chosen: Sequence[Device]) -> None:
    """Hand devices to pciback. Their drivers are recorded first."""
    now = {device.address: pciback.holder(device.address) for device in chosen}
    # One that a killed run has left without a driver keeps the driver that was recorded then.
    new = {
        address: driver
        for address, driver in now.items()
        if driver != DRIVER and (driver is not None or address not in record.value)
    }
    record.save({**record.value, **new})
    pciback.load()
    for device in chosen:
        pciback.assign(device.address)


def give_back(pciback: Pciback, record: Drivers, chosen: Sequence[Device]) -> None:
    """Give devices to their drivers."""
    for device in chosen:
        address = device.address
        recorded = address in record.value
        noted = None if recorded else pciback.driver_before(address)
        pciback.release(address, record.value.get(address, noted), known=recorded or noted is not None)
    back = {device.address for device in chosen}
    record.save({address: driver for address, driver in record.value.items() if address not in back})


def work(module: AnsibleModule, state: StateDirectory) -> dict[str, Any]:
    """Do what the parameters say, and return the documented result."""
    params = module.params
    host = platforms.here(runner(module))
    if host.backends["kernel"].needs_reboot:
        raise PcibackError(
            "NetBSD's kernel takes devices from dom0 at boot only; this module is for Linux dom0s",
            remedy="use xen.pciback.boot_hide and reboot",
        )
    host.check_dom0()
    found = host.devices()
    chosen = choose(module, found, state)
    before = {device.address: device.driver for device in chosen}
    toolstack = toolstack_of(params["xl"])
    pciback = Pciback(runner(module), linux_bus.SYS, toolstack)
    record = state.drivers()
    if params["state"] == "assigned":
        check_assign(module, host, chosen, found)
        moving = [device for device in chosen if device.driver != DRIVER]
        after: dict[Address, str | None] = dict.fromkeys(before, DRIVER)
        if moving and not module.check_mode:
            assign(module, pciback, record, moving)
    else:
        moving = [device for device in chosen if device.driver == DRIVER or device.address in record.value]
        check_return(module, moving, toolstack)
        after = {
            device.address: record.value.get(device.address) if device in moving else device.driver for device in chosen
        }
        if moving and not module.check_mode:
            give_back(pciback, record, moving)
    if not module.check_mode:
        after = {address: pciback.holder(address) for address in before}
    return {
        "changed": bool(moving),
        "devices": [
            {
                "address": str(device.address),
                "id": device.id,
                "name": device.name,
                "before": before[device.address],
                "after": after[device.address],
            }
            for device in chosen
        ],
        "diff": [
            {
                "before_header": f"driver of {device.address}",
                "after_header": f"driver of {device.address}",
                "before": f"{before[device.address] or 'none'}\n",
                "after": f"{after[device.address] or 'none'}\n",
            }
            for device in moving
        ],
    }


def toolstack_of(path: str | None) -> str | None:
    """The path of xl, ``None`` if there is no toolstack: then no guest has a device."""
    try:
        return path or find_xl()
    except PcibackError:
        return None


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "devices": {"type": "list", "elements": "dict", "required": True, "options": dict(SELECTOR_OPTIONS)},
            "state": {"type": "str", "choices": ["assigned", "returned"], "default": "assigned"},
            "allow": dict(ALLOW),
            "xl": {"type": "path"},
            **state_directory_options("drivers", "record", "lock"),
        },
        supports_check_mode=True,
    )
    try:
        state = open_state_directory(module)
        with state.lock(f"module {module._name}", check_mode=module.check_mode):
            result = work(module, state)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
