# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: the digest of the native component's sources in this collection."""

from __future__ import annotations

DOCUMENTATION = r"""
name: native_source_digest
author: xen.pciback contributors (@xen-pciback)
version_added: 0.1.0
short_description: Digest of the native component's sources
description:
  - Returns the SHA-256 digest of the sources in the collection's C(native/) directory, as C(pcibackctl version) prints it.
  - Comparing it with what a host has recorded tells whether the host's native component is up to date, at no cost on the host.
options:
  _terms:
    description: Takes no terms.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show which sources a host should run
  ansible.builtin.debug:
    msg: "{{ lookup('xen.pciback.native_source_digest') }}"
"""

RETURN = r"""
_raw:
  description: One digest, 64 hexadecimal digits.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.xen.pciback.plugins.plugin_utils.native_sources import read_sources, source_digest


class LookupModule(LookupBase):
    """Reads the sources each time: they are few, and a cache could only be wrong."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        if terms:
            raise AnsibleLookupError("native_source_digest takes no terms")
        return [source_digest(read_sources())]
