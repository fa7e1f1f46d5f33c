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


@dataclass(frozen=True)
class _Move:
    """What changes hands, and how.

    :ivar devices: those that do, of the chosen ones
    :ivar after: what holds each chosen one then, as far as that is known before
    :ivar carry_out: called with the addresses of all that changes
    :ivar retold: by device, what pcibackd is told anew of it, which may be nothing but that
    :ivar ends: whether the backend itself ends
    """

    devices: Sequence[Device]
    after: Mapping[Address, str | None]
    carry_out: Callable[[Sequence[Address]], None]
    retold: Sequence[tuple[Address, Difference]] = ()
    ends: bool = False


def hand_over(
    run: Run, host: Platform, state: StateDirectory, request: AssignmentRequest, warn: Callable[[str], None]
) -> dict[str, Any]:
    """Do what is wanted, and return the documented result.

    :param warn: called with each sentence that the owner should know
    :raises PcibackError: it is refused, or a device did not change hands
    """
    assignment = _Assignment(run, host, state, request, warn)
    chosen = assignment.chosen
    move = assignment.plan()
    after = move.after
    shown = [each for _address, each in move.retold]
    if request.pins is not None:
        # First, so that a run that is killed knows afterwards what was taken.
        shown += state.save_pins(from_mapping(request.pins), check_mode=request.check_mode)
    if not request.check_mode:
        changing = {*(device.address for device in move.devices), *(address for address, _shown in move.retold)}
        if changing or move.ends:
            move.carry_out(sorted(changing))
        after = {device.address: assignment.backend.holder(device.address) for device in chosen}
    if move.ends:
        shown.append(difference("xen-pciback", "loaded\n", ""))
    return _result(chosen, move.devices, after, shown)


class _Assignment:
    """What is wanted of the devices of one host, and what is there.

    :ivar backend: what takes them or has them
    :ivar chosen: the devices that are meant, in bus order
    """

    def __init__(
        self, run: Run, host: Platform, state: StateDirectory, request: AssignmentRequest, warn: Callable[[str], None]
    ) -> None:
        self._run, self._host, self._request, self._warn = run, host, request, warn
        self._toolstack = _toolstack(request.xl)
        self._allowed = read_allowed(request.allow)
        self._irqs = read_irqs(request.irqs)
        pcibackd = Pcibackd(run, request.pcibackctl)
        self.backend: RunTimeBackend
        if request.backend == NATIVE:
            self.backend = NativeBackend(
                host.drivers(), pcibackd, state.drivers(), lambda address: consents(self._allowed, address), self._irqs
            )
        else:
            self.backend = host.kernel_backend(state, self._toolstack)
        host.check_dom0()
        self._status = pcibackd.status() if request.backend == NATIVE else None
        self._found = with_holder(host.devices(), () if self._status is None else self._status.claims)
        self._is_released = request.check_mode and request.after_release
        if self._is_released:
            self._found = tuple(_let_go(device, self.backend) for device in self._found)
        self.chosen = _choose(request.selectors, self._found, state)

    def plan(self) -> _Move:
        """What has to change.

        :raises PcibackError: it is refused
        """
        plans = {ASSIGNED: self._assign, RETURNED: self._give_back, RELEASED: self._let_go}
        return plans[self._request.state]()

    def _assign(self) -> _Move:
        request, status, chosen = self._request, self._status, self.chosen
        held = self._host.claims() if status is None else status.claims
        self._check_dom0_needs_none(held or ())
        # What a boot takes check mode does not see.
        is_taken = request.check_mode and request.after_reboot
        moving = [device for device in chosen if device.driver != self.backend.driver and not is_taken]
        retold = [
            (address, difference(f"{what} {address}", *texts))
            for what, changes in (
                ("what is allowed for", _allowances(self._allowed, status, chosen)),
                ("the interrupt that is stated of", _stated(self._irqs, status, chosen)),
            )
            for address, texts in changes.items()
        ]
        after = {device.address: self.backend.driver for device in chosen}
        return _Move(moving, after, self.backend.take, retold)

    def _give_back(self) -> _Move:
        backend = self.backend
        moving = [
            device
            for device in self.chosen
            if backend.has_taken(device) or (self._is_released and device.driver is None)
        ]
        self._check_no_guest_has(moving)
        after = {device.address: device.driver for device in self.chosen}
        after.update({device.address: backend.driver_before(device.address) for device in moving})
        return _Move(moving, after, backend.give_back)

    def _let_go(self) -> _Move:
        moving = [device for device in self.chosen if device.driver == self.backend.driver]
        self._check_no_guest_has(moving)
        after = {device.address: None if device in moving else device.driver for device in self.chosen}
        return _Move(moving, after, self.backend.let_go, ends=self.backend.is_in_the_way())

    def _check_dom0_needs_none(self, held: Collection[Address]) -> None:
        """Make sure that dom0 can do without the devices.

        :raises PcibackError: it can't, with all reasons
        """
        refusals = []
        for device in self.chosen:
            if device.is_pci_bridge:
                what = f"{device.describe()} is a PCI bridge: dom0 would lose what is behind it"
                refusals.append((BRIDGE, what, "take that instead"))
            elif device.is_bridge and (BRIDGE, device.address) not in self._allowed:
                refusals.append((BRIDGE, f"{device.describe()} is a bridge that the machine itself needs", "leave it"))
        leaving = [device for device in self.chosen if not device.held_by_backend]
        if leaving:
            owners: dict[Address, str | None] = dict.fromkeys([*held, *(each.address for each in leaving)])
            facts = self._host.facts(self._found, self._request.xl)
            for device in leaving:
                wrong = contradiction(facts, device, self._irqs[device.address]) if device.address in self._irqs else ""
                refusals += [(INVENTORY_INVALID, wrong, HELP)] if wrong else []
            verdict = guard(
                facts, self._found, leaving, owners, native=self._request.backend == NATIVE, irqs=self._irqs
            )
            for finding in verdict.findings:
                if (finding.code, finding.device) in self._allowed:
                    self._warn(f"overridden by the owner: {finding.code} for {finding.device.bdf}: {finding.message}")
                else:
                    refusals.append((finding.code, finding.message, finding.remedy))
            for warning in verdict.warnings:
                self._warn(warning)
        if refusals:
            raise PcibackError(
                "; ".join(message for _code, message, _remedy in refusals),
                code=refusals[0][0],
                remedy="; ".join(dict.fromkeys(remedy for _code, _message, remedy in refusals)),
            )

    def _check_no_guest_has(self, devices: Sequence[Device]) -> None:
        """Make sure of that. In check mode a task before may detach them, so that is a warning.

        :raises PcibackError: one has
        """
        owners = _owners(self._run, self._toolstack, self._status)
        for device in devices:
            owner = owners.get(device.address)
            if owner is None:
                continue
            message = f"{device.address.bdf} is with guest {owner}"
            if not self._request.check_mode:
                raise PcibackError(message, remedy="detach it there first, or shut the guest down")
            self._warn(f"{message}, and has to be detached first")


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


def _owners(run: Run, toolstack: str | None, status: PcibackdStatus | None) -> Mapping[Address, str]:
    """The names of the guests that have devices, by the devices. Without a toolstack no guest runs."""
    domains = Xl(run, toolstack).domains() if toolstack is not None else ()
    owners = {address: domain.name for domain in domains for address in domain.devices}
    names = {domain.domid: domain.name for domain in domains}
    for guest in status.guests.values() if status is not None else ():
        owners.update(dict.fromkeys(guest.devices, names.get(guest.domid, f"domain {guest.domid}")))
    return owners


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
