# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drvctl(8) where no captured session shows it."""

from __future__ import annotations

import pytest

from tests.unit.lab.conftest import Host
from tests.unit.lab.machine.conftest import Command


def test_devices_are_listed_by_parent(command: Command) -> None:
    assert "pci0 wm0\n" in command("drvctl", "-l", "pci0")[1]
    assert "wm0\n" in command("drvctl", "-nl", "pci0")[1].splitlines(keepends=True)
    assert command("drvctl", "-l", "nothing0") == (3, "", "drvctl: DRVLISTDEV: Device not configured\n")


def test_a_device_is_detached_and_found_again(command: Command) -> None:
    assert command("drvctl", "-d", "wm0")[0] == 0
    assert "wm0" not in command("drvctl", "-nl", "pci0")[1].split()
    assert command("drvctl", "-r", "pci0")[0] == 0
    assert "wm0" in command("drvctl", "-nl", "pci0")[1].split()


def test_a_rescan_takes_all_that_has_no_driver_or_what_its_locators_name(command: Command) -> None:
    for name in ("wm0", "wm1", "re0"):
        command("drvctl", "-d", name)
    assert command("drvctl", "-r", "-a", "pci", "pci0", "8", "0") == (0, "", "")
    # Units are given anew, the lowest first.
    assert set(command("drvctl", "-nl", "pci0")[1].split()) & {"wm0", "wm1", "re0"} == {"wm0"}
    assert command("drvctl", "-r", "pci0") == (0, "", "")
    assert set(command("drvctl", "-nl", "pci0")[1].split()) >= {"wm0", "wm1", "re0"}


def test_the_firmwares_interrupt_is_back_where_the_kernel_has_its_own(host: Host) -> None:
    host.create("--bus", "q35-captured")

    def line() -> str:
        return host.tool("pcictl pci0 read -b 0 -d 5 -f 0 0x3c").stdout

    assert line() == "00000115\n"
    host.tool("drvctl -d wm2")
    assert line() == "0000010a\n"
    host.tool("pcictl pci0 write -b 0 -d 5 -f 0 0x3c 0x00000116")
    assert line() == "00000116\n"
    host.tool("drvctl -r pci0")
    assert line() == "00000115\n"


def test_properties_name_driver_and_unit(command: Command) -> None:
    assert command("drvctl", "-p", "wm0", "device-driver") == (0, "wm\n", "")
    assert command("drvctl", "-p", "wm0", "device-unit") == (0, "0\n", "")
    assert command("drvctl", "-p", "wm0")[1].startswith("Properties for device `wm0':\n<?xml ")


@pytest.mark.parametrize("words", [[], ["-d"], ["-dl", "wm0"], ["-a", "pci", "-l"], ["-x"]])
def test_other_uses_are_refused(command: Command, words: list[str]) -> None:
    status, out, err = command("drvctl", *words)
    assert (status, out) == (1, "") and "Usage: drvctl -r" in err
