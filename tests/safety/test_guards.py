# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dom0 itself needs stays in dom0: each guard through the whole role, and its override."""

from __future__ import annotations

import pytest

# Per refusal code: a selector of the device, its address, the chain of evidence.
NEEDED = {
    "boot-disk": (
        {"class": "0101"},
        "00:01.1",
        "wd0a is /; wd0 is on atabus0, piixide0, pci0 dev 1 function 1; wd0b is swap",
    ),
    "management-nic": (
        {"driver": "wm5"},
        "00:0c.0",
        "the default route leaves through wm5; wm5 is at pci0 dev 12 function 0",
    ),
    "console": ({"class": "vga"}, "00:02.0", "wsdisplay0 is on vga0, pci0 dev 2 function 0"),
}
OTHERS = {code: next(other for other in NEEDED if other != code) for code in NEEDED}


def wanting(code, *allow):
    return {
        "pciback_extra_devices": [NEEDED[code][0]],
        "pciback_reboot": "when_needed",
        "pciback_allow": [{"code": allowed, "address": address} for allowed, address in allow],
    }


def warnings(run):
    """What the run warned of, each in one piece."""
    return [line.partition(": ")[2] for line in run.output.splitlines() if line.startswith("[WARNING]: ")]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """One host that no refused run may touch."""
    from tests.conftest import Dom0

    workspace = tmp_path_factory.mktemp("guards")
    return Dom0(workspace / "dom0", workspace).create()


@pytest.mark.parametrize("code", sorted(NEEDED))
def test_refused_with_evidence_and_remedy_and_nothing_changed(host, code):
    _selector, address, evidence = NEEDED[code]
    before = host.files()
    # Neither another code for this device nor this code for another device opens the way.
    run = host.playbook(wanting(code, (OTHERS[code], address), (code, "00:05.0")))
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert f"{code}: {address} (pcictl " in message
    assert evidence in message
    assert f"What helps: leave it to dom0{' or manage' if code == 'management-nic' else ','}" in message
    assert f"allow code '{code}' for this address" in message
    assert run.changed() == []
    assert host.files() == before


@pytest.mark.parametrize("code", sorted(NEEDED))
def test_override_is_for_one_code_and_device_and_said_in_each_run(dom0, code):
    _selector, address, evidence = NEEDED[code]
    host = dom0.create()
    variables = {**wanting(code, (code, address)), "pciback_reboot": "never"}
    for _run in range(2):
        run = host.playbook(variables)
        assert run.status == 0, run.output
        assert any(
            warning.startswith(f"overridden by the owner: {code} for {address}") and evidence in warning
            for warning in warnings(run)
        ), run.output
    assert f"pciback.hide=({address})" in (host.root / "boot.cfg").read_text()


def test_override_is_said_while_pciback_holds_the_device(dom0):
    host = dom0.create()
    variables = wanting("console", ("console", "00:02.0"))
    assert host.playbook(variables).status == 0
    again = host.playbook(variables)
    assert again.status == 0 and again.changed() == []
    assert warnings(again) == ["overridden by the owner: console for 00:02.0, which pciback holds"]


def test_the_interface_of_another_card_can_be_the_one_that_counts(dom0):
    """The guard follows the host's state, not a list of devices: here re0 carries the default route."""
    host = dom0.create("--management", "0000:00:05.0")
    refused = host.playbook({"pciback_extra_devices": [{"driver": "re0"}]})
    assert refused.status == 2 and "management-nic: 00:05.0" in refused.failures()[0]
    assert host.playbook({"pciback_extra_devices": [{"driver": "wm5"}]}).status == 0


def test_a_configured_interface_and_units_that_move_are_warnings(dom0):
    host = dom0.create()
    assert host.command("/sbin/ifconfig", "wm2", "10.9.9.9", "netmask", "255.255.255.0", "up").returncode == 0
    run = host.playbook({"pciback_extra_devices": [{"driver": "wm2"}]})
    assert run.status == 0, run.output
    assert any("00:09.0" in text and "dom0 loses interface wm2 (10.9.9.9)" in text for text in warnings(run))
    assert any("without wm2 the next boot gives wm5 a lower number" in text for text in warnings(run))


def test_a_card_that_is_given_in_part_is_a_warning(dom0):
    host = dom0.create(bus="q35-bridges")
    run = host.playbook({"pciback_extra_devices": [{"address": "00:06.1"}]})
    assert run.status == 0, run.output
    assert any("00:06.1" in text and "other functions of its card stay: 00:06.0" in text for text in warnings(run))


def test_missing_tools_are_named_and_break_nothing(dom0):
    host = dom0.create()
    for tool in ("swapctl", "route"):
        (host.root / "sbin" / tool).unlink()
    run = host.playbook({"pciback_extra_devices": [{"address": "00:05.0"}]})
    assert run.status == 0, run.output
    named = " ".join(warnings(run))
    assert "'/sbin/swapctl -l' failed" in named and "'/sbin/route -n get default' failed" in named
    assert host.playbook({"pciback_extra_devices": [{"class": "0101"}]}).status == 2
