# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins: the file that keeps them, and where the pinned devices are now."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import (
    KIND,
    MAC,
    PLACE,
    SCHEMA,
    SERIAL,
    SLOT,
    KnownAs,
    Location,
    Pin,
    differences,
    from_mapping,
    locate,
    parse,
    pin_of,
    pinned_device,
    refreshed,
    render,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from tests.unit.devices.bus import BUS

CARD = {
    "id": "8086:10d3",
    "subsystem": "8086:a01f",
    "class": "020000",
    "driver": "wm0",
    "slot": "0000:00/1c.0/00.0",
    "mac": "52:54:00:12:34:56",
    "serial": "52-54-00-ff-ff-12-34-56",
    "known_as": {"guest": "firewall", "address": "0000:03:00.0"},
}
A, B, C = parse_address("01:00.0"), parse_address("02:00.0"), parse_address("03:00.0")
FULL = Pin(
    "8086:10d3",
    "8086:a01f",
    "020000",
    "wm0",
    "0000:00/1c.0/00.0",
    "52:54:00:12:34:56",
    "52-54-00-ff-ff-12-34-56",
    KnownAs("firewall", C),
)
BARE = Pin("10ec:8168", None, "020000")

TEXT = b"""{
  "schema": "xen.pciback/pins/1",
  "pins": {
    "0000:01:00.0": {
      "id": "8086:10d3",
      "subsystem": "8086:a01f",
      "class": "020000",
      "driver": "wm0",
      "slot": "0000:00/1c.0/00.0",
      "mac": "52:54:00:12:34:56",
      "serial": "52-54-00-ff-ff-12-34-56",
      "known_as": {
        "guest": "firewall",
        "address": "0000:03:00.0"
      }
    },
    "0000:02:00.0": {
      "id": "10ec:8168",
      "subsystem": null,
      "class": "020000",
      "driver": null,
      "slot": null,
      "mac": null,
      "serial": null,
      "known_as": null
    }
  }
}
"""


def test_the_same_pins_give_the_same_bytes() -> None:
    assert render({B: BARE, A: FULL}) == TEXT
    assert parse(TEXT, "devices.json") == {A: FULL, B: BARE}


def test_modules_exchange_the_same_form() -> None:
    assert from_mapping({"0000:01:00.0": CARD}) == {A: FULL}
    assert FULL.as_dict() == CARD


def hexadecimal(*lengths: int, between: str) -> st.SearchStrategy[str]:
    """Groups of hexadecimal digits."""
    groups = [st.integers(0, 16**n - 1).map(f"{{:0{n}x}}".format) for n in lengths]
    return st.tuples(*groups).map(between.join)


ADDRESSES = st.builds(Address, st.just(0), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))
IDS = hexadecimal(4, 4, between=":")
SLOTS = st.lists(ADDRESSES, min_size=1, max_size=5).map(
    lambda path: "/".join([f"0000:{path[0].bus:02x}", *(f"{each.device:02x}.{each.function}" for each in path)])
)
PINS = st.builds(
    Pin,
    id=IDS,
    subsystem=st.none() | IDS,
    class_=hexadecimal(6, between=""),
    driver=st.none() | st.text("abz09_", max_size=9).map("w".__add__),
    slot=st.none() | SLOTS,
    mac=st.none() | hexadecimal(2, 2, 2, 2, 2, 2, between=":"),
    serial=st.none() | hexadecimal(2, 2, 2, 2, 2, 2, 2, 2, between="-"),
)


@given(pins=st.dictionaries(ADDRESSES, PINS, max_size=6), names=st.lists(ADDRESSES, unique=True), guest=st.data())
def test_what_is_written_is_read(pins: dict[Address, Pin], names: list[Address], guest: Any) -> None:
    for (address, pin), name in zip(sorted(pins.items()), names, strict=False):
        owner = guest.draw(st.sampled_from([None, "firewall", "ワン two.3"]))
        pins[address] = replace(pin, known_as=KnownAs(owner, name))
    data = render(pins)
    assert parse(data, "devices.json") == pins
    assert render(parse(data, "devices.json")) == data


def _file(pins: Any, schema: Any = SCHEMA) -> bytes:
    return json.dumps({"schema": schema, "pins": pins}).encode()


FIELDS = (
    "d.json: pin '0000:01:00.0' must have exactly 'id', 'subsystem', 'class', 'driver', 'slot', 'mac', 'serial' "
    "and 'known_as'"
)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "d.json, line 1, column 1: it is not JSON: Expecting value; delete it to start anew"),
        (b'{\n"a" 1}', "d.json, line 2, column 5: it is not JSON: Expecting ':' delimiter; delete it to start anew"),
        (b"\xff", "d.json: it is not JSON in UTF-8; delete it to start anew"),
        (b"[" * 100000, "d.json: it is not JSON in UTF-8; delete it to start anew"),
        (b"[]", "d.json: its schema is null, and this version reads 'xen.pciback/pins/1' only"),
        (
            _file({}, "xen.pciback/pins/2"),
            "d.json: its schema is \"xen.pciback/pins/2\", and this version reads 'xen.pciback/pins/1' only",
        ),
        (_file([]), "d.json: 'pins' is [], and must be an object"),
        (_file({"01:00.0": CARD}), "d.json: \"01:00.0\" in 'pins' is no canonical address such as '0000:03:00.0'"),
        (
            _file({"0000:00:20.0": CARD}),
            "d.json: \"0000:00:20.0\" in 'pins' is no canonical address such as '0000:03:00.0'",
        ),
        (_file({"0000:01:00.0": {}}), FIELDS),
        (_file({"0000:01:00.0": {**CARD, "more": 1}}), FIELDS),
        (_file({"0000:01:00.0": None}), FIELDS),
    ],
)
def test_refusals(data: bytes, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        parse(data, "d.json")
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("id", 8086, "'id' of pin '0000:01:00.0' is 8086, and must be like '8086:100e'"),
        ("id", None, "'id' of pin '0000:01:00.0' is null, and must be like '8086:100e'"),
        (
            "subsystem",
            "1AF4:1100",
            "'subsystem' of pin '0000:01:00.0' is \"1AF4:1100\", and must be like '1af4:1100' or null",
        ),
        ("class", "0200", "'class' of pin '0000:01:00.0' is \"0200\", and must be like '020000'"),
        (
            "driver",
            "w" * 99 + "!",
            f"'driver' of pin '0000:01:00.0' is \"{'w' * 56}..., and must be like 'wm0' or null",
        ),
        ("slot", "1c.0", "'slot' of pin '0000:01:00.0' is \"1c.0\", and must be like '0000:00/1c.0/00.0' or null"),
        ("mac", "\n", "'mac' of pin '0000:01:00.0' is \"\\n\", and must be like '52:54:00:12:34:56' or null"),
        ("serial", "1", "'serial' of pin '0000:01:00.0' is \"1\", and must be like '00-1b-21-ff-ff-12-34-56' or null"),
        ("known_as", "x", "'known_as' of pin '0000:01:00.0' must have exactly 'guest' and 'address', or be null"),
        (
            "known_as",
            {"guest": "a/b", "address": "0000:01:00.0"},
            "'guest' of pin '0000:01:00.0' is \"a/b\", and must be a guest's name or null",
        ),
        (
            "known_as",
            {"guest": None, "address": "1"},
            "\"1\" in 'known_as' of pin '0000:01:00.0' is no canonical address such as '0000:03:00.0'",
        ),
    ],
)
def test_refused_fields(field: str, value: Any, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        from_mapping({"0000:01:00.0": {**CARD, field: value}})
    assert str(refusal.value) == sentence


def test_two_pins_with_one_name_are_refused() -> None:
    with pytest.raises(PcibackError, match=r"two pins are known as '0000:03:00.0' in the same list of devices"):
        from_mapping({"0000:01:00.0": CARD, "0000:02:00.0": CARD})


def card(number: int, *, slot: int | None = None, mac: bool = True, serial: bool = False) -> Pin:
    """One of several cards of a kind, told apart by a number; at a slot or at that of the same number."""
    return Pin(
        "8086:10d3",
        "8086:a01f",
        "020000",
        "wm0",
        f"0000:00/{(number if slot is None else slot):02x}.0/00.0",
        f"52:54:00:00:00:{number:02x}" if mac else None,
        f"00-00-00-ff-ff-00-00-{number:02x}" if serial else None,
    )


def hidden(pin: Pin) -> Pin:
    """What is seen of it once pciback holds it."""
    return replace(pin, mac=None, driver=None)


def test_unknown_is_no_difference() -> None:
    assert differences(FULL, BARE) == ("id 10ec:8168 instead of 8086:10d3",)
    assert differences(card(1), hidden(card(1))) == ()
    assert differences(card(1), card(2, slot=1)) == ("MAC 52:54:00:00:00:02 instead of 52:54:00:00:00:01",)
    assert differences(card(1), card(1, slot=2)) == ("slot 0000:00/02.0/00.0 instead of 0000:00/01.0/00.0",)


ONE, TWO = card(1), card(2)
OTHER = replace(card(9), id="10ec:8139")


@pytest.mark.parametrize(
    ("pins", "present", "found"),
    [
        ({A: ONE}, {A: hidden(ONE)}, {A: Location(A, PLACE)}),
        # Buses have shifted: dom0 has the pinned card, and pciback another one.
        ({A: ONE}, {A: hidden(OTHER), B: ONE}, {A: Location(B, MAC)}),
        ({A: ONE}, {A: hidden(TWO), B: hidden(ONE)}, {A: Location(B, SLOT)}),
        ({A: ONE, B: TWO}, {A: OTHER, B: hidden(ONE), C: TWO}, {A: Location(B, SLOT), B: Location(C, MAC)}),
        # Identical cards swapped: the serial number says so, else the MAC of the one that dom0 has.
        (
            {A: card(1, serial=True), B: card(2, serial=True)},
            {A: hidden(card(2, slot=1, serial=True)), B: hidden(card(1, slot=2, serial=True))},
            {A: Location(B, SERIAL), B: Location(A, SERIAL)},
        ),
        ({A: ONE}, {A: hidden(card(2, slot=1)), B: card(1, slot=2)}, {A: Location(B, MAC)}),
        # Nothing tells that they were swapped while both are hidden and have no serial number.
        (
            {A: ONE, B: TWO},
            {A: hidden(card(2, slot=1)), B: hidden(card(1, slot=2))},
            {A: Location(A, PLACE), B: Location(B, PLACE)},
        ),
        # A serial number outweighs a MAC that somebody has set.
        (
            {A: card(1, serial=True)},
            {A: replace(card(1, serial=True), mac="02:00:00:00:00:01"), B: card(1, slot=2)},
            {A: Location(A, SERIAL)},
        ),
        # Some makers give all their cards one serial number.
        (
            {A: card(7, serial=True)},
            {A: hidden(card(7, serial=True)), B: replace(card(8, serial=True), serial=card(7, serial=True).serial)},
            {A: Location(A, PLACE)},
        ),
        ({A: ONE}, {A: OTHER}, {A: Location(None)}),
        ({A: ONE}, {}, {A: Location(None)}),
        ({A: ONE}, {B: card(2)}, {A: Location(None)}),
        ({A: ONE}, {A: OTHER, B: hidden(card(1, slot=5))}, {A: Location(B, KIND)}),
        ({A: ONE}, {A: hidden(card(1, slot=5))}, {A: Location(A, KIND)}),
        (
            {A: ONE},
            {A: hidden(card(1, slot=5)), B: hidden(card(1, slot=6))},
            {A: Location(None, None, (A, B))},
        ),
        # The first is gone, the second has moved to its address: there is no guessing about the first.
        ({A: ONE, B: TWO}, {A: TWO}, {A: Location(None), B: Location(A, MAC)}),
        ({A: ONE, B: TWO}, {A: hidden(TWO)}, {A: Location(None), B: Location(A, SLOT)}),
        # Two pinned ones of a kind, one such card left at a third place: it may be either.
        (
            {A: ONE, B: TWO},
            {C: hidden(card(3))},
            {A: Location(None, None, (C,)), B: Location(None, None, (C,))},
        ),
    ],
)
def test_where_devices_are(pins: Any, present: Any, found: Any) -> None:
    assert locate(pins, present) == found


def test_the_functions_of_a_card_are_not_mixed_up() -> None:
    first, second = parse_address("01:00.0"), parse_address("01:00.1")
    port = card(1, serial=True, mac=False)
    pins = {first: port, second: replace(port, slot="0000:00/01.0/00.1")}
    moved = {parse_address("02:00.1"): replace(pins[second], slot=None), parse_address("02:00.0"): port}
    assert locate(pins, moved) == {
        first: Location(parse_address("02:00.0"), SERIAL),
        second: Location(parse_address("02:00.1"), SERIAL),
    }


def test_moved_is_another_address_or_another_slot() -> None:
    assert Location(B, MAC).moved_from(A) and Location(A, KIND).moved_from(A)
    assert not Location(A, PLACE).moved_from(A) and not Location(None).moved_from(A)
    assert not Location(A, SERIAL).moved_from(A)


CARDS = st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), unique_by=lambda item: item[0], max_size=6)


@given(cards=CARDS, order=st.randoms())
def test_a_shift_of_buses_loses_nobody(cards: Any, order: Any) -> None:
    """Every card keeps its slot, gets another bus, and may be hidden or not: each is found, and none twice."""
    known = [card(number, serial=serial) for number, _held, serial in cards]
    buses = list(range(1, len(cards) + 1))
    pins = {Address(0, bus, 0, 0): pin for bus, pin in zip(buses, known, strict=True)}
    order.shuffle(buses)
    now = {
        Address(0, bus, 0, 0): hidden(pin) if held else pin
        for bus, pin, (_number, held, _serial) in zip(buses, known, cards, strict=True)
    }
    for old, place in locate(pins, now).items():
        assert place.address is not None
        assert now[place.address].slot == pins[old].slot
    assert len({place.address for place in locate(pins, now).values()}) == len(pins)


def test_what_was_not_read_this_time_is_not_forgotten() -> None:
    assert refreshed(FULL, Pin(FULL.id, None, FULL.class_), driver="wm0", known_as=FULL.known_as) == FULL
    seen = replace(FULL, slot="0000:00/1d.0/00.0", known_as=None)
    assert refreshed(FULL, seen, driver="wm1", known_as=None) == replace(seen, driver="wm1")


def test_a_pin_describes_a_device_and_a_device_gives_a_pin():
    seen = replace(BUS[3], mac="52:54:00:12:34:5c", slot="0000:00/0a.0")
    assert pin_of(pinned_device(seen.address, pin_of(seen))) == pin_of(seen)
    assert pinned_device(seen.address, pin_of(seen), BUS).name == seen.name
    assert pin_of(replace(seen, driver="pciback3")).driver is None
