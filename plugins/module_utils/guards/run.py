# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every guard: does dom0 itself need a device that is to leave it, and can the device be kept apart from dom0?

Pure functions. The host's own tools say what is in use (:class:`Facts`); each use is traced through its layers
(RAID, encryption, wedges; VLANs, aggregates, bridges, tunnels) and the kernel's tree of devices to a PCI function.
What can't be traced is never passed over: it becomes a warning that names it. What a host does not tell of its disks
and its network is refused of every device that could carry it.

What a guest's device shares with others comes from Xen's advisories: 61 (no IOMMU), 461 (an interrupt line or a page of
registers that belongs to two devices).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.errors import printable
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards import (
    console,
    disk,
    interrupt,
    iommu,
    network,
    numbering,
    reset,
    sharing,
    unseen,
)
from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes, make_case
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.refusals import REFUSALS

# In the order in which their warnings are said.
_ALL = (
    disk.in_use,
    network.management,
    unseen.unseen,
    console.console,
    network.interfaces,
    disk.held,
    numbering.renumbered,
    sharing.registers,
    sharing.interrupts,
    sharing.interrupts_of_guests,
    iommu.absent,
    iommu.groups,
)
SAYS: Mapping[str, str] = {
    **disk.SAYS,
    **network.SAYS,
    **unseen.SAYS,
    **console.SAYS,
    **sharing.SAYS,
    **interrupt.SAYS,
    **iommu.SAYS,
    **reset.SAYS,
}


@dataclass(frozen=True)
class Finding:
    """A device that must not leave dom0: the refusal's code, the sentence with its evidence, and what helps."""

    code: str
    device: Address
    message: str
    remedy: str


@dataclass(frozen=True)
class Verdict:
    """What the guards found: refusals, and what the owner should know."""

    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()


def guard(
    facts: Facts,
    devices: Sequence[Device],
    chosen: Sequence[Device],
    owners: Mapping[Address, str | None] | None = None,
    *,
    native: bool = False,
    irqs: Mapping[Address, int] | None = None,
) -> Verdict:
    """Judge the chosen devices by what the host uses; and those that have left dom0, by what goes back to it.

    :param devices: every function of the host
    :param chosen: those that are to leave dom0 and have not left yet
    :param owners: every device that dom0 is to be without, with the guest that gets it; the chosen ones by default. Others
        that pciback holds go back to dom0
    :param native: whether pcibackd takes them
    :param irqs: the interrupts that devices have by the owner's word
    """
    owners = owners or {device.address: None for device in chosen}
    case = make_case(facts, devices, chosen, owners, native=native, irqs=irqs)
    # Of what has left dom0 already, only its line can disturb what comes back.
    judges = (*_ALL, *((reset.unresettable, interrupt.unknown) if native else ())) if chosen else (sharing.interrupts,)
    return _judge(case, judges, facts.unchecked if chosen else ())


def guard_lines(
    facts: Facts,
    devices: Sequence[Device],
    chosen: Sequence[Device],
    owners: Mapping[Address, str | None],
    irqs: Mapping[Address, int],
    *,
    native: bool = True,
) -> Verdict:
    """Judge the lines alone of devices whose owner states an interrupt, another one than before, or none any more.

    The parameters are those of :func:`guard`.
    """
    case = make_case(facts, devices, chosen, owners, native=native, irqs=irqs)
    return _judge(case, (sharing.interrupts, sharing.interrupts_of_guests, interrupt.unknown))


def _judge(case: Case, judges: Iterable[Callable[[Case], Notes]], unchecked: Iterable[str] = ()) -> Verdict:
    evidence: dict[tuple[str, Address], list[str]] = {}
    warnings = list(unchecked)
    for judge in judges:
        for note in judge(case):
            if isinstance(note, Evidence):
                evidence.setdefault((note.code, note.device), []).append(printable(note.step))
            else:
                warnings.append(note)
    present = {device.address: device for device in case.devices}
    findings = [
        _finding(code, present[address], tuple(dict.fromkeys(steps)))
        for (code, address), steps in sorted(evidence.items())
    ]
    return Verdict(tuple(findings), tuple(printable(text) for text in dict.fromkeys(warnings)))


def _finding(code: str, device: Device, steps: Sequence[str]) -> Finding:
    row = REFUSALS[code]
    accepting = f": {row.accepting}" if row.accepting else ""
    return Finding(
        code,
        device.address,
        f"{device.describe()} {SAYS[code]}: {'; '.join(steps)}",
        f"{row.remedy}, or allow code '{code}' for this address{accepting}",
    )
