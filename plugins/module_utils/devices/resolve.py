# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the inventory's selectors mean on a host with pins.

A device that was given away once is pinned. A selector that would now name another one, or the same one elsewhere, is
refused with what is known of both; or the plan follows the device to where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device, driver_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import (
    KIND,
    MAC,
    SERIAL,
    SLOT,
    KnownAs,
    Location,
    Pin,
    differences,
    locate,
    pin_of,
    pinned_device,
    refreshed,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector, select
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import IDENTITY_CHANGED, NO_SUCH_DEVICE

_PROOFS: Mapping[str | None, str] = {
    SERIAL: "its serial number says so",
    MAC: "its MAC address says so",
    SLOT: "it sits in the same slot",
    KIND: "it is the only one of its kind",
}


class ChangedError(PcibackError):
    """A pin that does not hold any more; ``address`` is what it is under."""

    def __init__(self, message: str, *, code: str, address: Address, remedy: str) -> None:
        super().__init__(message, code=code, remedy=remedy)
        self.address = address


@dataclass(frozen=True)
class Move:
    """A pinned device that is followed to another address; ``proof`` is a sentence's part for a person."""

    old: Address
    new: Address
    guest: str | None
    proof: str


@dataclass(frozen=True)
class _Choice:
    selector: Selector
    guest: str | None


class Pinning:
    """Finds devices by selectors, and keeps the account of what is pinned.

    :param claims: what pciback offers to guests
    :param requests: every selector of the inventory with its guest
    :param follow: whether moved devices are followed
    :param accepted: addresses at which any device is accepted
    :param units: whether the names of drivers end with the numbers of their units, as on NetBSD
    """

    def __init__(
        self,
        devices: Sequence[Device],
        pins: Mapping[Address, Pin],
        claims: Collection[Address],
        requests: Sequence[tuple[str | None, Selector]],
        *,
        follow: bool = False,
        accepted: Collection[Address] = (),
        units: bool = True,
    ) -> None:
        self.units = units
        self.devices = {device.address: device for device in devices}
        self.pins = dict(pins)
        self.claims = claims
        self.requested = {(guest, selector.address) for guest, selector in requests}
        self.follow = follow
        self.accepted = accepted
        self.warnings: list[str] = []
        self.moves: list[Move] = []
        self._choices: dict[Address, _Choice] = {}
        self._locate()
        self._accept()

    def choose(self, selector: Selector, guest: str | None) -> tuple[Device, ...]:
        """The devices that a selector of the inventory means, wherever they are now.

        :raises PcibackError: ``identity-changed``, ``no-such-device`` or ``ambiguous-selector``
        """
        address = selector.address
        found = (
            self._choose_by_facts(selector, guest)
            if address is None
            else self._choose_by_address(selector, address, guest)
        )
        for device in found:
            self._choices.setdefault(device.address, _Choice(selector, guest))
        return found

    def record(self, *, keep_held: bool) -> dict[Address, Pin]:
        """The pins to be kept: those of the chosen devices.

        :param keep_held: also those of devices that pciback holds and nobody wants any more
        """
        kept: dict[Address, Pin] = {}
        for address, pin in self._pins_here().items():
            if keep_held and address not in self._choices and self._is_held(address):
                now = pin_of(self.devices[address])
                kept[address] = refreshed(pin, now, driver=pin.driver, known_as=pin.known_as)
        # Those that are pinned already keep their drivers' names.
        for address in sorted(self._choices, key=lambda address: (address not in self.keys, address)):
            pin = self._refreshed(address, self._choices[address])
            if self.units and pin.driver is not None and pin.driver in {other.driver for other in kept.values()}:
                # Units are numbered anew at each boot. This one was another's when that was pinned.
                pin = replace(pin, driver=driver_of(pin.driver))
            kept[address] = pin
        return kept

    # --- where things are

    def _locate(self) -> None:
        present = {address: pin_of(device) for address, device in self.devices.items()}
        self.places = locate(self.pins, present)
        self.keys = {place.address: old for old, place in self.places.items() if place.address is not None}

    def _accept(self) -> None:
        """Forget the pins that the owner does not insist on."""
        for address in self.accepted:
            place = self.places.get(address)
            device = self.devices.get(address)
            if place is None or device is None:
                continue
            overridden = f"overridden by the owner: {IDENTITY_CHANGED} for {address.bdf}"
            if place.address is None or place.moved_from(address):
                self.warnings.append(f"{overridden}: {self._evidence(address)}")
                del self.pins[address]
                self._locate()
            else:
                self.warnings.append(
                    f"{overridden}; take it out of pciback_allow, or the next card at this address is accepted as well"
                )

    def _pins_here(self) -> dict[Address, Pin]:
        """The pins by the addresses where their devices are now."""
        return {address: self.pins[old] for address, old in self.keys.items() if address is not None}

    def _is_held(self, address: Address) -> bool:
        return address in self.claims or self.devices[address].held_by_pciback

    # --- choosing

    def _choose_by_address(self, selector: Selector, address: Address, guest: str | None) -> tuple[Device, ...]:
        key = self._key(address, guest)
        # A selector that says more than the address, and something else than the pin, means what is there now.
        if key is not None and self._described(selector.at(key), key):
            selector = selector.at(self._now(key, guest))
        found = select(selector, self._all(), self._pins_here())
        for device in found:
            if device.address != address:
                self.warnings.append(
                    f"{_whose(guest)}: {address.bdf} in the inventory means {device.describe()}, "
                    "which was there when it was given away; correct the address"
                )
        return found

    def _choose_by_facts(self, selector: Selector, guest: str | None) -> tuple[Device, ...]:
        meant = [old for old in self.pins if self._described(selector, old)]
        try:
            found = select(selector, self._all(), self._pins_here())
        except PcibackError as error:
            if error.code == NO_SUCH_DEVICE and meant:
                self._now(meant[0], guest)
            raise
        keys = [self.keys.get(device.address) for device in found]
        if selector.all:
            for old in meant:
                if self.places[old].address is None:
                    self.warnings.append(f"{_whose(guest)}: {self._evidence(old)}")
        elif meant and keys[0] not in meant:
            # The selector fits a pinned device, but what it finds now is another one.
            raise self._changed(meant[0], guest, f"{selector} now finds {found[0].describe()}")
        for key in keys:
            if key is not None:
                self._now(key, guest)
        return found

    def _all(self) -> tuple[Device, ...]:
        return tuple(self.devices.values())

    def _described(self, selector: Selector, old: Address) -> bool:
        """Whether a selector fits a device as it was pinned."""
        pin = self.pins[old]
        return selector.matches(pinned_device(old, pin, self._all()), pin)

    def _key(self, address: Address, guest: str | None) -> Address | None:
        """The pin that an address of the inventory means: it may have been pinned there and moved since."""
        others = []
        for old, pin in self.pins.items():
            if pin.known_as == KnownAs(guest, address):
                return old
            if pin.known_as is not None and pin.known_as.address == address:
                others.append((old, pin.known_as.guest))
        if address in self.pins:
            return address
        for old, other in others:
            if (other, address) not in self.requested and address not in self.accepted:
                there = self.devices.get(address)
                raise ChangedError(
                    f"{_whose(guest)}: {address.bdf} was the address of {self.pins[old].describe()}, which "
                    f"{_whose(other)} had and which was followed to {old.bdf}; at {address.bdf} is "
                    f"{there.describe() if there else 'no device'} now",
                    code=IDENTITY_CHANGED,
                    address=address,
                    remedy=f"write {old.bdf} if the device that was followed is meant; "
                    f"if it is the one there now, allow code '{IDENTITY_CHANGED}' for {address.bdf}",
                )
        return None

    def _now(self, old: Address, guest: str | None) -> Address:
        """Where a pinned device is, if the plan may go there."""
        place = self.places[old]
        if place.address is None:
            raise self._changed(old, guest)
        if place.moved_from(old):
            if not self.follow:
                raise self._changed(old, guest)
            move = Move(old, place.address, guest, _PROOFS.get(place.by, ""))
            if move not in self.moves:
                self.moves.append(move)
                self.warnings.append(f"{_whose(guest)}: {self._evidence(old)}; this plan follows it")
        return place.address

    # --- words

    def _changed(self, old: Address, guest: str | None, instead: str = "") -> ChangedError:
        place = self.places[old]
        there = self.devices.get(old)
        message = f"{_whose(guest)}: {self._evidence(old)}{f'; {instead}' if instead else ''}"
        if there is None and place.address is None and not instead and not place.candidates:
            return ChangedError(
                message,
                code=NO_SUCH_DEVICE,
                address=old,
                remedy="put the card back, or take the device out of the inventory",
            )
        ways = []
        if place.address is not None and not instead:
            ways.append("set pciback_follow_moves: true if the device is to be followed")
        if place.candidates:
            ways.append("name the device by a mac, serial, slot or address that it has now")
        if there is not None:
            ways.append(f"allow code '{IDENTITY_CHANGED}' for {old.bdf} if what is there now is to be taken")
        if not ways:
            ways.append("name the device by the address that it has now, if it is the right one")
        return ChangedError(message, code=IDENTITY_CHANGED, address=old, remedy=", or ".join(ways))

    def _evidence(self, old: Address) -> str:
        """What was pinned, what is at its address, and where the pinned device is."""
        return "; ".join(self._sentences(old, self.places[old]))

    def _sentences(self, old: Address, place: Location) -> Iterator[str]:
        pin = self.pins[old]
        there = self.devices.get(old)
        yield f"{old.bdf} is pinned as {pin.describe()}"
        if there is None:
            yield f"no device is at {old.bdf} now"
        else:
            unlike = differences(pin, pin_of(there))
            pinned_under = self.keys.get(old)
            if unlike:
                yield f"there is {there.describe()} now, with {', '.join(unlike)}"
            elif pinned_under not in (None, old):
                yield f"there is {there.describe()} now, which is another pinned device"
            elif place.address != old:
                yield f"there is {there.describe()} now, which looks the same"
            if place.address != old and self._is_held(old):
                yield f"pciback holds that one, because the boot configuration hides {old.bdf}"
        if place.address is not None:
            where = f"at {place.address.bdf}" if place.address != old else "in another slot"
            yield f"the pinned device is {where} now, {_PROOFS.get(place.by, 'as before')}"
        elif place.candidates:
            yield f"the pinned device may be at {', '.join(each.bdf for each in place.candidates)}"
        else:
            yield "the pinned device is nowhere on the bus"

    # --- the account

    def _refreshed(self, address: Address, choice: _Choice) -> Pin:
        device = self.devices[address]
        now = pin_of(device)
        old = self.keys.get(address)
        known_as = None
        if choice.selector.address not in (None, address):
            known_as = KnownAs(choice.guest, choice.selector.address)
        if old is None:
            return refreshed(now, now, driver=now.driver, known_as=known_as)
        pin = self.pins[old]
        driver = pin.driver or now.driver
        if choice.selector.names_driver(now.driver) and not choice.selector.names_driver(pin.driver):
            driver = now.driver
        return refreshed(pin, now, driver=driver, known_as=known_as)


def _whose(guest: str | None) -> str:
    return f"guest {guest}" if guest else "the extra devices"
