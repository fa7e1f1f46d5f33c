# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""PCI functions of a host, and selectors that name one of them without its address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.config_space import Bar, ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.remembered import Remembered

CRITERIA = ("address", "id", "subsystem", "class", "driver", "name")

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

_ID = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})\Z", re.IGNORECASE)
_CLASS_CODE = re.compile(r"(?:0x)?((?:[0-9a-f]{2}){1,3})\Z", re.IGNORECASE)
_BRIDGE_CLASS = 0x06
_PCI_BRIDGE = 0x0604
_PCIBACK = re.compile(r"pciback[0-9]*\Z")
_UNIT = re.compile(r"[0-9]+\Z")
_MOST_CANDIDATES = 12


@dataclass(frozen=True)
class Device:
    """One PCI function as its dom0 shows it.

    ``class_code`` holds class, subclass and interface in 24 bits. ``driver`` is the instance that holds the
    function (``wm0``, ``pciback1``), ``None`` if nobody does. ``config`` is ``None`` where configuration space was
    not read, and so is what comes from it.
    """

    address: Address
    vendor: int
    device: int
    class_code: int
    revision: int = 0
    name: str = ""
    driver: str | None = None
    config: ConfigSpace | None = None

    @property
    def id(self) -> str:
        """``vendor:device`` in hexadecimal."""
        return f"{self.vendor:04x}:{self.device:04x}"

    @property
    def subsystem(self) -> tuple[int, int] | None:
        """Vendor and device of the subsystem."""
        return None if self.config is None else self.config.subsystem

    @property
    def bars(self) -> tuple[Bar, ...] | None:
        """The base address registers that hold an address."""
        return None if self.config is None else tuple(self.config.bars())

    @property
    def irq(self) -> int | None:
        """The interrupt line as the operating system noted it."""
        return None if self.config is None else self.config.interrupt_line

    @property
    def subsystem_id(self) -> str | None:
        """``vendor:device`` of the subsystem in hexadecimal."""
        return None if self.subsystem is None else "{:04x}:{:04x}".format(*self.subsystem)

    @property
    def is_bridge(self) -> bool:
        """Whether the function is a bridge of any kind (class 06)."""
        return self.class_code >> 16 == _BRIDGE_CLASS

    @property
    def is_pci_bridge(self) -> bool:
        """Whether other functions sit behind this one (class 0604); NetBSD panics when such a one is hidden."""
        return self.class_code >> 8 == _PCI_BRIDGE

    @property
    def held_by_pciback(self) -> bool:
        """Whether pciback(4) holds the function."""
        return self.driver is not None and _PCIBACK.match(self.driver) is not None

    def describe(self) -> str:
        """One line for a person, with the address in both notations."""
        holder = f" [{self.driver}]" if self.driver else ""
        return f"{self.address.bdf} (pcictl {self.address.pcictl}) {self.id} {self.name}{holder}".replace("  ", " ")


@dataclass(frozen=True)
class Selector:
    """What the owner says of a device: criteria that all must hold, and whether several may match."""

    criteria: tuple[tuple[str, str], ...]
    all: bool = False

    def __str__(self) -> str:
        return ", ".join(f"{key} {value}" for key, value in self.criteria)


def parse_selector(wanted: Mapping[str, Any], *, max_domain: int = 0) -> Selector:
    """Read a selector from the owner's mapping; keys that are no criteria are ignored.

    :raises PcibackError: no criterion at all, or a value that can't match anything
    """
    criteria = []
    for key in CRITERIA:
        value = wanted.get(key)
        if value is None:
            continue
        text = str(value).strip()
        criteria.append((key, _NORMALISERS[key](text, max_domain)))
    if not criteria:
        raise PcibackError(f"a device needs at least one of {', '.join(CRITERIA)}")
    return Selector(tuple(criteria), bool(wanted.get("all")))


def select(
    selector: Selector,
    devices: Sequence[Device],
    remembered: Mapping[Address, Remembered] | None = None,
) -> tuple[Device, ...]:
    """The devices that a selector names, in bus order: exactly one unless it says ``all``.

    A device that pciback(4) holds is also known by the driver that it had before. It wins over one that got
    the same driver name since, because drivers are numbered anew at each boot.

    :raises PcibackError: ``no-such-device`` or ``ambiguous-selector``, with the candidates
    """
    remembered = remembered or {}
    found = [device for device in devices if _matches(selector, device, remembered)]
    if not found:
        near = [device for device in devices if not device.is_bridge]
        raise PcibackError(
            f"no device matches {selector}; this host has {_candidates(near)}",
            code="no-such-device",
            remedy="correct the selector, or look at the host with xen.pciback.device_info",
        )
    if len(found) > 1 and not selector.all:
        if any(key == "driver" for key, _value in selector.criteria):
            held = [device for device in found if device.held_by_pciback]
            if len(held) == 1:
                return (held[0],)
        raise PcibackError(
            f"{len(found)} devices match {selector}: {_candidates(found)}",
            code="ambiguous-selector",
            remedy="add a criterion, such as the address, or say 'all: true' if every one is meant",
        )
    return tuple(sorted(found, key=lambda device: device.address))


def remember(device: Device) -> Remembered:
    """What to keep of a device before it is hidden."""
    return Remembered(
        id=device.id,
        subsystem=device.subsystem_id,
        class_=f"{device.class_code:06x}",
        driver=device.driver,
    )


def _matches(selector: Selector, device: Device, remembered: Mapping[Address, Remembered]) -> bool:
    return all(_MATCHERS[key](value, device, remembered.get(device.address)) for key, value in selector.criteria)


def _driver_matches(value: str, device: Device, before: Remembered | None) -> bool:
    names = [device.driver]
    if device.held_by_pciback and before is not None and before.id == device.id:
        names.append(before.driver)
    return any(name is not None and value in (name.lower(), _UNIT.sub("", name).lower()) for name in names)


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
    if match is None:
        raise PcibackError(
            f"'{text}' is not a class; it is two, four or six hexadecimal digits in quotes, such as '0200', "
            f"or one of {', '.join(sorted(CLASS_WORDS))}"
        )
    return match.group(1).lower()


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
}

_MATCHERS: Mapping[str, Callable[[str, Device, Remembered | None], bool]] = {
    "address": lambda value, device, before: str(device.address) == value,
    "id": lambda value, device, before: device.id == value,
    "subsystem": lambda value, device, before: device.subsystem_id == value,
    "class": lambda value, device, before: f"{device.class_code:06x}".startswith(value),
    "driver": _driver_matches,
    "name": lambda value, device, before: _name_matches(value, device),
}
