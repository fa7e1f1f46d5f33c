# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which driver each device had in a Linux dom0 before pciback took it: the record by which it is given back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.json_record import decode, encode

SCHEMA = "xen.pciback/drivers/1"
MAX_FILE = 1 << 20
"""Bytes; a line for each function of the largest machine has a hundredth of that."""

# A driver is a folder of /sys/bus/pci/drivers.
_DRIVER = re.compile(r"(?!\.{1,2}\Z)[^/\x00-\x20\x7f]{1,255}\Z")
_WITHOUT = "; delete it to let the kernel choose drivers by itself"


def render(drivers: Mapping[Address, str | None]) -> bytes:
    """Write drivers.json: the same record gives the same bytes. ``None`` stands for a device that had no driver."""
    document = {"schema": SCHEMA, "drivers": {str(address): drivers[address] for address in sorted(drivers)}}
    return encode(document)


def parse(data: bytes, file: str) -> dict[Address, str | None]:
    """Read drivers.json.

    :raises PcibackError: it is no such file
    """
    document = decode(data, file, _WITHOUT)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA or sorted(document) != ["drivers", "schema"]:
        raise PcibackError(f"it must have 'drivers', and '{SCHEMA}' for its schema{_WITHOUT}", file=file)
    if not isinstance(document["drivers"], dict):
        raise PcibackError(f"'drivers' must be an object{_WITHOUT}", file=file)
    found: dict[Address, str | None] = {}
    for key, driver in document["drivers"].items():
        try:
            address = parse_address(key)
        except PcibackError as error:
            raise PcibackError(f"{error.message}{_WITHOUT}", file=file) from None
        if driver is not None and not (isinstance(driver, str) and _DRIVER.match(driver)):
            raise PcibackError(f"the driver of {key} is no name of a driver{_WITHOUT}", file=file)
        if address in found:
            raise PcibackError(f"{address} is there twice{_WITHOUT}", file=file)
        found[address] = driver
    return found
