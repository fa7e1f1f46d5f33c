# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What xenstore has of the guests of a kernel's backend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run

BACKENDS = "/local/domain/0/backend/pci"

CONNECTED, CLOSING, CLOSED = "4", "5", "6"
"""States of a backend whose guest has found its devices, or had found them."""

_NODE = re.compile(
    rf'{BACKENDS}/(?P<domid>[0-9]+)/0/(?:(?P<state>state)|(?P<key>dev|opts)-(?P<number>[0-9]+)) = "(?P<value>[a-z0-9_:.,=-]+)"\Z'
)
_ADDRESS = re.compile(r"[0-9a-f:.]+\Z")
_IRQ = re.compile(r"(?:\A|,)irq=([0-9]+)(?:,|\Z)")


@dataclass(frozen=True)
class KernelGuest:
    """A domain that the backend serves, or has served.

    :ivar state: of the backend, as xenbus numbers it; empty if there is none
    :ivar irqs: the interrupts that were stated of devices when it got them
    """

    state: str = ""
    devices: tuple[Address, ...] = ()
    irqs: Mapping[Address, int] = field(default_factory=dict)


def kernel_guests(run: Run, xenstore_ls: str) -> Mapping[int, KernelGuest]:
    """The domains of the backend by their numbers; none if the store lists none.

    :param xenstore_ls: the path of the command
    """
    status, out, _err = run([xenstore_ls, "-f", BACKENDS])
    states: dict[int, str] = {}
    devices: dict[int, dict[str, Address]] = {}
    options: dict[int, dict[str, str]] = {}
    for line in out.splitlines() if status == 0 else ():
        match = _NODE.match(line)
        if match is None:
            continue
        domid = int(match["domid"])
        if match["key"] == "opts":
            options.setdefault(domid, {})[match["number"]] = match["value"]
        elif _ADDRESS.match(match["value"]) is None:
            continue
        elif match["state"]:
            states[domid] = match["value"]
        else:
            devices.setdefault(domid, {})[match["number"]] = parse_address(match["value"])
    return {
        domid: KernelGuest(
            states.get(domid, ""),
            tuple(devices.get(domid, {}).values()),
            _irqs(devices.get(domid, {}), options.get(domid, {})),
        )
        for domid in sorted({*states, *devices})
    }


def _irqs(devices: Mapping[str, Address], options: Mapping[str, str]) -> Mapping[Address, int]:
    """The interrupts among the options of devices, both by their numbers in the store."""
    found = {address: _IRQ.search(options.get(number, "")) for number, address in devices.items()}
    return {address: int(match.group(1)) for address, match in found.items() if match is not None}
