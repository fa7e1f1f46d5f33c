# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifconfig(8), for looking: the network interfaces of the cards that dom0 drives itself."""

from __future__ import annotations

import re
import sys

from .. import hypervisor
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
    verbose = arguments[:1] == ["-v"]
    arguments = arguments[1:] if verbose else arguments
    names = [*found, "lo0"] if arguments in ([], ["-a"]) else arguments[:1]
    if names[0] not in (*found, "lo0"):
        complain(program, f"{names[0]}: Device not configured")
        return 1
    if len(arguments) > 1:
        return _set(machine, program, names[0], arguments[1:])
    for name in names:
        if name == "lo0":
            sys.stdout.write("lo0: flags=8048<LOOPBACK,RUNNING,MULTICAST> mtu 33648\n")
            continue
        known = machine.state["boot"]["interfaces"].get(name, {})
        flags = (
            "8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST>" if known.get("up") else "8802<BROADCAST,SIMPLEX,MULTICAST>"
        )
        sys.stdout.write(f"{name}: flags={flags} mtu 1500\n\taddress: {found[name]}\n")
        if known.get("inet"):
            broadcast = known["inet"].rsplit(".", 1)[0] + ".255"
            sys.stdout.write(f"\tinet {known['inet']} netmask 0xffffff00 broadcast {broadcast}\n")
        if verbose and known.get("up"):
            # What it sends goes nowhere without DMA, and nothing comes; it is all that shows.
            received = "0 packets, 0 bytes" if name in hypervisor.cut_off(machine) else "3 packets, 192 bytes"
            sys.stdout.write(f"\tinput: {received}\n\toutput: 3 packets, 724 bytes, 5 multicasts\n")
    return 0


def _set(machine: Machine, program: str, name: str, words: list[str]) -> int:
    with machine.changing():
        known = machine.state["boot"]["interfaces"].setdefault(name, {})
        while words:
            word = words.pop(0)
            if word in ("up", "down"):
                known["up"] = word == "up"
            elif word == "netmask" and words:
                words.pop(0)
            elif re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?", word):
                known["inet"] = word.partition("/")[0]
            elif word == "delete":
                known.pop("inet", None)
            elif word != "inet":
                complain(program, f"{word}: bad value")
                return 1
    return 0
