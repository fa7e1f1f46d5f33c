#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Observes a dom0 and plans what its guests need, in one call
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Reads the PCI bus, the boot configuration, the kernel's claims, the guests' files, the running domains and the native component.
  - Returns the ordered actions that lead to what is wanted, the refusals, the warnings, and whether and why a reboot is required.
  - Changes nothing. It reports C(changed) when applying the plan would change the host.
  - The role C(xen.pciback.pciback) applies the plan; each action is a module of its own.
options:
  guests:
    description: The guests of this host.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the domain.
        type: str
        required: true
      config:
        description: Its xl configuration file on the host.
        type: path
        required: true
      state:
        description: V(running), V(stopped), or V(unmanaged) if only its file is to list the devices.
        type: str
        choices: [running, stopped, unmanaged]
        default: running
      devices:
        description: The devices that it owns.
        type: list
        elements: dict
        default: []
        suboptions:
          <<: &selector
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
              description:
                - Class code of two, four or six hexadecimal digits, or a word such as V(ethernet) or V(nvme).
                - Quote the digits; a number is refused, because YAML makes one of V(0100) and V(0x0200) that is another.
              type: raw
            driver:
              description: The driver, with its unit (V(wm1)) or without (V(wm)); one that held the device before it was hidden counts too.
              type: str
            name:
              description: A part of the device's name, or a pattern with C(*) and C(?).
              type: str
            mac:
              description: Ethernet address of the card; for a hidden one, that which it had in dom0. Quote it.
              type: str
            serial:
              description: Device serial number of PCI Express, such as V(00-1b-21-ff-ff-12-34-56), where pcictl(8) can read it.
              type: str
            slot:
              description: Path through the bridges, such as V(0000:00/1c.0/00.0), which stays when buses are numbered anew.
              type: str
            all:
              description: Take every device that matches.
              type: bool
              default: false
          permissive:
            description: Let the guest write all of configuration space.
            type: bool
          msitranslate:
            description: Passed to xl.
            type: bool
          seize:
            description: Passed to xl.
            type: bool
          power_mgmt:
            description: Passed to xl.
            type: bool
          rdm_policy:
            description: Passed to xl, or to pcibackd.
            type: str
            choices: [strict, relaxed]
          vslot:
            description: The slot that the guest sees, hexadecimal. Quote it; a number above 7 is refused.
            type: raw
          irq:
            description:
              - Its interrupt (GSI), from 1 to 254, where only the owner knows it. The guest gets it.
              - What the system itself says counts; one that contradicts it is refused.
            type: raw
            version_added: 0.2.0
  extra_devices:
    description: Devices that leave dom0 and are given to nobody yet.
    type: list
    elements: dict
    default: []
    suboptions: *selector
  state:
    description:
      - V(present) plans for guests that own their devices.
      - V(absent) plans to give everything back. Files become what they were before the first run, byte for byte, also
        those of guests that are not in O(guests) any more; records, and what was installed, are removed. The guests keep
        their O(guests[].state), their devices and O(extra_devices) count as none.
    type: str
    choices: [present, absent]
    default: present
  reboot:
    description:
      - Whether the plan may hold a reboot. With V(never) it says that one is pending.
      - With V(when_changed) it also holds one on Linux where the next boot would hide other devices than this one has, although
        nothing else needs it. So that what is hidden at boot is seen to boot while somebody looks.
    type: str
    choices: [never, when_needed, when_changed]
    default: never
  restart_guests:
    description: Whether the plan may restart a guest that runs with other devices, or other options of a device, than it should.
    type: str
    choices: [never, when_needed]
    default: never
  boot_entries:
    description: Which menu entries hide the devices; V(xen) is every one that starts Xen, V(default) the one that boots by default, or a list of titles.
    type: raw
    default: xen
  boot_config:
    description:
      - The boot configuration. On NetBSD V(/boot.cfg) by default, on Linux GRUB's menu, V(/boot/grub/grub.cfg) or
        V(/boot/grub2/grub.cfg).
    type: path
  previous:
    description: Whether a menu entry with the previous list is kept.
    type: bool
    default: true
  backend:
    description:
      - The backend that gives devices to the guests. V(kernel) is pciback(4) of NetBSD or xen-pciback of Linux, V(native) is
        pcibackd, which needs no reboot.
      - V(auto) is the backend that has devices of this host already. Where none has, it is V(native) on NetBSD if pcibackd can
        run there, else V(kernel), and a warning says why.
    type: str
    choices: [kernel, native, auto]
    default: auto
  native:
    description:
      - Whether the native component has to be installed; without it no reboot can be predicted.
      - On Linux nothing is predicted, and it is never installed for that.
    type: bool
    default: true
  native_prefix:
    description: Where the native component is installed.
    type: path
    default: /usr/local
  native_cflags:
    description: Compiler flags that it should have been built with, if not the makefile's own.
    type: str
  native_source_sha256:
    description: Digest of the sources that it should have been built from; by default any will do.
    type: str
  follow_moves:
    description:
      - Whether pinned devices that are found at another address are followed there. Without it the plan refuses with
        C(identity-changed).
    type: bool
    default: false
  trial:
    description:
      - Whether a reboot of the plan is a trial, which the host undoes unless it is confirmed. With V(when_possible) it is
        where one can be made; where not, the plan warns and says why.
    type: str
    choices: [never, when_possible]
    default: never
    version_added: 0.2.0
  confirm:
    description: Whether the plan confirms a trial once all is as it is wanted. With V(manual) a person does; V(now) is V(auto).
    type: str
    choices: [auto, manual, now]
    default: auto
    version_added: 0.2.0
  confirm_within:
    description: How many seconds a trial waits to be confirmed, from 10 to 86400.
    type: int
    default: 600
    version_added: 0.2.0
  retry_failed:
    description: Whether to try once more what the host has undone. Without it the plan refuses with C(trial-undone).
    type: bool
    default: false
    version_added: 0.2.0
  problems:
    description:
      - What of the inventory can't be meant, one sentence each, as the lookup P(xen.pciback.variable_problems#lookup)
        returns it. Each is refused with C(inventory-invalid), together with all other refusals.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  xl:
    description: The toolstack's command; found in its usual places by default.
    type: path
extends_documentation_fragment:
  - xen.pciback.allow
  - xen.pciback.attributes
  - xen.pciback.attributes.action_group
  - xen.pciback.state_directory
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: It changes nothing.
notes:
  - Needs root, because NetBSD's /dev/pciN and /kern/xen/pci, Linux's configuration space and xl are root's.
"""

EXAMPLES = r"""
- name: What would have to be done for one guest
  xen.pciback.plan:
    guests:
      - name: firewall
        config: /usr/pkg/etc/xen/firewall
        devices:
          - id: "10ec:8139"
          - driver: wm1
    reboot: when_needed
  register: plan

- name: Show it
  ansible.builtin.debug:
    msg: "{{ plan.refusals | default(plan.actions, true) }}"
"""

RETURN = r"""
reboot_required:
  description: Whether only a reboot brings what is wanted.
  type: bool
  returned: success
reasons:
  description: Why a reboot is required, one sentence each.
  type: list
  elements: str
  returned: success
actions:
  description: What is to be done, in this order. Empty if something is refused.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description:
        - V(native), V(hide), V(configure), V(shut_down), V(start_up), V(reboot), V(run) or V(confirm).
        - With pcibackd V(configure), V(service), V(assign), V(start_up), V(run) or V(return).
        - Where another backend has the devices on Linux, V(shut_down) and V(release) before them, too.
        - On Linux V(hide), V(configure), V(assign), V(run) or V(return); those of a reboot if O(reboot=when_changed).
        - With O(state=absent) V(native), V(restore), V(shut_down), V(reboot), V(run), V(return) or V(remove).
      type: str
      sample: hide
    summary:
      description: One sentence.
      type: str
      sample: make /boot.cfg hide 00:05.0
    arguments:
      description: Arguments of the module that does it.
      type: dict
      sample: {"devices": ["0000:00:05.0"]}
pending:
  description:
    - What is wanted and not done by the plan, because it waits for leave or for another guest, one sentence each, such as
      a running guest that would have to be restarted. All of it is among the warnings, too.
    - A host is as wanted if RV(refusals), RV(actions), RV(reasons) and this are empty.
  type: list
  elements: str
  returned: success
refusals:
  description: Why nothing is done.
  type: list
  elements: dict
  returned: success
  contains:
    code:
      description: The refusal's code, as docs/reference lists it.
      type: str
      sample: no-such-device
    device:
      description: The device or selector that it is about, null if it is about a file.
      type: str
      sample: 00:0d.0
    message:
      description: What is wrong and where.
      type: str
    remedy:
      description: What the owner can do, null if nothing is known.
      type: str
warnings:
  description: What the owner should know, such as a pending reboot or an overridden refusal.
  type: list
  elements: str
  returned: when there are any
devices:
  description: The devices that leave dom0.
  type: list
  elements: dict
  returned: success
  contains:
    address:
      description: Canonical address, hexadecimal.
      type: str
      sample: "0000:00:05.0"
    pcictl:
      description: The same as pcictl(8) prints it, decimal.
      type: str
      sample: "000:05:0"
    id:
      description: Vendor and device.
      type: str
      sample: "10ec:8139"
    name:
      description: Vendor and product.
      type: str
    driver:
      description: Who holds it now, null if nobody.
      type: str
      sample: re0
    guest:
      description: The guest that gets it, null if nobody does yet.
      type: str
      sample: firewall
    held:
      description: Whether the backend has it and offers it to guests now.
      type: bool
    attached:
      description: Whether its guest has it now.
      type: bool
moves:
  description: Pinned devices that the plan follows to another address.
  type: list
  elements: dict
  returned: success
  contains:
    from:
      description: The address that it is pinned under.
      type: str
      sample: "0000:01:03.0"
    to:
      description: Where it is now.
      type: str
      sample: "0000:02:03.0"
    guest:
      description: The guest that it belongs to, null if none.
      type: str
      sample: firewall
    because:
      description: What proves that it is the same device.
      type: str
      sample: its MAC address says so
recovery:
  description: What a person at the console does if the host does not come back from its next boot.
  type: list
  elements: str
  returned: success
trial:
  description: What there is of boots that undo themselves.
  type: dict
  returned: success
  contains:
    planned:
      description: How many seconds the reboot of the plan waits to be confirmed, null for a plain one or none.
      type: int
    why_not:
      description: Why the reboot is a plain one though a trial is wanted, as C(code) and C(reason); null if it is not so.
      type: dict
    state:
      description:
        - V(none), V(unreadable), V(armed) (the next boot is a trial), V(running) (this one is), V(undone) or V(confirmed).
      type: str
    has_failed:
      description: Whether the host has undone a trial.
      type: bool
    remaining:
      description: Seconds until Xen resets the host, 0 if it will not.
      type: int
    message:
      description: The same in words.
      type: str
boot_config:
  description: The boot configuration.
  type: str
  returned: success
  sample: /boot.cfg
predictable:
  description: Whether C(pcibackctl) can predict the host's next boot, as it does for NetBSD.
  type: bool
  returned: success
  sample: true
boot_loader:
  description:
    - Which boot loaders may read it. V(old) is that of NetBSD 9 and before, V(new) that of NetBSD 10 and later, V(either) if
      it is not known.
    - Null on Linux.
  type: str
  returned: success
  sample: new
backend:
  description: The backend that gives devices to the guests, V(kernel) or V(native).
  type: str
  returned: success
  sample: native
claims:
  description: What that backend offers to guests or has given to them, null if it does not run.
  type: list
  elements: str
  returned: success
  sample: ["0000:00:05.0"]
predicted_claims:
  description: What the model says that the next boot will claim, null if the model could not be asked.
  type: list
  elements: str
  returned: success
  sample: ["0000:00:05.0"]
running:
  description: The domains that run.
  type: list
  elements: dict
  returned: success
  sample: [{"name": "firewall", "domid": 3, "devices": ["0000:00:05.0"]}]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    ALLOW,
    IRQ_OPTION,
    SELECTOR_OPTIONS,
    TRIAL_OPTIONS,
    XL_DEVICE_OPTIONS,
    absolute_path,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_inspect import PREFIX
from ansible_collections.xen.pciback.plugins.module_utils.engines.plan_host import plan_host
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AUTO, KERNEL, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.result import as_result
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, GUEST_STATES, PRESENT


def main() -> None:
    """Entry point."""
    devices: dict[str, Any] = {"type": "list", "elements": "dict", "default": []}
    module = AnsibleModule(
        argument_spec={
            "guests": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "config": {"type": "path", "required": True},
                    "state": {"type": "str", "choices": list(GUEST_STATES), "default": "running"},
                    "devices": {**devices, "options": {**SELECTOR_OPTIONS, **XL_DEVICE_OPTIONS, **IRQ_OPTION}},
                },
            },
            "extra_devices": {**devices, "options": dict(SELECTOR_OPTIONS)},
            "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
            "reboot": {"type": "str", "choices": ["never", "when_needed", "when_changed"], "default": "never"},
            "restart_guests": {"type": "str", "choices": ["never", "when_needed"], "default": "never"},
            **TRIAL_OPTIONS,
            "boot_entries": {"type": "raw", "default": "xen"},
            "boot_config": {"type": "path"},
            "previous": {"type": "bool", "default": True},
            "backend": {"type": "str", "choices": [KERNEL, NATIVE, AUTO], "default": AUTO},
            "native": {"type": "bool", "default": True},
            "native_prefix": {"type": "path", "default": PREFIX},
            "native_cflags": {"type": "str"},
            "native_source_sha256": {"type": "str"},
            **state_directory_options(),
            "follow_moves": {"type": "bool", "default": False},
            "allow": dict(ALLOW),
            "problems": {"type": "list", "elements": "str", "default": []},
            "xl": {"type": "path"},
        },
        supports_check_mode=True,
    )
    options = dict(module.params)
    try:
        require_root()
        for option in ("boot_config", "native_prefix"):
            if options[option] is not None:
                options[option] = absolute_path(options[option], option)
        plan, observed = plan_host(run, module.get_bin_path, options, open_state_directory(module))
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    for warning in plan.warnings:
        module.warn(warning)
    module.exit_json(changed=plan.changed, **as_result(plan, observed))


if __name__ == "__main__":
    main()
