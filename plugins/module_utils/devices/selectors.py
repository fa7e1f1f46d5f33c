# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Selectors: what the owner says of a device, and which functions of a host that names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device, driver_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import (
    AMBIGUOUS_SELECTOR,
    NO_SUCH_DEVICE,
    REFUSALS,
)

CRITERIA = ("address", "id", "subsystem", "class", "driver", "name", "mac", "serial", "slot")

# Words for a class selector; the codes are class and subclass of the PCI Code and ID Assignment Specification.
CLASS_WORDS: Mapping[str, str] = {
    "audio": "0403",
    "display": "03",
    "ethernet": "0200",
    "fibre-channel": "0c04",
    "nvme": "0108",
    "raid": "0104",
    "sas": "0107",
    "sata": "0106",
    "scsi": "0100",
    "serial": "0700",
    "usb": "0c03",
    "vga": "0300",
    "wireless": "0280",
}

# Criteria that need more than the list of functions.
_IN_CONFIGURATION_SPACE = ("subsystem", "serial")

_ID = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})\Z", re.IGNORECASE)
_CLASS_CODE = re.compile(r"(?:0x)?((?:[0-9a-f]{2}){1,3})\Z", re.IGNORECASE)
# The base classes that the PCI Code and ID Assignment Specification knows.
_BASE_CLASSES = (*range(0x14), 0x40, 0xFF)
_MAC = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\Z", re.IGNORECASE)
_SERIAL = re.compile(r"[0-9a-f]{2}(?:[:-]?[0-9a-f]{2}){7}\Z", re.IGNORECASE)
_SLOT = re.compile(r"(?:([0-9a-f]{4}):)?([0-9a-f]{2}(?:/[01][0-9a-f]\.[0-7])+)\Z", re.IGNORECASE)
_MOST_CANDIDATES = 12
# Of the number that a class can be.
_MOST_DIGITS = 8


@dataclass(frozen=True)
class Selector:
    """What the owner says of a device: criteria that all must hold, and whether several may match."""

    criteria: tuple[tuple[str, str], ...]
    all: bool = False

    def __str__(self) -> str:
        return ", ".join(f"{key} {value}" for key, value in self.criteria)

    @property
    def address(self) -> Address | None:
        """The address that it names, if it does."""
        return next((parse_address(value) for key, value in self.criteria if key == "address"), None)

    def at(self, address: Address) -> Selector:
        """The same with another address."""
        criteria = tuple((key, str(address) if key == "address" else value) for key, value in self.criteria)
        return Selector(criteria, self.all)

    def matches(self, device: Device, pin: Pin | None = None) -> bool:
        """Whether all criteria hold.

        :param pin: what the device was before it was hidden
        """
        return all(_MATCHERS[key](value, device, pin) for key, value in self.criteria)

    def asks_configuration_of(self, device: Device, pin: Pin | None = None) -> bool:
        """Whether only the device's configuration space can tell if it matches."""
        others = tuple(each for each in self.criteria if each[0] not in _IN_CONFIGURATION_SPACE)
        return others != self.criteria and Selector(others).matches(device, pin)

    def names_driver(self, driver: str | None) -> bool:
        """Whether it has a criterion for the driver, and this one fulfils it."""
        return any(key == "driver" and _is_driver(value, driver) for key, value in self.criteria)


def parse_selector(wanted: Mapping[str, Any], *, max_domain: int = 0) -> Selector:
    """Read a selector from the owner's mapping; keys that are no criteria are ignored.

    :raises PcibackError: no criterion at all, or a value that can't match anything, or that YAML may have changed
    """
    criteria = []
    for key in CRITERIA:
        value = wanted.get(key)
        if value is None:
            continue
        text = str(value).strip()
        if key == "class" and not isinstance(value, str):
            raise _no_class(text)
        criteria.append((key, _NORMALISERS[key](text, max_domain)))
    if not criteria:
        raise PcibackError(f"a device needs at least one of {', '.join(CRITERIA)}")
    return Selector(tuple(criteria), bool(wanted.get("all")))


def select(
    selector: Selector,
    devices: Sequence[Device],
    pins: Mapping[Address, Pin] | None = None,
) -> tuple[Device, ...]:
    """The devices that a selector names, in bus order: exactly one unless it says ``all``.

    A pinned device is also known by the driver and the MAC that it had before it was hidden. It wins over one that got
    the same driver name since, because drivers are numbered anew at each boot.

    :param pins: by the addresses where the pinned devices are now
    :raises PcibackError: ``no-such-device`` or ``ambiguous-selector``, with the candidates
    """
    pins = pins or {}
    found = [device for device in devices if selector.matches(device, pins.get(device.address))]
    if not found:
        near = [device for device in devices if not device.is_bridge]
        raise PcibackError(
            f"no device matches {selector}; this host has {_candidates(near)}",
            code=NO_SUCH_DEVICE,
            remedy=REFUSALS[NO_SUCH_DEVICE].remedy,
        )
    if len(found) > 1 and not selector.all:
        pinned = [each for each in found if each.address in pins and selector.names_driver(pins[each.address].driver)]
        if len(pinned) == 1:
            return (pinned[0],)
        raise PcibackError(
            f"{len(found)} devices match {selector}: {_candidates(found)}",
            code=AMBIGUOUS_SELECTOR,
            remedy=REFUSALS[AMBIGUOUS_SELECTOR].remedy,
        )
    return tuple(sorted(found, key=lambda device: device.address))


def _driver_matches(value: str, device: Device, pin: Pin | None) -> bool:
    return _is_driver(value, device.driver) or (pin is not None and _is_driver(value, pin.driver))


def _is_driver(value: str, driver: str | None) -> bool:
    return driver is not None and value in (driver.lower(), driver_of(driver).lower())


def _name_matches(value: str, device: Device) -> bool:
    pattern = value if any(char in value for char in "*?[") else f"*{value}*"
    return fnmatchcase(device.name.lower(), pattern.lower())


def _candidates(devices: Iterable[Device]) -> str:
    listed = [device.describe() for device in devices]
    rest = len(listed) - _MOST_CANDIDATES
    text = "; ".join(listed[:_MOST_CANDIDATES]) or "no device at all"
    return f"{text}; and {rest} more" if rest > 0 else text


def _normal_id(text: str, _max_domain: int) -> str:
    if _ID.match(text) is None:
        # YAML 1.1 reads 8086:10 as a number of base 60.
        what = "a number, which YAML makes of an id without quotes" if text.isdigit() else "not an id"
        raise PcibackError(
            f"'{text}' is {what}; it is VENDOR:DEVICE, four hexadecimal digits each, such as '8086:10d3'"
        )
    return text.lower()


def _normal_class(text: str, _max_domain: int) -> str:
    code = CLASS_WORDS.get(text.lower())
    if code is not None:
        return code
    match = _CLASS_CODE.match(text)
    if match is None or not _is_class(match.group(1).lower()):
        raise _no_class(text)
    return match.group(1).lower()


def _no_class(text: str) -> PcibackError:
    """A number may have been written in several ways, of which each looks like another class."""
    what = ""
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        octal, hexadecimal = (form.zfill(len(form) + len(form) % 2) for form in (f"0{int(text):o}", f"{int(text):x}"))
        what = f" but a number, which YAML makes of {octal} and of 0x{hexadecimal} without quotes"
    return PcibackError(
        f"'{text}' is not a class{what}; it is two, four or six hexadecimal digits in quotes, such as '0200', "
        f"or one of {', '.join(sorted(CLASS_WORDS))}"
    )


def _is_class(code: str) -> bool:
    """Whether there is such a class; co-processors (40) have the subclass 00 only."""
    return int(code[:2], 16) in _BASE_CLASSES and (code[:2] != "40" or code[2:4] in ("", "00"))


def _normal_mac(text: str, _max_domain: int) -> str:
    if _MAC.match(text) is None:
        what = "a number, which YAML makes of one without quotes" if text.isdigit() else "not a MAC address"
        raise PcibackError(f"'{text}' is {what}; it is six pairs of hexadecimal digits, such as '52:54:00:12:34:56'")
    return text.lower().replace("-", ":")


def _normal_serial(text: str, _max_domain: int) -> str:
    if _SERIAL.match(text) is None:
        raise PcibackError(
            f"'{text}' is not a serial number of PCI Express; it is eight pairs of hexadecimal digits, "
            "such as '00-1b-21-ff-ff-12-34-56'"
        )
    digits = re.sub("[:-]", "", text.lower())
    return "-".join(digits[index : index + 2] for index in range(0, 16, 2))


def _normal_slot(text: str, _max_domain: int) -> str:
    match = _SLOT.match(text)
    if match is None:
        raise PcibackError(
            f"'{text}' is not a slot; it is the root bus, then DEVICE.FUNCTION of each bridge and of the device, "
            "such as '0000:00/1c.0/00.0', as xen.pciback.device_info shows it"
        )
    return f"{match.group(1) or '0000'}:{match.group(2)}".lower()


def _normal_address(text: str, max_domain: int) -> str:
    return str(parse_address(text, max_domain=max_domain))


def _normal_word(text: str, _max_domain: int) -> str:
    if not text:
        raise PcibackError(
            "an empty text matches no device; name a driver such as 'wm1', or a part of the device's name"
        )
    return text.lower()


_NORMALISERS = {
    "address": _normal_address,
    "id": _normal_id,
    "subsystem": _normal_id,
    "class": _normal_class,
    "driver": _normal_word,
    "name": _normal_word,
    "mac": _normal_mac,
    "serial": _normal_serial,
    "slot": _normal_slot,
}

_MATCHERS: Mapping[str, Callable[[str, Device, Pin | None], bool]] = {
    "address": lambda value, device, pin: str(device.address) == value,
    "id": lambda value, device, pin: device.id == value,
    "subsystem": lambda value, device, pin: device.subsystem_id == value,
    "class": lambda value, device, pin: f"{device.class_code:06x}".startswith(value),
    "driver": _driver_matches,
    "name": lambda value, device, pin: _name_matches(value, device),
    "mac": lambda value, device, pin: value == (device.mac or (pin.mac if pin else None)),
    "serial": lambda value, device, pin: value == (device.serial or (pin.serial if pin else None)),
    "slot": lambda value, device, pin: value == (device.slot or (pin.slot if pin else None)),
}
