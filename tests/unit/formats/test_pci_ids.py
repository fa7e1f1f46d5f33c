# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of devices from a list as distributions ship it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.pci_ids import names_of

PCI_IDS = """\
#\tVersion: 2023.04.11
# Vendors, devices and subsystems. Please keep sorted.

10ec  Realtek Semiconductor Co., Ltd.
\t8139  RTL-8100/8101L/8139 PCI Fast Ethernet Adapter
\t\t10ec 8139  RT8139
8086  Intel Corporation
\t100e  82540EM Gigabit Ethernet Controller
\t\t1af4 1100  QEMU Virtual Machine
# a word between
\t2934  82801I (ICH9 Family) USB UHCI Controller #1

ffff  Illegal Vendor ID
C 0c  Serial bus controller
\t03  USB controller
\t\t30  XHCI
"""


NAMES = [
    (0x8086, 0x100E, "Intel Corporation 82540EM Gigabit Ethernet Controller"),
    (0x8086, 0x0001, "Intel Corporation"),
    # It stands with two tabs there, as a subsystem's name.
    (0x8086, 0x1AF4, "Intel Corporation"),
    (0x10EC, 0x8139, "Realtek Semiconductor Co., Ltd. RTL-8100/8101L/8139 PCI Fast Ethernet Adapter"),
    (0xFFFF, 0x0001, "Illegal Vendor ID"),
]


@pytest.mark.parametrize(("vendor", "device", "name"), NAMES)
def test_names_of_devices(vendor, device, name):
    wanted = {(vendor, device), (0x8086, 0x2934)}
    assert names_of(PCI_IDS, wanted) == {
        (vendor, device): name,
        (0x8086, 0x2934): "Intel Corporation 82801I (ICH9 Family) USB UHCI Controller #1",
    }


def test_a_vendor_that_is_not_listed_has_no_name():
    assert not names_of(PCI_IDS, {(0x1234, 0x100E), (0x0C03, 0x30)})
    assert not names_of("", {(0x8086, 0x100E)})


@given(st.text() | st.lists(st.sampled_from(PCI_IDS.split("\n"))).map("\n".join))
def test_no_text_is_too_odd(text):
    names_of(text, {(0x8086, 0x100E)})
