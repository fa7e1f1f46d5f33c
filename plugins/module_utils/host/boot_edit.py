# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What module ``boot_hide`` asks of a platform, and what the platforms' answers have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices import pins
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory

PRESENT = "present"
ABSENT = "absent"
ORIGINAL = "original"
CONFIRMED = "confirmed"
STATES = (PRESENT, ABSENT, ORIGINAL, CONFIRMED)

MOST_BYTES = 1 << 20
"""Of a boot configuration: far more than loaders read; what is too large for them is its reader's to say."""


@dataclass(frozen=True)
class BootRequest:
    """What is wanted of the boot configuration.

    :ivar path: the configuration, ``None`` for the one at its usual place
    :ivar state: ``present``: the devices are hidden and nothing else; ``absent``: nothing is; ``original``: the files
        are as they were before their first change; ``confirmed``: what this boot tries is hidden from now on
    :ivar entries: the menu entries that get the list: ``xen``, ``default`` or titles
    :ivar previous: whether an entry keeps the list from before
    :ivar predictor: path of pcibackctl, ``None``: nothing is predicted
    :ivar pins: what the pins shall be, ``None``: as they are
    :ivar records: what is remembered of the host
    :ivar trial: let the next boot be a trial that waits so many seconds to be confirmed; ``None``: a plain one
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
    records: StateDirectory
    check_mode: bool
    trial: int | None = None
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


def save_pins(request: BootRequest, wanted: Mapping[str, Any] | None) -> list[Difference]:
    """Record exactly these pins, if any are given; what changes.

    :raises PcibackError: those that are recorded can't be read, or not be replaced
    """
    if wanted is None:
        return []
    return request.records.save_pins(pins.from_mapping(wanted), check_mode=request.check_mode)


def texts(addresses: Sequence[Address]) -> list[str]:
    """Addresses with domain, each once, in their order."""
    return [str(address) for address in dict.fromkeys(addresses)]
