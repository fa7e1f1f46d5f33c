# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more card for a guest that goes on running, through message-signalled interrupts. Then drivers of dom0 look for what
guests have, and a device goes, and comes back."""

from __future__ import annotations

import json
import time

import pytest

E1000, E1000E, NVME = "0000:00:05.0", "0000:00:07.0", "0000:01:00.0"
MAC = "52:54:00:12:34:12"
LOG = "/run/pcibackd-log"
# pcibackd looks every 2 seconds whose its devices are.
LOOKS_EACH = 3


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("storage"))


def test_the_guest_drives_both(dom0):
    assert dom0.guest_drivers("storage") == {"1b36:0010": "nvme", "8086:10d3": "e1000e"}
    assert dom0.served[dom0.numbers["storage"]][E1000E] == "msix"
    assert MAC in dom0.answered("storage")


def test_it_was_not_restarted(dom0):
    assert dom0.numbers == {"firewall": 1, "storage": 2}


# What an administrator or an upgrade does: the drivers are loaded anew and look for devices, and each is told to take one.
TEMPTED = f"""
set -e
for driver in e1000 e1000e nvme; do
    modprobe -r "$driver"
    modprobe "$driver"
done
for each in e1000/{E1000} e1000e/{E1000E} nvme/{NVME}; do
    ! echo "${{each#*/}}" >"/sys/bus/pci/drivers/${{each%/*}}/bind" || echo "$each is bound"
    echo "${{each#*/}}" >/sys/bus/pci/drivers_probe
done
"""


def test_no_driver_of_dom0_gets_them(dom0, host, look_until):
    """Those that dom0 keeps have their drivers again, by the same commands."""
    assert host.check_output(TEMPTED) == ""
    time.sleep(LOOKS_EACH)
    after = look_until(lambda seen: True)
    assert {after.drivers[address] for address in (E1000, E1000E, NVME)} == {""}
    assert {after.drivers[address] for address in ("0000:00:06.1", "0000:00:09.0")} == {"e1000"}
    assert (after.served, after.numbers) == (dom0.served, dom0.numbers)


@pytest.fixture(scope="module")
def removed(dom0, host, look_until):
    """A device that a guest drives is removed from under it, as by who pulls a card."""
    host.check_output(f"[ -S /dev/log ] || busybox syslogd -O {LOG}; echo 1 >/sys/bus/pci/devices/{NVME}/remove")
    return look_until(lambda seen: NVME not in seen.served[dom0.numbers["storage"]])


def test_a_device_that_is_gone_is_served_no_more(dom0, removed):
    storage = dom0.numbers["storage"]
    assert NVME not in removed.drivers
    assert removed.served == {**dom0.served, storage: {E1000E: "msix"}}
    assert removed.numbers == dom0.numbers


def test_pcibackd_says_so(dom0, removed, host, process):
    storage = dom0.numbers["storage"]
    said = f"{NVME} is gone from this machine"
    assert f"  {said}" in host.check_output("pcibackctl status").splitlines()
    logged = host.check_output(f"cat {LOG}").splitlines()
    assert any(line.endswith(f" pcibackd[{process}]: domain {storage}: {said}") for line in logged)


def test_it_is_dom0s_when_it_is_back_and_its_guest_may_reach_it_still(dom0, removed, host, look_until):
    """The run that follows takes it for its guest once more."""
    host.check_output("echo 1 >/sys/bus/pci/rescan")
    back = look_until(lambda seen: seen.drivers.get(NVME) == "nvme")
    assert back.drivers[NVME] == "nvme"
    assert back.served == removed.served
    status = json.loads(host.check_output("pcibackctl status --json"))
    held_back = [(each["address"], each["domain"], each["lost"]) for each in status["held_back"]]
    assert held_back == [(NVME, dom0.numbers["storage"], True)]
