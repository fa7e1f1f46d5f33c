# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After trials that were undone, one that the role has confirmed: with one reboot, and its list is that of the next boot, too."""

from __future__ import annotations

import pytest

EXTRA = "0000:00:09.0"
CARDS = {"firewall": ("0000:00:05.0", "52:54:00:12:34:10"), "storage": ("0000:00:07.0", "52:54:00:12:34:12")}
HIDDEN = {EXTRA, *(address for address, _mac in CARDS.values())}


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: all(mac in seen.answered(guest) for guest, (_address, mac) in CARDS.items()))


def test_it_was_a_trial_that_the_role_has_confirmed(host, recorded):
    plans = [number for number, line in enumerate(recorded) if line["task"].endswith("Observe the host and plan")]
    trials = [number for number in plans if recorded[number]["result"].get("trial", {}).get("planned") == 600]
    assert len(trials) == 1, "those before have other times"
    run = recorded[trials[0] :]
    assert recorded[plans[-1]]["result"]["trial"]["state"] == "none"
    assert len([line for line in run if line["action"] == "xen.pciback.reboot" and line["changed"]]) == 1
    left = host.run("grep -c xen.pciback.trial /boot/grub/grub.cfg /boot/grub/grubenv /proc/cmdline").stdout
    assert [line.rpartition(":")[2] for line in left.split()] == ["0", "0", "1"]


def test_this_boot_hides_what_the_next_one_hides(dom0, host):
    assert dom0.slots == HIDDEN
    menu = host.file("/boot/grub/grub.cfg").content_string
    default = next(line for line in menu.splitlines() if "\tmodule2\t/boot/vmlinuz" in line)
    for command_line in (dom0.command_line, default):
        assert "xen-pciback.hide=" in command_line
        assert all(f"({address})" in command_line or f"({address[5:]})" in command_line for address in HIDDEN)


def test_the_guests_drive_their_cards(dom0):
    assert dom0.guests == {guest: [address] for guest, (address, _mac) in CARDS.items()}
    assert {guest: dom0.answered(guest) for guest in CARDS} == {
        guest: {mac} for guest, (_address, mac) in CARDS.items()
    }
