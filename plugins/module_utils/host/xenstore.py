# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What xenstore has of the guests of a kernel's backend."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run

BACKENDS = "/local/domain/0/backend/pci"

CONNECTED, CLOSING, CLOSED = "4", "5", "6"
"""States of a backend whose guest has found its devices, or had found them."""

_NODE = re.compile(rf'{BACKENDS}/(?P<domid>[0-9]+)/0/(?:(?P<state>state)|dev-[0-9]+) = "(?P<value>[0-9a-f:.]+)"\Z')


@dataclass(frozen=True)
class KernelGuest:
    """A domain that the backend serves, or has served.

    :ivar state: of the backend, as xenbus numbers it; empty if there is none
    """

    state: str = ""
    devices: tuple[Address, ...] = ()


def kernel_guests(run: Run, xenstore_ls: str) -> Mapping[int, KernelGuest]:
    """The domains of the backend by their numbers; none if the store lists none.

    :param xenstore_ls: the path of the command
    """
    status, out, _err = run([xenstore_ls, "-f", BACKENDS])
    states: dict[int, str] = {}
    devices: dict[int, list[Address]] = {}
    for line in out.splitlines() if status == 0 else ():
        match = _NODE.match(line)
        if match is None:
            continue
        domid = int(match["domid"])
        if match["state"]:
            states[domid] = match["value"]
        else:
            devices.setdefault(domid, []).append(parse_address(match["value"]))
    return {
        domid: KernelGuest(states.get(domid, ""), tuple(devices.get(domid, ())))
        for domid in sorted({*states, *devices})
    }
