# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One judgement: what is asked, and the notes that guards make on it.

A guard is a function from a :class:`Case` to notes: evidence against a device, or a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Iterator, Union

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts


@dataclass(frozen=True)
class Trace:
    """One way from a use down to a PCI function, ``None`` if it leads to none; ``steps`` is the evidence."""

    steps: tuple[str, ...]
    address: Address | None


@dataclass(frozen=True)
class Evidence:
    """One step of the reasons why a device must not leave dom0."""

    code: str
    device: Address
    step: str


Notes = Iterator[Union[Evidence, str]]
"""What a guard says; a text is a warning."""


@dataclass(frozen=True)
class Case:
    """The host, and what is to leave it.

    :ivar facts: what the host uses
    :ivar devices: every function of the host
    :ivar chosen: those that are to leave dom0 and have not left yet
    :ivar owners: every device that dom0 is to be without, with the guest that gets it
    :ivar functions: the PCI functions by their names in the kernel's tree
    :ivar by_address: whether the tree calls functions by their addresses, as Linux does, and not by their drivers
    :ivar bridges: PCI-PCI bridges, which can't be given away
    :ivar native: whether pcibackd takes what is chosen. It refuses by itself what a line would be shared with, whatever
        that carries
    :ivar irqs: the interrupts that devices have by the owner's word, which their guests get
    """

    facts: Facts
    devices: Sequence[Device]
    chosen: Mapping[Address, Device]
    owners: Mapping[Address, str | None]
    functions: Mapping[str, Address]
    by_address: bool
    bridges: frozenset[Address]
    native: bool = False
    irqs: Mapping[Address, int] = field(default_factory=dict)

    def staying(self) -> list[Device]:
        """The devices that dom0 keeps."""
        return [device for device in self.devices if device.address not in self.owners]

    def chosen_of(self, trace: Trace) -> Device | None:
        """The chosen device that a way leads to."""
        return None if trace.address is None else self.chosen.get(trace.address)

    def evidence(self, code: str, traces: Iterable[Trace]) -> Iterator[Evidence]:
        """Every step of the ways that lead to a chosen device."""
        for trace in traces:
            if trace.address is not None and trace.address in self.chosen:
                for step in trace.steps:
                    yield Evidence(code, trace.address, step)


def make_case(
    facts: Facts,
    devices: Sequence[Device],
    chosen: Sequence[Device],
    owners: Mapping[Address, str | None],
    *,
    native: bool = False,
    irqs: Mapping[Address, int] | None = None,
) -> Case:
    """Put together what guards are asked about; the parameters are those of :class:`Case`."""
    functions = dict(facts.locations)
    # Where the tree calls functions by their address, drivers are no names of it.
    by_address = any(str(device.address) in facts.parents for device in devices)
    if not by_address:
        functions.update({device.driver: device.address for device in devices if device.driver})
    return Case(
        facts=facts,
        devices=devices,
        chosen={device.address: device for device in chosen},
        owners=owners,
        functions=functions,
        by_address=by_address,
        bridges=frozenset(device.address for device in devices if device.is_pci_bridge),
        native=native,
        irqs=irqs or {},
    )
