# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drvctl(8) where no captured session shows it."""

from __future__ import annotations

import pytest

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


def test_properties_name_driver_and_unit(command: Command) -> None:
    assert command("drvctl", "-p", "wm0", "device-driver") == (0, "wm\n", "")
    assert command("drvctl", "-p", "wm0", "device-unit") == (0, "0\n", "")
    assert command("drvctl", "-p", "wm0")[1].startswith("Properties for device `wm0':\n<?xml ")


@pytest.mark.parametrize("words", [[], ["-d"], ["-dl", "wm0"], ["-a", "pci", "-l"], ["-x"]])
def test_other_uses_are_refused(command: Command, words: list[str]) -> None:
    status, out, err = command("drvctl", *words)
    assert (status, out) == (1, "") and "Usage: drvctl -r" in err
