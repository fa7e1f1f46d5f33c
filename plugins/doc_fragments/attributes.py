# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What every module of the collection says about check mode, diff mode and its platform."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
  platform:
    description: Target OS or family of OSes that can be operated against.
    platforms: NetBSD, Linux
    support: full
"""

    # Of modules that have the options which all members of the group have.
    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/xen.pciback.pciback) in C(module_defaults) to set the options that all modules of the group have.
    support: full
    membership:
      - xen.pciback.pciback
"""
