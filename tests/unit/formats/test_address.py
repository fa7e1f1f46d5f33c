# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import (
    Address,
    listed,
    parse_address,
    parse_pcictl_address,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0000:00:1f.0", Address(0, 0, 0x1F, 0)),
        ("00:1F.7", Address(0, 0, 0x1F, 7)),
        ("0:4.0", Address(0, 0, 4, 0)),
        ("ff:1f.7", Address(0, 0xFF, 0x1F, 7)),
        ("00ff:001f.07", Address(0, 0xFF, 0x1F, 7)),
        ("1:00:00.0", Address(1, 0, 0, 0)),
        ("ffff:ff:1f.7", Address(0xFFFF, 0xFF, 0x1F, 7)),
    ],
)
def test_parse(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


def test_forms() -> None:
    address = Address(0, 0x0A, 0x1F, 2)
    assert (str(address), address.bdf, address.short, address.pcictl) == (
        "0000:0a:1f.2",
        "0a:1f.2",
        "a:1f.2",
        "010:31:2",
    )


def test_order_is_that_of_the_bus() -> None:
    texts = ["0000:00:02.0", "0000:00:10.0", "0000:00:10.1", "0000:0a:00.0", "0001:00:00.0"]
    assert [str(address) for address in sorted(map(parse_address, reversed(texts)))] == texts


FORM = "it is BUS:DEVICE.FUNCTION in hexadecimal, such as '03:00.0' or '0000:03:00.0'"
RANGE = "BUS:DEVICE.FUNCTION is hexadecimal from 00:00.0 to ff:1f.7"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f"'' is not a PCI address; {FORM}"),
        ("(0000:82.0.0)", f"'(0000:82.0.0)' is not a PCI address: leave out the parentheses, {FORM}"),
        ("(0b::00.1)", f"'(0b::00.1)' is not a PCI address: leave out the parentheses, {FORM}"),
        ("(1:0:1:0:)", f"'(1:0:1:0:)' is not a PCI address: leave out the parentheses, {FORM}"),
        ("0000:82.0.0", f"'0000:82.0.0' is not a PCI address; {FORM}"),
        ("0b::00.1", f"'0b::00.1' is not a PCI address; {FORM}"),
        ("1:0:1:0:", f"'1:0:1:0:' is not a PCI address; {FORM}"),
        (" 00:04.0", f"' 00:04.0' is not a PCI address; {FORM}"),
        ("00:04.0\n", rf"'00:04.0\x0a' is not a PCI address; {FORM}"),
        ("0x0:4.0", f"'0x0:4.0' is not a PCI address; {FORM}"),
        ("00:04.g", f"'00:04.g' is not a PCI address; {FORM}"),
        (
            "00:10:0",
            "'00:10:0' has the form that pcictl(8) prints, which is decimal; "
            "if it was copied from there, the address is '00:0a.0'",
        ),
        ("00:99:0", f"'00:99:0' is not a PCI address; {FORM}"),
        ("00:20.0", f"'00:20.0' is not a PCI address: device 20 is above 1f; {RANGE}"),
        ("00:1f.8", f"'00:1f.8' is not a PCI address: function 8 is above 7; {RANGE}"),
        (
            "100:20.8",
            f"'100:20.8' is not a PCI address: bus 100 is above ff and device 20 is above 1f "
            f"and function 8 is above 7; {RANGE}",
        ),
    ],
)
def test_refusals(text: str, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        parse_address(text)
    assert str(refusal.value) == sentence


def test_a_platform_may_know_one_domain_only() -> None:
    with pytest.raises(PcibackError) as refusal:
        parse_address("0001:00:04.0", max_domain=0)
    assert str(refusal.value) == (
        f"'0001:00:04.0' is not a PCI address: domain 1 is above 0; {RANGE}, in domain 0000 only"
    )
    assert parse_address("0000:00:04.0", max_domain=0) == Address(0, 0, 4, 0)


@pytest.mark.parametrize(
    ("text", "address"),
    [("000:31:0", Address(0, 0, 31, 0)), ("255:31:7", Address(0, 255, 31, 7)), ("0:4:0", Address(0, 0, 4, 0))],
)
def test_pcictl(text: str, address: Address) -> None:
    assert parse_pcictl_address(text) == address
    assert parse_pcictl_address(address.pcictl) == address


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("00:1f.0", "'00:1f.0' is not an address as pcictl(8) prints it, such as '000:31:0'"),
        ("000:1f:0", "'000:1f:0' is not an address as pcictl(8) prints it, such as '000:31:0'"),
        ("256:00:0", "'256:00:0' is not a PCI address: in decimal the highest is 255:31:7"),
        ("000:32:0", "'000:32:0' is not a PCI address: in decimal the highest is 255:31:7"),
        ("000:31:8", "'000:31:8' is not a PCI address: in decimal the highest is 255:31:7"),
    ],
)
def test_pcictl_refusals(text: str, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        parse_pcictl_address(text)
    assert str(refusal.value) == sentence


def test_several_in_a_sentence() -> None:
    assert listed(map(parse_address, ("0000:00:05.0", "01:00.1"))) == "00:05.0 01:00.1"
