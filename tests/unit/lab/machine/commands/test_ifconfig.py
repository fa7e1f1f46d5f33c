# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ifconfig(8): the interfaces of the cards that drivers have."""

from __future__ import annotations

import re

from machine import hypervisor
from machine.state import Machine

from tests.unit.lab.machine.conftest import Command


def test_all_interfaces_are_listed_with_their_addresses(command: Command) -> None:
    status, names, _err = command("ifconfig", "-l")
    assert status == 0 and names.split()[-1] == "lo0" and "wm0" in names.split()
    every = command("ifconfig", "-a")[1]
    assert re.findall(r"^(\w+): flags", every, re.MULTILINE) == names.split()
    assert len(set(re.findall(r"address: (\S+)", every))) == len(names.split()) - 1


def test_what_is_set_is_shown(command: Command) -> None:
    assert command("ifconfig", "wm2", "inet", "10.9.9.9", "netmask", "255.255.255.0", "up") == (0, "", "")
    shown = command("ifconfig", "wm2")[1]
    assert "<UP," in shown and "\tinet 10.9.9.9 netmask 0xffffff00 broadcast 10.9.9.255\n" in shown
    assert command("ifconfig", "wm2", "down") == (0, "", "")
    assert "<UP," not in command("ifconfig", "wm2")[1]


def test_what_is_not_there_or_not_understood(command: Command) -> None:
    assert command("ifconfig", "wm77") == (1, "", "ifconfig: wm77: Device not configured\n")
    assert command("ifconfig", "wm2", "fast") == (1, "", "ifconfig: fast: bad value\n")


def test_a_card_that_is_in_quarantine_receives_nothing(machine: Machine, command: Command) -> None:
    command("ifconfig", "wm0", "inet", "10.9.9.9/24", "up")
    assert "\tinput: 3 packets" in command("ifconfig", "-v", "wm0")[1]
    with machine.changing():
        hypervisor.assign(machine, hypervisor.QUARANTINE, "0000:00:04.0")
    shown = command("ifconfig", "-v", "wm0")[1]
    assert "\tinput: 0 packets, 0 bytes\n\toutput: 3 packets" in shown
    assert "input:" not in command("ifconfig", "wm0")[1]
    assert command("ifconfig", "wm0", "10.9.9.9", "delete")[0] == 0
    assert "inet" not in command("ifconfig", "wm0")[1]
