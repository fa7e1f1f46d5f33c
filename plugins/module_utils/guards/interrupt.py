# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of the interrupt that a guest gets with a device: somebody has to know which one it is."""

from __future__ import annotations

import re

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import ROUTED_LINES
from ansible_collections.xen.pciback.plugins.module_utils.refusals import INTERRUPT_UNKNOWN

SAYS = {INTERRUPT_UNKNOWN: "has an interrupt that nobody can tell, and its guest needs it"}

_PIN = re.compile(r"ioapic[0-9]+ pin ([0-9]+)\Z")


def unknown(case: Case) -> Notes:
    """Refuse a device of a guest if only the firmware's number of its interrupt is known, and that is none or not used here.

    Seen on a NetBSD 11 dom0: the register of a card held 10 until its driver asked, and 20 from then on; a guest that is
    given the first number gets no interrupt, or another device's. Who uses MSI needs none. Only for pcibackd: pciback(4)
    itself asks for the interrupt of what it hides, and the kernel says it then.
    """
    if not case.facts.routes_on_demand:
        return
    said = case.facts.interrupts
    follows_firmware = not any(pin >= ROUTED_LINES for words in said.values() for pin in _pins(words))
    for address, device in case.chosen.items():
        config = device.config
        if case.owners.get(address) is None or config is None or config.interrupt_pin is None:
            continue
        # What had it in this boot counts as well as what has it now.
        drivers = [name for name, where in case.functions.items() if where == address]
        if config.can_signal_by_message or any(_pins(said.get(name, ())) for name in drivers):
            continue
        line = config.interrupt_line
        if line is None:
            yield Evidence(
                INTERRUPT_UNKNOWN, address, "the kernel has said none in this boot, and its register has none"
            )
        elif not follows_firmware:
            yield Evidence(
                INTERRUPT_UNKNOWN,
                address,
                f"the kernel has said none in this boot, and its register has the firmware's, {line}, which this machine "
                "does not use",
            )


def _pins(words: tuple[str, ...]) -> list[int]:
    """The pins among the kernel's words for what a driver is interrupted at."""
    return [int(match.group(1)) for match in map(_PIN.match, words) if match]
