# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From pcibackd back to xen-pciback, without a reboot; the next boot is prepared, and pcibackd is gone."""

from __future__ import annotations

import pytest

E1000, E1000E, NVME = "0000:00:05.0", "0000:00:07.0", "0000:01:00.0"
MAC = "52:54:00:12:34:10"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("firewall") and seen.reports.get("firewall", {}).get("disks"))


def test_xen_pciback_serves_the_guest(dom0):
    assert (set(dom0.guests["firewall"]), dom0.served) == ({E1000, NVME}, {})
    assert {dom0.drivers[address] for address in (E1000, E1000E, NVME)} == {"pciback"}
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000", "1b36:0010": "nvme"}
    assert dom0.answered("firewall") == {MAC}


def test_the_next_boot_hides_them(host):
    settings = host.file("/etc/default/grub.d/xen-pciback.cfg").content_string
    assert "(0000:00:05.0)(0000:00:07.0)(0000:01:00.0)" in settings


def test_pcibackd_is_gone(host):
    assert host.run("pidof pcibackd").rc == 1
    assert not host.file("/etc/init.d/pcibackd").exists
    assert not host.file("/var/lib/xen-pciback/attachments").exists
