#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: device_info
short_description: Lists the PCI functions of a NetBSD dom0
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Lists every PCI function with its address in hexadecimal, as boot.cfg(5) and xl want it, and in decimal, as pcictl(8) prints it.
  - Tells which driver holds it, whether pciback(4) offers it to guests, and with which words a selector finds it.
options:
  devices:
    description:
      - Selectors; only the functions that one of them names are returned. All functions by default.
      - Each must name exactly one function unless it says O(devices[].all=true).
    type: list
    elements: dict
    suboptions:
      address:
        description: Hexadecimal BDF, such as V(03:00.0).
        type: str
      id:
        description: Vendor and device, such as V(8086:10d3). Quote it, YAML takes some for numbers.
        type: str
      subsystem:
        description: Vendor and device of the subsystem.
        type: str
      class:
        description: Class code of two, four or six hexadecimal digits, or a word such as V(ethernet) or V(nvme).
        type: str
      driver:
        description: The driver, with its unit (V(wm1)) or without (V(wm)); one that held the function before it was hidden counts too.
        type: str
      name:
        description: A part of the function's name, or a pattern with C(*) and C(?); upper and lower case are the same.
        type: str
      all:
        description: Take every function that matches.
        type: bool
        default: false
  configuration:
    description:
      - Also read configuration space, for subsystem, BARs and interrupt line. It costs one call of pcictl(8) a function.
    type: bool
    default: true
  record:
    description: File on the host that remembers which driver a hidden device had.
    type: path
    default: /var/db/xen-pciback/devices.json
extends_documentation_fragment:
  - xen.pciback.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing.
notes:
  - Needs root, because /dev/pciN and /kern/xen/pci are root's.
"""

EXAMPLES = r"""
- name: Every PCI function of the host
  xen.pciback.device_info:
  register: bus

- name: Network cards that dom0 still uses
  ansible.builtin.debug:
    msg: "{{ bus.devices | selectattr('class', 'match', '0200') | rejectattr('assignable') | map(attribute='address') }}"

- name: The second Intel card, and nothing else
  xen.pciback.device_info:
    devices:
      - driver: wm1
"""

RETURN = r"""
devices:
  description: One element a function, in bus order.
  type: list
  elements: dict
  returned: success
  contains:
    address:
      description: Canonical address, hexadecimal, with the domain.
      type: str
      sample: "0000:00:1f.0"
    pcictl:
      description: The same address as pcictl(8) prints it, decimal.
      type: str
      sample: "000:31:0"
    id:
      description: Vendor and device.
      type: str
      sample: "8086:100e"
    subsystem:
      description: Vendor and device of the subsystem, null if it was not read.
      type: str
      sample: "1af4:1100"
    class:
      description: Class, subclass and interface, six hexadecimal digits.
      type: str
      sample: "020000"
    revision:
      description: Revision.
      type: int
      sample: 3
    name:
      description: Vendor and product as pcictl(8) names them.
      type: str
      sample: Intel i82540EM 1000baseT Ethernet
    driver:
      description: The driver instance that holds the function, null if none does.
      type: str
      sample: wm1
    driver_before:
      description: The driver that held it before it was hidden, null if that is not known.
      type: str
      sample: wm1
    bars:
      description: Base address registers in use, null if configuration space was not read.
      type: list
      elements: dict
      sample: [{"index": 0, "kind": "mem32", "address": "0xfeb20000", "prefetchable": false}]
    irq:
      description: Interrupt line, null if none.
      type: int
      sample: 11
    bridge:
      description: Whether it is a bridge; a PCI bridge must never be hidden.
      type: bool
      sample: false
    assignable:
      description: Whether pciback(4) offers it to guests.
      type: bool
      sample: true
backend:
  description: Whether the running kernel's backend is up, that is whether /kern/xen/pci exists.
  type: bool
  returned: success
  sample: true
"""

import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.arguments import SELECTOR_OPTIONS
from ansible_collections.xen.pciback.plugins.module_utils.device import Device, parse_selector, select
from ansible_collections.xen.pciback.plugins.module_utils.dom0 import netbsd, records
from ansible_collections.xen.pciback.plugins.module_utils.dom0.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.remembered import Remembered


def as_result(device: Device, assignable: bool, before: Remembered | None) -> dict[str, Any]:
    """The documented form of one function."""
    return {
        "address": str(device.address),
        "pcictl": device.address.pcictl,
        "id": device.id,
        "subsystem": device.subsystem_id,
        "class": f"{device.class_code:06x}",
        "revision": device.revision,
        "name": device.name,
        "driver": device.driver,
        "driver_before": before.driver if before else None,
        "bars": None
        if device.bars is None
        else [{**each.__dict__, "address": hex(each.address)} for each in device.bars],
        "irq": device.irq,
        "bridge": device.is_bridge,
        "assignable": assignable,
    }


def look(module: AnsibleModule) -> dict[str, Any]:
    """Read the bus and return what the selectors name."""
    netbsd.check_dom0(runner(module))
    selectors = [parse_selector(item) for item in module.params["devices"] or []]
    configuration = module.params["configuration"] or any(
        key == "subsystem" for selector in selectors for key, _value in selector.criteria
    )
    found = netbsd.devices(runner(module), configuration=configuration)
    claims = netbsd.claims()
    remembered: Mapping[Address, Remembered] = records.read_devices(module.params["record"])
    if module.params["devices"] is not None:
        chosen = {device for selector in selectors for device in select(selector, found, remembered)}
        found = tuple(device for device in found if device in chosen)
    return {
        "devices": [
            as_result(device, device.address in (claims or ()), remembered.get(device.address)) for device in found
        ],
        "backend": claims is not None,
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "devices": {"type": "list", "elements": "dict", "options": dict(SELECTOR_OPTIONS)},
            "configuration": {"type": "bool", "default": True},
            "record": {"type": "path", "default": os.path.join(records.DIRECTORY, records.DEVICES)},
        },
        supports_check_mode=True,
    )
    try:
        result = look(module)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
