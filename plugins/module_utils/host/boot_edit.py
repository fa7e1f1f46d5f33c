# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What module ``boot_hide`` asks of a platform, and what the platforms' answers have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices import pins
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference, difference
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    make_directory,
    read_file,
    remove_file,
    replace_file,
)

PRESENT = "present"
ABSENT = "absent"
ORIGINAL = "original"
STATES = (PRESENT, ABSENT, ORIGINAL)

PINS_MODE = 0o644
"""Of a file that did not exist; pins tell nothing that dmesg(8) and ifconfig(8) don't."""


@dataclass(frozen=True)
class BootRequest:
    """What is wanted of the boot configuration.

    :ivar path: the configuration, ``None`` for the one at its usual place
    :ivar state: ``present``: the devices are hidden and nothing else; ``absent``: nothing is; ``original``: the files
        are as they were before their first change
    :ivar entries: the menu entries that get the list: ``xen``, ``default`` or titles
    :ivar previous: whether an entry keeps the list from before
    :ivar predictor: path of pcibackctl, ``None``: nothing is predicted
    :ivar pins: what the pins shall be, ``None``: as they are
    :ivar scratch: a directory for files that nobody else may read
    """

    path: str | None
    state: str
    devices: Sequence[str]
    entries: Any
    previous: bool
    predictor: str | None
    backup: bool
    pins: Mapping[str, Any] | None
    pins_path: str
    originals_path: str
    check_mode: bool
    scratch: str | None = None


@dataclass(frozen=True)
class BootResult:
    """What was changed, or would be in check mode.

    :ivar values: the documented return values, but for ``changed`` and ``diff``
    """

    changed: bool
    differences: Sequence[Difference]
    values: Mapping[str, Any]
    warnings: Sequence[str] = field(default_factory=tuple)


def write_pins(request: BootRequest) -> list[Difference]:
    """Make the pins exactly those that are wanted; what changes.

    :raises PcibackError: they can't be read or written
    """
    if request.pins is None:
        return []
    path, wanted = request.pins_path, pins.from_mapping(request.pins)
    before = read_file(path, limit=pins.MAX_FILE) if os.path.lexists(path) else None
    if (before is None and not wanted) or (before is not None and wanted and pins.parse(before, path) == wanted):
        return []
    after = pins.render(wanted) if wanted else None
    if not request.check_mode:
        if after is None:
            remove_file(path)
        else:
            make_directory(os.path.dirname(path))
            replace_file(path, after, expected=before, mode=PINS_MODE)
    return [difference(path, before, after)]


def remove_pins(request: BootRequest) -> list[Difference]:
    """Remove the pins, whether they can be understood or not; what changes."""
    path = request.pins_path
    if not os.path.lexists(path):
        return []
    before = read_file(path, limit=pins.MAX_FILE)
    if not request.check_mode:
        remove_file(path)
    return [difference(path, before, None)]


def texts(addresses: Sequence[Address]) -> list[str]:
    """Addresses with domain, each once, in their order."""
    return [str(address) for address in dict.fromkeys(addresses)]
