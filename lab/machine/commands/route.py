# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""route(8), for looking: the default route, through the interface that the machine is managed by."""

from __future__ import annotations

import sys

from ..state import Machine
from . import OptionError, complain, split_options

USAGE = "usage: route [-dfLnqSsTtv] cmd [[-<qualifers>] args]\n"
_METRICS = ("recvpipe", "sendpipe", "ssthresh", "rtt,msec", "rttvar", "hopcount", "mtu", "expire")


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    try:
        _options, words = split_options(arguments, "nv")
    except OptionError:
        words = []
    if not words or words[0] != "get" or words[-1] != "default" or words[1:-1] not in ([], ["-inet"], ["-inet6"]):
        sys.stderr.write(USAGE)
        return 1
    machine.load()
    route = machine.state["boot"]["default_route"]
    interface = None if route is None else route["interface"]
    known = machine.state["boot"]["interfaces"].get(interface, {})
    if "-inet6" in words or machine.tree.find(str(interface)) is None or not (known.get("up") and known.get("inet")):
        complain(program, "writing to routing socket: not in table")
        return 1
    lines = [
        ("route to", "default"),
        ("destination", "default"),
        ("mask", "default"),
        ("gateway", route["gateway"]),
        ("local addr", known["inet"]),
        ("interface", interface),
        ("flags", "<UP,GATEWAY,DONE,STATIC>"),
    ]
    sys.stdout.write("".join(f"{name:>11}: {value}\n" for name, value in lines))
    sys.stdout.write("".join(f"{name:>9} " for name in _METRICS).rstrip() + "\n")
    sys.stdout.write("".join(f"{0:>9} " for _name in _METRICS) + "\n")
    return 0
