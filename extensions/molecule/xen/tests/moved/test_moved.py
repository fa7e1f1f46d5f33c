# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The card goes from one guest to the other, and both go on running."""

from __future__ import annotations

import pytest

MAC = "52:54:00:12:34:12"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(
        lambda seen: MAC in seen.answered("storage") and "8086:10d3" not in seen.guest_drivers("firewall")
    )


def test_the_other_guest_drives_it(dom0):
    assert dom0.guests == {"firewall": ["0000:00:05.0"], "storage": ["0000:00:07.0"]}
    assert dom0.guest_drivers("storage") == {"8086:10d3": "e1000e"}
    assert dom0.answered("storage") == {MAC}


def test_the_first_keeps_what_it_had(dom0):
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000"}


def test_neither_was_restarted(dom0):
    assert dom0.numbers == {"firewall": 1, "storage": 2}
