# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import Bar, ConfigSpace

Q35 = Path(__file__).parents[3] / "lab" / "buses" / "q35-bridges.lspci"


def q35(bdf: str) -> ConfigSpace:
    """A function of a real machine, as lspci -xxxx printed it."""
    text = re.search(rf"^(?:0000:)?{re.escape(bdf)} .*\n((?:.+\n)*)", Q35.read_text(), re.MULTILINE).group(1)
    data = b"".join(
        bytes.fromhex(line.partition(":")[2]) for line in text.splitlines() if re.match("[0-9a-f]+: ", line)
    )
    return ConfigSpace(
        {offset: int.from_bytes(data[offset : offset + 4], "little") for offset in range(0, len(data), 4)}
    )


def test_network_card():
    card = q35("00:07.0")
    assert card.subsystem == (0x8086, 0x0000)
    assert (card.interrupt_line, card.interrupt_pin) == (11, 1)
    assert card.message_signalled, "its driver had MSI-X on"
    assert list(card.bars()) == [
        Bar(0, "mem32", 0xFE640000),
        Bar(1, "mem32", 0xFE660000),
        Bar(2, "io", 0xC260),
        Bar(3, "mem32", 0xFE680000),
    ]
    assert card.bridged_buses is None


def test_root_port():
    port = q35("00:08.0")
    assert port.bridged_buses == (1, 1)
    assert port.subsystem is None
    assert list(port.bars()) == [Bar(0, "mem32", 0xFE687000)]


def test_64_bit_bar():
    assert Bar(4, "mem64", 0xFEA00000, prefetchable=True) in list(q35("00:02.0").bars())
    high = ConfigSpace({0x10: 0x0000000C, 0x14: 0x38, 0x18: 0xC001})
    assert list(high.bars()) == [Bar(0, "mem64", 0x38_00000000, prefetchable=True), Bar(2, "io", 0xC000)]


def test_serial_number():
    assert q35("00:07.0").serial == "52-54-00-ff-ff-12-34-59"
    assert q35("00:05.0").serial is None, "conventional PCI has no place for one"
    unnumbered = ConfigSpace({0x100: 0x14010001, 0x140: 0x00010003})
    assert unnumbered.serial is None


def test_what_is_not_there():
    silent = ConfigSpace({})
    assert (silent.interrupt_line, silent.interrupt_pin, silent.serial, silent.message_signalled) == (
        None,
        None,
        None,
        False,
    )
    assert ConfigSpace({0x3C: 0xFFFFFFFF}).interrupt_line is None


@pytest.mark.parametrize("chain", [{0x34: 0x50, 0x50: 0x5005}, {0x34: 0x40, 0x40: 0x4401, 0x44: 0x4001}])
def test_a_chain_that_leads_back_to_itself_ends(chain):
    assert not ConfigSpace({0x04: 1 << 20, **chain}).message_signalled


@given(st.dictionaries(st.integers(0, 0x3FF).map(lambda word: 4 * word), st.integers(0, 0xFFFFFFFF)))
def test_any_registers_are_read(registers):
    config = ConfigSpace(registers)
    for bar_ in config.bars():
        assert bar_.address > 0 and bar_.index < 6
    config.message_signalled, config.serial, config.bridged_buses, config.subsystem  # noqa: B018
