# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role with pcibackd on an embedded NetBSD dom0: no reboot, and whatever happens, guests have their devices."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Dom0

ACTIONS = [
    "xen.pciback.plan",
    "xen.pciback.domain_pci",
    "xen.pciback.native_backend",
    "xen.pciback.assignable",
    "xen.pciback.native_backend",
    "xen.pciback.domain",
]
CARDS = ("00:05.0", "00:09.0", "00:0a.0")
# None of these cards can be reset.
CONSENT = [{"code": "no-reset", "address": address} for address in CARDS]


def wanted(firewall: list[str], storage: list[str], **more: Any) -> dict[str, Any]:
    """Variables by which the two guests have these cards."""
    guests = [("firewall", firewall), ("storage", storage)]
    return {
        "pciback_backend": "auto",
        "pciback_allow": CONSENT,
        "pciback_guests": [
            {
                "name": name,
                "config": f"/usr/pkg/etc/xen/{name}",
                "devices": [{"address": address} for address in addresses],
            }
            for name, addresses in guests
        ],
        **more,
    }


BEGUN = wanted(["00:05.0", "00:0a.0"], ["00:09.0"])
MOVED = wanted(["00:05.0"], ["00:09.0", "00:0a.0"], pciback_restart_guests="when_needed")


def owned(host: Dom0) -> dict[str, list[str]]:
    """The devices of each guest, as pcibackd and xl say together."""
    status = json.loads(host.command("/usr/local/sbin/pcibackctl", "status", "--json").stdout)
    names = {
        each["domid"]: each["config"]["c_info"]["name"]
        for each in json.loads(host.command("/usr/pkg/sbin/xl", "list", "-l").stdout)
    }
    assert {guest["phase"] for guest in status["guests"]} == {"connected"}
    return {
        names[guest["domain"]]: sorted(device["address"].partition(":")[2] for device in guest["devices"])
        for guest in status["guests"]
    }


def boots(host: Dom0) -> int:
    """How often the machine has booted."""
    number: int = json.loads(host.lab("status", "--json"))["boot"]
    return number


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Check run, first run, second run on one host that was touched by nobody."""
    workspace = tmp_path_factory.mktemp("native")
    host = Dom0(workspace / "dom0", workspace).create()
    before = host.files()
    check = host.playbook(BEGUN, "--check", "--diff")
    checked = host.files()
    first = host.playbook(BEGUN, "--diff")
    return {
        "host": host,
        "before": before,
        "checked": checked,
        "check": check,
        "first": first,
        "owned": owned(host),
        "second": host.playbook(BEGUN),
    }


def test_guests_own_their_devices_without_a_reboot(story: dict[str, Any]) -> None:
    assert story["first"].status == 0, story["first"].output
    assert story["first"].changed() == ACTIONS
    assert story["owned"] == {"firewall": ["00:05.0", "00:0a.0"], "storage": ["00:09.0"]}
    assert boots(story["host"]) == 1


def test_check_mode_predicts_exactly_what_the_run_does(story: dict[str, Any]) -> None:
    assert story["before"] == story["checked"]
    assert story["check"].changed() == story["first"].changed()
    assert story["check"].diffs() == story["first"].diffs()


def test_a_second_run_changes_nothing_and_costs_one_module_call(story: dict[str, Any]) -> None:
    assert (story["second"].changed(), story["second"].module_calls) == ([], 1)
    report = "\n".join(story["second"].result("ansible.builtin.debug")["msg"])
    assert "backend: native, devices change hands without a reboot" in report
    assert "dom0 is as wanted." in report


def test_a_run_goes_on_where_another_was_killed(story: dict[str, Any]) -> None:
    """One guest was made, and has nothing yet; the other one has all but leave to run."""
    host: Dom0 = story["host"]
    for name in ("firewall", "storage"):
        host.command("/usr/pkg/sbin/xl", "destroy", name)
        host.command("/usr/pkg/sbin/xl", "create", "-p", f"/usr/pkg/etc/xen/{name}", "pci=[]")
    domid = host.command("/usr/pkg/sbin/xl", "domid", "storage").stdout.strip()
    given = host.command("/usr/local/sbin/pcibackctl", "attach", "--domain", domid, "00:09.0")
    assert given.returncode == 0, given.stderr
    run = host.playbook(BEGUN)
    assert run.status == 0, run.output
    guests = {guest["name"]: guest["actions"] for guest in run.result("xen.pciback.domain")["domains"]}
    assert guests == {"firewall": ["destroyed", "created"], "storage": ["unpaused"]}
    assert owned(host) == story["owned"]
    assert host.command("/usr/pkg/sbin/xl", "domid", "storage").stdout.strip() == domid


def test_a_device_moves_and_survives_a_power_failure_and_all_goes_back(story: dict[str, Any]) -> None:
    """One story, because each part begins where the last one ended."""
    host: Dom0 = story["host"]
    waits = host.playbook({**MOVED, "pciback_restart_guests": "never"})
    assert waits.status == 0, waits.output
    assert "guest firewall may still reach 00:0a.0 after it lets go of it, until it is restarted" in waits.output
    assert owned(host) == story["owned"]
    moved = host.playbook(MOVED)
    assert moved.status == 0, moved.output
    assert owned(host) == {"firewall": ["00:05.0"], "storage": ["00:09.0", "00:0a.0"]}

    with (host.root / "etc/rc.conf").open("a") as file:
        file.write('xendomains="firewall storage"\n')
    host.lab("reboot")
    deadline = time.monotonic() + 60
    while host.command("/usr/local/sbin/pcibackctl", "status").stdout.count("connected") < 2:
        assert time.monotonic() < deadline, host.lab("console")
        time.sleep(0.5)
    assert owned(host) == {"firewall": ["00:05.0"], "storage": ["00:09.0", "00:0a.0"]}
    assert host.playbook(MOVED).changed() == []

    back = host.playbook({**MOVED, "pciback_state": "absent"})
    assert back.status == 0, back.output
    assert boots(host) == 2
    left = host.files()
    changed = {path for path in {*left, *story["before"]} if left.get(path) != story["before"].get(path)}
    assert {path for path in changed if not path.startswith(("kern/", "etc/rc.conf"))} == set()
    drivers = host.command("/usr/sbin/pcictl", "pci0", "list", "-N").stdout
    assert all(f"[{driver}]" in drivers for driver in ("re0", "wm2", "wm3"))
    assert host.playbook({**MOVED, "pciback_state": "absent"}).changed() == []


@pytest.mark.soak(instead="test_a_device_moves_and_survives_a_power_failure_and_all_goes_back")
def test_the_kernel_s_backend_and_pcibackd_follow_each_other_with_one_reboot_each(dom0: Dom0, native: Dom0) -> None:
    host = dom0.create().borrow_native(native)
    kernel = {**BEGUN, "pciback_backend": "kernel", "pciback_reboot": "when_needed"}
    assert host.playbook(kernel).status == 0
    assert boots(host) == 2
    stays = host.playbook({**kernel, "pciback_backend": "auto"})
    assert stays.changed() == []
    assert "already, and pciback_backend: native moves them to pcibackd" in stays.output
    there = {**kernel, "pciback_backend": "native"}
    foreseen = host.playbook(there, "--check", "--diff")
    moved = host.playbook(there, "--diff")
    assert moved.status == 0, moved.output
    assert (foreseen.changed(), foreseen.diffs()) == (moved.changed(), moved.diffs())
    assert (boots(host), owned(host)) == (3, story_of(BEGUN))
    assert host.playbook(there).changed() == []
    # A power failure without the controller, while the way back waits for its reboot.
    with (host.root / "etc/rc.conf").open("a") as file:
        file.write('xendomains="firewall storage"\n')
    waits = host.playbook({**kernel, "pciback_reboot": "never"})
    assert "a reboot is pending" in waits.output
    assert owned(host) == story_of(BEGUN)
    assert host.playbook({**kernel, "pciback_reboot": "never"}).changed() == []
    lose_power(host)
    foreseen = host.playbook(kernel, "--check", "--diff")
    assert foreseen.status == 0, foreseen.output
    again = host.playbook(kernel, "--diff")
    assert again.status == 0, again.output
    assert (foreseen.changed(), foreseen.diffs()) == (again.changed(), again.diffs())
    assert boots(host) == 4
    assert not (host.root / "usr/local/sbin/pcibackd").exists()

    lose_power(host)
    assert host.playbook(kernel).changed() == []
    # The same while the way to pcibackd waits for its reboot.
    waits = host.playbook({**there, "pciback_reboot": "never"})
    assert (waits.status, served_by_kernel(host)) == (0, story_of(BEGUN)), waits.output
    assert host.playbook({**there, "pciback_reboot": "never"}).changed() == []
    lose_power(host, served_by_pcibackd)
    assert host.playbook(there).changed() == ["xen.pciback.plan", "xen.pciback.native_backend"]
    assert host.playbook(there).changed() == []


def lose_power(host: Dom0, served: Callable[[Dom0], dict[str, list[str]]] | None = None) -> None:
    """Boot without the controller; guests of one backend, else of NetBSD's own, have their devices then."""
    host.lab("reboot")
    deadline = time.monotonic() + 60
    while (served or served_by_kernel)(host) != story_of(BEGUN):
        assert time.monotonic() < deadline, host.lab("console")
        time.sleep(0.5)


def served_by_pcibackd(host: Dom0) -> dict[str, list[str]]:
    """The devices of each guest, once all have connected to pcibackd."""
    connected = host.command("/usr/local/sbin/pcibackctl", "status").stdout.count("connected")
    return owned(host) if connected == len(story_of(BEGUN)) else {}


def served_by_kernel(host: Dom0) -> dict[str, list[str]]:
    """The devices of each guest that has connected to NetBSD's own backend."""
    status = json.loads(host.command("/usr/local/sbin/pcibackctl", "status", "--backend", "kernel", "--json").stdout)
    return {
        host.command("/usr/pkg/sbin/xl", "domname", str(each["domain"])).stdout.strip(): sorted(
            device["address"].partition(":")[2] for device in each["devices"]
        )
        for each in status["guests"]
        if each["life"] == "running" and each["state"] == 4
    }


def story_of(variables: dict[str, Any]) -> dict[str, list[str]]:
    """The devices that the guests are to have."""
    return {
        guest["name"]: sorted(device["address"] for device in guest["devices"]) for guest in variables["pciback_guests"]
    }
