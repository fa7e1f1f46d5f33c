# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Refusals that the owner overrides; tests/unit/test_refusals.py holds the choices against the registry."""

    DOCUMENTATION = r"""
options:
  allow:
    description: Refusals that the owner overrides, each for one device or for the host.
    type: list
    elements: dict
    default: []
    suboptions:
      code:
        description: The refusal's code; of the others, the host would not survive it or nothing could be done.
        type: str
        choices:
          - boot-disk
          - bridge
          - console
          - foreign-hide-list
          - identity-changed
          - interrupt-unknown
          - iommu-group
          - kept-mappings
          - management-nic
          - no-iommu
          - no-reset
          - nothing-wanted
          - shared-bar-page
          - shared-irq
          - use-unknown
        required: true
      address:
        description:
          - The device.
          - Required, but for V(foreign-hide-list) and V(nothing-wanted), which are about the whole host and have none.
        type: str
"""
