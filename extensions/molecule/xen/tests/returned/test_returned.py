# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0's driver has the card again, and it works."""

from __future__ import annotations

import pytest

ADDRESS = "0000:00:07.0"
# dom0 asks the peer of the card's own network; 0x12 is 18.
PING = f"""
card=$(ls /sys/bus/pci/devices/{ADDRESS}/net) &&
ip address add 10.0.18.15/24 dev "$card" && ip link set "$card" up && sleep 3 &&
busybox ping -c 3 -W 5 -I "$card" 10.0.18.2; status=$?
ip address flush dev "$card"; ip link set "$card" down
exit $status
"""


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: seen.drivers[ADDRESS] == "e1000e")


def test_its_driver_has_it_again(dom0):
    assert dom0.drivers[ADDRESS] == "e1000e"
    assert dom0.slots == {"0000:00:05.0"}
    assert dom0.guests == {"firewall": ["0000:00:05.0"], "storage": []}


def test_traffic_passes_in_dom0(host):
    assert "bytes from 10.0.18.2" in host.check_output(PING)
