#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: domain_pci
short_description: Lists the PCI devices of guests in their xl configuration files
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Makes the C(pci) list of each xl configuration file hold exactly the given devices.
  - Puts files back as they were before their first change, if that is asked for.
  - Everything else of a file stays as it is, byte for byte. Entries that already say what is wanted keep their
    spelling, their place and their comments; new ones are written in the style of the file.
  - All files are read and checked before any is changed; if one is refused, none is changed.
  - A running guest does not notice; it has the devices of its file when it is started again, see M(xen.pciback.domain).
options:
  domains:
    description: The guests' files, with O(state=present) each with the devices that the guest owns.
    type: list
    elements: dict
    required: true
    suboptions:
      config:
        description: The xl configuration file. It has to exist, unless it is to be put back.
        type: path
        required: true
      devices:
        description:
          - The devices, all of them. An empty list takes the C(pci) statement out of the file.
          - An option that is not given is left as the file has it.
          - Required if O(state=present).
        type: list
        elements: dict
        suboptions:
          address:
            description: Hexadecimal BDF, such as V(03:00.0) or V(0000:03:00.0).
            type: str
            required: true
          permissive:
            description: Let the guest write all of the device's configuration space.
            type: bool
          msitranslate:
            description: Translate between MSI and INTx for the guest (HVM only).
            type: bool
          seize:
            description: Let xl take the device from its driver (not on NetBSD).
            type: bool
          power_mgmt:
            description: Let the guest change the device's power state (HVM only).
            type: bool
          rdm_policy:
            description: What xl does about a conflict over reserved memory (HVM only), or Xen for pcibackd.
            type: str
            choices: [strict, relaxed]
          vslot:
            description:
              - The slot that the guest sees, hexadecimal from V(1) to V(1f); V(0) leaves it to xl.
              - Quote it; a number above 7 is refused, because YAML makes V(8) of V(010).
            type: raw
      moves:
        description:
          - Devices that are at another address than when the file was written, old address to new address. Their entries
            keep their places and what else they say.
          - A file that holds exactly O(domains[].devices) is left alone.
        type: dict
        default: {}
  state:
    description:
      - V(present) makes the files list the devices.
      - V(original) puts them back as they were before they were changed for the first time, byte for byte, with the
        C(pci) list that they had then. If somebody else has edited a file since, the edit stays and only the list is
        put back. A file that was never changed, or that is gone, stays so.
    type: str
    choices: [present, original]
    default: present
  backup:
    description: Keep each file as it was beside the changed one.
    type: bool
    default: false
extends_documentation_fragment:
  - xen.pciback.attributes
  - xen.pciback.attributes.action_group
  - xen.pciback.state_directory
  - xen.pciback.state_directory.lock
  - xen.pciback.state_directory.originals
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
notes:
  - Needs root, because the files, which may hold passwords, and O(state_directory) are root's; in check mode too.
seealso:
  - module: xen.pciback.domain
  - module: xen.pciback.boot_hide
"""

EXAMPLES = r"""
- name: Give a network card to the firewall and nothing to the mail server
  xen.pciback.domain_pci:
    domains:
      - config: /usr/pkg/etc/xen/firewall
        devices:
          - address: "03:00.0"
          - address: "03:00.1"
            permissive: true
      - config: /usr/pkg/etc/xen/mail
        devices: []
    backup: true

- name: Put the firewall's file back as it was before its first change
  xen.pciback.domain_pci:
    state: original
    domains:
      - config: /usr/pkg/etc/xen/firewall
"""

RETURN = r"""
domains:
  description: What became of each file, in the order in which they were given.
  type: list
  elements: dict
  returned: success
  contains:
    config:
      description: The file.
      type: str
      sample: /usr/pkg/etc/xen/firewall
    name:
      description: The guest's name in the file, null if it gives none or is gone.
      type: str
      sample: firewall
    changed:
      description: Whether the file was changed.
      type: bool
    devices:
      description: The devices that xl reads from the file now, in its order.
      type: list
      elements: str
      sample: ["0000:03:00.0", "0000:03:00.1"]
    backup_file:
      description: Where the file is kept as it was, empty if nothing was kept.
      type: str
      sample: /usr/pkg/etc/xen/firewall.2711.2026-01-31@12:00:00~
code:
  description: The refusal's code.
  type: str
  returned: failure
  sample: assigned-twice
remedy:
  description: What can be done about a refusal, null if the message says it all.
  type: str
  returned: failure
"""

import dataclasses

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    XL_DEVICE_OPTIONS,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.guest_files import write_guest_files
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "domains": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "config": {"type": "path", "required": True},
                    "devices": {
                        "type": "list",
                        "elements": "dict",
                        "options": {"address": {"type": "str", "required": True}, **XL_DEVICE_OPTIONS},
                    },
                    "moves": {"type": "dict", "default": {}},
                },
            },
            "state": {"type": "str", "choices": ["present", "original"], "default": "present"},
            "backup": {"type": "bool", "default": False},
            **state_directory_options("originals", "lock"),
        },
        supports_check_mode=True,
    )
    try:
        require_root()
        result = write_guest_files(
            module.params["domains"],
            put_back=module.params["state"] == "original",
            backup=module.params["backup"],
            records=open_state_directory(module),
            who=f"module {module._name}",
            check_mode=module.check_mode,
        )
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(
        changed=result.changed,
        domains=[dataclasses.asdict(file) for file in result.files],
        diff=list(result.differences),
    )


if __name__ == "__main__":
    main()
