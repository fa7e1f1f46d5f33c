# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where the pinned devices of a host are now, and how that is said to a person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import (
    KIND,
    MAC,
    SERIAL,
    SLOT,
    Location,
    Pin,
    differences,
    locate,
    pin_of,
    pinned_device,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector, select
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import IDENTITY_CHANGED, NO_SUCH_DEVICE

PROOFS: Mapping[str | None, str] = {
    SERIAL: "its serial number says so",
    MAC: "its MAC address says so",
    SLOT: "it sits in the same slot",
    KIND: "it is the only one of its kind",
}
"""How a person is told what :func:`locate` found by."""


class ChangedError(PcibackError):
    """A pin that does not hold any more; ``address`` is what it is under."""

    def __init__(self, message: str, *, code: str, address: Address, remedy: str) -> None:
        super().__init__(message, code=code, remedy=remedy)
        self.address = address


@dataclass(frozen=True)
class Located:
    """The devices of a host, and where those are that are pinned.

    :ivar devices: every function, by its address
    :ivar pins: by the addresses under which they are kept
    :ivar claims: what pciback offers to guests
    :ivar places: where each pinned device is now
    :ivar keys: the same the other way round: under which address the device at an address is pinned
    """

    devices: Mapping[Address, Device]
    pins: Mapping[Address, Pin]
    claims: Collection[Address]
    places: Mapping[Address, Location]
    keys: Mapping[Address, Address]

    def pins_here(self) -> dict[Address, Pin]:
        """The pins by the addresses where their devices are now."""
        return {address: self.pins[old] for address, old in self.keys.items()}

    def is_held(self, address: Address) -> bool:
        """Whether pciback holds the device there."""
        return address in self.claims or self.devices[address].held_by_backend

    def describes(self, selector: Selector, old: Address) -> bool:
        """Whether a selector fits a device as it was pinned."""
        pin = self.pins[old]
        return selector.matches(pinned_device(old, pin, tuple(self.devices.values())), pin)

    def select(self, selector: Selector) -> tuple[Device, ...]:
        """The devices that a selector names now.

        :raises PcibackError: ``no-such-device`` or ``ambiguous-selector``
        """
        return select(selector, tuple(self.devices.values()), self.pins_here())

    def changed(self, old: Address, guest: str | None, instead: str = "") -> ChangedError:
        """The error of a pin that does not hold any more.

        :param instead: what the selector finds, if it is not about where the pinned device is
        """
        place = self.places[old]
        there = self.devices.get(old)
        message = f"{whose_list(guest)}: {self.evidence(old)}{f'; {instead}' if instead else ''}"
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

    def evidence(self, old: Address) -> str:
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
            if place.address != old and self.is_held(old):
                yield f"pciback holds that one, because the boot configuration hides {old.bdf}"
        if place.address is not None:
            where = f"at {place.address.bdf}" if place.address != old else "in another slot"
            yield f"the pinned device is {where} now, {PROOFS.get(place.by, 'as before')}"
        elif place.candidates:
            yield f"the pinned device may be at {', '.join(each.bdf for each in place.candidates)}"
        else:
            yield "the pinned device is nowhere on the bus"


def locate_pins(devices: Mapping[Address, Device], pins: Mapping[Address, Pin], claims: Collection[Address]) -> Located:
    """See where the pinned devices are."""
    places = locate(pins, {address: pin_of(device) for address, device in devices.items()})
    keys = {place.address: old for old, place in places.items() if place.address is not None}
    return Located(devices, pins, claims, places, keys)


def whose_list(guest: str | None) -> str:
    """In whose list of devices something is, for a sentence."""
    return f"guest {guest}" if guest else "the extra devices"
