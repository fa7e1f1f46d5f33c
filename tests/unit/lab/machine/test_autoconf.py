# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which driver takes which device, and what the kernel says and writes of it."""

from __future__ import annotations

from machine import autoconf
from machine.bus import Slot

from tests.unit.lab.conftest import Host
from tests.unit.lab.machine.test_bus import load


def test_drivers_of_the_q35() -> None:
    tree, lines = autoconf.boot(load("q35-bridges"), [Slot(1, 0, 0), Slot(0, 6, 1)], True)
    held = {device["slot"][5:]: device["name"] for device in tree.devices if "slot" in device}
    assert held == {
        "00:00.0": "pchb0", "00:05.0": "wm0", "00:06.0": "re0", "00:06.1": "pciback0", "00:07.0": "wm1",
        "00:08.0": "ppb0", "00:1f.0": "ichlpcib0", "00:1f.2": "ahcisata0", "01:00.0": "pciback1",
    }  # fmt: skip
    text = "\n".join(line.text for line in lines)
    assert "vendor 1af4 product 1000 (ethernet network) at pci0 dev 3 function 0 not configured" in text
    assert "pci1 at ppb0 bus 1" in text


def test_the_kernel_writes_interrupts_into_configuration_space(host: Host) -> None:
    host.create("--kernel", "/n", boot_cfg="menu=Xen:load /n pciback.hide=(00:04.0);multiboot /xen.gz\ntimeout=1\n")
    reads = [host.run("/usr/sbin/pcictl", "pci0", "read", "-d", device, "0x3c").stdout for device in ("4", "5", "1")]
    assert reads == ["000001c7\n", "000001c6\n", "00000000\n"]
