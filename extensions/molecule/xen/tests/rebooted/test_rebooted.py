# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a reboot the boot configuration alone has hidden the device, before its driver could take it."""

from __future__ import annotations

import pytest

MAC = "52:54:00:12:34:10"


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(lambda seen: MAC in seen.answered("firewall"))


def test_the_kernel_was_told(dom0):
    assert "xen-pciback.hide=" in dom0.command_line


def test_the_driver_never_had_it(host):
    messages = host.check_output("dmesg")
    assert "pciback 0000:00:05.0: xen_pciback: seizing device" in messages
    assert "e1000 0000:00:05.0" not in messages


def test_the_guest_drives_its_card_again(dom0):
    assert dom0.slots == {"0000:00:05.0"}
    assert dom0.guests["firewall"] == ["0000:00:05.0"]
    assert dom0.answered("firewall") == {MAC}
