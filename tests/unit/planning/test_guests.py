# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of guests: their files, and the way of each to its devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import ONE, codes, converged, device, guest, host, kinds
from tests.unit.plans import changed, make_plan


def test_a_guest_with_a_kernel_that_can_not_use_its_devices_is_a_warning():
    seen = host(deaf_kernels={"/etc/xen/firewall": "/netbsd-XEN3_DOMU"})
    plan = make_plan(ONE, seen)
    assert codes(plan) == []
    expected = (
        "guest firewall boots /netbsd-XEN3_DOMU, a NetBSD kernel without xpci(4): it will not see its devices; "
        "Linux kernels have a driver for them"
    )
    assert [warning for warning in plan.warnings if "xpci" in warning] == [expected]
    without = replace(ONE, guests=(guest(),))
    assert not any("xpci" in warning for warning in make_plan(without, seen).warnings)


def test_running_guests_are_shut_down_before_the_reboot_and_started_after_it():
    strangers = (RunningGuest("firewall", 1), RunningGuest("other", 2))
    plan = make_plan(ONE, host(running=strangers))
    assert kinds(plan) == ["hide", "configure", "shut_down", "start_up", "reboot", "run"]
    assert [domain["name"] for domain in plan.actions[2].arguments["domains"]] == ["firewall", "other"]
    assert plan.actions[5].arguments["domains"] == [
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
    unmanaged = "guest storage runs with other devices than its configuration lists; its life is left to its owner"
    assert plan.warnings == (
        *([unmanaged] if keeper == "storage" else []),
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
    assert kinds(plan) == ["hide", "configure", "start_up", "reboot"]


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


# --- options of devices

HERE = Address(0, 0, 5, 0)
OFF: dict[str, object] = {
    "permissive": False,
    "msitranslate": False,
    "power_mgmt": False,
    "vslot": 0,
    "rdm_policy": "strict",
}


def running_with(text: str = "pci = [ '00:05.0' ]", **options: object) -> Observed:
    """The guest runs with options, and its file says something."""
    file = {"/etc/xen/firewall": f"name = 'firewall'\n{text}\n".encode()}
    now = RunningGuest("firewall", 3, (HERE,), options={HERE: {**OFF, **options}})
    return changed(converged(), guest_configs=file, running=(now,))


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("pci = [ '00:05.0,permissive=0' ]", {"permissive": True}, "permissive=1 for 00:05.0 where its configuration says permissive=0"),
        ("pci = [ '00:05.0' ]", {"permissive": True}, "permissive=1 for 00:05.0 where its configuration says permissive=0"),
        ("pci_msitranslate = 1\npci = [ '00:05.0' ]", {}, "msitranslate=0 for 00:05.0 where its configuration says msitranslate=1"),
        ("pci = [ '00:05.0,power_mgmt=1' ]", {}, "power_mgmt=0 for 00:05.0 where its configuration says power_mgmt=1"),
        ("pci = [ '00:05.0@7' ]", {"vslot": 6}, "vslot=6 for 00:05.0 where its configuration says vslot=7"),
        ("pci = [ '00:05.0' ]", {"rdm_policy": "relaxed"}, "rdm_policy=relaxed for 00:05.0 where its configuration says rdm_policy=strict"),
        (
            "pci = [ '00:05.0,msitranslate=1' ]",
            {"permissive": True},
            "permissive=1 for 00:05.0 where its configuration says permissive=0, "
            "msitranslate=0 for 00:05.0 where its configuration says msitranslate=1",
        ),
    ],
)  # fmt: skip
def test_an_option_that_is_not_in_force_is_restarted_for_or_pending(text, options, said):
    plan = make_plan(ONE, running_with(text, **options))
    assert (kinds(plan), plan.reasons) == ([], ())
    (sentence,) = plan.pending
    assert sentence == (
        f"guest firewall runs with {said}, until it is restarted; allow that with pciback_restart_guests: when_needed"
    )
    assert sentence in plan.warnings
    plan = make_plan(replace(ONE, restart_guests="when_needed"), running_with(text, **options))
    assert (kinds(plan), plan.pending) == (["run"], ())
    (domain,) = plan.actions[0].arguments["domains"]
    assert (domain["name"], domain["restart"], plan.actions[0].summary) == ("firewall", True, "restart firewall")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("pci = [ '00:05.0,permissive=1' ]", {"permissive": True}),
        ("pci_permissive = 1\npci = [ '00:05.0' ]", {"permissive": True}),
        ("pci = [ '00:05.0' ]", {"vslot": 6}),
        ("pci = [ '00:05.0,seize=1' ]", {}),
        ("rdm = 'strategy=host,policy=relaxed'\npci = [ '00:05.0' ]", {"rdm_policy": "relaxed"}),
    ],
)
def test_options_in_force_and_those_that_are_left_to_xl_need_no_restart(text, options):
    plan = make_plan(replace(ONE, restart_guests="when_needed"), running_with(text, **options))
    assert (kinds(plan), plan.pending) == ([], ())


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (running_with(), []),
        (changed(converged(), running=()), []),
        (
            running_with(permissive=True),
            ["permissive=1 for 00:05.0 where its configuration says permissive=0"],
        ),
        (
            changed(running_with(), running=(RunningGuest("firewall", 3),)),
            ["other devices than its configuration lists"],
        ),
        (
            changed(
                running_with(),
                running=(
                    RunningGuest(
                        "firewall", 3, (HERE, Address(0, 0, 6, 0)), options={HERE: {**OFF, "permissive": True}}
                    ),
                ),
            ),
            [
                "permissive=1 for 00:05.0 where its configuration says permissive=0 and "
                "other devices than its configuration lists"
            ],
        ),
    ],
)
def test_an_unmanaged_guest_that_runs_otherwise_is_named_and_left_alone(seen, said):
    wanted = replace(ONE, guests=(guest(device(address="00:05.0"), state="unmanaged"),), restart_guests="when_needed")
    plan = make_plan(wanted, seen)
    assert (kinds(plan), plan.pending) == ([], ())
    assert [text for text in plan.warnings if "firewall" in text] == [
        f"guest firewall runs with {what}; its life is left to its owner" for what in said
    ]


def test_a_new_option_is_written_and_the_guest_is_restarted_for_it_in_one_plan():
    wanted = replace(ONE, guests=(guest(device(address="00:05.0", permissive=False)),), restart_guests="when_needed")
    plan = make_plan(wanted, running_with("pci = [ '00:05.0,permissive=1' ]", permissive=True))
    assert kinds(plan) == ["configure", "run"]


def test_what_xl_does_not_show_is_not_compared():
    now = RunningGuest("firewall", 3, (HERE,))
    assert make_plan(ONE, changed(converged(), running=(now,))).pending == ()


def test_a_guest_that_waits_is_pending():
    now = changed(converged(), running=(RunningGuest("firewall", 3, ()),))
    plan = make_plan(ONE, now)
    assert plan.pending == plan.warnings != ()
