# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine of the pages' examples: an embedded dom0 with the cards that they name.

It is q35-bridges of the lab with other cards in it::

    00:05.0           the card that dom0 is managed by (wm0)
    02:00.0           8086:10d3 with subsystem 8086:a01f (wm1)
    03:00.0, 03:00.1  a card with two functions
    04:00.0, 04:00.1  another one
    05:00.0           10ec:8139
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.conftest import ROOT, Dom0

sys.path.insert(0, str(ROOT / "lab"))

from machine import bus
from machine.board import Board
from machine.bus import MULTIFUNCTION, Slot

BOOT_CFG = b"""\
menu=Xen:load /netbsd-XEN3_DOM0.gz console=xencons;multiboot /xen.gz dom0_mem=512M
menu=Xen, single user:load /netbsd-XEN3_DOM0.gz console=xencons -s;multiboot /xen.gz dom0_mem=512M
menu=Drop to boot prompt:prompt
timeout=5
"""
GUESTS = ("firewall", "storage", "mail", "test")
# Pins of the I/O APIC that nobody else has, one for each function, by its bus and number.
PINS = {(2, 0): 17, (3, 0): 18, (3, 1): 21, (4, 0): 19, (4, 1): 22, (5, 0): 20}


def hardware() -> bus.Bus:
    """The cards, where the firmware has put them."""
    usual = bus.load(str(ROOT / "lab/buses/q35-bridges.lspci"), str(ROOT / "lab/buses/q35-bridges.json"))
    single, double, realtek = (usual.get(Slot(0, *place)) for place in ((7, 0), (5, 0), (6, 0)))
    assert single and double and realtek
    board = Board(usual)
    for slot in (Slot(0, 6, 0), Slot(0, 7, 0)):
        board.remove(slot)
    for path, card in (
        ("00/09.0/00.0", single),
        ("00/0a.0/00.0", double),
        ("00/0a.0/00.1", double),
        ("00/0b.0/00.0", double),
        ("00/0b.0/00.1", double),
        ("00/0c.0/00.0", realtek),
    ):
        board.add(path, card)
    for part in board.parts:
        if (part.bus, part.function) in PINS:
            part.facts["pin"] = PINS[part.bus, part.function]
        if part.bus in (3, 4):
            part.config[0x0E] |= MULTIFUNCTION
        if part.bus == 2:
            part.config[0x2C:0x30] = bytes.fromhex("86801fa0")
    found = board.as_bus()
    return bus.Bus(list(found), {**found.facts, "management": "0000:00:05.0"})


def create(host: Dom0) -> Dom0:
    """Make the machine."""
    made, dump = hardware(), host.workspace / "documented.lspci"
    dump.write_text(bus.render(made))
    dump.with_suffix(".json").write_text(json.dumps(made.facts))
    guests = [word for name in GUESTS[2:] for word in ("--guest", name)]
    return host.create(*guests, bus=str(dump), boot_cfg=BOOT_CFG)


def describe(directory: Path) -> str:
    """What is on it, as a person would look."""
    return Dom0(directory, directory.parent).command("/usr/sbin/pcictl", "pci0", "list", "-N").stdout
