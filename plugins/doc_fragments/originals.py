# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The record of originals."""

    DOCUMENTATION = r"""
options:
  originals:
    description:
      - File on the host that records what each changed file was before its first change, so that it can be put back.
        Only its owner may read it, because guests' files may hold passwords.
      - It is written before a file is changed, and goes with the last file that is put back.
    type: path
    default: /var/db/xen-pciback/originals.json
    version_added: 0.1.0
"""
