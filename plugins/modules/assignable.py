#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: assignable
short_description: Takes PCI devices from drivers of a dom0 that runs, and gives them back
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Takes devices from their drivers while dom0 runs, so that guests can get them without a reboot, and gives them back.
  - Does what C(xl pci-assignable-add) and C(xl pci-assignable-remove -r) do, and refuses what they let pass. A bridge is
    refused, and so is what dom0 stands on, and a device that a guest still has. Success means that the device is where
    it should be.
  - The driver that a device had is recorded on the host, and gets it back.
  - With V(kernel) as O(backend), on Linux, it lasts until the next boot; M(xen.pciback.boot_hide) is for those that follow.
  - With V(native), on NetBSD and Linux, pcibackd takes them, which M(xen.pciback.native_backend) installs. On NetBSD a
    driver lets go of a device whoever uses it; so what dom0 stands on is refused first.
options:
  devices:
    description:
      - Selectors of the devices.
      - Each must name exactly one function unless it says O(devices[].all=true).
    required: true
  state:
    description:
      - V(assigned) lets the backend hold the devices, and loads xen-pciback if that is to and is not there.
      - V(returned) gives them to the drivers that they had. Where none is recorded, it is the one that xl noted, or else
        the kernel chooses.
      - V(released) lets the other backend have them, which no driver of dom0 holds in between. With V(kernel) as O(backend),
        xen-pciback is unloaded, too, beside which pcibackd does not start. Since 0.2.0.
    type: str
    choices: [assigned, returned, released]
    default: assigned
  pins:
    description:
      - What the devices are, as M(xen.pciback.plan) gives it, to be recorded before they are taken. Without it the record
        stays as it is.
    type: dict
    version_added: 0.2.0
  after_reboot:
    description:
      - Whether the host will have been rebooted when this runs, and will have taken the devices itself, because its start-up was
        told so. Only check mode needs to know it.
    type: bool
    default: false
    version_added: 0.2.0
  after_release:
    description:
      - Whether the other backend will have let go of the devices when this runs. Only check mode needs to know it.
    type: bool
    default: false
    version_added: 0.2.0
  irq:
    description:
      - The interrupts (GSI) of devices whose interrupt only their owner knows, each a number from 1 to 254 under the
        address, such as V(20) under V(0000:00:05.0). Only for O(backend=native); what the system itself says counts, and one that contradicts it is refused.
      - Of a device that is assigned already, the next guest gets it. One that is not here is left to the system.
    type: dict
    default: {}
    version_added: 0.2.0
  xl:
    description: The path of xl. By default C(/usr/sbin/xl) or C(/usr/local/sbin/xl).
    type: path
extends_documentation_fragment:
  - xen.pciback.backend
  - xen.pciback.allow
  - xen.pciback.selectors
  - xen.pciback.attributes
  - xen.pciback.attributes.action_group
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
    platforms: NetBSD, Linux
notes:
  - Needs root, because devices are root's to take; in check mode too, because xl is root's.
  - NetBSD's kernel takes devices at boot only, so there O(backend=native) is needed.
seealso:
  - module: xen.pciback.boot_hide
  - module: xen.pciback.domain
"""

EXAMPLES = r"""
- name: Two cards are for guests now
  xen.pciback.assignable:
    devices:
      - address: "00:05.0"
      - id: "8086:10d3"

- name: One goes back to its driver
  xen.pciback.assignable:
    devices:
      - address: "00:05.0"
    state: returned

- name: Two cards are for pcibackd, which the next task starts
  xen.pciback.assignable:
    devices:
      - address: "00:05.0"
      - id: "8086:10d3"
    state: released
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    ALLOW,
    BACKEND,
    SELECTOR_OPTIONS,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.assignment import (
    ASSIGNED,
    STATES,
    AssignmentRequest,
    hand_over,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "devices": {"type": "list", "elements": "dict", "required": True, "options": dict(SELECTOR_OPTIONS)},
            "state": {"type": "str", "choices": list(STATES), "default": ASSIGNED},
            "allow": dict(ALLOW),
            "pins": {"type": "dict"},
            "after_reboot": {"type": "bool", "default": False},
            "after_release": {"type": "bool", "default": False},
            "irq": {"type": "dict", "default": {}},
            "xl": {"type": "path"},
            **BACKEND,
            **state_directory_options("drivers", "record", "lock"),
        },
        supports_check_mode=True,
    )
    params = module.params
    request = AssignmentRequest(
        selectors=params["devices"],
        state=params["state"],
        allow=params["allow"],
        xl=params["xl"],
        check_mode=module.check_mode,
        backend=params["backend"],
        pins=params["pins"],
        pcibackctl=params["pcibackctl"],
        after_reboot=params["after_reboot"],
        after_release=params["after_release"],
        irqs=params["irq"],
    )
    try:
        require_root()
        state = open_state_directory(module)
        with state.lock(f"module {module._name}", check_mode=module.check_mode):
            result = hand_over(run, platforms.here(run), state, request, module.warn)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
