# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a power failure the host itself has taken the devices and given them to its guests; nobody logged in for that."""

from __future__ import annotations

import pytest

MACS = {"52:54:00:12:34:10", "52:54:00:12:34:12"}
SERVED = {"firewall": {"0000:00:05.0", "0000:00:07.0"}, "storage": {"0000:01:00.0"}}


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: seen.answered("firewall") == MACS and seen.reports.get("storage", {}).get("disks"))


def test_each_guest_has_its_devices(dom0):
    assert {name: set(dom0.served[number]) for name, number in dom0.numbers.items()} == SERVED
    assert dom0.answered("firewall") == MACS
    assert dom0.guest_drivers("storage") == {"1b36:0010": "nvme"}
