# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hardware that changes under a host: nobody gets another card than the one that was meant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Dom0, Run, guest

# Behind the bridge at 00:0d.0: the cards that the guests own, by the Ethernet addresses of the boards.
FIRST, SECOND, OTHER = "52:54:00:12:34:5f", "52:54:00:12:34:61", "52:54:00:12:34:60"
OWNED = {"firewall": [FIRST, SECOND], "storage": [OTHER]}
REALTEK = "pc-bridge/01:0b.0"


def machine(dom0: Dom0, native: Dom0, management: str = "0000:00:09.0") -> Dom0:
    """A dom0 with three cards behind a bridge, two of them alike, and managed through one that shares no line with them."""
    host = dom0.create("--management", management, bus="pc-bridge").borrow_native(native)
    host.lab("add-card", "00/0d.0/04.0", "--mac", SECOND)
    # Another card of the other kind would make a selector by id ambiguous.
    host.lab("remove-card", "00:05.0")
    return host


def variables(**more: Any) -> dict[str, Any]:
    """One card by address, one by driver, one by id."""
    guests = [
        guest("firewall", {"address": "01:03.0"}, {"driver": "wm7"}),
        guest("storage", {"id": "10ec:8139"}),
    ]
    return {"pciback_guests": guests, "pciback_reboot": "when_needed", **more}


@pytest.fixture(scope="module")
def ready(native: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A host whose guests run with their cards."""
    workspace = tmp_path_factory.mktemp("ready")
    host = machine(Dom0(workspace / "dom0", workspace), native)
    run = host.playbook(variables())
    assert run.status == 0, run.output
    assert host.physical() == OWNED
    return host


def copy_of(host: Dom0, workspace: Path) -> Dom0:
    """A machine can be moved, and so it can be copied."""
    shutil.copytree(host.directory, workspace / "dom0", symlinks=True)
    return Dom0(workspace / "dom0", workspace)


@pytest.fixture
def assigned(ready: Dom0, tmp_path: Path) -> Dom0:
    """A host whose guests run with their cards, to be changed."""
    return copy_of(ready, tmp_path)


def refused(host: Dom0, wanted: dict[str, Any]) -> str:
    """The message of a run that changes nothing at all."""
    before = host.files(), (host.directory / "machine/state.json").read_bytes()
    run = host.playbook(wanted)
    assert run.status == 2, run.output
    assert run.changed() == []
    assert (host.files(), (host.directory / "machine/state.json").read_bytes()) == before
    (message,) = run.failures()
    return message


def claims(host: Dom0) -> list[str]:
    return json.loads(host.lab("status", "--json"))["claims"]


def pins(host: Dom0) -> dict[str, Any]:
    return json.loads((host.root / "var/db/xen-pciback/pins.json").read_text())["pins"]


def look(host: Dom0) -> dict[str, dict[str, Any]]:
    """What device_info says, by address."""
    playbook = host.workspace / "look.yml"
    playbook.write_text("- hosts: all\n  gather_facts: false\n  tasks:\n    - xen.pciback.device_info:\n")
    run = host.playbook(playbook=str(playbook))
    assert run.status == 0, run.output
    return {device["address"][5:]: device for device in run.result("xen.pciback.device_info")["devices"]}


@pytest.fixture(scope="module")
def story(ready: Dom0, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A card is added before the bridge: refused, predicted, followed, and nothing left to do."""
    host = copy_of(ready, tmp_path_factory.mktemp("renumbering"))
    assert claims(host) == ["0000:01:03.0", "0000:01:04.0", "0000:01:0b.0"]
    host.lab("add-card", "00/03.0/03.0")
    found: dict[str, Any] = {"host": host, "wrong": claims(host), "refused": refused(host, variables())}
    follow = variables(pciback_follow_moves=True)
    found["bus"] = look(host)
    before = host.files()
    found["check"] = host.playbook(follow, "--check", "--diff")
    assert host.files() == before
    found["follow"] = host.playbook(follow, "--diff")
    found["after"] = host.files()
    found["again"] = host.playbook(follow, "--diff")
    found["without"] = host.playbook(variables(), "--diff")
    return found


def test_the_hide_list_takes_the_wrong_card(story: dict[str, Any]) -> None:
    assert story["wrong"] == ["0000:01:03.0"], "the newcomer; nobody is at the other two addresses"


def test_it_is_refused_with_evidence_and_remedy(story: dict[str, Any]) -> None:
    message = story["refused"]
    assert message.count("identity-changed: ") == 3
    assert "guest firewall: 01:03.0 is pinned as 8086:100e (subsystem 1af4:1100, class 020000, driver wm6" in message
    assert "slot 0000:00/0d.0/03.0, MAC 52:54:00:12:34:5f)" in message
    assert "there is 01:03.0 (pcictl 001:03:0) 8086:100e" in message
    assert "with slot 0000:00/03.0/03.0 instead of 0000:00/0d.0/03.0" in message
    assert "pciback holds that one, because the boot configuration hides 01:03.0" in message
    assert "the pinned device is at 02:03.0 now, its MAC address says so" in message
    assert "no device is at 01:0b.0 now; the pinned device is at 02:0b.0 now" in message
    assert "What helps: set pciback_follow_moves: true if the device is to be followed" in message


def test_device_info_shows_who_is_where(story: dict[str, Any]) -> None:
    wanted = ("slot", "mac", "serial", "driver_before", "pinned_at", "not_as_pinned", "assignable")
    newcomer, moved = ({key: story["bus"][place][key] for key in wanted} for place in ("01:03.0", "02:03.0"))
    assert newcomer == {
        "slot": "0000:00/03.0/03.0",
        "mac": None,
        "serial": None,
        "driver_before": None,
        "pinned_at": None,
        "not_as_pinned": ["slot 0000:00/03.0/03.0 instead of 0000:00/0d.0/03.0"],
        "assignable": True,
    }
    assert moved == {
        "slot": "0000:00/0d.0/03.0",
        "mac": FIRST,
        "serial": None,
        "driver_before": "wm6",
        "pinned_at": "0000:01:03.0",
        "not_as_pinned": [],
        "assignable": False,
    }


def test_following_moves_list_pins_and_files(story: dict[str, Any]) -> None:
    run: Run = story["follow"]
    assert run.status == 0, run.output
    assert run.changed() == [
        "xen.pciback.plan",
        "xen.pciback.boot_hide",
        "xen.pciback.domain_pci",
        "xen.pciback.native_backend",
        "xen.pciback.reboot",
        "xen.pciback.domain",
    ]
    host: Dom0 = story["host"]
    assert claims(host) == ["0000:02:03.0", "0000:02:04.0", "0000:02:0b.0"]
    assert list(pins(host)) == claims(host)
    assert "'02:03.0'" in (host.root / "usr/pkg/etc/xen/firewall").read_text()
    assert "'02:0b.0'" in (host.root / "usr/pkg/etc/xen/storage").read_text()
    warned = run.output
    assert "the pinned device is at 02:04.0 now, its MAC address says so; this plan follows it" in warned
    assert "01:03.0 in the inventory means 02:03.0" in warned


def test_each_guest_has_the_same_physical_cards(story: dict[str, Any]) -> None:
    assert story["host"].physical() == OWNED


def test_the_wrong_card_is_back_in_dom0(story: dict[str, Any]) -> None:
    listing = story["host"].command("/usr/sbin/pcictl", "pci1", "list", "-b", "1", "-N").stdout
    assert listing.startswith("001:03:0: Intel") and listing.rstrip().endswith("[wm0]")


def test_check_mode_predicts_exactly_what_following_does(story: dict[str, Any]) -> None:
    assert story["check"].status == 0, story["check"].output
    assert story["check"].changed() == story["follow"].changed()
    assert story["check"].diffs() == story["follow"].diffs()
    assert len(story["follow"].diffs()) == 4


@pytest.mark.parametrize("run", ["again", "without"])
def test_afterwards_nothing_is_left_to_do(story: dict[str, Any], run: str) -> None:
    assert story[run].status == 0, story[run].output
    assert story[run].changed() == []
    assert story["host"].files() == story["after"]
    assert story["host"].physical() == OWNED


def test_the_report_names_the_moves_in_check_mode(story: dict[str, Any]) -> None:
    report = "\n".join(story["check"].result("ansible.builtin.debug")["msg"])
    assert "moved: 01:03.0 -> 02:03.0 of guest firewall, its MAC address says so" in report
    assert "would be done: make /boot.cfg hide 02:03.0 02:04.0 02:0b.0" in report


def test_identical_cards_that_were_swapped(assigned: Dom0) -> None:
    """The guest's card goes where dom0's own was, and that one is hidden in its place."""
    host = assigned
    host.lab("swap-cards", "01:03.0", "00:0a.0")
    message = refused(host, variables())
    assert message.count("identity-changed: ") == 1
    assert "there is 01:03.0 (pcictl 001:03:0) 8086:100e" in message and "which looks the same" in message
    assert "the pinned device is at 00:0a.0 now, its MAC address says so" in message
    follow = variables(pciback_follow_moves=True)
    run = host.playbook(follow)
    assert run.status == 0, run.output
    assert host.physical() == OWNED
    assert host.playbook(follow).changed() == []


@pytest.mark.soak(instead="test_identical_cards_that_were_swapped")
def test_a_card_that_was_replaced_is_taken_only_if_the_owner_says_so(assigned: Dom0) -> None:
    host = assigned
    host.lab("remove-card", "01:03.0")
    host.lab("add-card", "00/0d.0/03.0", "--card", "q35-bridges/00:07.0", "--mac", "52:54:00:00:00:99")
    for wanted in (
        variables(),
        variables(pciback_follow_moves=True),
        variables(pciback_allow=[{"code": "identity-changed", "address": "01:04.0"}]),
        variables(pciback_allow=[{"code": "shared-irq", "address": "01:03.0"}]),
    ):
        message = refused(host, wanted)
        assert "with id 8086:10d3 instead of 8086:100e" in message
        assert "What helps: allow code 'identity-changed' for 01:03.0 if what is there now is to be taken" in message
    allowed = variables(pciback_allow=[{"code": "identity-changed", "address": "01:03.0"}])
    run = host.playbook(allowed)
    assert run.status == 0, run.output
    assert "overridden by the owner: identity-changed for 01:03.0" in run.output
    assert host.physical() == {"firewall": ["52:54:00:00:00:99", SECOND], "storage": [OTHER]}
    assert pins(host)["0000:01:03.0"]["id"] == "8086:10d3"
    again = host.playbook(allowed)
    assert again.changed() == [] and "take it out of pciback_allow" in again.output
    assert host.playbook(variables()).changed() == []


@pytest.mark.soak(instead="test_it_is_refused_with_evidence_and_remedy")
def test_a_card_that_vanished_is_named(assigned: Dom0) -> None:
    host = assigned
    host.lab("remove-card", "01:0b.0")
    message = refused(host, variables(pciback_follow_moves=True))
    assert "no-such-device: guest storage: 01:0b.0 is pinned as 10ec:8139 (" in message
    assert "the pinned device is nowhere on the bus" in message
    assert "What helps: put the card back, or take the device out of the inventory" in message
    less = variables()
    less["pciback_guests"][1]["devices"] = []
    assert host.playbook(less).status == 0
    assert list(pins(host)) == ["0000:01:03.0", "0000:01:04.0"]
    # A card that is put there later is nobody's, and is not refused.
    host.lab("add-card", "00/0d.0/0b.0", "--card", REALTEK, "--mac", "52:54:00:00:00:98")
    run = host.playbook(variables())
    assert run.status == 0, run.output
    assert host.physical()["storage"] == ["52:54:00:00:00:98"]


@pytest.mark.soak(instead="test_following_moves_list_pins_and_files")
def test_guards_judge_the_devices_that_are_followed(dom0: Dom0, native: Dom0) -> None:
    """Its old address hidden, the guest's card is dom0's again after the shift, and the host is reached through it."""
    host = machine(dom0, native, "0000:01:03.0")
    allow = [{"code": "management-nic", "address": "01:03.0"}]
    assert host.playbook(variables(pciback_allow=allow)).status == 0
    host.lab("add-card", "00/03.0/03.0")
    message = refused(host, variables(pciback_allow=allow, pciback_follow_moves=True))
    assert "management-nic: 02:03.0 (pcictl 002:03:0)" in message
    allow.append({"code": "management-nic", "address": "02:03.0"})
    run = host.playbook(variables(pciback_allow=allow, pciback_follow_moves=True))
    assert run.status == 0, run.output
    assert host.physical() == OWNED
