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
  - On Linux a guest is not started with a device that is not there or not with pciback, because xl would fail half way.
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
        description:
          - Shut the guest down first if it runs, so that it starts with what its configuration file says now.
          - With O(domains[].hot_plug) only if it has other devices than its file lists and they can't be changed while
            it runs.
        type: bool
        default: false
      hot_plug:
        description:
          - If the guest runs, detach the PCI devices that its configuration file does not list, and attach those that it
            lists and the guest does not have. Devices that the guest has are left alone, whatever options the file has.
          - It fails if the guest does not follow within O(timeout), unless O(domains[].restart) is set.
          - Linux dom0s only, because NetBSD's xl can't attach devices.
        type: bool
        default: false
        version_added: 0.1.0
  timeout:
    description:
      - How long the guests have to shut down, all of them together, in seconds. A guest has the same time to notice a
        device that comes or goes.
    type: int
    default: 120
  frontend_timeout:
    description:
      - How long a guest that was started has until its PCI frontend is connected to the backend, which it reports in
        xenstore; in seconds, for each guest with devices. It fails if that does not come.
      - With V(0) nobody waits. On NetBSD, whose xenstore tools are elsewhere, nobody does either.
    type: int
    default: 0
    version_added: 0.1.0
  xl:
    description: The path of xl. By default C(/usr/pkg/sbin/xl), C(/usr/sbin/xl) or C(/usr/local/sbin/xl).
    type: path
extends_documentation_fragment:
  - xen.pciback.attributes
  - xen.pciback.state_directory
  - xen.pciback.state_directory.lock
attributes:
  check_mode:
    support: full
    details: It can't know the number of a domain that is yet to start, nor that a guest will not shut down in time or not
      let a device go. A device that is not with pciback yet is a warning, because a task before may hand it over.
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

- name: A guest gets its new card without a restart, where it can
  xen.pciback.domain:
    domains:
      - name: firewall
        config: /etc/xen/firewall.cfg
        hot_plug: true
        restart: true

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
      description:
        - What was done, in order, of V(shut down), V(destroyed) and V(created).
        - With O(domains[].hot_plug) also V(detached) or V(attached) with the address behind it.
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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import open_state_directory, state_directory_options
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.errors import CODE
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import (
    ABSENT,
    ALIVE,
    RUNNING,
    RunningDomain,
    Xl,
    check_name,
)

MOST_BYTES = 1 << 20
ASSIGN = "hand devices to pciback with xen.pciback.assignable, or take them out of the guest's file"

SHUT_DOWN = "shut down"
DESTROYED = "destroyed"
CREATED = "created"


def detached(address: Address) -> str:
    """The action of taking a device from a guest that runs."""
    return f"detached {address.bdf}"


def attached(spec: PciSpec) -> str:
    """The action of giving a device to a guest that runs."""
    return f"attached {spec.device}"


@dataclass
class Guest:
    """One guest on its way into its state.

    :ivar path: its configuration file; empty if none is given
    :ivar now: its domain, as far as is known; ``None`` if it has none
    :ivar config: its file, read if it is to start
    :ivar planned: what leads from what was there to the state, as far as can be foreseen
    :ivar actions: what was done
    :ivar reluctance: why it is restarted, although its devices were to change while it runs
    :ivar detach: devices that it is to lose while it runs
    :ivar attach: devices that it is to get while it runs
    """

    name: str
    path: str
    state: str
    restart: bool
    hot_plug: bool = False
    before: str = ABSENT
    picture_before: str = ""
    now: RunningDomain | None = None
    config: XlConfig | None = None
    planned: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    failure: PcibackError | None = None
    reluctance: PcibackError | None = None
    detach: tuple[Address, ...] = ()
    attach: tuple[PciSpec, ...] = ()

    def plan(self) -> list[str]:
        """What leads from what is there to the state."""
        alive = self.now is not None and self.now.alive
        if self.state == "stopped":
            return [SHUT_DOWN] if alive else []
        if self.state == "absent":
            return [SHUT_DOWN] if alive else [DESTROYED] if self.now else []
        if alive and self.hot_plug:
            return [*map(detached, self.detach), *map(attached, self.attach)]
        if alive:
            return [SHUT_DOWN, CREATED] if self.restart else []
        return [DESTROYED, CREATED] if self.now else [CREATED]

    @property
    def picture(self) -> str:
        """What diff mode shows: the state, and the devices if they may change without the state."""
        lines = [self.now.state if self.now else ABSENT]
        if self.hot_plug and self.now:
            lines += sorted(address.bdf for address in self.now.devices)
        return "".join(f"{line}\n" for line in lines)

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


def read_guests(domains: Sequence[Mapping[str, Any]], host: Platform) -> list[Guest]:
    """The wanted guests, their names checked.

    :raises PcibackError: a name is none or given twice
    """
    guests: list[Guest] = []
    for domain in domains:
        check_name(domain["name"])
        if domain["name"] in [guest.name for guest in guests]:
            raise PcibackError(f"guest {domain['name']} is given twice; give each guest one state")
        if domain["hot_plug"] and not host.backends["kernel"].hot_plug:
            raise PcibackError("'hot_plug' is for Linux dom0s: NetBSD's xl can't attach a device to a guest")
        guests.append(
            Guest(domain["name"], domain["config"] or "", domain["state"], domain["restart"], domain["hot_plug"])
        )
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
    twice = config.twice
    if twice is not None:
        raise PcibackError(
            f"it lists {twice.spec.device} twice, and xl fails on that half way; list each device once",
            code=CODE,
            file=guest.path,
            line=twice.line,
            column=twice.column,
        )
    return config


def compare_devices(guest: Guest) -> None:
    """Note what a guest that runs has to lose and to get. Entries by name are xl's to resolve, so with one nothing is lost.

    :raises PcibackError: its file can't be used
    """
    config = guest.config = read_config(guest)
    here = guest.now.devices if guest.now else ()
    specs = [entry.spec for entry in config.pci]
    if all(spec.address is not None for spec in specs):
        guest.detach = tuple(address for address in here if not any(spec.covers(address) for spec in specs))
    guest.attach = tuple(
        config.with_defaults(spec)
        for spec in specs
        if spec.address is not None and not any(spec.covers(address) for address in here)
    )


def check_devices(guests: Sequence[Guest], host: Platform) -> list[str]:
    """Why guests can't get devices that their files list."""
    problems = []
    for guest in guests:
        specs = (
            [entry.spec for entry in guest.config.pci] if guest.config and CREATED in guest.planned else guest.attach
        )
        addresses = [spec.address for spec in specs if spec.address is not None]
        problems += [f"guest {guest.name}: {problem}" for problem in host.obstacles(addresses)]
    return problems


def pretend(guests: Sequence[Guest]) -> None:
    """What would be if all went well, for check mode."""
    for guest in guests:
        guest.actions = guest.planned
        if CREATED in guest.actions:
            guest.now = RunningDomain(0, guest.name, RUNNING, guest.config.addresses if guest.config else ())
        elif guest.now is not None and (guest.attach or guest.detach):
            kept = [address for address in guest.now.devices if address not in guest.detach]
            new = [spec.address for spec in guest.attach if spec.address is not None]
            guest.now = replace(guest.now, devices=(*kept, *new))
        elif guest.actions:
            guest.now = None


def shut_down(guests: Sequence[Guest], host: Platform, xl: Xl, timeout: int) -> None:
    """Shut guests down together, so that nothing stays of those that go."""
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
    domains = xl.domains()
    for guest in waiting:
        if guest.now and guest.now.devices and guest.now.domid not in [domain.domid for domain in domains]:
            host.forget_backend(guest.now.domid)
    look(guests, domains)


def destroy_left(guests: Sequence[Guest], xl: Xl) -> None:
    """Destroy what is left of guests that are to be absent or to start anew."""
    for guest in guests:
        if guest.failure is not None or guest.now is None or guest.state == "stopped":
            continue
        unwanted = guest.state == "absent" or not guest.now.alive
        if unwanted and guest.attempt(DESTROYED, xl.destroy, guest.now):
            guest.now = None


def change_devices(guests: Sequence[Guest], host: Platform, xl: Xl, timeout: int) -> None:
    """Take devices from guests that run, and then give others to them; restart those that don't follow, if they may be."""
    changing = [guest for guest in guests if guest.failure is None and (guest.detach or guest.attach)]
    for guest in changing:
        for address in guest.detach:
            if guest.failure is None:
                guest.attempt(detached(address), partial(unplug, guest, xl, timeout), address)
    for guest in changing:
        for spec in guest.attach:
            if guest.failure is None:
                guest.attempt(attached(spec), partial(plug, guest, xl, timeout), spec)
    stubborn = [guest for guest in changing if guest.failure is not None and guest.restart]
    for guest in stubborn:
        guest.reluctance, guest.failure = guest.failure, None
        guest.planned = [SHUT_DOWN, CREATED]
        guest.attach = guest.detach = ()
    if stubborn:
        shut_down(stubborn, host, xl, timeout)
        destroy_left(stubborn, xl)


def unplug(guest: Guest, xl: Xl, timeout: int, address: Address) -> None:
    """Take a device from a guest.

    :raises PcibackError: the guest keeps it
    """
    if guest.now is not None:
        xl.detach(guest.now, address)
        xl.wait_connected(guest.now, timeout)


def plug(guest: Guest, xl: Xl, timeout: int, spec: PciSpec) -> None:
    """Give a device to a guest.

    :raises PcibackError: xl could not, or the guest does not notice
    """
    if guest.now is not None:
        xl.attach(guest.now, spec.render())
        xl.wait_connected(guest.now, timeout)


def create_missing(guests: Sequence[Guest], xl: Xl) -> None:
    """Start guests that are to run and have no domain, in their order."""
    for guest in guests:
        if guest.failure is None and guest.state == "running" and guest.now is None:
            guest.attempt(CREATED, xl.create, guest.path)


def apply(guests: Sequence[Guest], host: Platform, xl: Xl, timeout: int) -> None:
    """Bring the guests into their states."""
    shut_down(guests, host, xl, timeout)
    destroy_left(guests, xl)
    change_devices(guests, host, xl, timeout)
    create_missing(guests, xl)
    look(guests, xl.domains())
    for guest in guests:
        if guest.failure is None:
            guest.failure = what_is_wrong(guest)


def wait_for_frontends(guests: Sequence[Guest], xl: Xl, timeout: int) -> None:
    """Wait until guests that were started have found their devices."""
    for guest in guests:
        if timeout and guest.failure is None and guest.now and guest.now.devices and CREATED in guest.actions:
            try:
                xl.wait_connected(guest.now, timeout)
            except PcibackError as error:
                guest.failure = error


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
    left = [address for address in guest.detach if guest.now and address in guest.now.devices]
    lacks = [spec for spec in guest.attach if guest.now and not any(map(spec.covers, guest.now.devices))]
    if left or lacks:
        return PcibackError(
            f"guest {guest.name} has other devices than its configuration file lists: "
            + ", ".join([f"still {address.bdf}" for address in left] + [f"not {spec.device}" for spec in lacks]),
            remedy="restart it, or let the task do so with 'restart: true'",
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
                    "hot_plug": {"type": "bool", "default": False},
                },
                "required_if": [("state", "running", ["config"])],
            },
            "timeout": {"type": "int", "default": 120},
            "frontend_timeout": {"type": "int", "default": 0},
            "xl": {"type": "path"},
            **state_directory_options("lock"),
        },
        supports_check_mode=True,
    )
    timeout = module.params["timeout"]
    try:
        host = platforms.here(runner(module))
        guests = read_guests(module.params["domains"], host)
        xl = Xl(runner(module), module.params["xl"])
        with open_state_directory(module).lock(f"module {module._name}", check_mode=module.check_mode):
            look(guests, xl.domains())
            for guest in guests:
                guest.before = guest.now.state if guest.now else ABSENT
                guest.picture_before = guest.picture
                if guest.hot_plug and guest.state == "running" and guest.now and guest.now.alive:
                    compare_devices(guest)
                guest.planned = guest.plan()
                if CREATED in guest.planned:
                    guest.config = read_config(guest)
            problems = check_devices(guests, host)
            if problems and not module.check_mode:
                raise PcibackError("; ".join(problems), code=CODE, remedy=ASSIGN)
            for problem in problems:
                module.warn(problem)
            if module.check_mode:
                pretend(guests)
            elif any(guest.planned for guest in guests):
                apply(guests, host, xl, timeout)
                wait_for_frontends(guests, xl, module.params["frontend_timeout"])
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    for guest in guests:
        for warning in guest.config.warnings if guest.config else ():
            module.warn(warning)
        if guest.reluctance is not None:
            module.warn(f"guest {guest.name} had to be restarted: {guest.reluctance}")
    result: dict[str, Any] = {
        "changed": any(guest.actions for guest in guests),
        "domains": [guest.describe() for guest in guests],
        "diff": [
            {
                "before_header": guest.name,
                "after_header": guest.name,
                "before": guest.picture_before,
                "after": guest.picture,
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
