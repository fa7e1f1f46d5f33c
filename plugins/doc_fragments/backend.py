# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Which backend a module asks, and how."""

    DOCUMENTATION = r"""
options:
  backend:
    description:
      - Which backend takes devices from dom0 and gives them to guests. V(kernel) is pciback(4) of NetBSD or xen-pciback of
        Linux, V(native) is pcibackd, which needs no reboot.
    type: str
    choices: [kernel, native]
    default: kernel
    version_added: 0.2.0
  pcibackctl:
    description: The path of pcibackctl, which asks pcibackd, and on NetBSD the kernel's backend.
    type: path
    default: /usr/local/sbin/pcibackctl
    version_added: 0.2.0
"""
