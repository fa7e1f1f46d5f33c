# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifconfig(8), for looking: the network interfaces of the cards that dom0 drives itself."""

from __future__ import annotations

import sys

from ..bus import Slot
from ..state import Machine
from . import complain


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    machine.load()
    found = {}
    for device in machine.tree.devices:
        if device["driver"] in ("wm", "re", "ne"):
            function = machine.bus.get(Slot.parse(device["slot"]))
            found[device["name"]] = "" if function is None else str(function.facts.get("mac", ""))
    if arguments == ["-l"]:
        sys.stdout.write(" ".join([*found, "lo0"]) + "\n")
        return 0
    names = [*found, "lo0"] if arguments in ([], ["-a"]) else arguments[:1]
    if len(arguments) > 1:
        complain(program, "an embedded dom0 has no network to set up")
        return 1
    for name in names:
        if name == "lo0":
            sys.stdout.write("lo0: flags=8048<LOOPBACK,RUNNING,MULTICAST> mtu 33648\n")
        elif name in found:
            sys.stdout.write(f"{name}: flags=8802<BROADCAST,SIMPLEX,MULTICAST> mtu 1500\n")
            sys.stdout.write(f"\taddress: {found[name]}\n")
        else:
            complain(program, f"{name}: Device not configured")
            return 1
    return 0
