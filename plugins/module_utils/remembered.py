# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a host's devices were before they were hidden.

A hidden device has no driver any more but pciback, so a selector by driver would not find it a second time.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.xen.pciback.plugins.module_utils.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

SCHEMA = "xen.pciback/devices/1"
MAX_FILE = 1 << 20
"""Bytes; far more than the 65536 functions of a domain need in practice."""

_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}\Z")
_CLASS = re.compile(r"[0-9a-f]{6}\Z")
_FIELDS = ("class", "driver", "id", "subsystem")


@dataclass(frozen=True)
class Remembered:
    """One function, before it was hidden.

    :param id: vendor and device, ``8086:100e``
    :param subsystem: subsystem vendor and device; ``None`` if it has none
    :param class_: base class, subclass and interface, ``020000``
    :param driver: the instance that held it, such as ``wm0``; ``None`` if no driver did
    """

    id: str
    subsystem: str | None
    class_: str
    driver: str | None

    def as_dict(self) -> dict[str, str | None]:
        """The form that devices.json and modules have."""
        return {"id": self.id, "subsystem": self.subsystem, "class": self.class_, "driver": self.driver}


def parse(data: bytes, file: str) -> dict[Address, Remembered]:
    """Read devices.json.

    :raises PcibackError: it is no such file
    """
    try:
        # Not strict about what a person may have added: control characters are refused below by the patterns.
        document = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, RecursionError):
        raise PcibackError("it is not JSON in UTF-8; delete it to start anew", file=file) from None
    except json.JSONDecodeError as error:
        raise PcibackError(
            f"it is not JSON: {error.msg}; delete it to start anew",
            file=file,
            line=error.lineno,
            column=error.colno,
        ) from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise PcibackError(f"its schema is {_show(found)}, and this version reads '{SCHEMA}' only", file=file)
    devices = document.get("devices")
    if not isinstance(devices, dict):
        raise PcibackError(f"'devices' is {_show(devices)}, and must be an object", file=file)
    try:
        return from_mapping(devices)
    except PcibackError as error:
        raise PcibackError(error.message, file=file) from error


def from_mapping(devices: Mapping[Any, Any]) -> dict[Address, Remembered]:
    """Read the ``devices`` object, which is the form that modules exchange as well.

    :raises PcibackError: a key is no address, or a value is no device
    """
    return {_address(key): _device(key, value) for key, value in devices.items()}


def to_mapping(devices: Mapping[Address, Remembered]) -> dict[str, dict[str, str | None]]:
    """The ``devices`` object, in the order of the addresses."""
    return {str(address): device.as_dict() for address, device in sorted(devices.items())}


def render(devices: Mapping[Address, Remembered]) -> bytes:
    """Write devices.json: the same devices give the same bytes."""
    document = {"schema": SCHEMA, "devices": to_mapping(devices)}
    return json.dumps(document, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def merge(old: Mapping[Address, Remembered], new: Mapping[Address, Remembered]) -> dict[Address, Remembered]:
    """Add what is known now to what was known before: the new wins, but what was not read does not count as known."""
    merged = dict(old)
    for address, device in new.items():
        before = old.get(address)
        if before is not None and before.id == device.id:
            device = Remembered(
                device.id, device.subsystem or before.subsystem, device.class_, device.driver or before.driver
            )
        merged[address] = device
    return merged


def _address(key: Any) -> Address:
    try:
        address = parse_address(key) if isinstance(key, str) else None
    except PcibackError:
        address = None
    if address is None or str(address) != key:
        raise PcibackError(f"{_show(key)} in 'devices' is no canonical address such as '0000:03:00.0'")
    return address


def _device(key: str, value: Any) -> Remembered:
    if not isinstance(value, dict) or sorted(value, key=str) != list(_FIELDS):
        raise PcibackError(f"device '{key}' must have exactly 'id', 'subsystem', 'class' and 'driver'")
    for field, pattern, optional, right in (
        ("id", _ID, False, "'8086:100e'"),
        ("subsystem", _ID, True, "'1af4:1100' or null"),
        ("class", _CLASS, False, "'020000'"),
    ):
        found = value[field]
        if found is None and optional:
            continue
        if not isinstance(found, str) or not pattern.match(found):
            raise PcibackError(
                f"'{field}' of device '{key}' is {_show(found)}, and must be lower-case hexadecimal, such as {right}"
            )
    driver = value["driver"]
    if driver is not None and (not isinstance(driver, str) or not re.match(r"[a-z][a-z0-9_]*\Z", driver)):
        raise PcibackError(f"'driver' of device '{key}' is {_show(driver)}, and must be like 'wm0' or null")
    return Remembered(value["id"], value["subsystem"], value["class"], driver)


def _show(found: Any) -> str:
    text = json.dumps(found, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
