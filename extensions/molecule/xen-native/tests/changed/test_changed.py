# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more card for a guest that goes on running, through message-signalled interrupts."""

from __future__ import annotations

import pytest

E1000E, NVME = "0000:00:07.0", "0000:01:00.0"
MAC = "52:54:00:12:34:12"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("storage"))


def test_the_guest_drives_both(dom0):
    assert dom0.guest_drivers("storage") == {"1b36:0010": "nvme", "8086:10d3": "e1000e"}
    assert dom0.served[dom0.numbers["storage"]][E1000E] == "msix"
    assert MAC in dom0.answered("storage")


def test_it_was_not_restarted(dom0):
    assert dom0.numbers == {"firewall": 1, "storage": 2}
