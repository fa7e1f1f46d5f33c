# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.remembered import (
    Remembered,
    from_mapping,
    merge,
    parse,
    render,
)

CARD = {"id": "8086:100e", "subsystem": "1af4:1100", "class": "020000", "driver": "wm0"}
A, B = parse_address("00:04.0"), parse_address("0a:00.1")
WM0 = Remembered("8086:100e", "1af4:1100", "020000", "wm0")
BARE = Remembered("10ec:8168", None, "020000", None)

TEXT = b"""{
  "schema": "xen.pciback/devices/1",
  "devices": {
    "0000:00:04.0": {
      "id": "8086:100e",
      "subsystem": "1af4:1100",
      "class": "020000",
      "driver": "wm0"
    },
    "0000:0a:00.1": {
      "id": "10ec:8168",
      "subsystem": null,
      "class": "020000",
      "driver": null
    }
  }
}
"""


def test_the_same_devices_give_the_same_bytes() -> None:
    assert render({B: BARE, A: WM0}) == TEXT
    assert parse(TEXT, "devices.json") == {A: WM0, B: BARE}
    assert render({}) == b'{\n  "schema": "xen.pciback/devices/1",\n  "devices": {}\n}\n'


def test_modules_exchange_the_same_form() -> None:
    assert from_mapping({"0000:00:04.0": CARD}) == {A: WM0}
    assert WM0.as_dict() == CARD


def test_the_new_wins() -> None:
    other = Remembered("8086:10d3", None, "020000", "wm1")
    assert merge({A: WM0}, {B: BARE}) == {A: WM0, B: BARE}
    assert merge({A: WM0, B: BARE}, {A: other}) == {A: other, B: BARE}
    assert merge({A: WM0}, {}) == {A: WM0}


def test_what_was_not_read_this_time_is_not_forgotten() -> None:
    unread = Remembered(WM0.id, None, WM0.class_, None)
    assert merge({A: WM0}, {A: unread}) == {A: WM0}
    assert merge({A: WM0}, {A: BARE}) == {A: BARE}, "another card"


def _file(devices: Any, schema: Any = "xen.pciback/devices/1") -> bytes:
    return json.dumps({"schema": schema, "devices": devices}).encode()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "d.json, line 1, column 1: it is not JSON: Expecting value; delete it to start anew"),
        (b'{\n"a" 1}', "d.json, line 2, column 5: it is not JSON: Expecting ':' delimiter; delete it to start anew"),
        (b"\xff", "d.json: it is not JSON in UTF-8; delete it to start anew"),
        (b"[" * 100000, "d.json: it is not JSON in UTF-8; delete it to start anew"),
        (b"[]", "d.json: its schema is null, and this version reads 'xen.pciback/devices/1' only"),
        (b"{}", "d.json: its schema is null, and this version reads 'xen.pciback/devices/1' only"),
        (
            _file({}, "xen.pciback/devices/2"),
            "d.json: its schema is \"xen.pciback/devices/2\", and this version reads 'xen.pciback/devices/1' only",
        ),
        (_file([]), "d.json: 'devices' is [], and must be an object"),
        (
            _file({"00:04.0": CARD}),
            "d.json: \"00:04.0\" in 'devices' is no canonical address such as '0000:03:00.0'",
        ),
        (
            _file({"0000:00:20.0": CARD}),
            "d.json: \"0000:00:20.0\" in 'devices' is no canonical address such as '0000:03:00.0'",
        ),
        (
            _file({"0000:00:04.0": {}}),
            "d.json: device '0000:00:04.0' must have exactly 'id', 'subsystem', 'class' and 'driver'",
        ),
        (
            _file({"0000:00:04.0": {**CARD, "more": 1}}),
            "d.json: device '0000:00:04.0' must have exactly 'id', 'subsystem', 'class' and 'driver'",
        ),
        (
            _file({"0000:00:04.0": None}),
            "d.json: device '0000:00:04.0' must have exactly 'id', 'subsystem', 'class' and 'driver'",
        ),
        (
            _file({"0000:00:04.0": {**CARD, "id": 8086}}),
            "d.json: 'id' of device '0000:00:04.0' is 8086, and must be lower-case hexadecimal, such as '8086:100e'",
        ),
        (
            _file({"0000:00:04.0": {**CARD, "id": None}}),
            "d.json: 'id' of device '0000:00:04.0' is null, and must be lower-case hexadecimal, such as '8086:100e'",
        ),
        (
            _file({"0000:00:04.0": {**CARD, "subsystem": "1AF4:1100"}}),
            "d.json: 'subsystem' of device '0000:00:04.0' is \"1AF4:1100\", and must be lower-case hexadecimal, "
            "such as '1af4:1100' or null",
        ),
        (
            _file({"0000:00:04.0": {**CARD, "class": "0200"}}),
            "d.json: 'class' of device '0000:00:04.0' is \"0200\", and must be lower-case hexadecimal, "
            "such as '020000'",
        ),
        (
            _file({"0000:00:04.0": {**CARD, "driver": "w" * 99 + "!"}}),
            f"d.json: 'driver' of device '0000:00:04.0' is \"{'w' * 56}..., and must be like 'wm0' or null",
        ),
    ],
)
def test_refusals(data: bytes, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        parse(data, "d.json")
    assert str(refusal.value) == sentence
