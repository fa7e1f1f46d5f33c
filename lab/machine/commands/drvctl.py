# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drvctl(8): the tree of attached devices; detaching, and offering detached ones to drivers again.

What the kernel says of it goes to the message buffer and the console, not to the caller.
"""

from __future__ import annotations

import sys
from typing import Any

from .. import autoconf, boot, xen_process
from ..bus import Slot
from ..state import Machine
from . import OptionError, complain, split_options

USAGE = """Usage: drvctl -r [-a attribute] busdevice [locator ...]
       drvctl -d device
       drvctl [-nt] -l [device]
       drvctl [-n] -p device [prop]
       drvctl -Q device
       drvctl -R device
       drvctl -S device
"""
# Interface attributes that children of a driver attach to, and the locator they are found by.
_ATTRIBUTES = {"pciback": ("pciback", "unit"), "wm": ("mii", "phy"), "re": ("mii", "phy"), "ne": ("mii", "phy")}
_NUMBERS = {"wm": (("macflags", 0x402), ("mactype", 0x5))}


class _Exit(Exception):
    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.message = message


def _usage() -> _Exit:
    sys.stdout.flush()
    sys.stderr.write(USAGE)
    return _Exit(1)


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    try:
        options, rest = split_options(arguments, "QRSa:dlnprt")
        letters = "".join(letter for letter, _value in options)
        attribute = dict(options).get("a")
        modes = [letter for letter in "QRSdlpr" if letter in letters]
        if len(modes) != 1 or (attribute is not None and modes != ["r"]):
            raise _usage()
        _run(machine, modes[0], letters, attribute, rest)
    except OptionError as error:
        complain(program, str(error))
        sys.stderr.write(USAGE)
        return 1
    except _Exit as end:
        if end.message:
            complain(program, end.message)
        return end.status
    return 0


def _run(machine: Machine, mode: str, letters: str, attribute: str | None, rest: list[str]) -> None:
    if mode == "l":
        if len(rest) > 1:
            raise _usage()
        machine.load()
        _list(machine.tree, rest[0] if rest else "", "n" in letters, "t" in letters)
        return
    if not rest or (mode in "QRSd" and len(rest) > 1) or (mode == "p" and len(rest) > 2):
        raise _usage()
    if mode == "p":
        machine.load()
        _properties(machine.tree, rest[0], rest[1] if len(rest) > 1 else None, "n" in letters)
    elif mode == "d":
        _detach(machine, rest[0])
        xen_process.wake(machine)
    elif mode == "r":
        _rescan(machine, rest[0], attribute, rest[1:])
        xen_process.wake(machine)
    else:
        machine.load()
        device = machine.tree.find(rest[0])
        name = {"Q": "DRVGETEVENT", "R": "DRVRESUMEDEV", "S": "DRVSUSPENDDEV"}[mode]
        if device is None:
            raise _Exit(3, f"{name}: {autoconf.ENXIO}")
        if mode == "S":
            raise _Exit(3, f"{name}: {autoconf.EBUSY}")


def _list(tree: autoconf.Tree, name: str, bare: bool, whole: bool) -> None:
    if name and tree.find(name) is None:
        raise _Exit(3, f"DRVLISTDEV: {autoconf.ENXIO}")
    lines: list[str] = []

    def walk(parent: str, depth: int) -> None:
        for child in tree.children(parent):
            if whole:
                lines.append("  " * depth + child)
                walk(child, depth + 1)
            else:
                lines.append(child if bare else "{} {}".format(parent or "root", child))

    walk(name, 0)
    sys.stdout.write("".join(line + "\n" for line in lines))


def _detach(machine: Machine, name: str) -> None:
    with machine.changing():
        before = _functions(machine)
        try:
            machine.kernel_says(machine.tree.detach(name))
        except autoconf.DetachError as error:
            machine.kernel_says(error.detached)
            machine.save()
            raise _Exit(3, f"DRVDETACHDEV: {error.reason}") from None
        if machine.tree.has_global_interrupts:
            for slot in before - _functions(machine):
                machine.state["boot"]["tree"]["lines"].pop(slot, None)
                machine.state["boot"]["config"].pop(slot, None)


def _functions(machine: Machine) -> set[str]:
    """The functions that drivers have."""
    return {device["slot"] for device in machine.tree.devices if "slot" in device}


def _rescan(machine: Machine, name: str, attribute: str | None, locators: list[str]) -> None:
    with machine.changing():
        tree = machine.tree
        number = tree.bus_number(name)
        if tree.find(name) is None:
            raise _Exit(3, f"DRVRESCANBUS: {autoconf.ENXIO}")
        if number is None or attribute not in (None, "pci"):
            raise _Exit(3, "DRVRESCANBUS: Invalid argument")
        claims = {Slot.parse(text) for text in machine.state["boot"]["claims"]}
        only = None
        if locators:
            try:
                places = [-1 if text == "-1" else int(text, 0) for text in locators] + [-1, -1]
            except ValueError:
                raise _Exit(3, "DRVRESCANBUS: Invalid argument") from None
            only = (places[0], places[1])
        before = _functions(machine)
        machine.kernel_says(tree.scan(name, claims, only))
        if tree.has_global_interrupts:
            boot.settle_config(machine, _functions(machine) - before)


def _plist(device: dict[str, Any]) -> list[str]:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
        '<plist version="1.0">',
        "<dict>",
        "\t<key>device-driver</key>",
        "\t<string>{}</string>".format(device["driver"]),
        "\t<key>device-unit</key>",
        "\t<integer>0x{:x}</integer>".format(device["unit"]),
    ]
    if device["driver"] in _ATTRIBUTES:
        attribute, locator = _ATTRIBUTES[device["driver"]]
        lines += [
            "\t<key>interface-attributes</key>",
            "\t<array>",
            "\t\t<dict>",
            "\t\t\t<key>attribute-name</key>",
            f"\t\t\t<string>{attribute}</string>",
            "\t\t\t<key>locators</key>",
            "\t\t\t<array>",
            "\t\t\t\t<dict>",
            "\t\t\t\t\t<key>default</key>",
            "\t\t\t\t\t<string>-1</string>",
            "\t\t\t\t\t<key>loc-name</key>",
            f"\t\t\t\t\t<string>{locator}</string>",
            "\t\t\t\t</dict>",
            "\t\t\t</array>",
            "\t\t</dict>",
            "\t</array>",
        ]
    for key, value in _NUMBERS.get(device["driver"], ()):
        lines += [f"\t<key>{key}</key>", f"\t<integer>0x{value:x}</integer>"]
    return [*lines, "</dict>", "</plist>"]


def _properties(tree: autoconf.Tree, name: str, wanted: str | None, bare: bool) -> None:
    device = tree.find(name)
    if device is None:
        raise _Exit(3, "get-properties: No such process")
    if wanted is not None:
        values = {"device-driver": device["driver"], "device-unit": device["unit"]}
        values.update(_NUMBERS.get(device["driver"], ()))
        if wanted in values:
            sys.stdout.write(f"{values[wanted]}\n")
        return
    if not bare:
        sys.stdout.write(f"Properties for device `{name}':\n")
    sys.stdout.write("\n".join(_plist(device)) + "\n")
