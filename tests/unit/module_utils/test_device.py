# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors: each names exactly one device, or says why it doesn't."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.device import (
    CRITERIA,
    Device,
    parse_selector,
    remember,
    select,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


def device(bdf, ids, class_code=0x020000, driver=None, name="", subsystem=None):
    vendor, product = (int(part, 16) for part in ids.split(":"))
    config = None if subsystem is None else ConfigSpace({0x2C: subsystem[1] << 16 | subsystem[0]})
    return Device(parse_address(bdf), vendor, product, class_code, name=name, driver=driver, config=config)


BUS = (
    device("00:00.0", "8086:1237", 0x060000, "pchb0", "Intel 82441FX (PMC) PCI and Memory Controller"),
    device("00:04.0", "8086:100e", driver="wm0", name="Intel i82540EM 1000baseT Ethernet", subsystem=(0x1AF4, 0x1100)),
    device("00:05.0", "10ec:8139", driver="re0", name="Realtek Semiconductor 8139 10/100 Ethernet"),
    device("00:0a.0", "8086:100e", driver="wm1", name="Intel i82540EM 1000baseT Ethernet", subsystem=(0x1AF4, 0x1101)),
    device("01:00.0", "1b36:0010", 0x010802, "nvme0", "Red Hat QEMU NVM Express Controller"),
)


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
        ({}, "a device needs at least one of address, id, subsystem, class, driver, name"),
        ({"permissive": True}, "a device needs at least one of address, id, subsystem, class, driver, name"),
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
        ({"class": "20"}, None),
        (
            {"class": "2"},
            "'2' is not a class; it is two, four or six hexadecimal digits in quotes, such as '0200', or one of audio",
        ),
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
    values = {"address": "1:2.3", "id": "8086:1", "class": "usb", "driver": "wm", "name": "x", "subsystem": "1:1"}
    assert set(values) == set(CRITERIA)


# Drivers are numbered anew at each boot: pciback took wm1, and another card got that name.
BEFORE = {BUS[3].address: remember(BUS[3])}
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


def test_another_card_at_the_address_is_not_remembered():
    other = (*HIDDEN[:3], device("00:0a.0", "14e4:1639", driver="pciback0"), HIDDEN[4])
    (chosen,) = select(parse_selector({"driver": "wm1"}), other, BEFORE)
    assert chosen.address.bdf == "00:0b.0"


def test_all_takes_the_hidden_and_the_new_one():
    chosen = select(parse_selector({"driver": "wm", "all": True}), HIDDEN, BEFORE)
    assert [device.address.bdf for device in chosen] == ["00:04.0", "00:0a.0", "00:0b.0"]
