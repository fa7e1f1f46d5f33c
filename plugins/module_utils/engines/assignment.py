# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Takes devices from dom0 while it runs, and gives them back, with whichever backend can do so without a reboot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import from_mapping, locate, pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector, select
from ansible_collections.xen.pciback.plugins.module_utils.engines.inventory import read_allowed, read_irqs
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import with_holder
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference, difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.guards.interrupt import HELP, contradiction
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.native_backend import NativeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import PROGRAM
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import Xl, find_xl
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.native import consents
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BRIDGE, INVENTORY_INVALID

ASSIGNED = "assigned"
RETURNED = "returned"
RELEASED = "released"
STATES = (ASSIGNED, RETURNED, RELEASED)


@dataclass(frozen=True)
class AssignmentRequest:
    """What is wanted of devices.

    :ivar selectors: each a mapping as the module's option has it
    :ivar state: of :data:`STATES`
    :ivar allow: refusals that the owner overrides: ``code``, and ``address`` if it is about a device
    :ivar xl: the path of xl, ``None`` for the one at its usual place
    :ivar backend: which backend takes them or has them, by its name
    :ivar pins: what the pins shall be, as the module's option has it; ``None``: as they are
    :ivar pcibackctl: the path of pcibackctl, which asks the native backend
    :ivar after_reboot: whether the host will have been rebooted by then, and will have taken itself what is to be taken, which check
        mode can't see
    :ivar after_release: whether the other backend will have let go of the devices by then, which check mode can't see
    :ivar irqs: the interrupts that devices have by the owner's word, by their addresses; for the native backend
    """

    selectors: Sequence[Mapping[str, Any]]
    state: str
    allow: Sequence[Mapping[str, str]]
    xl: str | None
    check_mode: bool
    backend: str = KERNEL
    pins: Mapping[str, Any] | None = None
    pcibackctl: str = PROGRAM
    after_reboot: bool = False
    after_release: bool = False
    irqs: Mapping[str, Any] = field(default_factory=dict)


def hand_over(
    run: Run, host: Platform, state: StateDirectory, request: AssignmentRequest, warn: Callable[[str], None]
) -> dict[str, Any]:
    """Do what is wanted, and return the documented result.

    :param warn: called with each sentence that the owner should know
    :raises PcibackError: it is refused, or a device did not change hands
    """
    toolstack = _toolstack(request.xl)
    pcibackd = Pcibackd(run, request.pcibackctl)
    allowed = read_allowed(request.allow)
    irqs = read_irqs(request.irqs)
    backend: RunTimeBackend
    if request.backend == NATIVE:
        backend = NativeBackend(
            host.drivers(), pcibackd, state.drivers(), lambda address: consents(allowed, address), irqs
        )
    else:
        backend = host.kernel_backend(state, toolstack)
    host.check_dom0()
    status = pcibackd.status() if request.backend == NATIVE else None
    found = with_holder(host.devices(), () if status is None else status.claims)
    is_foreseen = request.check_mode and request.after_release
    if is_foreseen:
        found = tuple(_let_go(device, backend) for device in found)
    chosen = _choose(request.selectors, found, state)
    after: dict[Address, str | None]
    ends = False
    allowances: Mapping[Address, tuple[str, str]] = {}
    stated: Mapping[Address, tuple[str, str]] = {}
    if request.state == ASSIGNED:
        held = host.claims() if status is None else status.claims
        _check_dom0_needs_none(host, request, allowed, irqs, chosen, found, held or (), warn)
        taken = request.check_mode and request.after_reboot
        moving = [device for device in chosen if device.driver != backend.driver and not taken]
        allowances = _allowances(allowed, status, chosen)
        stated = _stated(irqs, status, chosen)
        after = {device.address: backend.driver for device in chosen}
        move = backend.take
    elif request.state == RETURNED:
        moving = [device for device in chosen if backend.has_taken(device) or (is_foreseen and device.driver is None)]
        _check_no_guest_has(_owners(run, toolstack, status), request, moving, warn)
        after = {device.address: device.driver for device in chosen}
        after.update({device.address: backend.driver_before(device.address) for device in moving})
        move = backend.give_back
    else:
        moving = [device for device in chosen if device.driver == backend.driver]
        _check_no_guest_has(_owners(run, toolstack, status), request, moving, warn)
        ends = backend.is_in_the_way()
        after = {device.address: None if device in moving else device.driver for device in chosen}
        move = backend.let_go
    shown = [difference(f"what is allowed for {address}", *texts) for address, texts in allowances.items()]
    shown += [difference(f"the interrupt that is stated of {address}", *texts) for address, texts in stated.items()]
    if request.pins is not None:
        # First, so that a run that is killed knows afterwards what was taken.
        shown += state.save_pins(from_mapping(request.pins), check_mode=request.check_mode)
    if not request.check_mode:
        changing = [
            device.address for device in chosen if device in moving or device.address in {**allowances, **stated}
        ]
        if changing or ends:
            move(changing)
        after = {device.address: backend.holder(device.address) for device in chosen}
    if ends:
        shown.append(difference("xen-pciback", "loaded\n", ""))
    return _result(chosen, moving, after, shown)


def _let_go(device: Device, backend: RunTimeBackend) -> Device:
    """A device as it is when each other backend has let go of it."""
    is_others = device.held_by_backend and device.driver != backend.driver
    return replace(device, driver=None) if is_others else device


def _choose(
    selectors: Sequence[Mapping[str, Any]], found: Sequence[Device], state: StateDirectory
) -> tuple[Device, ...]:
    """The devices that the selectors name, in bus order.

    :raises PcibackError: one names none or several
    """
    pins = state.pins()
    places = locate(pins, {device.address: pin_of(device) for device in found})
    by_place = {place.address: pins[old] for old, place in places.items() if place.address is not None}
    chosen = {
        device.address: device
        for selector in [parse_selector(item) for item in selectors]
        for device in select(selector, found, by_place)
    }
    return tuple(chosen[address] for address in sorted(chosen))


def _allowances(
    allowed: Sequence[tuple[str, Address | None]], status: PcibackdStatus | None, chosen: Sequence[Device]
) -> Mapping[Address, tuple[str, str]]:
    """The devices of pcibackd for which the owner allows something else than pcibackd knows: that, and what it is to be."""
    if status is None:
        return {}
    changes = {}
    for address in (device.address for device in chosen if device.address in status.allowed):
        before, after = sorted(status.allowed[address]), sorted(consents(allowed, address))
        if before != after:
            changes[address] = ("".join(f"{code}\n" for code in before), "".join(f"{code}\n" for code in after))
    return changes


def _stated(
    irqs: Mapping[Address, int], status: PcibackdStatus | None, chosen: Sequence[Device]
) -> Mapping[Address, tuple[str, str]]:
    """The devices of pcibackd of which it was told another interrupt than the owner states: that, and what it is to be."""
    held = () if status is None else status.claims
    before = {} if status is None else status.irqs
    return {
        address: (_number(before.get(address)), _number(irqs.get(address)))
        for address in (device.address for device in chosen if device.address in held)
        if before.get(address) != irqs.get(address)
    }


def _number(irq: int | None) -> str:
    return "" if irq is None else f"{irq}\n"


def _toolstack(path: str | None) -> str | None:
    """The path of xl, ``None`` if there is no toolstack: then no guest has a device."""
    try:
        return path or find_xl()
    except PcibackError:
        return None


def _check_dom0_needs_none(
    host: Platform,
    request: AssignmentRequest,
    allowed: Sequence[tuple[str, Address | None]],
    irqs: Mapping[Address, int],
    chosen: Sequence[Device],
    found: Sequence[Device],
    held: Collection[Address],
    warn: Callable[[str], None],
) -> None:
    """Make sure that dom0 can do without the devices.

    :raises PcibackError: it can't, with all reasons
    """
    refusals = []
    for device in chosen:
        if device.is_pci_bridge:
            what = f"{device.describe()} is a PCI bridge: dom0 would lose what is behind it"
            refusals.append((BRIDGE, what, "take that instead"))
        elif device.is_bridge and (BRIDGE, device.address) not in allowed:
            refusals.append((BRIDGE, f"{device.describe()} is a bridge that the machine itself needs", "leave it"))
    leaving = [device for device in chosen if not device.held_by_backend]
    if leaving:
        owners: dict[Address, str | None] = dict.fromkeys([*held, *(each.address for each in leaving)])
        facts = host.facts(found, request.xl)
        for device in leaving:
            wrong = contradiction(facts, device, irqs[device.address]) if device.address in irqs else ""
            refusals += [(INVENTORY_INVALID, wrong, HELP)] if wrong else []
        verdict = guard(facts, found, leaving, owners, native=request.backend == NATIVE, irqs=irqs)
        for finding in verdict.findings:
            if (finding.code, finding.device) in allowed:
                warn(f"overridden by the owner: {finding.code} for {finding.device.bdf}: {finding.message}")
            else:
                refusals.append((finding.code, finding.message, finding.remedy))
        for warning in verdict.warnings:
            warn(warning)
    if refusals:
        raise PcibackError(
            "; ".join(message for _code, message, _remedy in refusals),
            code=refusals[0][0],
            remedy="; ".join(dict.fromkeys(remedy for _code, _message, remedy in refusals)),
        )


def _owners(run: Run, toolstack: str | None, status: PcibackdStatus | None) -> Mapping[Address, str]:
    """The names of the guests that have devices, by the devices. Without a toolstack no guest runs."""
    domains = Xl(run, toolstack).domains() if toolstack is not None else ()
    owners = {address: domain.name for domain in domains for address in domain.devices}
    names = {domain.domid: domain.name for domain in domains}
    for guest in status.guests.values() if status is not None else ():
        owners.update(dict.fromkeys(guest.devices, names.get(guest.domid, f"domain {guest.domid}")))
    return owners


def _check_no_guest_has(
    owners: Mapping[Address, str],
    request: AssignmentRequest,
    chosen: Sequence[Device],
    warn: Callable[[str], None],
) -> None:
    """Make sure that no guest has the devices. In check mode a task before may detach them, so that is a warning.

    :raises PcibackError: one has
    """
    for device in chosen:
        owner = owners.get(device.address)
        if owner is None:
            continue
        message = f"{device.address.bdf} is with guest {owner}"
        if not request.check_mode:
            raise PcibackError(message, remedy="detach it there first, or shut the guest down")
        warn(f"{message}, and has to be detached first")


def _result(
    chosen: Sequence[Device],
    moving: Sequence[Device],
    after: Mapping[Address, str | None],
    shown: Sequence[Difference],
) -> dict[str, Any]:
    return {
        "changed": bool(moving or shown),
        "devices": [
            {
                "address": str(device.address),
                "id": device.id,
                "name": device.name,
                "before": device.driver,
                "after": after[device.address],
            }
            for device in chosen
        ],
        "diff": [
            *shown,
            *(
                difference(
                    f"driver of {device.address}",
                    f"{device.driver or 'none'}\n",
                    f"{after[device.address] or 'none'}\n",
                )
                for device in moving
            ),
        ],
    }
