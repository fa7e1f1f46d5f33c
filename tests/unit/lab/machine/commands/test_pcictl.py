# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pcictl does that no captured session shows."""

from __future__ import annotations

import pytest
from machine import names

from tests.unit.lab.conftest import Host
from tests.unit.lab.machine.test_bus import load


@pytest.mark.parametrize(
    ("words", "output", "error", "status"),
    [
        ("read -d 0x1f 0", "ffffffff\n", "", 0),
        ("read -d 4 -f 0 010", "02000003\n", "", 0),
        ("read -d 4 2", "", "pcictl: read: Invalid argument\n", 1),
        ("read -d 32 0", "", "pcictl: read: Invalid argument\n", 1),
        ("read 0", "", "pcictl: read: must specify a device number\n", 1),
        ("read -d any 0", "", "pcictl: read: wildcard device number not permitted\n", 1),
        ("dump -d 4 -f all", "", "pcictl: dump: wildcard function number not permitted\n", 1),
        ("list -d 08", "", 'pcictl: "08" is not a number\n', 1),
        ("list -d -1", "", 'pcictl: "-1" is not a number\n', 1),
        ("list -n -d 0x4 -b any -f all", "000:04:0: 0x100e8086 (0x02000003)\n", "", 0),
        ("list -d 99", "", "", 0),
        ("erase", "", "pcictl: unknown command: erase\n", 1),
        ("write -d 4 0 0x12345678", "", "", 0),
    ],
)
def test_pcictl(words: str, output: str, error: str, status: int, host: Host) -> None:
    host.create()
    done = host.run("/usr/sbin/pcictl", "pci0", *words.split())
    assert (done.stdout, done.stderr, done.returncode) == (output, error, status)
    # Identity is read-only.
    assert host.run("/usr/sbin/pcictl", "pci0", "read", "-d", "4", "0").stdout == "100e8086\n"


def test_a_bar_takes_addresses_only_in_steps_of_its_size(host: Host) -> None:
    host.create()
    assert host.run("/usr/sbin/pcictl", "pci0", "write", "-d", "4", "0x10", "0xffffffff").returncode == 0
    assert host.run("/usr/sbin/pcictl", "pci0", "read", "-d", "4", "0x10").stdout == "fffe0000\n"


def test_every_function_can_be_dumped(host: Host) -> None:
    host.create("--bus", "q35-bridges")
    for function in load("q35-bridges"):
        place = ["-b", str(function.slot.bus), "-d", str(function.slot.device), "-f", str(function.slot.function)]
        done = host.run("/usr/sbin/pcictl", f"pci{function.slot.bus}", "dump", *place)
        assert done.returncode == 0, done.stderr
        assert f"    Vendor Name: {names.vendor_name(function.vendor)} (0x{function.vendor:04x})\n" in done.stdout
    bridge = host.run("/usr/sbin/pcictl", "pci0", "dump", "-d", "8").stdout
    assert "    Secondary bus number: 0x01\n" in bridge
    assert "      range: 0xfe400000-0xfe5fffff\n" in bridge
