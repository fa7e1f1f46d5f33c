#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_hide
short_description: Hides PCI devices from a NetBSD dom0 in boot.cfg
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Writes the hide list of pciback(4) into the menu entries of boot.cfg(5) that start Xen, where the dom0 kernel
    surely reads it, and nowhere else. All other bytes of the file stay as they are.
  - Puts it on C(load) if path and arguments stay within the 79 characters that the loader keeps, else behind C( -- )
    on C(multiboot), else in the short form that the kernel accepts as well. Refuses what does not fit, and what would
    not boot.
  - Takes effect at the next boot.
options:
  path:
    description: The boot configuration. A symbolic link is refused.
    type: path
    default: /boot.cfg
  devices:
    description:
      - The PCI functions to hide, as hexadecimal BDF with or without the domain; pcictl(8) prints decimal.
      - Any other function is no longer hidden. An empty list is the same as O(state=absent).
      - Required if O(state=present).
    type: list
    elements: str
  state:
    description: Whether there is a hide list. V(absent) removes every list, broken ones too.
    type: str
    choices: [present, absent]
    default: present
  entries:
    description:
      - Which menu entries get the list. V(xen) stands for every entry that starts Xen, V(default) for the one that
        boots by default.
      - A list of titles stands for these entries.
    type: raw
    default: xen
  previous:
    description:
      - Whether to keep a last menu entry, titled like the first but with C((previous pciback\)) behind it, that boots
        with the list from before the last change.
      - It is left out where it would change which entry boots or how the menu looks; RV(previous) says why.
    type: bool
    default: true
  predictor:
    description:
      - Path of V(pcibackctl) on the host. If given, it must predict for every edited entry that the kernel claims
        exactly these devices, or nothing is changed.
    type: path
  backup:
    description: Whether to keep a copy of the file with a timestamp in its name.
    type: bool
    default: false
  record:
    description: File on the host that keeps O(pins).
    type: path
    default: /var/db/xen-pciback/devices.json
  pins:
    description:
      - The identities of the devices that are or will be hidden, so that a later run finds them when they have moved,
        and notices when another card has taken their place. Keys are addresses with domain; values have V(id),
        V(subsystem), V(class), V(driver), V(slot), V(mac), V(serial) and V(known_as), as M(xen.pciback.plan) makes them.
      - Takes the place of all that O(record) holds, before the boot configuration is changed. Without any, O(record) is
        removed.
      - If it is not given, O(record) is left alone.
    type: dict
extends_documentation_fragment:
  - xen.pciback.attributes
  - xen.pciback.lock
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
notes:
  - Needs root, because O(path), O(record) and O(lock) are root's. In check mode it needs to read O(path) and O(record).
  - Two readers check every change. This module reads its own result as the loader, Xen and the kernel do, and
    O(predictor) does the same with code that shares nothing with it.
seealso:
  - module: xen.pciback.device_info
  - module: xen.pciback.plan
"""

EXAMPLES = r"""
- name: Hide two network cards from dom0
  xen.pciback.boot_hide:
    devices:
      - "03:00.0"
      - "0000:04:00.1"
    backup: true

- name: Hide one in two entries only, and let pcibackctl check it
  xen.pciback.boot_hide:
    devices: ["00:1f.0"]
    entries:
      - Xen
      - Xen, single user
    predictor: /usr/local/sbin/pcibackctl

- name: Give everything back to dom0
  xen.pciback.boot_hide:
    state: absent
"""

RETURN = r"""
backup_file:
  description: The copy of the file from before, if O(backup=true) and the file changed.
  returned: changed
  type: str
  sample: /boot.cfg.4711.2026-01-31@12:00:00~
claims:
  description: What the dom0 kernel will take from its drivers when one of the entries boots, as addresses with domain.
  returned: success
  type: list
  elements: str
  sample: ["0000:03:00.0", "0000:04:00.1"]
entries:
  description: The menu entries that have the list.
  returned: success
  type: list
  elements: dict
  contains:
    number:
      description: Number in the menu, from 1.
      type: int
    title:
      description: Text in the menu.
      type: str
    line:
      description: Line in the file, from 1.
      type: int
    place:
      description: V(load), V(multiboot) or V(top-level), the last for a C(load=) line outside the menu.
      type: str
    value:
      description: The hide list.
      type: str
    form:
      description: V(long) or V(short), with or without leading zeros.
      type: str
    changed:
      description: Whether this call changed what the entry boots.
      type: bool
  sample:
    - {number: 1, title: Xen, line: 1, place: load, value: "(03:00.0)(04:00.1)", form: long, changed: true}
prediction:
  description: What O(predictor) says of each entry.
  returned: if O(predictor) is given
  type: list
  elements: dict
  contains:
    entry:
      description: Number in the menu.
      type: int
    outcome:
      description: V(registered) with a list, V(empty) without one.
      type: str
    claims:
      description: Addresses with domain, in the order of the list.
      type: list
      elements: str
  sample:
    - {entry: 1, outcome: registered, claims: ["0000:03:00.0", "0000:04:00.1"]}
previous:
  description: The entry that keeps the list from before.
  returned: success
  type: dict
  contains:
    number:
      description: Number in the menu, none if there is no such entry.
      type: int
    title:
      description: Text in the menu.
      type: str
    reason:
      description: Why there is none, or why it was left as it was.
      type: str
  sample: {number: 3, title: Xen (previous pciback), reason: ""}
"""

import os
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.xen.pciback.plugins.module_utils import pins
from ansible_collections.xen.pciback.plugins.module_utils.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.arguments import absolute_path, menu_entries
from ansible_collections.xen.pciback.plugins.module_utils.atomic_file import (
    make_directory,
    read_file,
    remove_file,
    replace_file,
)
from ansible_collections.xen.pciback.plugins.module_utils.boot_cfg import MAX_FILE, XEN, BootCfg, Edit
from ansible_collections.xen.pciback.plugins.module_utils.dom0 import records
from ansible_collections.xen.pciback.plugins.module_utils.dom0.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.dom0.host_lock import lock_host
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.native import (
    Prediction,
    boot_files,
    disagreement,
    predict,
)

MODE = 0o644
"""Of a record that did not exist; it tells nothing that dmesg(8) and ifconfig(8) don't."""


def read_boot_cfg(path: str) -> BootCfg:
    """Read the boot configuration; every refusal has the code of a bad one."""
    try:
        return BootCfg.parse(read_file(path, limit=MAX_FILE), file=path)
    except PcibackError as error:
        error.code = "boot-config-invalid"
        raise


def check_prediction(module: AnsibleModule, edit: Edit, wanted: list[Address]) -> list[Prediction]:
    """Have every edited entry predicted, and refuse if the model reads it in another way."""
    predictor = module.params["predictor"]
    numbers = [placement.number for placement in edit.entries]
    if not wanted:
        numbers = [entry.number for entry in edit.boot_cfg.entries if entry.kind == XEN]
    default = edit.boot_cfg.default
    predictions = []

    run = runner(module)
    with tempfile.NamedTemporaryFile(dir=module.tmpdir, prefix="boot.cfg.") as candidate:
        candidate.write(edit.boot_cfg.render())
        candidate.flush()
        for number in numbers:
            # An entry that somebody may choose one day can miss its kernel today; the one that boots must not.
            boots = default is not None and number == default.number
            files = boot_files(module.params["path"]) if boots else None
            prediction = predict(predictor, candidate.name, number, files=files, run=run)
            problem = disagreement(prediction, wanted)
            if not wanted and not prediction.claims:
                # An entry that doesn't boot for another reason is no reason to keep a list in it.
                problem = None
            if problem is None and default is not None and prediction.default != default.number:
                problem = f"entry {prediction.default} is predicted to boot by default, not {default.number}"
            if problem is not None:
                raise PcibackError(
                    f"{problem}; nothing was changed",
                    code="prediction-mismatch",
                    file=module.params["path"],
                    remedy="look at the file with 'pcibackctl boot --config FILE'",
                )
            predictions.append(prediction)
    return predictions


def update_record(module: AnsibleModule) -> dict[str, str] | None:
    """Make the record hold exactly the pins that are given; the difference, or ``None`` if there is none."""
    path = module.params["record"]
    if module.params["pins"] is None:
        return None
    wanted = pins.from_mapping(module.params["pins"])
    before = read_file(path, limit=pins.MAX_FILE) if os.path.lexists(path) else None
    if (before is None and not wanted) or (before is not None and wanted and pins.parse(before, path) == wanted):
        return None
    if not wanted:
        if not module.check_mode:
            remove_file(path)
        return difference(path, before or b"", b"")
    after = pins.render(wanted)
    if not module.check_mode:
        make_directory(os.path.dirname(path))
        replace_file(path, after, expected=before, mode=MODE)
    return difference(path, before or b"", after)


def difference(path: str, before: bytes, after: bytes) -> dict[str, str]:
    """What Ansible shows in diff mode."""
    return {
        "before_header": path,
        "after_header": path,
        "before": to_text(before, errors="replace"),
        "after": to_text(after, errors="replace"),
    }


def edit_boot_cfg(module: AnsibleModule) -> dict[str, Any]:
    """Do what the parameters say, and return the documented result."""
    path = module.params["path"] = absolute_path(module.params["path"], "path")
    module.params["record"] = absolute_path(module.params["record"], "record")
    present = module.params["state"] == "present"
    wanted = [parse_address(text, max_domain=0) for text in module.params["devices"] or []] if present else []
    boot_cfg = read_boot_cfg(path)
    entries = menu_entries(module.params["entries"], "entries")
    edit = boot_cfg.hide(wanted, entries, previous=module.params["previous"]) if wanted else boot_cfg.unhide()
    predictions = check_prediction(module, edit, wanted) if module.params["predictor"] else None
    differences = [update_record(module)]
    backup = ""
    if edit.changed:
        before, after = boot_cfg.render(), edit.boot_cfg.render()
        if not module.check_mode:
            backup = replace_file(path, after, expected=before, backup=module.params["backup"])
        differences.append(difference(path, before, after))
    shown = [item for item in differences if item is not None]
    result: dict[str, Any] = {
        "changed": bool(shown),
        "diff": shown,
        "claims": [str(address) for address in dict.fromkeys(wanted)],
        "entries": [vars(placement) for placement in edit.entries],
        "previous": vars(edit.previous),
    }
    if backup:
        result["backup_file"] = backup
    if predictions is not None:
        result["prediction"] = [
            {
                "entry": prediction.entry,
                "outcome": prediction.outcome,
                "claims": [str(address) for address in prediction.claims],
            }
            for prediction in predictions
        ]
    return result


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/boot.cfg"},
            "devices": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "entries": {"type": "raw", "default": "xen"},
            "previous": {"type": "bool", "default": True},
            "predictor": {"type": "path"},
            "backup": {"type": "bool", "default": False},
            "record": {"type": "path", "default": os.path.join(records.DIRECTORY, records.DEVICES)},
            "pins": {"type": "dict"},
            "lock": {"type": "path", "default": os.path.join(records.DIRECTORY, records.LOCK)},
        },
        required_if=[("state", "present", ["devices"])],
        supports_check_mode=True,
    )
    try:
        with lock_host(module):
            result = edit_boot_cfg(module)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy, line=error.line, column=error.column)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
