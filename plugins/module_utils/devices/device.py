# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""PCI functions of a host, and selectors that name one of them without its address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import Bar, ConfigSpace

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
_BRIDGE_CLASS = 0x06
_PCI_BRIDGE = 0x0604
_PCIBACK = re.compile(r"pciback[0-9]*\Z")
_UNIT = re.compile(r"[0-9]+\Z")
_MOST_CANDIDATES = 12


@dataclass(frozen=True)
class Device:
    """One PCI function as its dom0 shows it.

    ``class_code`` holds class, subclass and interface in 24 bits. ``driver`` is the instance that holds the
    function (``wm0``, ``pciback1``), ``None`` if nobody does; ``mac`` is the Ethernet address of that driver's
    interface. ``config`` is ``None`` where configuration space was not read, and so is what comes from it.
    ``system_irq`` is the interrupt line where the system says it elsewhere than in configuration space: 0 if the
    function has none now. ``slot`` is the path to the function (:func:`with_slots`). ``iommu_group``,
    ``reset_methods`` and ``numa_node`` are ``None`` where the system does not say.
    """

    address: Address
    vendor: int
    device: int
    class_code: int
    revision: int = 0
    name: str = ""
    driver: str | None = None
    config: ConfigSpace | None = None
    system_irq: int | None = None
    mac: str | None = None
    slot: str | None = None
    iommu_group: str | None = None
    reset_methods: tuple[str, ...] | None = None
    numa_node: int | None = None

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
        if self.system_irq is not None:
            return self.system_irq or None
        return None if self.config is None else self.config.interrupt_line

    @property
    def subsystem_id(self) -> str | None:
        """``vendor:device`` of the subsystem in hexadecimal."""
        return None if self.subsystem is None else "{:04x}:{:04x}".format(*self.subsystem)

    @property
    def serial(self) -> str | None:
        """The device serial number of PCI Express, ``None`` if it has none or it could not be read."""
        return None if self.config is None else self.config.serial

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
            code="no-such-device",
            remedy="correct the selector, or look at the host with xen.pciback.device_info",
        )
    if len(found) > 1 and not selector.all:
        pinned = [each for each in found if each.address in pins and selector.names_driver(pins[each.address].driver)]
        if len(pinned) == 1:
            return (pinned[0],)
        raise PcibackError(
            f"{len(found)} devices match {selector}: {_candidates(found)}",
            code="ambiguous-selector",
            remedy="add a criterion, such as the address, or say 'all: true' if every one is meant",
        )
    return tuple(sorted(found, key=lambda device: device.address))


def driver_of(instance: str) -> str:
    """The driver of an instance: ``wm`` of ``wm0``."""
    return _UNIT.sub("", instance)


def pin_of(device: Device) -> Pin:
    """What a device is now, as its pin would have it."""
    return Pin(
        id=device.id,
        subsystem=device.subsystem_id,
        class_=f"{device.class_code:06x}",
        driver=None if device.held_by_pciback else device.driver,
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


def with_slots(devices: Iterable[Device]) -> tuple[Device, ...]:
    """The devices with their paths: root bus, then device and function of each bridge on the way and of the device.

    Such a path (``0000:00/1c.0/00.0``) stays when the firmware numbers buses anew. It is unknown where a bridge on the
    way could not be read.
    """
    devices = tuple(devices)
    bridges = {
        (device.address.domain, device.config.bridged_buses[0]): device.address
        for device in devices
        if device.config is not None and device.config.bridged_buses is not None
    }
    # Behind which bus such a bridge sits is not known, so only bus 0 is surely no bus behind it.
    unread = any(device.is_pci_bridge and device.config is None for device in devices)
    return tuple(replace(device, slot=_slot(device.address, bridges, unread)) for device in devices)


def _slot(address: Address, bridges: Mapping[tuple[int, int], Address], unread: bool) -> str | None:
    steps: list[str] = []
    here = address
    while True:
        steps.insert(0, f"{here.device:02x}.{here.function:x}")
        bridge = bridges.get((here.domain, here.bus))
        # A bridge leads to a higher bus; one that doesn't was set up by nobody.
        if bridge is None or bridge.bus >= here.bus:
            break
        here = bridge
    if unread and here.bus != 0:
        return None
    return "/".join([f"{here.domain:04x}:{here.bus:02x}", *steps])


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
        right = (
            "it is two, four or six hexadecimal digits in quotes, such as '0200', "
            f"or one of {', '.join(sorted(CLASS_WORDS))}"
        )
        if text.isdigit():
            octal = f"{int(text):o}"
            octal = octal.zfill(len(octal) + 2 - len(octal) % 2)
            right = f"if it was {octal} without quotes, YAML took it for an octal number; {right}"
        raise PcibackError(f"'{text}' is not a class; {right}")
    return match.group(1).lower()


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
