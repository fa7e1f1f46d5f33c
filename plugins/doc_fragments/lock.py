# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The lock of modules that change a host."""

    DOCUMENTATION = r"""
options:
  lock:
    description:
      - File on the host that exists, and is locked, while a module changes something there.
      - Another one waits for a minute, and then fails and names the process that holds it. All runs on a host have to
        give the same file.
      - Not used in check mode.
    type: path
    default: /var/db/xen-pciback/lock
    version_added: 0.1.0
"""
