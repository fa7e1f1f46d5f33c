# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: the hosts that this run has lost."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lost_hosts
author: xen.pciback contributors (@xen-pciback)
version_added: 0.2.0
short_description: Hosts that did not come back from a reboot of this run
description:
  - Returns the hosts that M(xen.pciback.reboot) has rebooted in this run of C(ansible-playbook) and that did not come back
    in time.
  - Whoever changes something that only a reboot puts to the test leaves the other hosts as they are after that.
options:
  _terms:
    description: Takes no terms.
    type: list
    elements: str
    default: []
seealso:
  - module: xen.pciback.reboot
"""

EXAMPLES = r"""
- name: Show which hosts were lost, and what helps
  ansible.builtin.debug:
    msg: "{{ query('xen.pciback.lost_hosts') | map(attribute='message') | list }}"
"""

RETURN = r"""
_raw:
  description: The hosts, in the order in which they were lost.
  type: list
  elements: dict
  contains:
    host:
      description: Its name in the inventory.
      type: str
      sample: alpha
    message:
      description: That it did not come back, and what a person at its console does.
      type: str
"""

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.xen.pciback.plugins.plugin_utils.reboots import lost_hosts


class LookupModule(LookupBase):
    """Reads each time: hosts are lost while the run goes on."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        if terms:
            raise AnsibleLookupError("lost_hosts takes no terms")
        return [asdict(lost) for lost in lost_hosts()]
