# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dom0 itself needs stays in dom0: what the guards follow, and what they warn of, through the whole role.

That each refusal changes nothing, and how far its override goes, is in test_refusals.py.
"""

from __future__ import annotations

import pytest


def warnings(run):
    """What the run warned of, each in one piece."""
    return [line.partition(": ")[2] for line in run.output.splitlines() if line.startswith("[WARNING]: ")]


@pytest.mark.soak(instead="tests/safety/test_refusals.py::test_override_on_the_lab_is_said_in_each_run")
def test_override_is_said_while_pciback_holds_the_device(dom0, native):
    host = dom0.create().borrow_native(native)
    variables = {
        "pciback_extra_devices": [{"class": "vga"}],
        "pciback_reboot": "when_needed",
        "pciback_allow": [{"code": "console", "address": "00:02.0"}],
    }
    assert host.playbook(variables).status == 0
    again = host.playbook(variables)
    assert again.status == 0 and again.changed() == []
    assert warnings(again) == ["overridden by the owner: console for 00:02.0, which pciback holds"]


@pytest.mark.soak(instead="test_missing_tools_are_named_and_break_nothing")
def test_the_interface_of_another_card_can_be_the_one_that_counts(dom0, native):
    """The guard follows the host's state, not a list of devices: here re0 carries the default route."""
    host = dom0.create("--management", "0000:00:05.0").borrow_native(native)
    refused = host.playbook({"pciback_extra_devices": [{"driver": "re0"}]})
    assert refused.status == 2 and "management-nic: 00:05.0" in refused.failures()[0]
    allowed = {"pciback_allow": [{"code": "shared-irq", "address": "00:0c.0"}]}
    assert host.playbook({"pciback_extra_devices": [{"driver": "wm5"}], **allowed}).status == 0


def test_a_configured_interface_and_units_that_move_are_warnings(dom0, native):
    host = dom0.create().borrow_native(native)
    assert host.command("/sbin/ifconfig", "wm2", "10.9.9.9", "netmask", "255.255.255.0", "up").returncode == 0
    run = host.playbook({"pciback_extra_devices": [{"driver": "wm2"}]})
    assert run.status == 0, run.output
    assert any("00:09.0" in text and "dom0 loses interface wm2 (10.9.9.9)" in text for text in warnings(run))
    assert any("without wm2 the next boot gives wm5 a lower number" in text for text in warnings(run))


@pytest.mark.soak(instead="test_a_configured_interface_and_units_that_move_are_warnings")
def test_a_card_that_is_given_in_part_is_a_warning(dom0, native):
    host = dom0.create(bus="q35-bridges").borrow_native(native)
    allowed = {"pciback_allow": [{"code": "shared-irq", "address": "00:06.1"}]}
    run = host.playbook({"pciback_extra_devices": [{"address": "00:06.1"}], **allowed})
    assert run.status == 0, run.output
    assert any("00:06.1" in text and "other functions of its card stay: 00:06.0" in text for text in warnings(run))


@pytest.mark.soak(instead="test_an_idle_card_on_the_line_counts")
def test_a_device_that_goes_back_to_the_line_of_one_that_stays_away_is_refused(dom0, native):
    """All four cards of a line can be hidden; then one of them can't go back alone."""
    host = dom0.create(bus="pc-captured").borrow_native(native)
    line = [{"address": f"00:{device}.0"} for device in ("05", "06", "09", "0a")]
    hidden = host.playbook({"pciback_extra_devices": line, "pciback_reboot": "when_needed"})
    assert hidden.status == 0, hidden.output
    before = host.tree()
    run = host.playbook({"pciback_extra_devices": line[1:], "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    refusals = run.result("xen.pciback.plan")["refusals"]
    assert [(each["code"], each["device"]) for each in refusals] == [
        ("shared-irq", f"00:{device}.0") for device in ("06", "09", "0a")
    ]
    assert "is also that of 00:05.0 (pcictl 000:05:0) 10ec:8139" in refusals[0]["message"]
    assert "[pciback0], which goes back to dom0; the kernel unbinds the line in each boot" in refusals[0]["message"]
    assert run.changed() == [] and host.tree() == before
    # None of them is hidden any more: nothing is unbound.
    assert host.playbook({"pciback_state": "absent", "pciback_reboot": "when_needed"}).status == 0


def test_an_idle_card_on_the_line_counts(dom0):
    host = dom0.create(bus="pc-captured")
    before = host.tree()
    run = host.playbook({"pciback_extra_devices": [{"address": "00:05.0"}], "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    assert "shared-irq: 00:05.0" in run.failures()[0] and "is also that of 00:06.0" in run.failures()[0]
    assert run.changed() == [] and host.tree() == before


def test_missing_tools_are_named_and_break_nothing(dom0, native):
    host = dom0.create().borrow_native(native)
    for tool in ("swapctl", "route"):
        (host.root / "sbin" / tool).unlink()
    card = {"pciback_extra_devices": [{"address": "00:05.0"}]}
    # A network card that dom0 may be managed through is not given away blindly.
    refused = host.playbook(card)
    assert refused.status == 2 and "Nothing was changed. use-unknown: 00:05.0" in refused.failures()[0]
    run = host.playbook({**card, "pciback_allow": [{"code": "use-unknown", "address": "00:05.0"}]})
    assert run.status == 0, run.output
    named = " ".join(warnings(run))
    assert "'/sbin/swapctl -l' failed" in named and "'/sbin/route -n get default' failed" in named
    assert host.playbook({"pciback_extra_devices": [{"class": "0101"}]}).status == 2
