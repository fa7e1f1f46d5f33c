# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of predictions, for playbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: predicts
author: xen.pciback contributors (@xen-pciback)
version_added: 0.2.0
short_description: Whether a predicted boot claims exactly what is wanted
description:
  - Judges what C(pcibackctl boot --json) printed, as M(xen.pciback.boot_hide) and M(xen.pciback.plan) do.
positional: claims
options:
  _input:
    description: The prediction, decoded.
    type: dict
    required: true
  claims:
    description: Addresses that pciback is to hold; with none of them there must be no backend.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Refuse a boot that would not do what is wanted
  ansible.builtin.assert:
    that: prediction is xen.pciback.predicts(["0000:00:05.0"])
  vars:
    prediction: {outcome: registered, claims: ["0000:00:05.0"]}
"""

RETURN = r"""
_value:
  description: Whether outcome and claims are as wanted.
  type: bool
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import agrees


def predicts(prediction: Mapping[str, Any], claims: Collection[str]) -> bool:
    """Whether a boot ends as wanted."""
    return agrees(prediction["outcome"], prediction["claims"], claims)


class TestModule:
    """What Ansible loads."""

    def tests(self) -> Mapping[str, Callable[..., bool]]:
        """The tests by their names."""
        return {"predicts": predicts}
