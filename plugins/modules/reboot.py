#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reboot
short_description: Reboots dom0s in turns, until one is lost
version_added: 0.2.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Does what C(ansible.builtin.reboot) does, in a way that NetBSD needs and Linux has, and with a brake. As soon as one host does not
    come back from its reboot, no other host of the same run of C(ansible-playbook) is rebooted; each fails with a sentence
    that names the host that was lost.
  - So that the first loss is seen before the next host reboots, the hosts of a run reboot in turns, whatever strategy and
    batches the play has.
options:
  timeout:
    description: How long the host has to come back, in seconds, from 5 to 86400.
    type: int
    default: 600
  throttle:
    description: How many hosts of a run reboot at the same time; at most so many are lost. From 1 to 10000.
    type: int
    default: 1
  recovery:
    description: What a person at the console does if the host does not come back, one sentence each. It is part of the message
      then, and of those of the hosts that are not rebooted because of it.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - xen.pciback.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: NetBSD, Linux
notes:
  - Needs root.
  - Nothing of it runs on the host but what C(ansible.builtin.reboot) runs there.
seealso:
  - name: ansible.builtin.reboot
    description: What it is made of, for hosts of any kind.
    link: https://docs.ansible.com/ansible/latest/collections/ansible/builtin/reboot_module.html
  - plugin: xen.pciback.lost_hosts
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Reboot, four hosts at a time
  xen.pciback.reboot:
    throttle: 4
    timeout: 900
    recovery:
      - At the loader's menu choose the entry that ends in '(previous pciback)'.
"""

RETURN = r"""
rebooted:
  description: Whether the host was told to reboot; in check mode, whether it would be.
  type: bool
  returned: always
  sample: true
lost:
  description: Whether it was told to and did not come back in time.
  type: bool
  returned: always
  sample: false
elapsed:
  description: How long it took, in seconds.
  type: int
  returned: success
  sample: 87
"""
