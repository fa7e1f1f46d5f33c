# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pcibackd that was built elsewhere finds Xen's libraries, serves a guest with INTx and MSI-X, and ends."""

from __future__ import annotations

import json

import pytest

E1000, E1000E = "52:54:00:12:34:10", "52:54:00:12:34:12"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: {E1000, E1000E} <= seen.answered("storage"))


def test_traffic_passes_through_both_cards(dom0):
    assert dom0.guest_drivers("storage") == {"8086:100e": "e1000", "8086:10d3": "e1000e"}
    assert dom0.answered("storage") == {E1000, E1000E}


def test_each_has_its_kind_of_interrupt(dom0, host):
    status = json.loads(host.check_output("pcibackctl status --json"))
    devices = status["guests"][0]["devices"]
    assert {each["address"]: each["interrupt"] for each in devices} == {"0000:00:05.0": "intx", "0000:00:07.0": "msix"}


def test_no_library_of_xen_is_linked_and_that_of_this_xen_is_loaded(host):
    loaded = host.check_output("grep -o '/libxenctrl.*' /proc/$(pidof pcibackd)/maps | sort -u")
    assert loaded.splitlines() == ["/libxenctrl.so.4.17.0"]
    assert "libxen" not in host.check_output("LD_TRACE_LOADED_OBJECTS=1 /usr/local/sbin/pcibackd")


def test_a_second_one_was_refused(host):
    process = host.check_output("pidof pcibackd")
    said = host.file("/run/second.said").content_string
    assert said == (
        f"pcibackd: another pcibackd serves this host's guests: process {process}, which has locked /var/run/pcibackd.lock\n"
    )


def test_it_goes(host):
    host.check_output("kill $(pidof pcibackd); xl destroy storage; while pidof pcibackd; do sleep 0.2; done")
    assert not host.file("/var/run/pcibackd.sock").exists
    assert not host.check_output(
        "for device in 5 7; do ls -d /sys/bus/pci/devices/0000:00:0$device.0/driver || :; done 2>&-"
    )
