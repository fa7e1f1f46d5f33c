# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: what of a host's variables can't be meant."""

from __future__ import annotations

DOCUMENTATION = r"""
name: variable_problems
author: xen.pciback contributors (@xen-pciback)
version_added: 0.2.0
short_description: What of a host's variables can't be meant
description:
  - Returns one sentence for each variable of the host that begins with C(pciback_) and is none of the role
    C(xen.pciback.pciback), such as C(pciback_guest) for C(pciback_guests), with the nearest right name.
  - Also one for each number that is given and out of its range, such as a C(pciback_reboot_timeout) of V(0).
  - A role can't see that by itself. Its argument specification checks what it knows, and a misspelt variable is one that
    it doesn't know.
  - Looks at the controller only, so it costs nothing on the host. Pass the result to O(xen.pciback.plan#module:problems).
options:
  _terms:
    description: Takes no terms.
    type: list
    elements: str
    default: []
  pciback_reboot_timeout:
    description: The value of this variable, from 5 to 86400.
    type: raw
  pciback_reboot_throttle:
    description: The value of this variable, from 1 to 10000.
    type: raw
  pciback_confirm_within:
    description: The value of this variable, from 10 to 86400.
    type: raw
  pciback_guest_timeout:
    description: The value of this variable, from 1 to 86400.
    type: raw
"""

EXAMPLES = r"""
- name: Show what is misspelt
  ansible.builtin.debug:
    msg: "{{ query('xen.pciback.variable_problems', pciback_reboot_timeout=600) }}"
"""

RETURN = r"""
_raw:
  description: Sentences; none if all is well.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.xen.pciback.plugins.plugin_utils.role_variables import (
    RANGES,
    numbers_out_of_range,
    unknown_variables,
)


class LookupModule(LookupBase):
    """Looks at the names of all variables that the host has here, and at the numbers that it is given."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        if terms:
            raise AnsibleLookupError("variable_problems takes no terms")
        for name in kwargs:
            if name not in RANGES:
                raise AnsibleLookupError(f"variable_problems has no option '{name}'")
        return [*unknown_variables(variables or {}), *numbers_out_of_range(kwargs)]
