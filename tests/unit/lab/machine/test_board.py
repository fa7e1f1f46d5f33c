# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hardware that changes: numbers of buses, windows of bridges, addresses of cards, and what belongs to a card."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import bus
from machine.board import Board, BoardError

BUSES = Path(__file__).parents[4] / "lab" / "buses"


def hardware(name: str) -> bus.Bus:
    return bus.load(str(BUSES / f"{name}.lspci"), str(BUSES / f"{name}.json"))


E1000 = hardware("pc-bridge").get(bus.Slot(1, 3, 0))
E1000E = hardware("q35-bridges").get(bus.Slot(0, 7, 0))


def macs(found: bus.Bus) -> dict[str, str]:
    """Where each card is, by its Ethernet address."""
    return {each.facts["mac"]: str(each.slot)[5:] for each in found if "mac" in each.facts}


def window(function: bus.Function, is_io: bool) -> tuple[int, int]:
    """What a bridge passes on (PCI-to-PCI Bridge Architecture Specification, chapter 3)."""
    value = function.read(0x1C if is_io else 0x20)
    if is_io:
        return (value & 0xF0) << 8, (value & 0xF000 | 0xFFF) + 1
    return (value & 0xFFF0) << 16, (value >> 16 << 16 | 0xFFFFF) + 1


def check(found: bus.Bus) -> None:
    """Buses are a tree, every card is reached through the windows above it, and no two have the same addresses."""
    bridges = {each.secondary_bus: each for each in found if each.is_bridge}
    assert found.numbers() == list(range(len(bridges) + 1)), "numbered in the order in which they are met"
    for number, bridge in bridges.items():
        registers = bridge.read(0x18)
        assert registers & 0xFF == bridge.slot.bus and registers >> 8 & 0xFF == number
        below = [other for other in bridges if other >= number and other <= registers >> 16 & 0xFF]
        assert below == list(range(number, number + len(below)))
    taken = []
    for each in found:
        for each_window in each.bars():
            taken.append((each_window.is_io, each_window.address, each_window.address + each_window.size))
            assert each_window.address % each_window.size == 0
            above = each.slot.bus
            while above:
                begin, end = window(bridges[above], each_window.is_io)
                prefetchable = bridges[above].read(0x24)
                inside = begin <= each_window.address and each_window.address + each_window.size <= end
                assert inside or prefetchable & 0xFFF0 <= prefetchable >> 16 & 0xFFF0
                above = bridges[above].slot.bus
    for (kind, begin, end), (other, first, last) in itertools.combinations(taken, 2):
        assert kind != other or end <= first or last <= begin


@pytest.mark.parametrize("name", ["pc-bridge", "q35-bridges"])
def test_nothing_done_leaves_it_as_it_is(name):
    before = hardware(name)
    after = Board(before).as_bus()
    assert [(each.slot, each.config, each.facts) for each in after] == [
        (each.slot, each.config, each.facts) for each in before
    ]
    assert after.facts == before.facts
    read = bus.parse(bus.render(after), after.facts)
    assert [(each.slot, each.config, each.facts) for each in read] == [
        (each.slot, each.config, each.facts) for each in after
    ]


def test_a_bridge_before_others_shifts_their_buses():
    board = Board(hardware("pc-bridge"))
    assert str(board.add("00/03.0/05.0", E1000)) == "0000:01:05.0"
    after = board.as_bus()
    check(after)
    before = macs(hardware("pc-bridge"))
    assert macs(after) == {
        **{mac: where.replace("01:", "02:") if where.startswith("01:") else where for mac, where in before.items()},
        "52:54:00:12:34:61": "01:05.0",
    }


def test_what_was_there_keeps_its_registers():
    board = Board(hardware("pc-bridge"))
    board.add("00/03.0/05.0", E1000)
    kept = {each.facts["mac"]: each.config for each in board.as_bus() if "mac" in each.facts}
    for each in hardware("pc-bridge"):
        if "mac" in each.facts:
            assert kept[each.facts["mac"]] == each.config


def test_a_new_card_shares_its_line_when_there_is_no_other():
    board = Board(hardware("pc-bridge"))
    for number in range(1, 6):
        board.add(f"00/0d.0/{16 + number:02x}.0", E1000)
    lines = [each.interrupt_line for each in board.as_bus() if each.slot[0] == 1 and each.slot[1] > 16]
    assert lines == [21, 22, 23, 19, 19]


def test_swapped_cards_take_what_is_theirs_along():
    board = Board(hardware("pc-bridge"))
    board.swap(bus.Slot(0, 5, 0), bus.Slot(1, 3, 0))
    after = board.as_bus()
    check(after)
    assert (after.get(bus.Slot(0, 5, 0)).vendor, after.get(bus.Slot(1, 3, 0)).vendor) == (0x8086, 0x10EC)
    assert macs(after)["52:54:00:12:34:57"] == "01:03.0"


def test_the_management_card_stays_it_wherever_it_is():
    board = Board(hardware("pc-bridge"))
    board.swap(bus.Slot(0, 12, 0), bus.Slot(1, 3, 0))
    board.add("00/03.0/05.0", E1000)
    assert board.as_bus().facts["management"] == "0000:02:03.0"
    board.remove(bus.Slot(2, 3, 0))
    assert "management" not in board.as_bus().facts


def test_a_new_card_of_pci_express_has_a_serial_number_of_its_own():
    board = Board(hardware("q35-bridges"))
    slot = board.add("00/09.0", E1000E)
    assert E1000E.config[0x144:0x14C] == bytes.fromhex("59 34 12 ff ff 00 54 52")
    added = board.as_bus().get(slot)
    assert added.facts["mac"] == "52:54:00:12:34:5a"
    assert added.config[0x144:0x14C] == bytes.fromhex("5a 34 12 ff ff 00 54 52")


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (
            lambda board: board.add("3", E1000),
            "slot '3': it is a path such as 00/03.0/04.0, bridges first, the card last",
        ),
        (lambda board: board.add("00/04.0", E1000), "device 04.0 of that bus is taken"),
        (lambda board: board.add("00/04.0/01.0", E1000), "0000:00:04.0 is no bridge; nothing can be put behind it"),
        (lambda board: board.remove(bus.Slot(0, 31, 0)), "0000:00:1f.0: this machine has no such device"),
        (
            lambda board: board.remove(bus.Slot(0, 13, 0)),
            "0000:00:0d.0 is a bridge with cards behind it; take those out first",
        ),
        (
            lambda board: board.swap(bus.Slot(0, 1, 0), bus.Slot(0, 4, 0)),
            "0000:00:01.0 and 0000:00:04.0 can't be swapped: only cards with equally many functions can",
        ),
        (
            lambda board: [board.add(f"00/0d.0/{number:02x}.0", E1000) for number in range(12, 32)],
            "there is no room for 131072 bytes behind that bridge",
        ),
    ],
)
def test_refusals(work, sentence):
    with pytest.raises(BoardError) as refusal:
        work(Board(hardware("pc-bridge")))
    assert str(refusal.value) == sentence


PATHS = st.sampled_from(
    ["00/03.0/01.0", "00/03.0/02.0", "00/0e.0/01.0", "00/0f.0", "00/0d.0/05.0", "00/03.0/08.0/01.0"]
)


@given(paths=st.lists(PATHS, unique=True, max_size=5), removed=st.booleans())
def test_any_sequence_leaves_a_machine_that_works(paths, removed):
    board = Board(hardware("pc-bridge"))
    for path in paths:
        board.add(path, E1000)
        check(board.as_bus())
    if removed:
        board.remove(next(each.slot for each in board.as_bus() if each.facts.get("mac") == "52:54:00:12:34:5f"))
        check(board.as_bus())
    expected = {*macs(hardware("pc-bridge")), *(f"52:54:00:12:34:{0x61 + number:02x}" for number in range(len(paths)))}
    assert set(macs(board.as_bus())) == expected - ({"52:54:00:12:34:5f"} if removed else set())
