# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of a host, and the paths to them."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import with_slots
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector, select
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from tests.unit.devices.bus import device


# A port and a bridge behind it; registers 18 hold the buses that they lead to, 0C the header type.
def bridge(bdf, secondary, subordinate):
    registers = {0x0C: 0x010000, 0x18: subordinate << 16 | secondary << 8 | int(bdf[:2], 16)}
    return replace(device(bdf, "1b36:000c", 0x060400, "ppb0"), config=ConfigSpace(registers))


TREE = (
    device("00:05.0", "8086:100e", subsystem=(1, 1)),
    bridge("00:1c.0", 1, 3),
    bridge("01:02.0", 3, 3),
    device("03:04.1", "8086:10d3", subsystem=(1, 2)),
    device("80:01.0", "8086:10d3", subsystem=(1, 2)),
)


def slots(devices):
    return {each.address.bdf: each.slot for each in with_slots(devices)}


def test_slots_are_paths_through_the_bridges():
    assert slots(TREE) == {
        "00:05.0": "0000:00/05.0",
        "00:1c.0": "0000:00/1c.0",
        "01:02.0": "0000:00/1c.0/02.0",
        "03:04.1": "0000:00/1c.0/02.0/04.1",
        "80:01.0": "0000:80/01.0",
    }
    assert select(parse_selector({"slot": "00/1c.0/02.0/04.1"}), with_slots(TREE)) == (with_slots(TREE)[3],)


def test_slots_behind_a_bridge_that_was_not_read_are_unknown():
    unread = (TREE[0], replace(TREE[1], config=None), *TREE[2:])
    assert slots(unread) == {
        "00:05.0": "0000:00/05.0",
        "00:1c.0": "0000:00/1c.0",
        "01:02.0": None,
        "03:04.1": None,
        "80:01.0": None,
    }


def test_bridges_that_were_set_up_in_a_ring_end():
    assert slots((bridge("01:00.0", 2, 2), bridge("02:00.0", 1, 1))) == {
        "01:00.0": "0000:01/00.0",
        "02:00.0": "0000:01/00.0/00.0",
    }
