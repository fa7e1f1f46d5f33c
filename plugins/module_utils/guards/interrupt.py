# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of the interrupt that a guest gets with a device: somebody has to know which one it is, and the system knows best."""

from __future__ import annotations

import re

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import ROUTED_LINES, Facts
from ansible_collections.xen.pciback.plugins.module_utils.refusals import INTERRUPT_UNKNOWN

SAYS = {INTERRUPT_UNKNOWN: "has an interrupt that nobody can tell, and its guest needs it"}

HELP = "leave irq out of that device: what the system says counts"
"""What helps where an owner states another interrupt."""

_NUMBER = re.compile(r"(?:ioapic0 pin|irq) ([0-9]+)\Z")
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
        if address in case.irqs or config.can_signal_by_message or any(_pins(said.get(name, ())) for name in drivers):
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


def contradiction(facts: Facts, device: Device, irq: int) -> str:
    """What the system says of a device's interrupt, if that is another one than its owner states; else empty.

    Where the kernel routes on demand, what it has said in this boot counts; of several I/O APICs only the first one's pins
    are known to be the numbers, and pcibackd judges the others. Elsewhere it is the function's number, which is that of its
    line once a driver has switched it on, but for one that sends messages.
    """
    config = device.config
    if config is None:
        return ""
    if config.interrupt_pin is None:
        return f"irq {irq} is stated of {device.describe()}, which has no interrupt line"
    known: list[int] = []
    if facts.routes_on_demand:
        names = {device.driver or "", *(name for name, where in facts.locations.items() if where == device.address)}
        words = [word for name in names for word in facts.interrupts.get(name, ())]
        known = [int(match.group(1)) for match in map(_NUMBER.match, words) if match]
    elif device.irq is not None and device.driver is not None and not config.message_signalled:
        known = [device.irq]
    if not known or irq in known:
        return ""
    return f"irq {irq} is stated of {device.describe()}, which has {known[0]}, as the kernel itself says"


def _pins(words: tuple[str, ...]) -> list[int]:
    """The pins among the kernel's words for what a driver is interrupted at."""
    return [int(match.group(1)) for match in map(_PIN.match, words) if match]
