# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The state directory; and, a fragment each, the options of 0.1.0 that named one of its files."""

    DOCUMENTATION = r"""
options:
  state_directory:
    description:
      - Directory on the host in which the collection keeps its records. All runs on a host have to give the same one.
      - C(pins.json) holds what the devices were that were given away.
      - C(originals.json) holds what each changed file was before its first change, so that it can be put back. It is
        written before a file is changed, and goes with the last file that is put back. Only its owner may read it,
        because guests' files may hold passwords.
      - C(drivers.json) holds which driver each device had that was taken while dom0 ran. It goes with the last device that is returned.
      - C(native.json) holds what was installed of the native component.
      - C(attachments) holds what the host's start-up gives to guests through C(pcibackd).
      - C(lock) exists, and is locked, while a module changes something on the host. Another one waits for a minute, and
        then fails and names the process that holds it. In check mode nothing is locked.
    type: path
    default: /var/db/xen-pciback
    version_added: 0.2.0
"""

    LOCK = r"""
options:
  lock:
    description: Deprecated, use O(state_directory). If given, the path of its file C(lock).
    type: path
    version_added: 0.1.0
"""

    PINS = r"""
options:
  record:
    description: Deprecated, use O(state_directory). If given, the path of its file C(pins.json).
    type: path
    version_added: 0.1.0
"""

    ORIGINALS = r"""
options:
  originals:
    description: Deprecated, use O(state_directory). If given, the path of its file C(originals.json).
    type: path
    version_added: 0.1.0
"""

    DRIVERS = r"""
options:
  drivers:
    description: Deprecated, use O(state_directory). If given, the path of its file C(drivers.json).
    type: path
    version_added: 0.1.0
"""

    NATIVE = r"""
options:
  record:
    description: Deprecated, use O(state_directory). If given, the path of its file C(native.json).
    type: path
    version_added: 0.1.0
"""
