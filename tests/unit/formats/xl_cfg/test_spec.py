# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What xl reads, was read by Xen 4.17's own libxlutil for each of these texts."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError, printable
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import (
    OPTIONS,
    PciSpec,
    with_address,
    with_options,
)

SPECS = {
    "00:05.0": PciSpec(Address(0, 0, 5, 0)),
    "0:5.0": PciSpec(Address(0, 0, 5, 0)),
    "FF:1F.7": PciSpec(Address(0, 0xFF, 0x1F, 7)),
    "ffff:ff:1f.7": PciSpec(Address(0xFFFF, 0xFF, 0x1F, 7)),
    "00:05.0@1f": PciSpec(Address(0, 0, 5, 0), vslot=0x1F),
    "00:05.0@0x5": PciSpec(Address(0, 0, 5, 0), vslot=5),
    "00:05.0@3,": PciSpec(Address(0, 0, 5, 0), vslot=3),
    "00:05.0,": PciSpec(Address(0, 0, 5, 0)),
    "00:05.0@5,vslot=6": PciSpec(Address(0, 0, 5, 0), vslot=6),
    "00:05.0,vslot=+5": PciSpec(Address(0, 0, 5, 0), vslot=5),
    "00:05.*@5": PciSpec(Address(0, 0, 5, 0), all_functions=True, vslot=5),
    "bdf=00:05.*,vslot=3": PciSpec(Address(0, 0, 5, 0), all_functions=True, vslot=3),
    "00:05.0,permissive=1": PciSpec(Address(0, 0, 5, 0), permissive=True),
    "00:05.0,permissive=1,permissive=0": PciSpec(Address(0, 0, 5, 0), permissive=False),
    "00:05.0,permissive=2": PciSpec(Address(0, 0, 5, 0), permissive=True),
    "00:05.0,permissive= 1": PciSpec(Address(0, 0, 5, 0), permissive=True),
    "00:05.0,rdm_policy=RELAXED": PciSpec(Address(0, 0, 5, 0), rdm_policy="relaxed"),
    "00:05.0,bdf=00:06.0": PciSpec(Address(0, 0, 6, 0)),
    "seize=1,bdf=00:05.0,msitranslate=1,power_mgmt=1": PciSpec(
        Address(0, 0, 5, 0), seize=True, msitranslate=True, power_mgmt=True
    ),
    "name=x y,permissive=1": PciSpec(name="x y", permissive=True),
    "name=x@3": PciSpec(name="x@3"),
    "name=x,name=y": PciSpec(name="y"),
    "name=" + 64 * "x": PciSpec(name=64 * "x"),
}


@pytest.mark.parametrize(("text", "spec"), SPECS.items())
def test_reads_a_device_as_xl_does(text: str, spec: PciSpec) -> None:
    assert PciSpec.parse(text) == spec
    assert PciSpec.parse(text).doubts == ()


@pytest.mark.parametrize(
    ("number", "flag"),
    [
        ("9223372036854775807", True),
        ("-9223372036854775808", False),
        ("4294967296", False),
        ("-4294967295", True),
        (5000 * "9", True),
        ("+" + 5000 * "9", True),
        ("-" + 5000 * "9", False),
        (5000 * "0" + "1", True),
        (5000 * "0", False),
    ],
)
def test_reads_a_flag_of_many_digits_as_atoi_does(number: str, flag: bool) -> None:
    spec = PciSpec.parse(f"00:05.0,permissive={number}")
    assert (spec.permissive, spec.doubts) == (flag, ())


@pytest.mark.parametrize(
    ("text", "flag", "doubt"),
    [
        (
            "00:05.0,permissive=yes",
            False,
            "'permissive=yes' in '00:05.0,permissive=yes' means 0 to xl, which reads a number; "
            "write 'permissive=1' or 'permissive=0'",
        ),
        (
            "00:05.0,permissive=1x",
            True,
            "'permissive=1x' in '00:05.0,permissive=1x' means 1 to xl, which reads a number; "
            "write 'permissive=1' or 'permissive=0'",
        ),
        (
            "00:05.0,permissive=",
            False,
            "'permissive=' in '00:05.0,permissive=' means 0 to xl, which reads a number; "
            "write 'permissive=1' or 'permissive=0'",
        ),
    ],
)
def test_doubts_a_flag_that_is_no_number(text: str, flag: bool, doubt: str) -> None:
    spec = PciSpec.parse(text)
    assert spec.permissive is flag
    assert spec.doubts == (doubt,)


def test_doubts_a_slot_with_something_behind_it() -> None:
    spec = PciSpec.parse("00:05.0,vslot=5x")
    assert spec.vslot == 5
    assert spec.doubts == ("'vslot=5x' in '00:05.0,vslot=5x' means slot 5 to xl; write 'vslot=5'",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty; it is a device such as '03:00.0'"),
        (",", "'' is not a PCI address; it is BUS:DEVICE.FUNCTION in hexadecimal"),
        ("00:05", "the function is missing, and xl crashes on that; write '00:05.0'"),
        ("0000:00:05,seize=1", "the function is missing, and xl crashes on that; write '0000:00:05.0'"),
        ("00:05.8", "function 8 is above 7"),
        ("00:20.0", "device 20 is above 1f"),
        ("10000:00:05.0", "'10000:00:05.0' is not a PCI address"),
        ("00:05.0 ", "'00:05.0 ' is not a PCI address"),
        ("nonsense", "'nonsense' is not a PCI address"),
        ("000:31:0", "decimal; if it was copied from there, the address is '00:1f.0'"),
        ("00:05.0@", "'@' is no slot"),
        ("00:05.0@20", "'@20' is no slot; after '@' comes a hexadecimal number from 1 to 1f"),
        ("00:05.0@5x", "'@5x' is no slot"),
        ("00:05.0@-1", "'@-1' is no slot"),
        ("00:05.0,vslot=", "'vslot=' is no slot"),
        ("00:05.0,vslot=20", "'vslot=20' is no slot"),
        ("00:05.0,vslot=zz", "'vslot=zz' is no slot"),
        ("00:05.0,,", "an option is missing between two commas"),
        ("00:05.0,,seize=1", "an option is missing between two commas"),
        ("00:05.0,permissive", "'permissive' has no value; an option is KEY=VALUE, such as 'permissive=1'"),
        ("00:05.0,backend=0", "xl takes no 'backend' for a PCI device; leave it out"),
        ("00:05.0,bogus=1", "xl knows no option 'bogus'; it knows bdf, vslot, permissive"),
        ("00:05.0, permissive=1", "xl knows no option ' permissive'; write 'permissive', in lower case"),
        ("00:05.0,PERMISSIVE=1", "xl knows no option 'PERMISSIVE'; write 'permissive', in lower case"),
        ("00:05.0,rdm_policy=foo", "rdm_policy is 'strict' or 'relaxed', not 'foo'"),
        ("permissive=1", "it names no device; begin it with the address, such as '03:00.0'"),
        ("00:05.0,name=x", "it has an address and a name; give one of them"),
        ("bdf=00:05.0,name=x", "it has an address and a name"),
        ("name=", "a name has 1 to 64 printable characters"),
        ("name=" + 65 * "x", "a name has 1 to 64 printable characters"),
        ("name=a\x01", "a name has 1 to 64 printable characters"),
        ("bdf=", "'' is not a PCI address"),
        ("bdf=00:05.0@3", "'00:05.0@3' is not a PCI address"),
    ],
)
def test_refuses_what_is_no_device(text: str, why: str) -> None:
    with pytest.raises(PcibackError) as caught:
        PciSpec.parse(text)
    assert caught.value.code == "domain-config-invalid"
    assert str(caught.value).startswith(f"xl can't take '{printable(text)}' for a PCI device: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (PciSpec(Address(0, 3, 0, 0)), "03:00.0"),
        (PciSpec(Address(1, 3, 0, 0)), "0001:03:00.0"),
        (PciSpec(Address(0, 3, 0, 0), all_functions=True, vslot=0x1E), "03:00.*@1e"),
        (PciSpec(Address(0, 3, 0, 0), vslot=0), "03:00.0"),
        (PciSpec(name="wifi", vslot=0x1E), "name=wifi,vslot=1e"),
        (
            PciSpec(
                Address(0, 3, 0, 0),
                permissive=True,
                msitranslate=False,
                seize=True,
                power_mgmt=False,
                rdm_policy="relaxed",
            ),
            "03:00.0,permissive=1,msitranslate=0,seize=1,power_mgmt=0,rdm_policy=relaxed",
        ),
    ],
)
def test_writes_a_device(spec: PciSpec, text: str) -> None:
    assert spec.render() == text


def test_says_which_device() -> None:
    assert PciSpec.parse("3:0.0,seize=1").device == "03:00.0"
    assert PciSpec.parse("1:3:0.*").device == "0001:03:00.*"
    assert PciSpec.parse("name=wifi").device == "name=wifi"


def test_takes_options_as_the_modules_have_them() -> None:
    spec = PciSpec.from_options({"address": "3:0.0", "permissive": False, "seize": None, "vslot": "1f"})
    assert spec == PciSpec(Address(0, 3, 0, 0), permissive=False, vslot=31)
    assert PciSpec.from_options({"address": "03:00.0", "vslot": "1F"}).vslot == 31
    assert PciSpec.from_options({"address": "03:00.0", "vslot": "10"}).vslot == 16
    assert PciSpec.from_options({"address": "03:00.0", "vslot": 7}).vslot == 7


@pytest.mark.parametrize("vslot", [-1, True, "20", "x", "", "1g"])
def test_refuses_a_slot_that_no_guest_has(vslot: object) -> None:
    with pytest.raises(PcibackError) as caught:
        PciSpec.from_options({"address": "03:00.0", "vslot": vslot})
    assert str(caught.value) == f"vslot {vslot} of 03:00.0 does not exist; it is hexadecimal, from 0 to 1f"


def test_refuses_a_number_that_may_have_been_written_otherwise() -> None:
    """YAML 1.1 makes 8 of 010, which is slot 16 to xl."""
    with pytest.raises(PcibackError) as caught:
        PciSpec.from_options({"address": "03:00.0", "vslot": 8})
    assert str(caught.value) == (
        "vslot 8 of 03:00.0 is a number, which YAML makes of 8, 010 and 0x8 without quotes; put it into quotes: "
        "it is hexadecimal, from '0' to '1f'"
    )


def test_each_option_is_a_field_of_a_device() -> None:
    fields = [field.name for field in dataclasses.fields(PciSpec)]
    assert [name for name in fields if name not in ("address", "all_functions", "name", "doubts")] == list(OPTIONS)


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("03:00.0@5,seize=1,", {"vslot": 6, "permissive": True}, "03:00.0@6,seize=1,permissive=1"),
        ("03:00.0@5,vslot=6", {"vslot": 0}, "03:00.0"),
        ("seize=1,bdf=3:0.0,vslot=5", {"vslot": 0x1F}, "seize=1,bdf=3:0.0,vslot=1f"),
        ("name=x,rdm_policy=RELAXED", {"rdm_policy": "strict"}, "name=x,rdm_policy=strict"),
    ],
)
def test_changes_options_of_a_text(text: str, changes: dict[str, object], expected: str) -> None:
    assert with_options(text, changes) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3:0.0@5,seize=1", "04:00.1@5,seize=1"),
        ("0000:03:00.0", "0000:04:00.1"),
        ("seize=1,bdf=03:00.0,bdf=0:3:0.0", "seize=1,bdf=04:00.1,bdf=0000:04:00.1"),
    ],
)
def test_changes_the_address_of_a_text(text: str, expected: str) -> None:
    assert with_address(text, Address(0, 4, 0, 1)) == expected
