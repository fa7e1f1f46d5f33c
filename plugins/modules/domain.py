#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: domain
short_description: Starts, stops and restarts guests through xl
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Brings guests of a Xen dom0 into a state, all in one call. They shut down at the same time and start in the order
    in which they are given.
  - A guest that is in its state already is left alone, whatever its configuration file says by now;
    see O(domains[].restart).
  - The files of guests that are to start are read first. If one of them is refused, no guest is touched.
  - If one guest fails, the others are still brought into their states, and then the task fails.
options:
  domains:
    description: The guests.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The guest's name, as its configuration file has it.
        type: str
        required: true
      config:
        description: Its xl configuration file, by an absolute path. Required to have it V(running).
        type: path
      state:
        description:
          - V(running) starts the guest if it does not run. A guest that crashed or shut down, and is kept only to be
            looked at, is destroyed for that. A paused guest counts as running.
          - V(stopped) asks it to shut down and waits. What is left of a guest that xl keeps is not touched.
          - V(absent) does the same, and destroys what has not gone within O(timeout).
        type: str
        choices: [running, stopped, absent]
        default: running
      restart:
        description: Shut the guest down first if it runs, so that it starts with what its configuration file says now.
        type: bool
        default: false
  timeout:
    description: How long the guests have to shut down, all of them together, in seconds.
    type: int
    default: 120
  xl:
    description: The path of xl. By default C(/usr/pkg/sbin/xl), C(/usr/sbin/xl) or C(/usr/local/sbin/xl).
    type: path
extends_documentation_fragment:
  - xen.pciback.attributes
  - xen.pciback.lock
attributes:
  check_mode:
    support: full
    details: It can't know the number of a domain that is yet to start, nor that a guest will not shut down in time.
  diff_mode:
    support: full
notes:
  - Needs root, because the toolstack is root's; in check mode too.
  - On a NetBSD dom0 libxl lists PCI devices but can't give them to a guest; xl then fails, and the message says so.
seealso:
  - module: xen.pciback.domain_pci
"""

EXAMPLES = r"""
- name: The firewall runs with its new devices, the test guest is gone
  xen.pciback.domain:
    domains:
      - name: firewall
        config: /usr/pkg/etc/xen/firewall
        restart: true
      - name: test
        state: absent
    timeout: 60

- name: All is quiet before the reboot
  xen.pciback.domain:
    domains:
      - {name: firewall, state: stopped}
      - {name: mail, state: stopped}
"""

RETURN = r"""
domains:
  description: The guests, in the order in which they were given.
  type: list
  elements: dict
  returned: always, unless the arguments or a file were refused
  contains:
    name:
      description: The guest.
      type: str
      sample: firewall
    before:
      description: V(running), V(paused), V(shut_down) or V(crashed) if xl keeps what is left, V(dying), or V(absent).
      type: str
      sample: absent
    after:
      description: The same, afterwards.
      type: str
      sample: running
    actions:
      description: What was done, in order, of V(shut down), V(destroyed) and V(created).
      type: list
      elements: str
      sample: [created]
    domid:
      description: The number of its domain now, null if it has none or in check mode if that is not known yet.
      type: int
      sample: 3
    devices:
      description: The PCI devices that it has now; in check mode those that its file gives to it.
      type: list
      elements: str
      sample: ["0000:03:00.0"]
    failure:
      description: Why it is not in its state, null if it is.
      type: str
code:
  description: The refusal's code, null if none applies.
  type: str
  returned: failure
  sample: domain-config-invalid
remedy:
  description: What can be done about the failure, null if the message says it all.
  type: str
  returned: failure
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.atomic_file import read_file
from ansible_collections.xen.pciback.plugins.module_utils.dom0 import records
from ansible_collections.xen.pciback.plugins.module_utils.dom0.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.dom0.host_lock import lock_host
from ansible_collections.xen.pciback.plugins.module_utils.dom0.xl import (
    ABSENT,
    ALIVE,
    RUNNING,
    RunningDomain,
    Xl,
    check_name,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.xl_cfg import CODE, XlConfig

MOST_BYTES = 1 << 20

SHUT_DOWN = "shut down"
DESTROYED = "destroyed"
CREATED = "created"


@dataclass
class Guest:
    """One guest on its way into its state.

    :ivar path: its configuration file; empty if none is given
    :ivar now: its domain, as far as is known; ``None`` if it has none
    :ivar config: its file, read if it is to start
    :ivar planned: what leads from what was there to the state, as far as can be foreseen
    :ivar actions: what was done
    """

    name: str
    path: str
    state: str
    restart: bool
    before: str = ABSENT
    now: RunningDomain | None = None
    config: XlConfig | None = None
    planned: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    failure: PcibackError | None = None

    def plan(self) -> list[str]:
        """What leads from what is there to the state."""
        alive = self.now is not None and self.now.alive
        if self.state == "stopped":
            return [SHUT_DOWN] if alive else []
        if self.state == "absent":
            return [SHUT_DOWN] if alive else [DESTROYED] if self.now else []
        if alive:
            return [SHUT_DOWN, CREATED] if self.restart else []
        return [DESTROYED, CREATED] if self.now else [CREATED]

    def attempt(self, action: str, call: Callable[[Any], None], argument: Any) -> bool:
        """Do a thing and note it, or note why it failed."""
        try:
            call(argument)
        except PcibackError as error:
            self.failure = error
            return False
        self.actions.append(action)
        return True

    def describe(self) -> dict[str, Any]:
        """The documented result."""
        return {
            "name": self.name,
            "before": self.before,
            "after": self.now.state if self.now else ABSENT,
            "actions": self.actions,
            "domid": (self.now.domid or None) if self.now else None,
            "devices": [str(address) for address in self.now.devices] if self.now else [],
            "failure": None if self.failure is None else str(self.failure),
        }


def read_guests(domains: Sequence[Mapping[str, Any]]) -> list[Guest]:
    """The wanted guests, their names checked.

    :raises PcibackError: a name is none or given twice
    """
    guests: list[Guest] = []
    for domain in domains:
        check_name(domain["name"])
        if domain["name"] in [guest.name for guest in guests]:
            raise PcibackError(f"guest {domain['name']} is given twice; give each guest one state")
        guests.append(Guest(domain["name"], domain["config"] or "", domain["state"], domain["restart"]))
    return guests


def look(guests: Sequence[Guest], domains: Sequence[RunningDomain]) -> None:
    """Note which domain each guest has."""
    by_name = {domain.name: domain for domain in domains}
    for guest in guests:
        guest.now = by_name.get(guest.name)


def read_config(guest: Guest) -> XlConfig:
    """The file of a guest that is to start.

    :raises PcibackError: it is missing, xl would refuse it, or it is another guest's
    """
    try:
        config = XlConfig.parse(read_file(guest.path, limit=MOST_BYTES), guest.path)
    except PcibackError as error:
        error.code = CODE
        raise
    if config.name != guest.name:
        says = "no name" if config.name is None else f"the name '{config.name}'"
        raise PcibackError(f"it has {says}; the guest is '{guest.name}' here", code=CODE, file=guest.path)
    return config


def pretend(guests: Sequence[Guest]) -> None:
    """What would be if all went well, for check mode."""
    for guest in guests:
        guest.actions = guest.planned
        if CREATED in guest.actions:
            guest.now = RunningDomain(0, guest.name, RUNNING, guest.config.addresses if guest.config else ())
        elif guest.actions:
            guest.now = None


def shut_down(guests: Sequence[Guest], xl: Xl, timeout: int) -> None:
    """Shut guests down together; destroy those that are to be absent and do not go."""
    waiting = []
    for guest in guests:
        if SHUT_DOWN in guest.planned:
            if guest.attempt(SHUT_DOWN, xl.shutdown, guest.now):
                waiting.append(guest)
            elif guest.state == "absent":
                # It can't be asked, so there is nothing to wait for.
                guest.failure = None
    left = xl.wait([guest.now.domid for guest in waiting if guest.now], timeout) if waiting else {}
    for guest in waiting:
        state = left.get(guest.now.domid) if guest.now else None
        if state not in ALIVE:
            continue
        guest.actions.remove(SHUT_DOWN)
        if guest.state != "absent":
            guest.failure = PcibackError(
                f"guest {guest.name} was asked to shut down and still runs after {timeout} s",
                remedy="look at its console, allow more time with 'timeout', or destroy it with 'state: absent'",
            )
    look(guests, xl.domains())


def destroy_left(guests: Sequence[Guest], xl: Xl) -> None:
    """Destroy what is left of guests that are to be absent or to start anew."""
    for guest in guests:
        if guest.failure is not None or guest.now is None or guest.state == "stopped":
            continue
        unwanted = guest.state == "absent" or not guest.now.alive
        if unwanted and guest.attempt(DESTROYED, xl.destroy, guest.now):
            guest.now = None


def create_missing(guests: Sequence[Guest], xl: Xl) -> None:
    """Start guests that are to run and have no domain, in their order."""
    for guest in guests:
        if guest.failure is None and guest.state == "running" and guest.now is None:
            guest.attempt(CREATED, xl.create, guest.path)


def apply(guests: Sequence[Guest], xl: Xl, timeout: int) -> None:
    """Bring the guests into their states."""
    shut_down(guests, xl, timeout)
    destroy_left(guests, xl)
    create_missing(guests, xl)
    look(guests, xl.domains())
    for guest in guests:
        if guest.failure is None:
            guest.failure = what_is_wrong(guest)


def what_is_wrong(guest: Guest) -> PcibackError | None:
    """Why a guest is not in its state although nothing failed."""
    alive = guest.now is not None and guest.now.alive
    if guest.state == "running" and not alive:
        return PcibackError(
            f"guest {guest.name} was started and runs no more", remedy="start it by hand with 'xl create -c' and watch"
        )
    if alive and (guest.state != "running" or (CREATED in guest.planned and CREATED not in guest.actions)):
        return PcibackError(
            f"guest {guest.name} shut down and runs again, without what its configuration file says now",
            remedy="write on_poweroff = 'destroy' in its configuration file, and see who starts it",
        )
    return None


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "domains": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "config": {"type": "path"},
                    "state": {"type": "str", "choices": ["running", "stopped", "absent"], "default": "running"},
                    "restart": {"type": "bool", "default": False},
                },
                "required_if": [("state", "running", ["config"])],
            },
            "timeout": {"type": "int", "default": 120},
            "xl": {"type": "path"},
            "lock": {"type": "path", "default": os.path.join(records.DIRECTORY, records.LOCK)},
        },
        supports_check_mode=True,
    )
    timeout = module.params["timeout"]
    try:
        guests = read_guests(module.params["domains"])
        xl = Xl(runner(module), module.params["xl"])
        with lock_host(module):
            look(guests, xl.domains())
            for guest in guests:
                guest.before = guest.now.state if guest.now else ABSENT
                guest.planned = guest.plan()
                if CREATED in guest.planned:
                    guest.config = read_config(guest)
            if module.check_mode:
                pretend(guests)
            elif any(guest.planned for guest in guests):
                apply(guests, xl, timeout)
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    for guest in guests:
        for warning in guest.config.warnings if guest.config else ():
            module.warn(warning)
    result: dict[str, Any] = {
        "changed": any(guest.actions for guest in guests),
        "domains": [guest.describe() for guest in guests],
        "diff": [
            {
                "before_header": guest.name,
                "after_header": guest.name,
                "before": f"{guest.before}\n",
                "after": f"{guest.now.state if guest.now else ABSENT}\n",
            }
            for guest in guests
            if guest.actions
        ],
    }
    failures = [guest.failure for guest in guests if guest.failure is not None]
    if failures:
        remedies = [failure.remedy for failure in failures if failure.remedy is not None]
        module.fail_json(
            msg="; ".join(str(failure) for failure in failures),
            code=next((failure.code for failure in failures if failure.code), None),
            remedy="; ".join(dict.fromkeys(remedies)) or None,
            **result,
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
