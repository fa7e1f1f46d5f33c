# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0's display and its serial console."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.guards.cases import BASE, found, judge


def test_console_is_the_display_in_use_and_the_serial_console():
    facts = replace(BASE, consoles={"com2": "com2 is the kernel's console"})
    assert {pair for pair in found(facts) if pair[0] == "console"} == {("console", "00:02.0"), ("console", "01:01.0")}
    (display,) = judge(facts, "00:02.0").findings
    assert display.message.endswith("wsdisplay0 is on vga0, pci0 dev 2 function 0")


def test_a_serial_card_that_may_be_the_console_is_a_warning():
    verdict = judge(BASE, "01:01.0")
    assert verdict.findings == ()
    assert any("com2 is on puc0, pci1 dev 1 function 0" in warning for warning in verdict.warnings)


def test_a_keyboard_that_leaves_is_a_warning():
    assert any("has a keyboard: wskbd1 is on usb0, xhci0" in warning for warning in judge(BASE, "01:02.0").warnings)
