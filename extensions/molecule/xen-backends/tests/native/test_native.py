# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From xen-pciback to pcibackd: the guest has its card and its disk from the other backend."""

from __future__ import annotations

import pytest

E1000, E1000E, NVME = "0000:00:05.0", "0000:00:07.0", "0000:01:00.0"
MAC = "52:54:00:12:34:10"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("firewall") and seen.reports.get("firewall", {}).get("disks"))


def test_pcibackd_serves_the_guest(dom0):
    assert {number: set(devices) for number, devices in dom0.served.items()} == {
        dom0.numbers["firewall"]: {E1000, NVME}
    }
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000", "1b36:0010": "nvme"}
    assert dom0.answered("firewall") == {MAC}
    assert [disk["begins"] for disk in dom0.reports["firewall"]["disks"]] == ["xen-lab-nvme"]


def test_nothing_of_xen_pciback_is_left(dom0, host):
    assert {dom0.drivers[address] for address in (E1000, E1000E, NVME)} == {""}
    assert not host.file("/sys/bus/pci/drivers/pciback").exists
    assert not host.file("/etc/default/grub.d/xen-pciback.cfg").exists
    assert "pciback" not in host.check_output("lsmod")


def test_no_driver_of_dom0_had_them_meanwhile(host):
    """The kernel's messages since dom0's own drivers lost them for the first time, in the order of what was said."""
    said = host.check_output("dmesg").splitlines()
    taken = max(n for n, line in enumerate(said) if "pciback" in line and "seizing device" in line)
    drivers = ("e1000 0000:00:05.0", "e1000e 0000:00:07.0", "nvme nvme", "nvme 0000:01:00.0")
    assert [line for line in said[taken:] if any(driver in line for driver in drivers)] == []
