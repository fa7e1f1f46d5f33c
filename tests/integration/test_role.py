# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on an embedded dom0: what it does, what it costs, what check mode says of it."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.conftest import Dom0, devices_of

ACTIONS = [
    "xen.pciback.plan",
    "xen.pciback.native_backend",
    "xen.pciback.boot_hide",
    "xen.pciback.domain_pci",
    "xen.pciback.native_backend",
    "xen.pciback.reboot",
    "xen.pciback.domain",
]
THREE_DEVICES = {
    "pciback_guests": [
        {
            "name": "firewall",
            "config": "/usr/pkg/etc/xen/firewall",
            "devices": [{"id": "10ec:8139", "subsystem": "1af4:1100"}, {"driver": "wm3", "permissive": False}],
        },
        {"name": "storage", "config": "/usr/pkg/etc/xen/storage", "devices": [{"address": "00:09.0"}]},
    ],
    "pciback_reboot": "when_needed",
}


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Check run, first run, second run on one host, with its files after each."""
    workspace = tmp_path_factory.mktemp("story")
    host = Dom0(workspace / "dom0", workspace).create()
    start = host.files()
    check = host.playbook(THREE_DEVICES, "--check", "--diff")
    checked = host.files()
    first = host.playbook(THREE_DEVICES, "--diff")
    after_first = host.files()
    second = host.playbook(THREE_DEVICES, "--diff")
    return {
        "host": host,
        "check": check,
        "first": first,
        "second": second,
        "files": [start, checked, after_first, host.files()],
    }


@pytest.fixture
def settled(story, tmp_path):
    """A copy of that host, to be changed. (A machine can be moved, and so it can be copied.)"""
    shutil.copytree(story["host"].directory, tmp_path / "dom0", symlinks=True)
    return Dom0(tmp_path / "dom0", tmp_path)


def test_first_run_brings_the_guests_up(story):
    assert story["first"].status == 0, story["first"].output
    assert story["first"].changed() == ACTIONS
    state = json.loads((story["host"].directory / "machine/state.json").read_text())
    owned = {domain["name"]: sorted(devices_of(domain)) for domain in state["domains"]}
    assert owned == {"firewall": ["0000:00:05.0", "0000:00:0a.0"], "storage": ["0000:00:09.0"]}
    assert all(domain["connected"] for domain in state["domains"])


def test_check_mode_changes_nothing(story):
    assert story["check"].status == 0, story["check"].output
    assert story["files"][0] == story["files"][1]


def test_check_mode_predicts_exactly_what_the_run_does(story):
    assert story["check"].changed() == story["first"].changed()
    assert story["check"].diffs() == story["first"].diffs()
    assert len(story["first"].diffs()) == 4, "boot configuration, guests' files, the record of the host's start, guests"


def test_second_run_changes_nothing(story):
    assert story["second"].status == 0, story["second"].output
    assert story["second"].changed() == []
    assert story["files"][2] == story["files"][3]


def test_a_converged_host_costs_one_module_call(story):
    assert story["second"].module_calls == 1
    assert story["first"].module_calls > 5, "the count counts"
    skipped = [line["task"] for line in story["second"].results if line["outcome"] == "skipped"]
    assert len(skipped) == 2, f"each takes a process of the controller: {skipped}"


def test_the_report_says_what_is_where(story):
    report = "\n".join(story["second"].result("ansible.builtin.debug")["msg"])
    assert "00:0a.0  000:10:0   8086:100e  firewall      in firewall" in report
    assert "dom0 is as wanted." in report


@pytest.mark.soak(instead="tests/safety/test_refusals.py::test_override_on_the_lab_is_said_in_each_run")
def test_never_ends_well_and_says_what_is_pending(dom0, native):
    host = dom0.create().borrow_native(native)
    run = host.playbook({**THREE_DEVICES, "pciback_reboot": "never"})
    assert run.status == 0, run.output
    assert run.changed() == [ACTIONS[0], *ACTIONS[2:5]]
    assert run.result("ansible.builtin.set_fact")["ansible_facts"]["pciback_reboot_required"] is True
    assert "a reboot is pending; pciback_reboot: when_needed allows it" in run.output
    again = host.playbook({**THREE_DEVICES, "pciback_reboot": "never"})
    assert (again.status, again.changed()) == (0, [])
    assert "needs a reboot: 00:05.0" in again.output


@pytest.mark.soak(instead="test_running_guests_swap_devices_without_a_reboot")
def test_devices_move_and_come_back(settled):
    host = settled
    moved = {
        "pciback_guests": [
            {"name": "firewall", "config": "/usr/pkg/etc/xen/firewall", "devices": [{"address": "00:06.0"}]},
            {"name": "storage", "config": "/usr/pkg/etc/xen/storage", "state": "stopped"},
        ],
        "pciback_reboot": "when_needed",
    }
    check = host.playbook(moved, "--check")
    run = host.playbook(moved)
    assert run.status == 0, run.output
    assert check.changed() == run.changed()
    assert host.command("/bin/ls", "/kern/xen/pci").stdout.split() == ["0000:00:06.0"]
    assert host.playbook(moved).changed() == []
    forgotten = {"pciback_guests": [], "pciback_reboot": "when_needed"}
    before = host.files()
    refused = host.playbook(forgotten)
    assert (refused.status, refused.changed(), host.files()) == (2, [], before)
    nothing = {**forgotten, "pciback_allow": [{"code": "nothing-wanted"}]}
    assert host.playbook(nothing).status == 0
    assert host.command("/bin/ls", "/kern/xen").stdout.split().count("pci") == 0
    assert host.playbook(nothing).changed() == []
    again = host.playbook(forgotten)
    assert (again.status, again.changed()) == (0, []), "nothing is left to lose"


@pytest.mark.soak(instead="test_first_run_brings_the_guests_up")
def test_a_guest_that_the_host_starts_itself_is_not_started_twice(dom0, native):
    host = dom0.create().borrow_native(native)
    alone = {"name": "firewall", "config": "/usr/pkg/etc/xen/firewall"}
    assert host.playbook({"pciback_guests": [alone]}).status == 0
    # What the host's start-up does with guests where its owner has made devices ready for xl, as soon as somebody looks
    # at the rebooted machine.
    host.wrap(
        "usr/sbin/pcictl",
        "if [ -d /kern/xen/pci ] && ! /usr/pkg/sbin/xl list | grep -q ^firewall; then\n"
        "\t/usr/local/sbin/pcibackctl prepare --allow no-reset 0000:00:06.0 >/dev/null\n"
        "\t/usr/pkg/sbin/xl create /usr/pkg/etc/xen/firewall >/dev/null 2>&1\n"
        "fi\n"
        'exec "$real" "$@"\n',
    )
    wanted = {"pciback_guests": [{**alone, "devices": [{"address": "00:06.0"}]}], "pciback_reboot": "when_needed"}
    run = host.playbook(wanted)
    assert run.status == 0, run.output
    (started,) = run.result("xen.pciback.domain")["domains"]
    assert (started["actions"], started["devices"]) == ([], ["0000:00:06.0"])


def test_running_guests_swap_devices_without_a_reboot(settled):
    host = settled
    first, second = THREE_DEVICES["pciback_guests"]
    swapped = {
        "pciback_guests": [{**first, "devices": second["devices"]}, {**second, "devices": first["devices"]}],
        "pciback_reboot": "when_needed",
    }
    run = host.playbook(swapped)
    assert run.status == 0, run.output
    assert run.changed() == ["xen.pciback.plan", "xen.pciback.domain_pci", "xen.pciback.native_backend"]
    assert "until it is restarted" in run.output
    allowed = {**swapped, "pciback_restart_guests": "when_needed"}
    check = host.playbook(allowed, "--check")
    run = host.playbook(allowed)
    assert run.status == 0, run.output
    assert check.changed() == run.changed() == ["xen.pciback.plan", "xen.pciback.domain"]
    owned = {guest["name"]: guest["devices"] for guest in host.playbook(allowed).result("xen.pciback.plan")["running"]}
    assert owned == {"firewall": ["0000:00:09.0"], "storage": ["0000:00:05.0", "0000:00:0a.0"]}


def test_a_tampered_binary_is_repaired_and_reported(settled):
    host = settled
    control = host.root / "usr/local/sbin/pcibackctl"
    good = control.read_bytes()
    control.chmod(0o755)
    control.write_bytes(good + b"\0")
    run = host.playbook(THREE_DEVICES)
    assert run.status == 0, run.output
    assert run.changed() == ["xen.pciback.plan", "xen.pciback.native_backend"]
    assert "is not the file that was installed and checked" in run.result("xen.pciback.native_backend")["reason"]
    assert host.playbook(THREE_DEVICES).changed() == []


@pytest.mark.soak(instead="tests/integration/test_cross_build.py::test_all_is_built_for_netbsd")
def test_a_host_without_compiler_gets_a_cross_built_binary(dom0):
    host = dom0.create("--no-compiler")
    # The lab's processor runs the controller's binaries, so zig builds for that system instead of NetBSD.
    variables = {**THREE_DEVICES, "pciback_native_target": "x86_64-linux-musl"}
    run = host.playbook(variables)
    assert run.status == 0, run.output
    result = next(each["result"] for each in run.results if each["action"] == "xen.pciback.native_backend")
    assert result["method"] == "cross" and result["compiler"].startswith("zig ")
    assert host.playbook(variables).changed() == []


@pytest.mark.soak(instead="test_first_run_brings_the_guests_up")
def test_q35_with_bridges_and_nvme(dom0, native):
    host = dom0.create(bus="q35-bridges").borrow_native(native)
    variables = {
        "pciback_guests": [
            {
                "name": "storage",
                "config": "/usr/pkg/etc/xen/storage",
                # 00:06.0 is on the line of 00:06.1.
                "devices": [{"class": "nvme"}, {"id": "8086:100e", "all": True}, {"address": "00:06.0"}],
            }
        ],
        "pciback_reboot": "when_needed",
    }
    run = host.playbook(variables)
    assert run.status == 0, run.output
    assert host.command("/bin/ls", "/kern/xen/pci").stdout.split() == [
        "0000:00:05.0",
        "0000:00:06.0",
        "0000:00:06.1",
        "0000:01:00.0",
    ]
    assert host.playbook(variables).changed() == []


def test_an_option_that_the_kernel_s_backend_does_not_know_is_refused(settled):
    host = settled
    first, second = THREE_DEVICES["pciback_guests"]
    card, other = first["devices"]
    before = host.files()
    run = host.playbook(
        {
            **THREE_DEVICES,
            "pciback_guests": [{**first, "devices": [card, {**other, "permissive": True}]}, second],
            "pciback_restart_guests": "when_needed",
        }
    )
    assert (run.status != 0, host.files()) == (True, before)
    assert "permissive, which NetBSD's kernel backend does not know" in run.output
