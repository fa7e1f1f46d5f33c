# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors: each names exactly one device, or says why it doesn't."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import CRITERIA, parse_selector, select
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from tests.unit.devices.bus import BUS, device


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"address": "00:0A.0"}, "00:0a.0"),
        ({"address": "0000:00:0a.0"}, "00:0a.0"),
        ({"id": "10EC:8139"}, "00:05.0"),
        ({"id": "8086:100e", "subsystem": "1af4:1101"}, "00:0a.0"),
        ({"subsystem": "1af4:1100"}, "00:04.0"),
        ({"class": "0108"}, "01:00.0"),
        ({"class": "010802"}, "01:00.0"),
        ({"class": "nvme"}, "01:00.0"),
        ({"class": "06"}, "00:00.0"),
        ({"driver": "wm1"}, "00:0a.0"),
        ({"driver": "re"}, "00:05.0"),
        ({"driver": "nvme"}, "01:00.0"),
        ({"name": "realtek"}, "00:05.0"),
        ({"name": "red hat*express*"}, "01:00.0"),
        ({"address": "00:04.0", "id": "8086:100e", "driver": "wm"}, "00:04.0"),
    ],
)
def test_selects_one(wanted, found):
    (chosen,) = select(parse_selector(wanted), BUS)
    assert chosen.address.bdf == found


def test_all_is_in_bus_order():
    chosen = select(parse_selector({"id": "8086:100e", "all": True}), tuple(reversed(BUS)))
    assert [device.address.bdf for device in chosen] == ["00:04.0", "00:0a.0"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"address": "00:1f.0"},
        {"id": "8086:100f"},
        {"address": "00:04.0", "id": "10ec:8139"},
        {"driver": "wm7"},
        {"driver": "w"},
        {"subsystem": "ffff:ffff", "all": True},
        {"name": "broadcom"},
    ],
)
def test_no_such_device_lists_what_there_is(wanted):
    with pytest.raises(PcibackError) as caught:
        select(parse_selector(wanted), BUS)
    assert caught.value.code == "no-such-device"
    assert "00:0a.0 (pcictl 000:10:0) 8086:100e Intel i82540EM 1000baseT Ethernet [wm1]" in str(caught.value)
    assert "00:00.0" not in str(caught.value), "a bridge is no candidate"


@pytest.mark.parametrize("wanted", [{"id": "8086:100e"}, {"driver": "wm"}, {"name": "ethernet"}, {"class": "ethernet"}])
def test_ambiguous_lists_the_candidates(wanted):
    with pytest.raises(PcibackError) as caught:
        select(parse_selector(wanted), BUS)
    assert caught.value.code == "ambiguous-selector"
    assert "00:04.0" in str(caught.value) and "00:0a.0" in str(caught.value)
    assert "all: true" in caught.value.remedy


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({}, "a device needs at least one of address, id, subsystem, class, driver, name, mac, serial, slot"),
        (
            {"permissive": True},
            "a device needs at least one of address, id, subsystem, class, driver, name, mac, serial, slot",
        ),
        (
            {"id": "8086:x"},
            "'8086:x' is not an id; it is VENDOR:DEVICE, four hexadecimal digits each, such as '8086:10d3'",
        ),
        ({"address": 180.0}, "'180.0' is not a PCI address but a number, which YAML makes of one without quotes"),
        (
            {"id": 485170},
            "'485170' is a number, which YAML makes of an id without quotes; it is VENDOR:DEVICE, four hexadecimal digits each, such as '8086:10d3'",
        ),
        (
            {"driver": " "},
            "an empty text matches no device; name a driver such as 'wm1', or a part of the device's name",
        ),
        ({"address": "00:10:0"}, "if it was copied from there, the address is '00:0a.0'"),
        ({"address": "0001:00:04.0"}, "domain 1 is above 0"),
        (
            {"class": "20"},
            "'20' is not a class but a number, which YAML makes of 0024 and of 0x14 without quotes; it is two, four or",
        ),
        (
            {"class": "xy"},
            "'xy' is not a class; it is two, four or six hexadecimal digits in quotes, such as '0200', or one of audio",
        ),
        # What YAML 1.1 makes of 0100, 0108 (no octal number), 0200, 020000, 010000, 0x0200 and 0x0c without quotes;
        # 131072 and 12 look like classes.
        ({"class": 64}, "'64' is not a class but a number, which YAML makes of 0100 and of 0x40 without quotes; it is"),
        ({"class": "0108"}, None),
        ({"class": 128}, "'128' is not a class but a number, which YAML makes of 0200 and of 0x80 without quotes"),
        (
            {"class": 8192},
            "'8192' is not a class but a number, which YAML makes of 020000 and of 0x2000 without quotes",
        ),
        (
            {"class": 4096},
            "'4096' is not a class but a number, which YAML makes of 010000 and of 0x1000 without quotes",
        ),
        ({"class": 512}, "'512' is not a class but a number, which YAML makes of 001000 and of 0x0200 without quotes"),
        ({"class": 131072}, "'131072' is not a class but a number, which YAML makes of 00400000 and of 0x020000"),
        ({"class": 12}, "'12' is not a class but a number, which YAML makes of 0014 and of 0x0c without quotes"),
        ({"class": "12"}, None),
        ({"class": 3}, "'3' is not a class but a number, which YAML makes of 03 and of 0x03 without quotes"),
        ({"class": ["0200"]}, "'['0200']' is not a class; it is two, four"),
        ({"class": "4000"}, None),
        ({"class": "ff"}, None),
        ({"mac": 192011820576}, "'192011820576' is a number, which YAML makes of one without quotes; it is six pairs"),
        ({"mac": "52:54"}, "'52:54' is not a MAC address; it is six pairs of hexadecimal digits, such as"),
        ({"serial": "12"}, "'12' is not a serial number of PCI Express; it is eight pairs of hexadecimal digits"),
        ({"slot": "1c.0"}, "'1c.0' is not a slot; it is the root bus, then DEVICE.FUNCTION of each bridge"),
    ],
)
def test_bad_selectors(wanted, sentence):
    if sentence is None:
        parse_selector(wanted)
        return
    with pytest.raises(PcibackError) as caught:
        parse_selector(wanted)
    assert sentence in str(caught.value)


def test_every_criterion_can_be_parsed():
    values = {
        "address": "1:2.3",
        "id": "8086:1",
        "class": "usb",
        "driver": "wm",
        "name": "x",
        "subsystem": "1:1",
        "mac": "52:54:00:12:34:56",
        "serial": "00-1b-21-ff-ff-12-34-56",
        "slot": "0000:00/1c.0/00.0",
    }
    assert set(values) == set(CRITERIA)


@pytest.mark.parametrize(
    ("wanted", "criterion"),
    [
        ({"mac": "52-54-00-AB-34-56"}, ("mac", "52:54:00:ab:34:56")),
        ({"serial": "001B21FFFF123456"}, ("serial", "00-1b-21-ff-ff-12-34-56")),
        ({"serial": "00:1b:21:ff:ff:12:34:56"}, ("serial", "00-1b-21-ff-ff-12-34-56")),
        ({"slot": "00/1C.0/00.0"}, ("slot", "0000:00/1c.0/00.0")),
    ],
)
def test_other_notations_are_the_same(wanted, criterion):
    assert parse_selector(wanted).criteria == (criterion,)


def test_a_hidden_card_is_found_by_the_mac_it_had():
    seen = replace(BUS[3], mac="52:54:00:12:34:5c", slot="0000:00/0a.0")
    held = replace(seen, driver="pciback0", mac=None)
    wanted = parse_selector({"mac": "52:54:00:12:34:5C"})
    assert select(wanted, (*BUS[:3], seen)) == (seen,)
    assert select(wanted, (*BUS[:3], held), {seen.address: pin_of(seen)}) == (held,)
    with pytest.raises(PcibackError):
        select(wanted, (*BUS[:3], held))


# Drivers are numbered anew at each boot: pciback took wm1, and another card got that name.
BEFORE = {BUS[3].address: pin_of(BUS[3])}
HIDDEN = (
    *BUS[:3],
    device("00:0a.0", "8086:100e", driver="pciback0", name=BUS[3].name, subsystem=BUS[3].subsystem),
    device("00:0b.0", "8086:100e", driver="wm1", name=BUS[3].name),
)


def test_a_hidden_device_is_found_by_the_driver_it_had():
    (chosen,) = select(parse_selector({"driver": "wm1"}), HIDDEN, BEFORE)
    assert chosen.address.bdf == "00:0a.0"


def test_without_memory_the_new_one_is_found():
    (chosen,) = select(parse_selector({"driver": "wm1"}), HIDDEN)
    assert chosen.address.bdf == "00:0b.0"


def test_all_takes_the_hidden_and_the_new_one():
    chosen = select(parse_selector({"driver": "wm", "all": True}), HIDDEN, BEFORE)
    assert [device.address.bdf for device in chosen] == ["00:04.0", "00:0a.0", "00:0b.0"]
