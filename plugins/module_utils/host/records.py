# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where the collection keeps its records on a host."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import MAX_FILE, Pin, parse
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file

DIRECTORY = "/var/db/xen-pciback"
DEVICES = "devices.json"
NATIVE = "native.json"
DRIVERS = "drivers.json"
ORIGINALS = "originals.json"
LOCK = "lock"


def read_pins(path: str) -> Mapping[Address, Pin]:
    """What the host's pinned devices were; nothing if none is.

    :raises PcibackError: the file is there but can't be understood
    """
    return parse(read_file(path, limit=MAX_FILE), path) if os.path.lexists(path) else {}
