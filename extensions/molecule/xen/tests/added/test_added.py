# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more card for a guest that goes on running."""

from __future__ import annotations

import pytest

MACS = {"52:54:00:12:34:10", "52:54:00:12:34:12"}


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: seen.answered("firewall") == MACS)


def test_the_guest_drives_both_cards(dom0):
    assert sorted(dom0.guests["firewall"]) == ["0000:00:05.0", "0000:00:07.0"]
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000", "8086:10d3": "e1000e"}
    assert dom0.answered("firewall") == MACS


def test_it_was_not_restarted(dom0, recorded):
    created = [line for line in recorded if "created" in str(line["result"].get("domains", ""))]
    assert dom0.numbers == {"firewall": 1, "storage": 2}
    assert [line["changed"] for line in created] == [True, True]
