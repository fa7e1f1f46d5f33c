# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which devices leave dom0, and which of them dom0 can't do without."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.devices.located import ChangedError, whose_list
from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Answer
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Refusal
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import WantedDevice
from ansible_collections.xen.pciback.plugins.module_utils.refusals import (
    ASSIGNED_TWICE,
    BRIDGE,
    DOMAIN_CONFIG_INVALID,
    GUARDS,
    IDENTITY_CHANGED,
    INVENTORY_INVALID,
    NO_SUCH_DEVICE,
)


def choose_devices(draft: Draft) -> None:
    """Add the devices that the owner's selectors mean, each for one guest."""
    owners: dict[Address, list[str]] = {}
    names: set[str] = set()
    # In the order of the requests: the guests' devices, then the extra ones.
    answers = iter(draft.selection.answers)
    for guest in draft.wanted.guests:
        if guest.name in names:
            draft.refuse(DOMAIN_CONFIG_INVALID, f"guest {guest.name} is listed twice", remedy="list it once")
        names.add(guest.name)
        for item, answer in zip(guest.devices, answers):
            _choose(draft, item, answer, owners)
    for item, answer in zip(draft.wanted.extra_devices, answers):
        _choose(draft, item, answer, owners)
    for planned in draft.devices:
        _refuse_twice(draft, planned.device, owners[planned.device.address])
    draft.warnings += draft.selection.warnings


def _choose(draft: Draft, item: WantedDevice, answer: Answer, owners: dict[Address, list[str]]) -> None:
    guest, error = answer.guest, answer.error
    whose = whose_list(guest)
    if isinstance(error, ChangedError):
        draft.refusals.append(Refusal(error.code or IDENTITY_CHANGED, str(error), error.address.bdf, error.remedy))
        return
    if error is not None:
        draft.refuse(error.code or NO_SUCH_DEVICE, f"{whose}: {error}", device=str(item.selector), remedy=error.remedy)
        return
    for device in answer.devices:
        lists = owners.setdefault(device.address, [])
        if not lists:
            draft.add_device(device, guest, item.options, item.irq)
        lists.append(whose)


def _refuse_twice(draft: Draft, device: Device, lists: list[str]) -> None:
    """Refuse a device that is meant more than once.

    :param lists: in whose lists of devices, in the order of the inventory
    """
    if len(lists) == 1:
        return
    counts = {whose: lists.count(whose) for whose in lists}
    wanted = [f"{count} times by {whose}" if count > 1 else f"by {whose}" for whose, count in counts.items()]
    several = len(wanted) > 1
    draft.refuse(
        ASSIGNED_TWICE,
        f"{device.describe()} is wanted {', '.join(wanted[:-1])}{' and ' if several else ''}{wanted[-1]}; "
        f"{'a device belongs to one guest' if several else 'once is enough'}",
        device=device.address.bdf,
        remedy=f"leave it in one {'list' if several else 'line'}, or make the selectors more exact",
    )


def refuse_irqs(draft: Draft) -> None:
    """Refuse an interrupt that an owner states of a device, and that the system says otherwise.

    A device that pcibackd holds has left dom0; but with another interrupt, or none, its line is judged anew. That of one for
    NetBSD's own backend is judged each time: it may have been hidden before anybody stated an interrupt.
    """
    facts, status = draft.observed.facts, draft.observed.native.daemon.status
    told = {} if status is None else status.irqs
    if facts is None or not (draft.irqs or told):
        return
    # Here, because hardly an owner states one.
    from ansible_collections.xen.pciback.plugins.module_utils.guards.interrupt import HELP, contradiction

    for planned in draft.devices:
        contradicted = "" if planned.irq is None else contradiction(facts, planned.device, planned.irq)
        if contradicted:
            draft.refuse(
                INVENTORY_INVALID,
                f"{whose_list(planned.guest)}: {contradicted}",
                device=planned.device.address,
                remedy=HELP,
            )
    native = draft.backend.name == NATIVE
    if not native and not draft.backend.is_fragile:
        return
    from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard_lines

    owners = {planned.device.address: planned.guest for planned in draft.devices}
    judged = [
        planned.device
        for planned in draft.devices
        if planned.guest is not None
        and (planned.held and planned.irq != told.get(planned.device.address) if native else planned.irq is not None)
    ]
    verdict = guard_lines(facts, draft.observed.devices, judged, owners, draft.irqs, native=native)
    for finding in verdict.findings:
        draft.refuse(finding.code, finding.message, device=finding.device, remedy=finding.remedy)
    draft.warnings += () if native else verdict.warnings


def refuse_bridges(draft: Draft, bridge_loss: str) -> None:
    """Refuse bridges.

    :param bridge_loss: what becomes of a dom0 without a PCI bridge
    """
    for planned in draft.devices:
        device = planned.device
        if device.is_pci_bridge:
            draft.refusals.append(
                Refusal(
                    BRIDGE,
                    f"{device.describe()} is a PCI bridge: {bridge_loss}",
                    device.address.bdf,
                    "give away the functions behind the bridge instead; this can't be overridden",
                )
            )
        elif device.is_bridge:
            draft.refuse(
                BRIDGE,
                f"{device.describe()} is a bridge that the machine itself needs",
                device=device.address,
                remedy="leave it to dom0, or allow code 'bridge' for this address",
            )


def refuse_needed(draft: Draft) -> None:
    """Refuse what dom0 itself needs, unless it has left dom0 already, and what disturbs a device that goes back there."""
    for planned in draft.devices:
        for code, address in draft.wanted.allow:
            if planned.held and code in GUARDS and address == planned.device.address:
                held = planned.device.address.bdf
                draft.warnings.append(f"overridden by the owner: {code} for {held}, which {draft.backend.holder} holds")
    missing = draft.missing
    if not missing and not draft.returning:
        return
    # Here, because a converged host waits for imports most of all and has nothing to guard.
    from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard
    from ansible_collections.xen.pciback.plugins.module_utils.guards.sharing import siblings

    if missing:
        draft.warnings += siblings(draft.observed.devices, [planned.device for planned in draft.devices])
    if draft.observed.facts is None:
        return
    owners = {planned.device.address: planned.guest for planned in draft.devices}
    native = draft.backend.name == NATIVE
    verdict = guard(
        draft.observed.facts, draft.observed.devices, missing, owners, native=native, irqs=draft.irqs if native else {}
    )
    for finding in verdict.findings:
        draft.refuse(finding.code, finding.message, device=finding.device, remedy=finding.remedy)
    draft.warnings += verdict.warnings
