# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""PCI addresses: hexadecimal BDF as in boot.cfg(5), decimal as pcictl(8) prints it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

MAX_DOMAIN = 0xFFFF
MAX_BUS = 0xFF
MAX_DEVICE = 0x1F
MAX_FUNCTION = 7

_BDF = re.compile(r"(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,8}):([0-9a-f]{1,8})\.([0-9a-f]{1,8})\Z", re.IGNORECASE)
# What is left of 03:00.0 without quotes: YAML 1.1 reads a number of base 60.
_YAML_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")
_PCICTL = re.compile(r"([0-9]{1,3}):([0-9]{1,3}):([0-9]{1,3})\Z")


@dataclass(frozen=True, order=True)
class Address:
    """One PCI function. The fields are numbers: domain 0-ffff, bus 0-ff, device 0-1f, function 0-7."""

    domain: int
    bus: int
    device: int
    function: int

    def __str__(self) -> str:
        """Canonical form, with the domain: ``0000:00:1f.0``."""
        return f"{self.domain:04x}:{self.bdf}"

    @property
    def bdf(self) -> str:
        """Bus, device and function as pciback(4) shows them: ``00:1f.0``."""
        return f"{self.bus:02x}:{self.device:02x}.{self.function:x}"

    @property
    def short(self) -> str:
        """The shortest form that the kernel's hide list accepts: ``0:1f.0``."""
        return f"{self.bus:x}:{self.device:x}.{self.function:x}"

    @property
    def pcictl(self) -> str:
        """Decimal, as pcictl(8) lists it: ``000:31:0``."""
        return f"{self.bus:03d}:{self.device:02d}:{self.function:d}"


def listed(addresses: Iterable[Address]) -> str:
    """Addresses for a sentence."""
    return " ".join(address.bdf for address in addresses)


def parse_address(text: str, *, max_domain: int = MAX_DOMAIN) -> Address:
    """Read a hexadecimal BDF, with or without a domain.

    :param max_domain: the highest domain that the platform has; 0 on NetBSD, whose pciback(4) knows no other
    :raises PcibackError: the text is no BDF, or names a function that no machine has
    """
    match = _BDF.match(text)
    if match is None:
        raise PcibackError(_why_not_a_bdf(text))
    domain, bus, device, function = (int(group, 16) if group else 0 for group in match.groups())
    problems = [
        f"{name} {value:x} is above {limit:x}"
        for name, value, limit in (
            ("domain", domain, max_domain),
            ("bus", bus, MAX_BUS),
            ("device", device, MAX_DEVICE),
            ("function", function, MAX_FUNCTION),
        )
        if value > limit
    ]
    if problems:
        right = f"BUS:DEVICE.FUNCTION is hexadecimal from 00:00.0 to {MAX_BUS:02x}:{MAX_DEVICE:02x}.{MAX_FUNCTION}"
        if domain > max_domain:
            right += f", and the domain is 0000 to {max_domain:04x} here" if max_domain else ", in domain 0000 only"
        raise PcibackError(f"'{text}' is not a PCI address: {' and '.join(problems)}; {right}")
    return Address(domain, bus, device, function)


def parse_pcictl_address(text: str) -> Address:
    """Read the decimal ``bus:device:function`` that pcictl(8) prints.

    :raises PcibackError: the text is not of that form, or names a function that no machine has
    """
    match = _PCICTL.match(text)
    if match is None:
        raise PcibackError(f"'{text}' is not an address as pcictl(8) prints it, such as '000:31:0'")
    bus, device, function = (int(group) for group in match.groups())
    if bus > MAX_BUS or device > MAX_DEVICE or function > MAX_FUNCTION:
        raise PcibackError(
            f"'{text}' is not a PCI address: in decimal the highest is {MAX_BUS}:{MAX_DEVICE}:{MAX_FUNCTION}"
        )
    return Address(0, bus, device, function)


def _why_not_a_bdf(text: str) -> str:
    wanted = "BUS:DEVICE.FUNCTION in hexadecimal, such as '03:00.0' or '0000:03:00.0'"
    if _PCICTL.match(text):
        try:
            meant = parse_pcictl_address(text)
        except PcibackError:
            pass
        else:
            return (
                f"'{text}' has the form that pcictl(8) prints, which is decimal; "
                f"if it was copied from there, the address is '{meant.bdf}'"
            )
    if _YAML_NUMBER.match(text):
        return f"'{text}' is not a PCI address but a number, which YAML makes of one without quotes; quote it: {wanted}"
    if text.startswith("(") or text.endswith(")"):
        return f"'{text}' is not a PCI address: leave out the parentheses, it is {wanted}"
    return f"'{text}' is not a PCI address; it is {wanted}"
