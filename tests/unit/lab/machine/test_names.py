# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for vendors, products and classes."""

from __future__ import annotations

from machine import names

from tests.unit.lab.machine.test_bus import load


def test_names_fall_back_to_numbers() -> None:
    q35 = {str(function.slot)[5:]: names.full_words(function) for function in load("q35-bridges")}
    assert q35["00:07.0"] == "Intel product 10d3 (ethernet network)"
    assert q35["00:08.0"] == "vendor 1b36 product 000c (PCI bridge)"
    assert q35["01:00.0"] == "vendor 1b36 product 0010 (NVM mass storage, interface 0x02, revision 0x02)"
    assert names.class_name(0x42) == "class 0x42"
    assert names.subclass_name(0x01, 0x42) == "subclass 0x42"
