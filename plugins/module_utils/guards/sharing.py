# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guards of what a device shares with others: an interrupt line, a page of registers (both XSA-461), a card."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import ROUTED_LINES
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import functions_above
from ansible_collections.xen.pciback.plugins.module_utils.refusals import SHARED_BAR_PAGE, SHARED_IRQ

SAYS = {
    SHARED_IRQ: "shares its interrupt line with another device",
    SHARED_BAR_PAGE: "shares a page of memory with another device",
}

_NETWORK_CLASS = 0x02
_PAGE = 0x1000


def siblings(devices: Sequence[Device], chosen: Sequence[Device]) -> tuple[str, ...]:
    """A sentence for each function that stays in dom0 while another one of the same card leaves."""
    leaving = {device.address for device in chosen}
    warnings = []
    for device in chosen:
        here = device.address
        staying = [
            other.describe()
            for other in devices
            if (other.address.domain, other.address.bus, other.address.device) == (here.domain, here.bus, here.device)
            and other.address not in leaving
            and not other.held_by_backend
        ]
        if staying:
            warnings.append(f"{device.describe()} leaves dom0, other functions of its card stay: {'; '.join(staying)}")
    return tuple(warnings)


def registers(case: Case) -> Notes:
    """Refuse what shares a page with a device that stays; pcibackd also with one that another guest gets.

    A guest gets whole pages; two BARs lie in one if and only if they begin in it, because BARs are aligned.
    """
    staying = [(device, "stays in dom0") for device in case.staying()]
    for device in case.chosen.values():
        guest = case.owners.get(device.address)
        others = [
            (other, f"guest {case.owners[other.address]} gets")
            for other in case.devices
            if case.native and guest is not None and case.owners.get(other.address) not in (None, guest)
        ]
        if device.config is None:
            yield (
                f"configuration space of {device.address.bdf} could not be read: "
                "whether it shares registers or an interrupt line is not known"
            )
        for page, index in _pages(device):
            for other, whose in [*staying, *others]:
                for its_page, its_index in _pages(other):
                    if page == its_page:
                        yield Evidence(
                            SHARED_BAR_PAGE,
                            device.address,
                            f"its BAR {index} and BAR {its_index} of {other.describe()}, which {whose}, lie in the page at {page:#x}",
                        )


def interrupts(case: Case) -> Notes:
    """Refuse what shares an interrupt line with a device that dom0 uses, or will use when it goes back."""
    used = [(device, ", which dom0 uses") for device in case.staying() if _is_interrupted(case, device)]
    returning = [
        (device, ", which goes back to dom0") for device in case.staying() if _will_be_interrupted(case, device)
    ]
    for device in case.chosen.values():
        if device.config is not None and device.config.interrupt_pin is not None and not _lines(case, device):
            yield (
                f"the interrupt line of {device.address.bdf} is not known"
                f"{' while MSI is on' if device.config.message_signalled else ''}: "
                "whether it shares one with a device of dom0 could not be checked"
            )
        yield from _shared_lines(case, device, [*used, *returning])
    for device in case.devices:
        if device.address in case.owners and device.address not in case.chosen:
            yield from _shared_lines(case, device, returning)


def interrupts_of_guests(case: Case) -> Notes:
    """Warn of a line that two guests share: one that never lets go of it stops the other's device. pcibackd refuses it."""
    owned = [device for device in case.devices if case.owners.get(device.address)]
    for device in case.chosen.values():
        guest = case.owners.get(device.address)
        for other in owned if guest else ():
            if case.owners[other.address] == guest:
                continue
            if case.native:
                yield from _shared_lines(case, device, [(other, f", which guest {case.owners[other.address]} gets")])
                continue
            shared = sorted(_lines(case, device) & _lines(case, other))
            if shared and not (other.address in case.chosen and other.address < device.address):
                yield (
                    f"{device.address.bdf} of guest {guest} and {other.address.bdf} of guest "
                    f"{case.owners[other.address]} share {', '.join(shared)}: each can disturb the other"
                )


def _shared_lines(case: Case, device: Device, others: Sequence[tuple[Device, str]]) -> Notes:
    """Evidence for each line that a device has with others.

    :param others: the devices that must not have it too, with whose each is
    """
    found = False
    for other, remark in others:
        shared = sorted(_lines(case, device) & _lines(case, other))
        if shared:
            found = True
            step = f"{', '.join(shared)} is also that of {other.describe()}{remark}"
            yield Evidence(SHARED_IRQ, device.address, step)
    # By the number in the register, not by the owner's.
    if found and case.facts.unbinds_lines and not case.native and device.address not in case.irqs:
        yield Evidence(
            SHARED_IRQ,
            device.address,
            "the kernel unbinds the line in each boot that hides the device, so that dom0 can lose what else is on it, "
            "before any guest runs",
        )


def _pages(device: Device) -> list[tuple[int, int]]:
    """The page in which each memory BAR begins, with the BAR's number."""
    return [(each.address - each.address % _PAGE, each.index) for each in device.bars or () if each.kind != "io"]


def _lines(case: Case, device: Device) -> frozenset[str]:
    """The names of the line that a function interrupts at: the number that the system noted, the kernel's words.

    A Xen dom0 notes a number of its own for each line that a driver asked for; without a driver it is the
    firmware's, which counts the lines of the interrupt router.
    """
    config = device.config
    if config is None or config.interrupt_pin is None:
        return frozenset()
    lines = set(case.facts.interrupts.get(device.driver or "", ()))
    if case.facts.routes_on_demand and device.address in case.irqs:
        # What the firmware has written is another line's number, or the same.
        return frozenset({*lines, f"ioapic0 pin {case.irqs[device.address]}"})
    if device.irq is not None:
        lines.add(f"interrupt line {device.irq}")
        if device.driver is None and device.irq < ROUTED_LINES:
            lines.add(f"ioapic0 pin {device.irq}")
    return frozenset(lines)


def _is_interrupted(case: Case, device: Device) -> bool:
    """Whether a driver of dom0 waits for this function's line, for something that dom0 uses.

    A bridge's own interrupt tells of hot plug and errors, and most drivers never ask for it. A network card that carries
    nothing is none to stop; but where the kernel unbinds its line, it stays deaf when it is brought up.
    """
    if device.driver is None or device.held_by_backend or device.is_bridge:
        return False
    if device.config is None or device.config.message_signalled:
        return False
    counts = case.native or case.facts.unbinds_lines or device.class_code >> 16 != _NETWORK_CLASS
    return counts or not _is_idle(case, device)


def _will_be_interrupted(case: Case, device: Device) -> bool:
    """Whether pciback holds a function that dom0 gets back, and will be interrupted at its line.

    A network card is idle then, which matters only where the kernel unbinds its line.
    """
    if not device.held_by_backend or device.is_bridge:
        return False
    return case.facts.unbinds_lines or device.class_code >> 16 != _NETWORK_CLASS


def _is_idle(case: Case, card: Device) -> bool:
    """Whether a network card has interfaces, all of them known to carry nothing."""
    facts = case.facts
    members = {name for names in facts.bridges.values() for name in names}
    members.update(name for interface in facts.interfaces.values() for name in interface.parts)
    interfaces = [
        interface
        for interface in facts.interfaces.values()
        if any(trace.address == card.address for trace in functions_above(case, interface.name))
    ]
    return bool(interfaces) and not any(
        interface.up or interface.addresses or interface.name in members for interface in interfaces
    )
