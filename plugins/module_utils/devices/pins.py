# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Pins: what a host's devices were when they were given away, and where they are now.

An address says where a card sits, not which card it is: one more card can shift bus numbers, and another card can take
the place. A hidden device has no driver any more but pciback either, so a selector by driver would not find it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.formats.json_record import check_schema, decode, encode, show

SCHEMA = "xen.pciback/pins/1"
MAX_FILE = 1 << 20
"""Bytes; far more than the 65536 functions of a domain need in practice."""

SERIAL, MAC, PLACE, SLOT, KIND = "serial", "mac", "place", "slot", "kind"

_ID = r"[0-9a-f]{4}:[0-9a-f]{4}"
# What a field looks like, whether it may be null, and what would be right.
_FIELDS: Mapping[str, tuple[str, bool, str]] = {
    "id": (_ID, False, "'8086:100e'"),
    "subsystem": (_ID, True, "'1af4:1100' or null"),
    "class": (r"[0-9a-f]{6}", False, "'020000'"),
    # A unit of NetBSD's, or a driver of Linux's, such as 8139cp and virtio-pci.
    "driver": (r"[A-Za-z0-9_][A-Za-z0-9_.-]*", True, "'wm0' or null"),
    "slot": (r"[0-9a-f]{4}:[0-9a-f]{2}(?:/[01][0-9a-f]\.[0-7])+", True, "'0000:00/1c.0/00.0' or null"),
    "mac": (r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", True, "'52:54:00:12:34:56' or null"),
    "serial": (r"[0-9a-f]{2}(?:-[0-9a-f]{2}){7}", True, "'00-1b-21-ff-ff-12-34-56' or null"),
}
_GUEST = re.compile(r"[^\x00-\x1f\x7f/]{1,255}\Z")


@dataclass(frozen=True)
class KnownAs:
    """The address by which the inventory still calls a device that has left it.

    :param guest: in whose list; ``None`` for the devices that belong to no guest
    """

    guest: str | None
    address: Address


@dataclass(frozen=True)
class Pin:
    """One function, as it was when it was given away; ``None`` where that is not known.

    :param id: vendor and device, ``8086:100e``
    :param subsystem: subsystem vendor and device
    :param class_: base class, subclass and interface, ``020000``
    :param driver: what held it before it was hidden, such as ``wm0`` on NetBSD or ``e1000`` on Linux
    :param slot: its path through the bridges, ``0000:00/1c.0/00.0``
    :param mac: the Ethernet address of the driver's interface, read while dom0 had it
    :param serial: the device serial number of PCI Express, as lspci prints it
    :param known_as: how the inventory calls it, if by an address that it has left
    """

    id: str
    subsystem: str | None
    class_: str
    driver: str | None = None
    slot: str | None = None
    mac: str | None = None
    serial: str | None = None
    known_as: KnownAs | None = None

    def as_dict(self) -> dict[str, Any]:
        """The form that pins.json and modules have."""
        known_as = self.known_as
        return {
            "id": self.id,
            "subsystem": self.subsystem,
            "class": self.class_,
            "driver": self.driver,
            "slot": self.slot,
            "mac": self.mac,
            "serial": self.serial,
            "known_as": None if known_as is None else {"guest": known_as.guest, "address": str(known_as.address)},
        }

    def describe(self) -> str:
        """All that is known of it, for a person."""
        facts = [
            f"subsystem {self.subsystem}" if self.subsystem else "",
            f"class {self.class_}",
            f"driver {self.driver}" if self.driver else "",
            f"slot {self.slot}" if self.slot else "",
            f"MAC {self.mac}" if self.mac else "",
            f"serial {self.serial}" if self.serial else "",
        ]
        return f"{self.id} ({', '.join(filter(None, facts))})"


@dataclass(frozen=True)
class Location:
    """Where a pinned function is now, ``None`` if that can't be told.

    :param by: what proves it: its SERIAL, its MAC, the same PLACE with nothing against it, the same SLOT with another bus
        number, or that it is the only one of its KIND
    :param candidates: where it might be, if several functions are of its kind
    """

    address: Address | None
    by: str | None = None
    candidates: tuple[Address, ...] = ()

    def moved_from(self, address: Address) -> bool:
        """Whether it is surely not where it was: elsewhere, or at the same address in another slot."""
        return self.address is not None and (self.address != address or self.by == KIND)


def pin_of(device: Device) -> Pin:
    """What a device is now, as its pin would have it."""
    return Pin(
        id=device.id,
        subsystem=device.subsystem_id,
        class_=f"{device.class_code:06x}",
        driver=None if device.held_by_backend else device.driver,
        slot=device.slot,
        mac=device.mac,
        serial=device.serial,
    )


def pinned_device(address: Address, pin: Pin, devices: Sequence[Device] = ()) -> Device:
    """The device that a pin describes, as it was then.

    :param devices: those of the host, one of which may know the name of devices with this id
    """
    vendor, product = (int(part, 16) for part in pin.id.split(":"))
    registers = {}
    if pin.subsystem is not None:
        subsystem_vendor, subsystem = (int(part, 16) for part in pin.subsystem.split(":"))
        registers[0x2C] = subsystem << 16 | subsystem_vendor
    return Device(
        address=address,
        vendor=vendor,
        device=product,
        class_code=int(pin.class_, 16),
        name=next((device.name for device in devices if device.id == pin.id), ""),
        driver=pin.driver,
        config=ConfigSpace(registers) if registers else None,
        mac=pin.mac,
        slot=pin.slot,
    )


def differences(pin: Pin, now: Pin) -> tuple[str, ...]:
    """What says that these are two functions, one phrase each; what is unknown of one says nothing."""
    return _differences(pin, now, (*_OF_A_KIND, *_OF_ONE, "slot"))


def fits(pin: Pin, now: Pin) -> bool:
    """Whether nothing speaks against it and nothing stronger could: there is no need to look elsewhere."""
    return not differences(pin, now) and pin.serial == now.serial


def locate(pins: Mapping[Address, Pin], present: Mapping[Address, Pin]) -> dict[Address, Location]:
    """Where each pinned function is now.

    Stronger evidence goes first, and a function that is one of them is no other. The number of the function within its
    device never changes.

    :param present: every function of the host, as a pin of it would be now
    """
    alike = {
        old: [new for new, now in present.items() if new.function == old.function and _alike(pin, now)]
        for old, pin in pins.items()
    }
    found: dict[Address, Location] = {}
    for evidence, holds in _EVIDENCE:
        taken = {location.address for location in found.values()}
        open_ = {
            old: [new for new in alike[old] if new not in taken and holds(old, pin, new, present[new])]
            for old, pin in pins.items()
            if old not in found
        }
        for old, places in open_.items():
            if len(places) == 1 and sum(places[0] in others for others in open_.values()) == 1:
                found[old] = Location(places[0], evidence)
    taken = {location.address for location in found.values()}
    for old, pin in pins.items():
        rest = [new for new in alike[old] if new not in taken and not _differences(pin, present[new], _OF_ONE)]
        found.setdefault(old, Location(None, None, tuple(sorted(rest))))
    return found


def refreshed(pin: Pin, now: Pin, *, driver: str | None, known_as: KnownAs | None) -> Pin:
    """The pin with what is known today; what was not read this time is not forgotten."""
    return replace(
        pin,
        subsystem=now.subsystem or pin.subsystem,
        driver=driver,
        slot=now.slot or pin.slot,
        mac=now.mac or pin.mac,
        serial=now.serial or pin.serial,
        known_as=known_as,
    )


def parse(data: bytes, file: str) -> dict[Address, Pin]:
    """Read pins.json.

    :raises PcibackError: it is no such file
    """
    document = decode(data, file, "; delete it to start anew")
    check_schema(document, SCHEMA, file)
    pins = document.get("pins")
    if not isinstance(pins, dict):
        raise PcibackError(f"'pins' is {show(pins)}, and must be an object", file=file)
    try:
        return from_mapping(pins)
    except PcibackError as error:
        raise PcibackError(error.message, file=file) from error


def from_mapping(pins: Mapping[Any, Any]) -> dict[Address, Pin]:
    """Read the ``pins`` object, which is the form that modules exchange as well.

    :raises PcibackError: a key is no address, or a value is no pin
    """
    found = {_address(key, "'pins'"): _pin(key, value) for key, value in pins.items()}
    names = [pin.known_as for pin in found.values() if pin.known_as is not None]
    for name in names:
        if names.count(name) > 1:
            raise PcibackError(f"two pins are known as '{name.address}' in the same list of devices")
    return found


def to_mapping(pins: Mapping[Address, Pin]) -> dict[str, dict[str, Any]]:
    """The ``pins`` object, in the order of the addresses."""
    return {str(address): pin.as_dict() for address, pin in sorted(pins.items())}


def render(pins: Mapping[Address, Pin]) -> bytes:
    """Write pins.json: the same pins give the same bytes."""
    document = {"schema": SCHEMA, "pins": to_mapping(pins)}
    return encode(document)


# What all cards of a kind have in common; what one of them has to itself.
_OF_A_KIND: Mapping[str, str] = {"id": "id", "subsystem": "subsystem", "class_": "class"}
_OF_ONE: Mapping[str, str] = {"serial": "serial", "mac": "MAC"}
_WORDS: Mapping[str, str] = {**_OF_A_KIND, **_OF_ONE, "slot": "slot"}


def _differences(pin: Pin, now: Pin, fields: Any) -> tuple[str, ...]:
    return tuple(
        f"{_WORDS[field]} {new} instead of {old}"
        for field in fields
        for old, new in [(getattr(pin, field), getattr(now, field))]
        if None not in (old, new) and old != new
    )


def _alike(pin: Pin, now: Pin) -> bool:
    return not _differences(pin, now, _OF_A_KIND)


def _is_same(field: str) -> Callable[[Address, Pin, Address, Pin], bool]:
    def holds(old: Address, pin: Pin, new: Address, now: Pin) -> bool:
        return getattr(pin, field) is not None and getattr(pin, field) == getattr(now, field)

    return holds


def _may_be(old: Address, pin: Pin, new: Address, now: Pin) -> bool:
    return not _differences(pin, now, _OF_ONE)


# In the order of their strength. A serial number outweighs a MAC, which dom0 can change, and both outweigh the place.
_EVIDENCE: tuple[tuple[str, Callable[[Address, Pin, Address, Pin], bool]], ...] = (
    (SERIAL, _is_same("serial")),
    (MAC, _is_same("mac")),
    (PLACE, lambda old, pin, new, now: old == new and not differences(pin, now)),
    (SLOT, lambda old, pin, new, now: _is_same("slot")(old, pin, new, now) and _may_be(old, pin, new, now)),
    (KIND, _may_be),
)


def _address(key: Any, where: str) -> Address:
    try:
        address = parse_address(key) if isinstance(key, str) else None
    except PcibackError:
        address = None
    if address is None or str(address) != key:
        raise PcibackError(f"{show(key)} in {where} is no canonical address such as '0000:03:00.0'")
    return address


def _pin(key: str, value: Any) -> Pin:
    fields = [*_FIELDS, "known_as"]
    if not isinstance(value, dict) or sorted(value, key=str) != sorted(fields):
        raise PcibackError(f"pin '{key}' must have exactly {', '.join(map(repr, fields[:-1]))} and 'known_as'")
    for field, (pattern, optional, right) in _FIELDS.items():
        found = value[field]
        if found is None and optional:
            continue
        if not isinstance(found, str) or not re.match(rf"(?:{pattern})\Z", found):
            raise PcibackError(f"'{field}' of pin '{key}' is {show(found)}, and must be like {right}")
    return Pin(
        id=value["id"],
        subsystem=value["subsystem"],
        class_=value["class"],
        driver=value["driver"],
        slot=value["slot"],
        mac=value["mac"],
        serial=value["serial"],
        known_as=_known_as(key, value["known_as"]),
    )


def _known_as(key: str, value: Any) -> KnownAs | None:
    if value is None:
        return None
    if not isinstance(value, dict) or sorted(value, key=str) != ["address", "guest"]:
        raise PcibackError(f"'known_as' of pin '{key}' must have exactly 'guest' and 'address', or be null")
    guest = value["guest"]
    if guest is not None and not (isinstance(guest, str) and _GUEST.match(guest)):
        raise PcibackError(f"'guest' of pin '{key}' is {show(guest)}, and must be a guest's name or null")
    return KnownAs(guest, _address(value["address"], f"'known_as' of pin '{key}'"))
