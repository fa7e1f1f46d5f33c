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
            description: What xl does about a conflict over reserved memory (HVM only).
            type: str
            choices: [strict, relaxed]
          vslot:
            description: The slot that the guest sees, hexadecimal from V(1) to V(1f); V(0) leaves it to xl.
            type: str
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
  - xen.pciback.state_directory
  - xen.pciback.state_directory.lock
  - xen.pciback.state_directory.originals
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
notes:
  - Needs to write the files, the directories that they are in, and O(state_directory); that is root as a rule. In check
    mode it needs to read the files and what O(state_directory) holds.
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

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    XL_DEVICE_OPTIONS,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import GUEST, Originals
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.errors import CODE
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, note, restore
from ansible_collections.xen.pciback.plugins.module_utils.refusals import ASSIGNED_TWICE

MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Edit:
    """A guest's file as it is and as it is wanted; ``None`` if it is gone."""

    config: str
    before: bytes | None
    after: XlConfig | None
    warnings: tuple[str, ...] = ()

    @property
    def data(self) -> bytes | None:
        """The bytes that are wanted."""
        return None if self.after is None else self.after.data

    @property
    def change(self) -> Change:
        return Change(os.path.realpath(self.config), GUEST, self.before, self.data)

    @property
    def changed(self) -> bool:
        return self.before != self.data


def check_places(domains: Sequence[Mapping[str, Any]]) -> None:
    """Make sure that no file is given twice.

    :raises PcibackError: otherwise
    """
    places: set[str] = set()
    for domain in domains:
        place = os.path.realpath(domain["config"])
        if place in places:
            raise PcibackError(f"{domain['config']} is given twice; list all of its devices in one place")
        places.add(place)


def check_owners(domains: Sequence[Mapping[str, Any]]) -> list[list[PciSpec]]:
    """Each guest's devices, if no device belongs to two guests.

    :raises PcibackError: otherwise, or an address or option is none
    """
    owners: dict[Any, str] = {}
    wanted = []
    for domain in domains:
        config = domain["config"]
        if domain["devices"] is None:
            raise PcibackError(f"{config} has no 'devices'; an empty list takes all of them out of it")
        specs = [PciSpec.from_options(device) for device in domain["devices"]]
        for spec in specs:
            owner = owners.setdefault(spec.key, config)
            if owner != config:
                raise PcibackError(
                    f"{spec.device} is given to {owner} and to {config}; a device belongs to one guest",
                    code=ASSIGNED_TWICE,
                )
        wanted.append(specs)
    return wanted


def moved(domain: Mapping[str, Any]) -> dict[Address, Address]:
    """Where a guest's devices have gone.

    :raises PcibackError: one of the addresses is none
    """
    return {parse_address(str(old)): parse_address(str(new)) for old, new in domain["moves"].items()}


def plan_edit(config: str, specs: Sequence[PciSpec], moves: Mapping[Address, Address]) -> Edit:
    """Read a file and work out what it has to be.

    :raises PcibackError: it can't be read, or xl would refuse it
    """
    try:
        data = read_file(config, limit=MOST_BYTES)
    except PcibackError as error:
        error.code = CODE
        raise
    after = with_pci(XlConfig.parse(data, config), specs, moves)
    return Edit(config, data, after, after.warnings)


def plan_return(config: str, originals: Originals) -> Edit:
    """Read a file and work out what it was.

    :raises PcibackError: it can't be read, or somebody has edited it so that xl would refuse it
    """
    try:
        data = read_file(config, limit=MOST_BYTES) if os.path.lexists(config) else None
    except PcibackError as error:
        error.code = CODE
        raise
    restored = restore(config, originals.files.get(os.path.realpath(config)), data)
    after = None if restored.data is None else XlConfig.parse(restored.data, config)
    return Edit(config, data, after, restored.warnings)


def describe(edit: Edit, backup_file: str) -> dict[str, Any]:
    """The documented result of one file."""
    return {
        "config": edit.config,
        "name": None if edit.after is None else edit.after.name,
        "changed": edit.changed,
        "devices": [] if edit.after is None else [str(address) for address in edit.after.addresses],
        "backup_file": backup_file,
    }


def difference(edit: Edit) -> dict[str, str]:
    """What diff mode shows of one file."""
    return {
        "before_header": edit.config,
        "after_header": edit.config,
        "before": (edit.before or b"").decode("utf-8", "backslashreplace"),
        "after": (edit.data or b"").decode("utf-8", "backslashreplace"),
    }


def apply_edits(edits: Sequence[Edit], backup: bool) -> list[str]:
    """Write what has changed; the paths of the backups, empty where none was made.

    :raises PcibackError: a file could not be replaced; the message says which were before
    """
    backups: list[str] = []
    done: list[str] = []
    for edit in edits:
        if not edit.changed or edit.data is None:
            backups.append("")
            continue
        try:
            backups.append(replace_file(edit.config, edit.data, expected=edit.before, backup=backup))
        except PcibackError as error:
            if done:
                error.message += f"; changed before that: {', '.join(done)}"
            raise
        done.append(edit.config)
    return backups


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
    domains = module.params["domains"]
    present = module.params["state"] == "present"
    try:
        check_places(domains)
        wanted = check_owners(domains) if present else []
        state = open_state_directory(module)
        with state.lock(f"module {module._name}", check_mode=module.check_mode):
            record = state.originals()
            if present:
                edits = [plan_edit(domain["config"], specs, moved(domain)) for domain, specs in zip(domains, wanted)]
            else:
                edits = [plan_return(domain["config"], record.originals) for domain in domains]
            noted = note(record.originals, [edit.change for edit in edits])
            differences = record.difference(noted.after)
            backups = [""] * len(edits)
            if not module.check_mode:
                record.save(noted.before)
                backups = apply_edits(edits, module.params["backup"])
                record.save(noted.after)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    for warning in dict.fromkeys([*(warning for edit in edits for warning in edit.warnings), *noted.warnings]):
        module.warn(warning)
    differences = [difference(edit) for edit in edits if edit.changed] + differences
    module.exit_json(
        changed=bool(differences),
        domains=[describe(edit, backup_file) for edit, backup_file in zip(edits, backups)],
        diff=differences,
    )


if __name__ == "__main__":
    main()
