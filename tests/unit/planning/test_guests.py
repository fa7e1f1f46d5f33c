# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of guests: their files, and the way of each to its devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import ONE, codes, converged, device, guest, host, kinds
from tests.unit.plans import changed, make_plan


def test_running_guests_are_shut_down_before_the_reboot_and_started_after_it():
    strangers = (RunningGuest("firewall", 1), RunningGuest("other", 2))
    plan = make_plan(ONE, host(running=strangers))
    assert kinds(plan) == ["hide", "configure", "shut_down", "reboot", "run"]
    assert [domain["name"] for domain in plan.actions[2].arguments["domains"]] == ["firewall", "other"]
    assert plan.actions[4].arguments["domains"] == [
        {"name": "firewall", "config": ONE.guests[0].config, "state": "running"}
    ]
    assert any("guest other is running and not managed here" in warning for warning in plan.warnings)


def test_guest_with_other_devices_waits_for_consent():
    now = changed(converged(), running=(RunningGuest("firewall", 3, ()),))
    plan = make_plan(ONE, now)
    assert kinds(plan) == [] and "until it is restarted" in plan.warnings[0]
    plan = make_plan(replace(ONE, restart_guests="when_needed"), now)
    assert plan.actions[0].arguments["domains"][0]["restart"] is True


def test_stopped_guest_is_shut_down_first():
    wanted = Wanted(guests=(guest(name="storage"), guest(state="stopped")))
    plan = make_plan(wanted, host(running=(RunningGuest("firewall", 3),)))
    assert [(d["name"], d["state"]) for d in plan.actions[0].arguments["domains"]] == [
        ("firewall", "stopped"),
        ("storage", "running"),
    ]


def test_a_running_guest_is_not_shut_down_for_devices_that_wait_for_the_reboot():
    wanted = replace(ONE, reboot="never", restart_guests="when_needed")
    plan = make_plan(wanted, host(running=(RunningGuest("firewall", 3),)))
    assert "run" not in kinds(plan)
    assert "guest firewall is not restarted: its devices wait for the reboot" in plan.warnings


@pytest.mark.parametrize("keeper", ["storage", "stranger"])
def test_a_guest_is_not_started_while_another_one_keeps_its_device(keeper):
    address = Address(0, 0, 5, 0)
    files = {**host().guest_configs, **converged().guest_configs}
    now = changed(converged(), guest_configs=files, running=(RunningGuest(keeper, 4, (address,)),))
    wanted = replace(ONE, guests=(*ONE.guests, guest(name="storage", state="unmanaged")), reboot="never")
    plan = make_plan(wanted, now)
    assert (kinds(plan), codes(plan)) == ([], [])
    assert plan.warnings == (
        f"guest firewall is not started: 00:05.0 is still with guest {keeper}, which runs on; shut that down first",
    )


def test_guests_that_can_not_swap_are_all_left_alone():
    """storage can't restart, for its second device is with a stranger; so firewall can't have the first one."""
    one, two = Address(0, 0, 4, 0), Address(0, 0, 5, 0)
    wanted = Wanted(
        guests=(guest(device(address="00:04.0")), guest(device(address="00:05.0"), name="storage")),
        restart_guests="when_needed",
    )
    swap = host(claims=(one, two), running=(RunningGuest("storage", 4, (one,)), RunningGuest("firewall", 5, ())))
    assert [d["restart"] for d in make_plan(wanted, swap).actions[-1].arguments["domains"]] == [True, True]
    blocked = make_plan(wanted, changed(swap, running=(*swap.running, RunningGuest("stranger", 6, (two,)))))
    assert "run" not in kinds(blocked)
    assert blocked.warnings[-2:] == (
        "guest storage is not restarted: 00:05.0 is still with guest stranger, which runs on; shut that down first",
        "guest firewall is not restarted: 00:04.0 is still with guest storage, which runs on; shut that down first",
    )


def test_unmanaged_guest_gets_its_list_only():
    plan = make_plan(replace(ONE, guests=(guest(device(address="00:05.0"), state="unmanaged"),)), host())
    assert kinds(plan) == ["hide", "configure", "reboot"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"guest_configs": {}}, "domain-config-invalid", "/etc/xen/firewall"),
        (
            {"guest_configs": {"/etc/xen/firewall": PcibackError("it does not exist", file="/etc/xen/firewall")}},
            "domain-config-invalid",
            "/etc/xen/firewall: it does not exist",
        ),
        ({"guest_configs": {"/etc/xen/firewall": b"name = \n"}}, "domain-config-invalid", "line 1"),
        ({"guest_configs": {"/etc/xen/firewall": b"name='x'\npci='00:05.0'\n"}}, "domain-config-invalid", "line 2"),
        ({"guest_configs": {"/etc/xen/firewall": b"name = 'other'\n"}}, "domain-config-invalid", "named 'other'"),
        ({"guest_configs": {"/etc/xen/firewall": b"memory = 5\n"}}, "domain-config-invalid", "no guest by name"),
    ],
)
def test_bad_files_are_refused(changes, code, words):
    plan = make_plan(ONE, host(**changes))
    assert codes(plan) == [code]
    assert words in plan.refusals[0].message
    assert plan.actions == ()
