#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_hide
short_description: Hides PCI devices from a dom0 in its boot configuration
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - On NetBSD, writes the hide list of pciback(4) into the menu entries of boot.cfg(5) that start Xen, where the dom0
    kernel surely reads it, and nowhere else. All other bytes of the file stay as they are.
  - Puts it on C(load) if path and arguments stay within the 79 characters that the loader keeps, else behind C( -- )
    on C(multiboot), else in the short form that the kernel accepts as well. Refuses what does not fit, and what would
    not boot.
  - On Linux, writes files of its own only. C(/etc/default/grub.d/xen-pciback.cfg) gives C(xen-pciback.hide=) to each
    entry that starts Xen, a file for initramfs-tools or dracut loads xen-pciback early, without which the list does
    nothing, and C(/etc/modprobe.d/xen-pciback.conf) lets the devices' own drivers wait for it. Then it makes the menu
    and the initramfs anew, if one of these files has changed or the menu does not have the list. The new menu is read
    before it takes the place of the old one, in one step.
  - Takes effect at the next boot.
options:
  path:
    description:
      - The boot configuration. A symbolic link is refused.
      - On NetBSD V(/boot.cfg) by default. On Linux GRUB's menu, V(/boot/grub/grub.cfg) or V(/boot/grub2/grub.cfg).
    type: path
  devices:
    description:
      - The PCI functions to hide, as hexadecimal BDF with or without the domain; pcictl(8) prints decimal.
      - Any other function is no longer hidden. An empty list is the same as O(state=absent).
      - Of no use with the other states.
      - Required if O(state=present).
    type: list
    elements: str
  state:
    description:
      - Whether there is a hide list. V(absent) removes every list, broken ones and those of the owner too; on Linux,
        where those may stand in files that are not ours, it overrides them with an empty one.
      - V(original) puts the file back as it was before it was changed for the first time, byte for byte, with the
        lists that it had then, and removes the pins. If somebody else has edited the file since, the edit stays;
        our lists go, those from before come back where their lines were not edited, and a warning names those that did not.
    type: str
    choices: [present, absent, original]
    default: present
  entries:
    description:
      - Which menu entries get the list. V(xen) stands for every entry that starts Xen, V(default) for the one that
        boots by default.
      - A list of titles stands for these entries.
      - On Linux only V(xen), because the menu is made from settings that hold for all of these.
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
        exactly these devices, or nothing is changed. Not asked with O(state=original). On NetBSD only.
    type: path
  backup:
    description: Whether to keep a copy of the file with a timestamp in its name.
    type: bool
    default: false
  pins:
    description:
      - The identities of the devices that are or will be hidden, so that a later run finds them when they have moved,
        and notices when another card has taken their place. Keys are addresses with domain; values have V(id),
        V(subsystem), V(class), V(driver), V(slot), V(mac), V(serial) and V(known_as), as M(xen.pciback.plan) makes them.
      - Takes the place of all that is recorded in O(state_directory), before the boot configuration is changed. Without
        any, the record is removed.
      - If it is not given, the record is left alone.
    type: dict
extends_documentation_fragment:
  - xen.pciback.attributes
  - xen.pciback.state_directory
  - xen.pciback.state_directory.lock
  - xen.pciback.state_directory.originals
  - xen.pciback.state_directory.pins
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
notes:
  - Needs root, because O(path) and O(state_directory) are root's. In check mode it needs to read O(path) and what
    O(state_directory) holds.
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

- name: Put the file back as it was before the first change
  xen.pciback.boot_hide:
    state: original
"""

RETURN = r"""
backup_file:
  description: The copy of the file from before, if O(backup=true) and the file changed.
  returned: changed
  type: str
  sample: /boot.cfg.4711.2026-01-31@12:00:00~
claims:
  description:
    - What the dom0 kernel will take from its drivers when one of the entries boots, as addresses with domain.
    - With O(state=original), when the default entry boots.
  returned: success
  type: list
  elements: str
  sample: ["0000:03:00.0", "0000:04:00.1"]
commands:
  description: On Linux, what was run to make menu and initramfs; in check mode what would be.
  returned: on Linux
  type: list
  elements: str
  sample: [/usr/sbin/grub-mkconfig, /usr/sbin/update-initramfs -u -k all]
entries:
  description: The menu entries that have the list; empty with O(state=original).
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
      description: V(load), V(multiboot) or V(top-level), the last for a C(load=) line outside the menu. V(kernel) on Linux.
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
  returned: if O(predictor) is given, unless O(state=original)
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
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    absolute_path,
    menu_entries,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices import pins
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import XEN, BootCfg, Edit, Previous
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT, SETTING
from ansible_collections.xen.pciback.plugins.module_utils.host import platform
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import BootEdit, LinuxBoot, xen_entries
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import (
    Prediction,
    disagreement,
    loader_root,
    predict,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import (
    ORIGINALS,
    OriginalsFile,
    StateDirectory,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, note, restore

BOOT_CFG = "/boot.cfg"
MOST_BYTES = 1 << 20
"""Far more than the loader reads; what is too large for it is its reader's to say."""


def read_boot_cfg(path: str) -> BootCfg:
    """Read the boot configuration; every refusal has the code of a bad one."""
    try:
        return BootCfg.parse(read_file(path, limit=MOST_BYTES), file=path)
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
            files = loader_root(module.params["path"]) if boots else None
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


def update_record(
    module: AnsibleModule, state: StateDirectory, wanted: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """Make the record hold exactly these pins, if any are given; the difference."""
    if wanted is None:
        return []
    change = state.save_pins(pins.from_mapping(wanted), check_mode=module.check_mode)
    return [] if change is None else [difference(change.path, change.before, change.after)]


def difference(path: str, before: bytes, after: bytes) -> dict[str, str]:
    """What Ansible shows in diff mode."""
    return {
        "before_header": path,
        "after_header": path,
        "before": to_text(before, errors="replace"),
        "after": to_text(after, errors="replace"),
    }


class Writing:
    """A change of the boot configuration, and what has to be recorded of it: decided first, written later."""

    def __init__(self, module: AnsibleModule, record: OriginalsFile, before: bytes, after: bytes) -> None:
        self._module = module
        self._path = module.params["path"]
        self._record = record
        self._noted = note(record.originals, [Change(os.path.realpath(self._path), BOOT, before, after)])
        self._before, self._after = before, after
        self.warnings = self._noted.warnings
        self.differences = [difference(self._path, before, after)] if before != after else []
        self.differences += record.difference(self._noted.after)

    def write(self) -> str:
        """Write what has to be recorded, and then the boot configuration; returns the backup's path."""
        if self._module.check_mode:
            return ""
        self._record.save(self._noted.before)
        if self._before == self._after:
            return ""
        return replace_file(self._path, self._after, expected=self._before, backup=self._module.params["backup"])

    def settle(self) -> None:
        """Drop from the record what has been put back."""
        if not self._module.check_mode:
            self._record.save(self._noted.after)


def restore_boot_cfg(module: AnsibleModule, state: StateDirectory) -> dict[str, Any]:
    """Put the boot configuration back as it was, and return the documented result."""
    path = module.params["path"]
    before = read_boot_cfg(path).render()
    record = state.originals()
    restored = restore(path, record.originals.files.get(os.path.realpath(path)), before)
    after = before if restored.data is None else restored.data
    writing = Writing(module, record, before, after)
    for warning in restored.warnings:
        module.warn(warning)
    backup = writing.write()
    differences = writing.differences + update_record(module, state, {})
    writing.settle()
    default = BootCfg.parse(after, file=path).default
    hidden = () if default is None or default.hide is None else default.hide.claims
    result: dict[str, Any] = {
        "changed": bool(differences),
        "diff": differences,
        "claims": [str(address) for address in dict.fromkeys(hidden)],
        "entries": [],
        "previous": vars(Previous(None, "", "the file is as it was before its first change")),
    }
    if backup:
        result["backup_file"] = backup
    return result


def wanted_devices(module: AnsibleModule) -> list[Address]:
    """What is to be hidden."""
    present = module.params["state"] == "present"
    return [parse_address(text, max_domain=0) for text in module.params["devices"] or []] if present else []


def edit_boot_cfg(module: AnsibleModule, state: StateDirectory) -> dict[str, Any]:
    """Do what the parameters say on NetBSD, and return the documented result."""
    path = module.params["path"] = module.params["path"] or BOOT_CFG
    if module.params["state"] == "original":
        return restore_boot_cfg(module, state)
    wanted = wanted_devices(module)
    boot_cfg = read_boot_cfg(path)
    entries = menu_entries(module.params["entries"], "entries")
    edit = boot_cfg.hide(wanted, entries, previous=module.params["previous"]) if wanted else boot_cfg.unhide()
    predictions = check_prediction(module, edit, wanted) if module.params["predictor"] else None
    writing = Writing(module, state.originals(), boot_cfg.render(), edit.boot_cfg.render())
    for warning in writing.warnings:
        module.warn(warning)
    shown = update_record(module, state, module.params["pins"]) + writing.differences
    backup = writing.write()
    writing.settle()
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


def edit_linux(module: AnsibleModule, state: StateDirectory) -> dict[str, Any]:
    """Do what the parameters say on Linux, and return the documented result."""
    if module.params["entries"] != "xen":
        raise PcibackError("on Linux every entry that starts Xen gets the list; option 'entries' can only be 'xen'")
    if module.params["predictor"]:
        raise PcibackError("pcibackctl predicts what NetBSD boots; leave option 'predictor' out on Linux")
    host = boot_files.HOST
    menu = module.params["path"] or boot_files.default_menu(host)
    directory = os.path.dirname(state.place(ORIGINALS))
    record = state.originals()
    boot = boot_files.read(menu, directory, host)
    wanted = wanted_devices(module)
    warnings: list[str] = []
    if module.params["state"] == "original":
        mine = [path for path in record.originals.of_kind(SETTING) if path in boot.files]
        restored = {path: restore(path, record.originals.files[path], boot.files[path]) for path in mine}
        warnings += [warning for each in restored.values() for warning in each.warnings]
        edit = boot.without({path: each.data for path, each in restored.items()})
    else:
        edit = boot.edit(wanted, previous=module.params["previous"])
        warnings += boot.warnings()
    todo = boot_files.commands(edit, boot, host)
    # What an interrupted run has put back already has to be noted, too.
    after = {**boot.files, **{each.path: each.after for each in edit.files}}
    noted = note(record.originals, [Change(path, SETTING, boot.files[path], after[path]) for path in boot.files])
    for warning in dict.fromkeys([*warnings, *noted.warnings]):
        module.warn(warning)
    shown = [difference(each.path, each.before or b"", each.after or b"") for each in edit.files]
    shown += record.difference(noted.after)
    backup = ""
    if module.params["state"] == "original":
        shown += update_record(module, state, {})
    else:
        shown += update_record(module, state, module.params["pins"])
    if not module.check_mode:
        record.save(noted.before)
        if edit.changed:
            backup = boot_files.apply(runner(module), boot, edit, directory, backup=module.params["backup"], host=host)
        record.save(noted.after)
        boot = boot_files.read(menu, directory, host)
    return {
        **linux_result(boot, edit, wanted),
        "changed": bool(shown or todo),
        "diff": shown,
        "commands": [" ".join(argv) for argv in todo],
        **({"backup_file": backup} if backup else {}),
    }


def linux_result(boot: LinuxBoot, edit: BootEdit, wanted: list[Address]) -> dict[str, Any]:
    """The part of the result that tells of entries. Check mode names the entries of the menu that is there."""
    menu = boot.read_menu()
    numbers = {id(entry): number for number, entry in enumerate(menu.entries, 1)}
    entries = [
        {
            "number": numbers[id(entry)],
            "title": entry.title,
            "line": entry.line,
            "place": "kernel",
            "value": edit.value,
            "form": "long",
            "changed": edit.menu,
        }
        for entry in xen_entries(menu)
        if edit.value is not None
    ]
    own = boot.own_list() if edit.value is None else None
    reading = hide_parameter.read(own or "")
    hidden = wanted or [address for address in boot.modules if reading.hides(address)]
    kept = next((entry for entry in menu.entries if entry.ids[-1] == grub.PREVIOUS_ID), None)
    number = numbers[id(kept)] if kept is not None and edit.previous else None
    return {
        "claims": [str(address) for address in dict.fromkeys(hidden)],
        "entries": entries,
        "previous": {"number": number, "title": edit.previous, "reason": edit.reason},
    }


EDITORS = {platform.NETBSD: edit_boot_cfg, platform.LINUX: edit_linux}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "devices": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": ["present", "absent", "original"], "default": "present"},
            "entries": {"type": "raw", "default": "xen"},
            "previous": {"type": "bool", "default": True},
            "predictor": {"type": "path"},
            "backup": {"type": "bool", "default": False},
            "pins": {"type": "dict"},
            **state_directory_options("record", "originals", "lock"),
        },
        required_if=[("state", "present", ["devices"])],
        supports_check_mode=True,
    )
    try:
        if module.params["path"] is not None:
            module.params["path"] = absolute_path(module.params["path"], "path")
        state = open_state_directory(module)
        with state.lock(f"module {module._name}", check_mode=module.check_mode):
            result = EDITORS[platform.system()](module, state)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy, line=error.line, column=error.column)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
