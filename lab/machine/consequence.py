# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hiding a device does to dom0 itself, once rc(8) has run: dom0 is out of reach, hangs, or panics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .borrowed import Refused
from .bus import Slot
from .state import Machine

LOST, HANG, PANIC = "lost", "hang", "panic"
LAST_WORDS = {
    LOST: "wm0: device timeout (lost interrupt)\n",
    HANG: "Stopped in pid 0.5 (system) at netbsd:breakpoint+0x5: leave\ndb{0}> ",
    PANIC: "panic: trap\ncpu0: Begin traceback...\ncpu0: End traceback...\nrebooting...\n"
    "(XEN) Hardware Dom0 shutdown: rebooting machine\n",
}


@dataclass(frozen=True)
class Consequence:
    """How dom0 ends, and why the machine does not answer, for a sentence."""

    ends: str
    reason: str


def fault(text: str) -> tuple[str, str]:
    """An address and how dom0 ends where that is hidden, of their form ``0000:00:05.0=hang``.

    :raises Refused: it has another one
    """
    address, _sign, ends = text.partition("=")
    try:
        slot = Slot.parse(address)
    except ValueError:
        slot = None
    if slot is None or ends not in (HANG, PANIC):
        raise Refused(
            f"fault {text!r}: it is an address and what dom0 does, such as 0000:00:05.0=hang or 0000:00:05.0=panic"
        )
    return str(slot), ends


def judge(machine: Machine, claims: Collection[Slot]) -> Consequence | None:
    """What becomes of dom0 in a boot that claims these devices; None: it stays."""
    settings = machine.state["settings"]
    for slot in claims:
        fault = settings["hidden_faults"].get(str(slot))
        if fault == HANG:
            return Consequence(HANG, f"dom0 hangs, because {slot} is hidden")
        if fault == PANIC:
            return Consequence(PANIC, f"dom0 panics, because {slot} is hidden")
    place = machine.bus.facts.get("management")
    card = None if place is None else machine.bus.get(Slot.parse(place))
    if not settings["lost_lines"] or card is None:
        return None
    for slot in claims:
        function = machine.bus.get(slot)
        if function is not None and machine.pin(function) == machine.pin(card) != 0:
            return Consequence(
                LOST, f"its network card gets no interrupts, because {slot}, which is hidden, has the same line"
            )
    return None
