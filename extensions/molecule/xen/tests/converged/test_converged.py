# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing: a guest drives its card, nothing was rebooted, the next boot is prepared, check mode had said so."""

from __future__ import annotations

import pytest

E1000 = "0000:00:05.0"
E1000E = "0000:00:07.0"
MAC = "52:54:00:12:34:10"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("firewall"))


def test_pciback_holds_exactly_the_wanted_devices(dom0):
    assert dom0.slots == {E1000, E1000E}
    assert {address for address, driver in dom0.drivers.items() if driver == "pciback"} == {E1000, E1000E}


def test_the_others_keep_their_drivers(dom0):
    expected = {"0000:00:02.0": "virtio-pci", "0000:00:03.0": "virtio-pci", "0000:00:06.0": "8139cp"}
    expected |= {"0000:00:06.1": "e1000", "0000:00:09.0": "e1000", "0000:01:00.0": "nvme"}
    assert {address: dom0.drivers[address] for address in expected} == expected


def test_the_guest_drives_its_card_and_traffic_passes(dom0):
    assert dom0.guests == {"firewall": [E1000], "storage": []}
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000"}
    assert dom0.answered("firewall") == {MAC}


def test_dom0_was_not_rebooted(dom0):
    assert "xen-pciback.hide" not in dom0.command_line


def test_the_next_boot_hides_them(host):
    menu = host.file("/boot/grub/grub.cfg").content_string
    default = next(line for line in menu.splitlines() if "\tmodule2\t/boot/vmlinuz" in line)
    assert "xen-pciback.hide=" in default
    assert all(f"({address[5:]})" in default or f"({address})" in default for address in (E1000, E1000E))


def test_check_mode_changed_nothing(picture):
    assert picture("predicted") == [line for line in picture("fresh") if not line.startswith("initramfs ")]


def test_check_mode_predicted_what_was_done(recorded):
    """The changes and their diffs, in order; a domain's number can't be foreseen, so states are what is compared."""
    plans = [number for number, line in enumerate(recorded) if line["task"].endswith("Observe the host and plan")]
    first, second = plans[:2]
    predicted = [line for line in recorded[first:second] if line["changed"] and "pciback : " in line["task"]]
    done = [line for line in recorded[second:] if line["changed"] and "pciback : " in line["task"]]
    assert [line["task"] for line in predicted] == [line["task"] for line in done]
    assert [line["diff"] for line in predicted] == [line["diff"] for line in done]
    assert recorded[first]["result"]["actions"] == recorded[second]["result"]["actions"]
