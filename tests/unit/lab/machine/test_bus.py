# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines' hardware, as their dumps have it."""

from __future__ import annotations

import pytest
from machine import bus
from machine.bus import Slot

from tests.unit.lab.conftest import LAB

BUSES = ("pc-nine-nics", "pc-captured", "pc-bridge", "pc-bridge-captured", "q35-bridges", "q35-captured")


def load(name: str) -> bus.Bus:
    return bus.load(str(LAB / "buses" / f"{name}.lspci"), str(LAB / "buses" / f"{name}.json"))


def test_the_machines_are_what_their_names_say() -> None:
    found = {name: load(name) for name in BUSES}
    assert {name: len(each.functions) for name, each in found.items()} == dict(zip(BUSES, (14, 14, 17, 17, 12, 10)))
    nics = [function for function in found["pc-nine-nics"] if function.class_code == 0x0200]
    assert len(nics) == 9
    lines = {str(each.slot): each.interrupt_line for each in found["pc-nine-nics"] if each.interrupt_pin}
    assert all(list(lines.values()).count(lines[f"0000:00:{device}.0"]) == 1 for device in ("05", "06", "09", "0a"))
    assert found["pc-bridge"].numbers() == found["q35-bridges"].numbers() == [0, 1]


@pytest.mark.parametrize("name", BUSES)
def test_no_two_cards_share_an_ethernet_address(name: str) -> None:
    cards = [function for function in load(name) if function.class_code == 0x0200]
    addresses = [function.facts["mac"] for function in cards]
    assert len(set(addresses)) == len(cards) > 0


@pytest.mark.parametrize("name", BUSES)
def test_no_two_windows_overlap_and_every_size_is_known(name: str) -> None:
    spans = []
    for function in load(name):
        for window in function.bars():
            assert f"0x{window.register:02x}" in function.facts["bars"], (str(function.slot), window)
            assert window.address % window.size == 0
            spans.append((window.is_io, window.address, window.address + window.size))
    spans.sort()
    for (kind, _begin, end), (other, begin, _end) in zip(spans, spans[1:]):
        assert kind != other or end <= begin


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no PCI function"),
        ("00:00.0 x\n00: 86 80\n", "has 2 bytes of configuration space"),
        ("0001:00:00.0 x\n", "line 1: only PCI domain 0000"),
        ("00: 86 80\n", "line 1: bytes before any device line"),
        ("00:00.0 x\n10: 86 80\n", "line 2: offset 10, expected 00"),
    ],
)
def test_a_dump_that_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(bus.BusError, match=words):
        bus.parse(text)


def test_other_options_of_lspci_do_not_disturb() -> None:
    rows = "".join(f"{row:02x}: {' '.join(['12'] * 16)}\n" for row in range(0, 64, 16))
    found = bus.parse(f"00:1f.7 Bridge (rev 02)\n\tSubsystem: x\n\tRegion 0: I/O ports at c100 [size=128]\n{rows}\n")
    assert [str(function.slot) for function in found] == ["0000:00:1f.7"]


def test_functions_past_the_first_need_a_multifunction_device() -> None:
    whole = load("q35-bridges")
    assert Slot(0, 6, 1) in [function.slot for function in whole.on(0)]
    first = whole.get(Slot(0, 6, 0))
    assert first is not None
    assert first.config[0x0E] == 0x80
    first.config = first.config[:0x0E] + b"\0" + first.config[0x0F:]
    assert Slot(0, 6, 1) not in [function.slot for function in whole.on(0)]
