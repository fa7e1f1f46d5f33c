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
    on C(multiboot), else in the short form that the kernel accepts as well. Refuses what does not fit, what would
    not boot, and what the boot loaders that the host may have read in different ways.
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
      - V(confirmed) confirms the trial that this boot is, and writes its list plainly. It fails if the trial is undone.
        Without a trial it changes nothing.
    type: str
    choices: [present, absent, original, confirmed]
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
  trial:
    description:
      - Let the next boot be a trial, and wait so many seconds for its confirmation, from 10 to 86400. The host boots with
        the list once; unless O(state=confirmed) comes in time, Xen resets it, and it boots as it does now. See
        docs/explanation/trial-boots.md.
      - Needs C(/sbin/pciback-trial), which M(xen.pciback.native_backend) installs with its option C(trial). For Linux see
        docs/explanation/trial-boots-on-linux.md.
      - By default the next boot is a plain one.
    type: int
    version_added: 0.2.0
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
  - xen.pciback.attributes.action_group
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
  - Needs root, because O(path) and O(state_directory) are root's; in check mode too, because not
    everybody may read what O(state_directory) holds.
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
    devices: ["03:00.0"]
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
trial:
  description: The name whose presence makes the host boot the list, and how many seconds the boot waits to be confirmed.
  returned: if O(trial) is given
  type: dict
  sample: {link: /t, seconds: 600}
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    absolute_path,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import CONFIRMED, STATES, BootRequest
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import PRESENT
from ansible_collections.xen.pciback.plugins.module_utils.ranges import TRIAL_TIME


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path"},
            "devices": {"type": "list", "elements": "str"},
            "state": {"type": "str", "choices": list(STATES), "default": PRESENT},
            "entries": {"type": "raw", "default": "xen"},
            "previous": {"type": "bool", "default": True},
            "predictor": {"type": "path"},
            "trial": {"type": "int"},
            "backup": {"type": "bool", "default": False},
            "pins": {"type": "dict"},
            **state_directory_options("record", "originals", "lock"),
        },
        required_if=[("state", "present", ["devices"])],
        supports_check_mode=True,
    )
    params = module.params
    try:
        require_root()
        state = open_state_directory(module)
        request = BootRequest(
            path=None if params["path"] is None else absolute_path(params["path"], "path"),
            state=params["state"],
            devices=params["devices"] or (),
            entries=params["entries"],
            previous=params["previous"],
            predictor=params["predictor"],
            backup=params["backup"],
            pins=params["pins"],
            records=state,
            check_mode=module.check_mode,
            trial=params["trial"],
            scratch=module.tmpdir,
        )
        if request.trial is not None:
            TRIAL_TIME.check(request.trial, "trial")
        host = platforms.here(run)
        if host.trials() is None and (request.trial is not None or request.state == CONFIRMED):
            raise PcibackError(
                "no boot of this system can be a trial", remedy="have a plain reboot with pciback_trial: never"
            )
        with state.lock(f"module {module._name}", check_mode=module.check_mode):
            result = host.edit_boot(request)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy, line=error.line, column=error.column)
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(changed=result.changed, diff=result.differences, **result.values)


if __name__ == "__main__":
    main()
