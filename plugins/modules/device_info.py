#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: device_info
short_description: Lists the PCI functions of a Xen dom0
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Lists every PCI function with its address in hexadecimal, as boot configurations and xl want it, and in decimal, as
    NetBSD's pcictl(8) prints it.
  - Tells which driver holds it, whether pciback offers it to guests, and with which words a selector finds it.
options:
  devices:
    description:
      - Selectors; only the functions that one of them names are returned. All functions by default.
      - Each must name exactly one function unless it says O(devices[].all=true).
  configuration:
    description:
      - Also read configuration space, for subsystem, slot, serial number, BARs and interrupt line. On NetBSD it costs one
        call of pcictl(8) a function; on Linux it is always read.
    type: bool
    default: true
extends_documentation_fragment:
  - xen.pciback.selectors
  - xen.pciback.attributes
  - xen.pciback.attributes.action_group
  - xen.pciback.state_directory
  - xen.pciback.state_directory.pins
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing.
notes:
  - Needs root. NetBSD's /dev/pciN and /kern/xen/pci are root's, and Linux shows others 64 bytes of configuration space.
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
      description: Vendor and product as pcictl(8) names them, or pci.ids(5) on Linux, where it may be empty.
      type: str
      sample: Intel i82540EM 1000baseT Ethernet
    driver:
      description: The driver that holds the function, on NetBSD with its unit; null if none does.
      type: str
      sample: wm1
    driver_before:
      description: The driver that held it before it was hidden, null if that is not known.
      type: str
      sample: wm1
    slot:
      description: Path through the bridges, null if configuration space was not read.
      type: str
      sample: "0000:00/1c.0/00.0"
    mac:
      description: Ethernet address of the driver's interface; of a pinned function without one, what it was. Null if unknown.
      type: str
      sample: "52:54:00:12:34:5a"
    serial:
      description: Device serial number of PCI Express, null if it has none or it could not be read.
      type: str
      sample: 00-1b-21-ff-ff-12-34-56
    pinned_at:
      description: The address that the function is pinned under, which is another one after it moved; null if it is not pinned.
      type: str
      sample: "0000:00:1f.0"
    not_as_pinned:
      description: What differs from the pin at this address, if another function was pinned here.
      type: list
      elements: str
      sample: ["id 10ec:8139 instead of 8086:100e"]
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
    iommu_group:
      description: The IOMMU group, null where the kernel knows none; under Xen the IOMMU is Xen's, so that is usual.
      type: str
      sample: "7"
    reset_methods:
      description: How the kernel can reset the function, null where it does not say.
      type: list
      elements: str
      sample: [flr, bus]
    numa_node:
      description: The NUMA node, null where there is only one or the system does not say.
      type: int
      sample: 0
    assignable:
      description: Whether pciback offers it to guests.
      type: bool
      sample: true
backend:
  description: Whether the running kernel's backend is up; whether /kern/xen/pci exists, or Linux's xen-pciback is loaded.
  type: bool
  returned: success
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    SELECTOR_OPTIONS,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.device_report import report
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "devices": {"type": "list", "elements": "dict", "options": dict(SELECTOR_OPTIONS)},
            "configuration": {"type": "bool", "default": True},
            **state_directory_options("record"),
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        require_root()
        host, state = platforms.here(run), open_state_directory(module)
        result = report(host, state, params["devices"], configuration=params["configuration"])
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
