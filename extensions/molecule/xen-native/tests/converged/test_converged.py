# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing: two guests drive a card and a disk that pcibackd gives them, and no boot was prepared."""

from __future__ import annotations

import pytest

E1000, E1000E, NVME = "0000:00:05.0", "0000:00:07.0", "0000:01:00.0"
MAC = "52:54:00:12:34:10"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("firewall") and seen.reports.get("storage", {}).get("disks"))


def test_no_driver_of_dom0_has_them(dom0):
    assert {dom0.drivers[address] for address in (E1000, E1000E, NVME)} == {""}
    assert dom0.slots == set()


def test_the_others_keep_their_drivers(dom0):
    expected = {"0000:00:02.0": "virtio-pci", "0000:00:03.0": "virtio-pci", "0000:00:06.0": "8139cp"}
    expected |= {"0000:00:06.1": "e1000", "0000:00:09.0": "e1000"}
    assert {address: dom0.drivers[address] for address in expected} == expected


def test_the_guests_drive_what_is_theirs(dom0):
    firewall, storage = dom0.numbers["firewall"], dom0.numbers["storage"]
    assert {number: set(devices) for number, devices in dom0.served.items()} == {firewall: {E1000}, storage: {NVME}}
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000"}
    assert dom0.answered("firewall") == {MAC}
    assert dom0.guest_drivers("storage") == {"1b36:0010": "nvme"}
    assert [disk["begins"] for disk in dom0.reports["storage"]["disks"]] == ["xen-lab-nvme"]


def test_no_boot_is_prepared(picture, host):
    def boot(lines: list[str]) -> set[str]:
        return {line for line in lines if " /boot/" in line or " /etc/default/grub" in line or " /etc/modprobe" in line}

    assert boot(picture("fresh"))
    assert host.run("grep -c hide /boot/grub/grub.cfg").stdout.strip() == "0"


# Each process that serves a guest: its user, how its system calls are filtered, its root, its files, what it shares.
SERVING = """
for status in /proc/[0-9]*/status; do
    grep -qx "PPid:.%d" "$status" || continue
    child=${status%%/status}
    echo "$(awk '/^Uid:/ { print $2 } /^Seccomp:/ { print $2 }' "$status" | paste -sd ' ')" \
        "$(readlink "$child/root" | sed 's/[.][^ ]*//')" \
        "$(readlink "$child"/fd/* | sed 's/:.*//' | sort | paste -sd ,)" \
        "$(grep -c ' rw-s ' "$child/maps")"
done
"""


def test_each_guest_is_served_by_a_process_that_has_nothing_else(host, process):
    served = sorted(host.check_output(SERVING % process).splitlines())
    files = "/dev/null,/dev/null,/dev/null,/dev/xen/evtchn,/sys/devices/pci0000,socket"
    assert served == [f"65534 2 /tmp/pcibackd (deleted) {files} 1"] * 2


def test_no_library_of_xen_is_linked_and_that_of_this_xen_is_loaded(host, process):
    """It was built on the controller, which has nothing of Xen."""
    loaded = host.check_output(f"grep -o '/libxenctrl.*' /proc/{process}/maps | sort -u")
    assert loaded.splitlines() == ["/libxenctrl.so.4.17.0"]
    assert "libxen" not in host.check_output("LD_TRACE_LOADED_OBJECTS=1 /usr/local/sbin/pcibackd")


def test_a_second_one_is_refused(host, process):
    second = host.run("pcibackd --control /run/second.sock")
    assert (second.rc, second.stderr) == (
        1,
        f"pcibackd: another pcibackd serves this host's guests: process {process}, which has locked /var/run/pcibackd.lock\n",
    )
