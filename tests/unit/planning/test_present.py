# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: from what is wanted and what a host shows to actions, refusals and reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState, Observed, RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import Prediction
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedDevice, WantedGuest
from tests.unit.plans import changed, make_plan, netbsd

BOOT = (
    b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\n"
    b"menu=NetBSD:boot /netbsd\n"
    b"default=1\ntimeout=5\n"
)
GUEST = b"name = 'firewall'\nkernel = '/netbsd-XEN3_DOMU'\n"


def nic(bdf: str, driver: str | None) -> Device:
    return Device(parse_address(bdf), 0x8086, 0x100E, 0x020000, name="Intel i82540EM", driver=driver)


BUS = (
    Device(parse_address("00:00.0"), 0x8086, 0x1237, 0x060000, name="Intel PMC", driver="pchb0"),
    nic("00:04.0", "wm0"),
    nic("00:05.0", "wm1"),
    nic("00:0a.0", "wm2"),
    Device(parse_address("00:0d.0"), 0x1B36, 0x0001, 0x060400, name="PCI bridge", driver="ppb0"),
)


def device(**wanted: object) -> WantedDevice:
    options = tuple((key, wanted.pop(key)) for key in ("permissive",) if key in wanted)
    return WantedDevice(parse_selector(wanted), options)


def guest(*devices: WantedDevice, name: str = "firewall", state: str = "running") -> WantedGuest:
    return WantedGuest(name, f"/etc/xen/{name}", state, devices)


def host(**changes: object) -> Observed:
    observed = netbsd(
        devices=BUS,
        claims=None,
        boot_path="/boot.cfg",
        boot_config=BOOT,
        guest_configs={"/etc/xen/firewall": GUEST, "/etc/xen/storage": GUEST.replace(b"firewall", b"storage")},
    )
    return changed(observed, **changes)


def predicted(outcome: str, *claims: Address) -> Prediction:
    return Prediction(1, outcome, claims, (), (), 1)


def kinds(plan) -> list[str]:
    return [action.kind for action in plan.actions]


def codes(plan) -> list[str]:
    return [refusal.code for refusal in plan.refusals]


ONE = Wanted(guests=(guest(device(address="00:05.0")),), reboot="when_needed")


def converged(wanted: Wanted = ONE, bdf: str = "00:05.0") -> Observed:
    """The host after everything was applied: rebooted, configured, running."""
    address = parse_address(bdf)
    edited = hide(BootCfg.parse(BOOT), [address]).boot_cfg.render()
    held = tuple(replace(d, driver="pciback0") if d.address == address else d for d in BUS)
    config = GUEST + f"pci = [ '{bdf}' ]\n".encode()
    return host(
        devices=held,
        claims=(address,),
        boot_config=edited,
        guest_configs={"/etc/xen/firewall": config},
        running=(RunningGuest("firewall", 3, (address,)),),
        prediction=predicted("registered", address),
        pins={d.address: pin_of(d) for d in BUS if d.address == address},
    )


def test_from_nothing_everything_in_order():
    plan = make_plan(ONE, host(native=NativeState(False, "nothing is recorded")))
    assert kinds(plan) == ["native", "hide", "configure", "reboot", "run"]
    assert plan.reboot_required and not plan.refusals and plan.changed
    hide = plan.actions[1].arguments
    assert hide["devices"] == ["0000:00:05.0"]
    assert hide["pins"]["0000:00:05.0"]["driver"] == "wm1"
    assert plan.actions[2].arguments["domains"] == [
        {"config": "/etc/xen/firewall", "devices": [{"address": "0000:00:05.0"}]}
    ]
    assert plan.actions[4].arguments["domains"][0]["name"] == "firewall"
    assert "00:05.0 (pcictl 000:05:0)" in plan.reasons[0] and "wm1 holds it now" in plan.reasons[0]


def test_converged_host_has_nothing_to_do():
    plan = make_plan(ONE, converged())
    assert (kinds(plan), codes(plan), plan.reasons, plan.warnings, plan.changed) == ([], [], (), (), False)
    assert plan.devices[0].held and plan.devices[0].attached


def test_never_reboots_without_consent_and_says_what_is_pending():
    plan = make_plan(replace(ONE, reboot="never"), host())
    assert kinds(plan) == ["hide", "configure"]
    assert plan.reboot_required and plan.reasons
    assert any("a reboot is pending" in warning for warning in plan.warnings)
    assert any("firewall is not started" in warning for warning in plan.warnings)


def test_pending_reboot_is_no_change():
    wanted = replace(ONE, reboot="never")
    after = make_plan(wanted, changed(converged(), claims=None, devices=BUS, running=()))
    assert not after.changed and after.reboot_required


def test_running_guests_are_shut_down_before_the_reboot_and_started_after_it():
    strangers = (RunningGuest("firewall", 1), RunningGuest("other", 2))
    plan = make_plan(ONE, host(running=strangers))
    assert kinds(plan) == ["hide", "configure", "shut_down", "reboot", "run"]
    assert [domain["name"] for domain in plan.actions[2].arguments["domains"]] == ["firewall", "other"]
    (again,) = plan.actions[4].arguments["domains"]
    assert (again["name"], again["restart"]) == ("firewall", True)
    assert any("guest other is running and not managed here" in warning for warning in plan.warnings)


def test_held_but_unwanted_device_is_given_back():
    plan = make_plan(Wanted(guests=(guest(),), reboot="when_needed"), changed(converged(), running=()))
    assert kinds(plan) == ["hide", "configure", "reboot", "run"]
    assert plan.actions[0].arguments["devices"] == []
    assert plan.reasons == ("00:05.0 is held by pciback and wanted by nobody: dom0 gets it back",)


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


def test_extra_devices_are_hidden_and_given_to_nobody():
    plan = make_plan(Wanted(extra_devices=(device(address="00:0a.0"),)), host())
    assert kinds(plan) == ["hide"]
    assert plan.devices[0].guest is None


REFUSED = {
    "no-such-device": Wanted(guests=(guest(device(address="00:1f.0")),)),
    "ambiguous-selector": Wanted(guests=(guest(device(id="8086:100e")),)),
    "assigned-twice": Wanted(guests=(guest(device(address="00:05.0")), guest(device(driver="wm1"), name="storage"))),
    "bridge": Wanted(guests=(guest(device(address="00:0d.0")),)),
    "list-too-long": Wanted(
        extra_devices=tuple(
            WantedDevice(parse_selector({"address": f"00:{n:02x}.{f}"})) for n in range(16, 21) for f in (0, 1)
        )
    ),
}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_refusals_stop_everything(code):
    many = tuple(nic(f"00:{n:02x}.{f}", None) for n in range(16, 21) for f in (0, 1))
    plan = make_plan(REFUSED[code], host(devices=BUS + many) if code == "list-too-long" else host())
    assert codes(plan) == [code]
    assert plan.actions == () and not plan.changed
    assert plan.refusals[0].message and plan.refusals[0].remedy


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"boot_config": PcibackError("it does not exist", file="/boot.cfg")}, "boot-config-invalid", "/boot.cfg"),
        ({"boot_config": b"menu=A:boot netbsd\n"}, "boot-config-invalid", "Xen"),
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


def test_disagreement_with_the_model_is_refused():
    wrong = predicted("not-registered")
    plan = make_plan(ONE, changed(converged(), prediction=wrong))
    assert codes(plan) == ["prediction-mismatch"]
    assert "the outcome 'not-registered' is predicted, not 'registered'" in plan.refusals[0].message


def test_a_default_entry_that_is_not_to_hide_anything_is_no_disagreement():
    two = BOOT.replace(b"menu=NetBSD:boot /netbsd", b"menu=Plain:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz")
    data = hide(
        BootCfg.parse(two.replace(b"default=1", b"default=2")), [Address(0, 0, 5, 0)], ["Xen"]
    ).boot_cfg.render()
    wanted = replace(ONE, boot_entries=["Xen"], reboot="never")
    plan = make_plan(wanted, changed(converged(), boot_config=data, prediction=predicted("empty")))
    assert (codes(plan), kinds(plan)) == ([], [])
    assert "boots entry 2 'Plain' by default, which hides nothing" in plan.warnings[0]


def test_a_device_whose_backend_is_not_up_needs_a_reboot():
    plan = make_plan(ONE, changed(converged(), claims=None, running=()))
    assert plan.reasons == (
        "00:05.0 (pcictl 000:05:0) 8086:100e Intel i82540EM [pciback0] has to be taken by pciback: "
        "pciback0 holds it, but its backend is not up and offers nothing to guests",
    )


def test_reboot_into_an_entry_without_xen_is_refused():
    data = BOOT.replace(b"default=1", b"default=2")
    plan = make_plan(ONE, host(boot_config=data))
    assert codes(plan) == ["boot-config-invalid"]
    assert "entry 2 'NetBSD'" in plan.refusals[0].message
    assert not make_plan(replace(ONE, reboot="never"), host(boot_config=data)).refusals


def test_isa_bridge_can_be_allowed_and_is_reported():
    isa = replace(BUS[0], class_code=0x060100)
    wanted = Wanted(guests=(guest(device(address="00:00.0")),))
    seen = host(devices=(isa, *BUS[1:]))
    assert codes(make_plan(wanted, seen)) == ["bridge"]
    allowed = replace(wanted, allow=(("bridge", parse_address("00:00.0")),))
    plan = make_plan(allowed, seen)
    assert codes(plan) == [] and any("overridden by the owner: bridge" in warning for warning in plan.warnings)
    assert codes(make_plan(replace(wanted, allow=(("bridge", parse_address("00:01.0")),)), seen)) == ["bridge"]


def test_pci_bridge_can_not_be_allowed():
    wanted = replace(REFUSED["bridge"], allow=(("bridge", parse_address("00:0d.0")),))
    assert codes(make_plan(wanted, host())) == ["bridge"]


def test_recovery_names_the_entry_and_what_to_type():
    plan = make_plan(ONE, host())
    entry, prompt = plan.recovery
    assert "choose entry 3 'Xen (previous pciback)'" in entry
    assert prompt.endswith("load /netbsd-XEN3_DOM0.gz | multiboot /xen.gz dom0_mem=512M")


def test_recovery_leaves_out_the_list_behind_dashes():
    data = BOOT.replace(b"dom0_mem=512M", b"dom0_mem=512M -- pciback.hide=(00:05.0)")
    assert make_plan(ONE, host(boot_config=data)).recovery[-1].endswith("multiboot /xen.gz dom0_mem=512M")


def test_same_guest_twice():
    assert codes(make_plan(Wanted(guests=(guest(), guest())), host())) == ["domain-config-invalid"]


ADDRESSES = st.sets(st.sampled_from([Address(0, 0, 4, 0), Address(0, 0, 5, 0), Address(0, 0, 10, 0)]))


@given(wanted=ADDRESSES, held=st.none() | ADDRESSES, reboot=st.sampled_from(["never", "when_needed"]))
def test_reboot_exactly_when_claims_differ(wanted, held, reboot):
    extra = tuple(device(address=address.bdf) for address in sorted(wanted))
    plan = make_plan(
        Wanted(extra_devices=extra, reboot=reboot),
        host(claims=None if held is None else tuple(sorted(held))),
    )
    assert not plan.refusals
    assert plan.reboot_required == (wanted != (held or set()))
    assert ("reboot" in kinds(plan)) == (plan.reboot_required and reboot == "when_needed")
    assert [planned.device.address for planned in plan.devices] == sorted(wanted)
    assert all(planned.held == (planned.device.address in (held or ())) for planned in plan.devices)
