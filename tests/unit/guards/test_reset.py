# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device that can't be reset is refused where pcibackd is to give it to a guest, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard

FACTS = Facts(iommu=True)
CARD = Device(parse_address("00:05.0"), 0x8086, 0x100E, 0x020000, name="a card", driver="wm1")
# A status with capabilities, and a pointer to the first one.
_HEAD = {0x04: 1 << 20, 0x34: 0x40}


def said(card: Device, *, native: bool = True) -> list[str]:
    return [
        finding.message
        for finding in guard(FACTS, [card], [card], native=native).findings
        if finding.code == "no-reset"
    ]


@pytest.mark.parametrize(
    ("registers", "is_resettable"),
    [
        ({0x40: 0x10, 0x44: 1 << 28}, True),
        ({0x40: 0x10, 0x44: 0}, False),
        ({0x40: 0x13 | 1 << 25}, True),
        ({0x40: 0x13}, False),
        ({0x40: 0x01, 0x44: 0}, True),
        ({0x40: 0x01, 0x44: 1 << 3}, False),
        ({0x40: 0x01 | 0x50 << 8, 0x44: 1 << 3, 0x50: 0x10, 0x54: 1 << 28}, True),
        ({}, False),
    ],
)
def test_registers_say_whether_there_is_a_way(registers: dict[int, int], is_resettable: bool) -> None:
    config = ConfigSpace({**_HEAD, **registers})
    assert config.is_resettable is is_resettable
    assert said(replace(CARD, config=config)) == (
        []
        if is_resettable
        else [
            "00:05.0 (pcictl 000:05:0) 8086:100e a card [wm1] can't be reset before it goes to a guest: it has no "
            "function-level reset, and keeps its state in the power state D3hot"
        ]
    )


def test_the_kernel_knows_best() -> None:
    config = ConfigSpace({**_HEAD, 0x40: 0x01})
    (message,) = said(replace(CARD, config=config, reset_methods=()))
    assert message.endswith("the kernel knows no way for it")
    assert said(replace(CARD, reset_methods=("bus",))) == []


def test_what_nobody_can_say_is_left_to_pcibackd() -> None:
    assert said(CARD) == []


def test_the_kernel_s_backend_does_not_insist() -> None:
    assert said(replace(CARD, reset_methods=()), native=False) == []
