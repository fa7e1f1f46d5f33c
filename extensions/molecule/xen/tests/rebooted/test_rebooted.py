# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a reboot the boot configuration alone has hidden the devices, before their drivers could take them."""

from __future__ import annotations

import pytest

CARDS = {"firewall": ("0000:00:05.0", "52:54:00:12:34:10"), "storage": ("0000:00:07.0", "52:54:00:12:34:12")}


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: all(mac in seen.answered(guest) for guest, (_address, mac) in CARDS.items()))


def test_the_kernel_was_told(dom0):
    assert "xen-pciback.hide=" in dom0.command_line


def test_their_drivers_never_had_them(host):
    messages = host.check_output("dmesg")
    for address, _mac in CARDS.values():
        assert f"pciback {address}: xen_pciback: seizing device" in messages
        assert f"e1000 {address}" not in messages
        assert f"e1000e {address}" not in messages


def test_the_guests_drive_their_cards_again(dom0):
    assert dom0.slots == {address for address, _mac in CARDS.values()}
    assert dom0.guests == {guest: [address] for guest, (address, _mac) in CARDS.items()}
    assert {guest: dom0.answered(guest) for guest in CARDS} == {
        guest: {mac} for guest, (_address, mac) in CARDS.items()
    }


def test_it_was_one_reboot_and_no_trial(dom0, recorded):
    plans = [line["result"] for line in recorded if line["task"].endswith("Observe the host and plan")]
    assert {plan["trial"]["planned"] for plan in plans if "trial" in plan} <= {None}
    assert len([line for line in recorded if line["action"] == "xen.pciback.reboot" and line["changed"]]) == 1
    assert "xen-pciback-trial" not in dom0.command_line
