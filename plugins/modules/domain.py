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
  - With O(backend=native), and on NetBSD with O(backend=kernel), a guest with devices is made paused and without them,
    gets them from pcibackd or by pcibackctl, and only then runs. One that does not get them is destroyed before it has run.
    Its file lists them as for xl.
  - NetBSD's kernel panics when a guest with devices ends before its frontend has connected. With O(backend=kernel) such a
    guest is therefore neither shut down nor destroyed on NetBSD, and the task fails.
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
            looked at, is destroyed for that. A paused guest counts as running if it has ever run.
            One that was made paused and has not, as a run that was killed leaves it, is let run if it has what its file
            lists, and else made anew.
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
          - Not with NetBSD's kernel backend, which looks at the devices of a guest only once.
        type: bool
        default: false
        version_added: 0.1.0
      allow:
        description:
          - What the owner allows for the devices of a guest that is started, in the codes of refusals. It matters with
            NetBSD's kernel backend alone; pcibackd is told when it takes a device.
          - That a device can't be reset, or shares an interrupt line, is always allowed with that backend.
        type: list
        elements: str
        choices: [kept-mappings, no-iommu, no-reset, shared-bar-page, shared-irq]
        default: []
        version_added: 0.2.0
      irq:
        description:
          - The interrupts (GSI) of devices whose interrupt only their owner knows, each a number from 1 to 254 under the
            address, such as V(20) under V(0000:00:05.0). It matters with NetBSD's kernel backend alone; pcibackd is told when it
            takes a device.
          - What the kernel has said of a device in this boot counts. The number is used where its messages don't tell any
            more, and one that contradicts them is refused.
        type: dict
        default: {}
        version_added: 0.2.0
  timeout:
    description:
      - How long the guests have to shut down, all of them together, in seconds. A guest has the same time to notice a
        device that comes or goes.
      - From 1 to 86400.
    type: int
    default: 120
  frontend_timeout:
    description:
      - How long a guest that was started has until its PCI frontend is connected to the backend, which it reports in
        xenstore; in seconds, for each guest with devices. It fails if that does not come. From 0 to 86400.
      - With V(0) nobody waits.
    type: int
    default: 0
    version_added: 0.1.0
  after_shut_down:
    description:
      - The names of guests that a task before this one shuts down. Check mode, which comes before it, takes each for absent.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  after_reboot:
    description:
      - Whether a task before this one reboots dom0. No guest outlives that, so check mode, which comes before it, takes each
        for absent.
      - Otherwise, with NetBSD's own backend, the guests wait until C(/etc/rc.d/pciback_guests) has started those that the host
        starts by itself, for O(timeout) seconds at most.
    type: bool
    default: false
    version_added: 0.2.0
  xl:
    description: The path of xl. By default C(/usr/pkg/sbin/xl), C(/usr/sbin/xl) or C(/usr/local/sbin/xl).
    type: path
extends_documentation_fragment:
  - xen.pciback.backend
  - xen.pciback.attributes
  - xen.pciback.attributes.action_group
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
  - On a NetBSD dom0 xl can't give PCI devices to a guest, and pcibackctl has to be installed
    (M(xen.pciback.native_backend)).
seealso:
  - module: xen.pciback.domain_pci
  - module: xen.pciback.native_backend
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
      description:
        - V(running), V(paused), V(never_ran) if it was made paused and left so, V(shut_down) or V(crashed) if xl keeps what is left,
          V(dying), or V(absent).
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

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    BACKEND,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.guest import STATES
from ansible_collections.xen.pciback.plugins.module_utils.engines.guests import bring_into_states, read_guests
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root
from ansible_collections.xen.pciback.plugins.module_utils.host.toolstack import toolstack_of
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import RUNNING, Xl
from ansible_collections.xen.pciback.plugins.module_utils.ranges import FRONTEND_TIME, SHUT_DOWN_TIME
from ansible_collections.xen.pciback.plugins.module_utils.refusals import CONSENTS


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
                    "state": {"type": "str", "choices": list(STATES), "default": RUNNING},
                    "restart": {"type": "bool", "default": False},
                    "hot_plug": {"type": "bool", "default": False},
                    "allow": {"type": "list", "elements": "str", "choices": list(CONSENTS), "default": []},
                    "irq": {"type": "dict", "default": {}},
                },
                "required_if": [("state", RUNNING, ["config"])],
            },
            "timeout": {"type": "int", "default": 120},
            "frontend_timeout": {"type": "int", "default": 0},
            "after_reboot": {"type": "bool", "default": False},
            "after_shut_down": {"type": "list", "elements": "str", "default": []},
            **BACKEND,
            "xl": {"type": "path"},
            **state_directory_options("lock"),
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        require_root()
        SHUT_DOWN_TIME.check(params["timeout"], "timeout")
        FRONTEND_TIME.check(params["frontend_timeout"], "frontend_timeout")
        host = platforms.here(run)
        backend = host.backends[params["backend"]]
        guests = read_guests(params["domains"], backend)
        toolstack = toolstack_of(backend, Xl(run, params["xl"]), host, params["pcibackctl"], run)
        with open_state_directory(module).lock(f"module {module._name}", check_mode=module.check_mode):
            outcome = bring_into_states(
                guests,
                toolstack,
                timeout=params["timeout"],
                frontend_timeout=params["frontend_timeout"],
                check_mode=module.check_mode,
                after_reboot=params["after_reboot"],
                after_shut_down=params["after_shut_down"],
            )
    except PcibackError as error:
        module.fail_json(msg=str(error), code=error.code, remedy=error.remedy)
    for warning in outcome.warnings:
        module.warn(warning)
    if outcome.failure is not None:
        module.fail_json(
            msg=str(outcome.failure), code=outcome.failure.code, remedy=outcome.failure.remedy, **outcome.values
        )
    module.exit_json(**outcome.values)


if __name__ == "__main__":
    main()
