# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything is as it was before the first run, and a card that guests have had works in dom0 again, without a reboot."""

from __future__ import annotations

import re

# xl keeps notes in xenstore for ever. Debian's update-rc.d numbers all scripts anew when one comes, and not when it goes.
NOT_COMPARED = ("/libxl", " /etc/init.d/.depend.")
NUMBERED = re.compile(r" /etc/rc[0-6S]\.d/[SK][0-9][0-9]")
# dom0 asks the peer of the card's own network; 0x12 is 18.
PING = """
card=$(ls /sys/bus/pci/drivers/e1000e/0000:00:07.0/net) &&
ip address add 10.0.18.15/24 dev "$card" && ip link set "$card" up && sleep 3 &&
busybox ping -c 3 -W 5 -I "$card" 10.0.18.2
"""


def test_dom0_is_as_it_was(picture):
    """Files, drivers, the backend's part of xenstore."""
    before, after = (
        sorted(
            NUMBERED.sub(" /etc/rc ", line) for line in picture(name) if not any(each in line for each in NOT_COMPARED)
        )
        for name in ("fresh", "given-back")
    )
    assert len(before) > 100
    assert after == before


def test_traffic_passes_in_dom0(host):
    assert "bytes from 10.0.18.2" in host.check_output(PING)


def test_no_pcibackd_is_left(host):
    assert host.run("pidof pcibackd").rc == 1
    assert not host.file("/etc/init.d/pcibackd").exists
