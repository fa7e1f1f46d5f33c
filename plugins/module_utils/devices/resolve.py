# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the inventory's selectors mean on a host with pins: :func:`resolve`, once for each run.

A device that was given away once is pinned. A selector that would now name another one, or the same one elsewhere, is
refused with what is known of both; or the plan follows the device to where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.located import (
    PROOFS,
    ChangedError,
    Located,
    locate_pins,
    whose_list,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device, driver_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import (
    KnownAs,
    Pin,
    pin_of,
    refreshed,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import IDENTITY_CHANGED, NO_SUCH_DEVICE


@dataclass(frozen=True)
class Move:
    """A pinned device that is followed to another address; ``proof`` is a sentence's part for a person."""

    old: Address
    new: Address
    guest: str | None
    proof: str


@dataclass(frozen=True)
class Answer:
    """What one selector of the inventory means.

    :ivar guest: in whose list it is, ``None`` for the devices that belong to no guest
    :ivar devices: what it names, in bus order
    :ivar error: why it names none: ``identity-changed`` (:class:`ChangedError`), ``no-such-device`` (either class) or
        ``ambiguous-selector``
    """

    guest: str | None
    selector: Selector
    devices: tuple[Device, ...] = ()
    error: PcibackError | None = None


@dataclass(frozen=True)
class Selection:
    """What all selectors of the inventory mean.

    :ivar answers: one for each selector, in their order
    :ivar moves: pinned devices that are followed
    :ivar warnings: what the owner should know
    :ivar located: what it was found in
    :ivar units: whether the names of drivers end with the numbers of their units, as on NetBSD
    """

    answers: tuple[Answer, ...]
    moves: tuple[Move, ...]
    warnings: tuple[str, ...]
    located: Located
    units: bool

    @property
    def unclaimed(self) -> tuple[Device, ...]:
        """The devices that the backend does not offer yet; only for these do guards have to judge."""
        return tuple(
            device for answer in self.answers for device in answer.devices if device.address not in self.located.claims
        )

    @property
    def is_returning(self) -> bool:
        """Whether dom0 gets back some of what the backend offers, while it is to be without others."""
        wanted = {device.address for answer in self.answers for device in answer.devices}
        return bool(wanted) and not wanted.issuperset(self.located.claims)

    def with_devices(self, devices: Iterable[Device]) -> Selection:
        """The same after more was read of the same devices."""
        present = {device.address: device for device in devices}
        answers = tuple(
            replace(answer, devices=tuple(present[device.address] for device in answer.devices))
            for answer in self.answers
        )
        return replace(self, answers=answers, located=replace(self.located, devices=present))

    def record(self, *, keep_held: bool) -> dict[Address, Pin]:
        """The pins to be kept: those of the selected devices.

        :param keep_held: also those of devices that pciback holds and nobody wants any more
        """
        located = self.located
        wanted: dict[Address, Answer] = {}
        for answer in self.answers:
            for device in answer.devices:
                wanted.setdefault(device.address, answer)
        kept: dict[Address, Pin] = {}
        for address, pin in located.pins_here().items():
            if keep_held and address not in wanted and located.is_held(address):
                now = pin_of(located.devices[address])
                kept[address] = refreshed(pin, now, driver=pin.driver, known_as=pin.known_as)
        # Those that are pinned already keep their drivers' names.
        for address in sorted(wanted, key=lambda address: (address not in located.keys, address)):
            pin = _refreshed(located, address, wanted[address])
            if self.units and pin.driver is not None and pin.driver in {other.driver for other in kept.values()}:
                # Units are numbered anew at each boot. This one was another's when that was pinned.
                pin = replace(pin, driver=driver_of(pin.driver))
            kept[address] = pin
        return kept


def resolve(
    requests: Sequence[tuple[str | None, Selector]],
    devices: Sequence[Device],
    pins: Mapping[Address, Pin],
    claims: Collection[Address],
    *,
    follow: bool = False,
    accepted: Collection[Address] = (),
    units: bool = True,
) -> Selection:
    """Find the devices that the inventory's selectors mean, wherever they are now.

    :param requests: every selector of the inventory, with the guest in whose list it is
    :param devices: every function of the host
    :param pins: by the addresses under which they are kept
    :param claims: what pciback offers to guests
    :param follow: whether moved devices are followed
    :param accepted: addresses at which any device is accepted
    :param units: whether the names of drivers end with the numbers of their units, as on NetBSD
    """
    warnings: list[str] = []
    located = locate_pins({device.address: device for device in devices}, pins, claims)
    for address in accepted:
        located = _accept(located, address, warnings)
    requested = frozenset((guest, selector.address) for guest, selector in requests)
    search = _Search(located, follow, accepted, requested, warnings)
    answers = tuple(search.answer(guest, selector) for guest, selector in requests)
    return Selection(answers, tuple(search.moves), tuple(warnings), located, units)


@dataclass(frozen=True)
class _Search:
    """One look for all selectors: the rules, and the notes that are taken on the way."""

    located: Located
    follow: bool
    accepted: Collection[Address]
    requested: Collection[tuple[str | None, Address | None]]
    warnings: list[str]
    moves: list[Move] = field(default_factory=list)

    def answer(self, guest: str | None, selector: Selector) -> Answer:
        """What a selector means."""
        address = selector.address
        try:
            if address is None:
                return Answer(guest, selector, self._by_facts(selector, guest))
            return Answer(guest, selector, self._by_address(selector, address, guest))
        except PcibackError as error:
            return Answer(guest, selector, error=error)

    def _by_address(self, selector: Selector, address: Address, guest: str | None) -> tuple[Device, ...]:
        key = self._key(address, guest)
        # A selector that says more than the address, and something else than the pin, means what is there now.
        if key is not None and self.located.describes(selector.at(key), key):
            selector = selector.at(self._now(key, guest))
        found = self.located.select(selector)
        for device in found:
            if device.address != address:
                self.warnings.append(
                    f"{whose_list(guest)}: {address.bdf} in the inventory means {device.describe()}, "
                    "which was there when it was given away; correct the address"
                )
        return found

    def _by_facts(self, selector: Selector, guest: str | None) -> tuple[Device, ...]:
        located = self.located
        meant = [old for old in located.pins if located.describes(selector, old)]
        try:
            found = located.select(selector)
        except PcibackError as error:
            if error.code == NO_SUCH_DEVICE and meant:
                self._now(meant[0], guest)
            raise
        keys = [located.keys.get(device.address) for device in found]
        if selector.all:
            for old in meant:
                if located.places[old].address is None:
                    self.warnings.append(f"{whose_list(guest)}: {located.evidence(old)}")
        elif meant and keys[0] not in meant:
            # The selector fits a pinned device, but what it finds now is another one.
            raise located.changed(meant[0], guest, f"{selector} now finds {found[0].describe()}")
        for key in keys:
            if key is not None:
                self._now(key, guest)
        return found

    def _key(self, address: Address, guest: str | None) -> Address | None:
        """The pin that an address of the inventory means: it may have been pinned there and moved since."""
        others = []
        for old, pin in self.located.pins.items():
            if pin.known_as == KnownAs(guest, address):
                return old
            if pin.known_as is not None and pin.known_as.address == address:
                others.append((old, pin.known_as.guest))
        if address in self.located.pins:
            return address
        for old, other in others:
            if (other, address) not in self.requested and address not in self.accepted:
                there = self.located.devices.get(address)
                raise ChangedError(
                    f"{whose_list(guest)}: {address.bdf} was the address of {self.located.pins[old].describe()}, which "
                    f"{whose_list(other)} had and which was followed to {old.bdf}; at {address.bdf} is "
                    f"{there.describe() if there else 'no device'} now",
                    code=IDENTITY_CHANGED,
                    address=address,
                    remedy=f"write {old.bdf} if the device that was followed is meant; "
                    f"if it is the one there now, allow code '{IDENTITY_CHANGED}' for {address.bdf}",
                )
        return None

    def _now(self, old: Address, guest: str | None) -> Address:
        """Where a pinned device is, if the plan may go there.

        :raises ChangedError: nobody knows, or it moved and is not to be followed
        """
        place = self.located.places[old]
        if place.address is None:
            raise self.located.changed(old, guest)
        if place.moved_from(old):
            if not self.follow:
                raise self.located.changed(old, guest)
            move = Move(old, place.address, guest, PROOFS.get(place.by, ""))
            if move not in self.moves:
                self.moves.append(move)
                self.warnings.append(f"{whose_list(guest)}: {self.located.evidence(old)}; this plan follows it")
        return place.address


def _accept(located: Located, address: Address, warnings: list[str]) -> Located:
    """The same without the pin of an address that the owner does not insist on."""
    place = located.places.get(address)
    if place is None or address not in located.devices:
        return located
    overridden = f"overridden by the owner: {IDENTITY_CHANGED} for {address.bdf}"
    if place.address is not None and not place.moved_from(address):
        warnings.append(
            f"{overridden}; take it out of pciback_allow, or the next card at this address is accepted as well"
        )
        return located
    warnings.append(f"{overridden}: {located.evidence(address)}")
    return locate_pins(
        located.devices, {old: pin for old, pin in located.pins.items() if old != address}, located.claims
    )


def _refreshed(located: Located, address: Address, answer: Answer) -> Pin:
    """The pin of a selected device, with what is known of it today."""
    now = pin_of(located.devices[address])
    old = located.keys.get(address)
    selector = answer.selector
    known_as = None
    if selector.address not in (None, address):
        known_as = KnownAs(answer.guest, selector.address)
    if old is None:
        return refreshed(now, now, driver=now.driver, known_as=known_as)
    pin = located.pins[old]
    driver = pin.driver or now.driver
    if selector.names_driver(now.driver) and not selector.names_driver(pin.driver):
        driver = now.driver
    return refreshed(pin, now, driver=driver, known_as=known_as)
