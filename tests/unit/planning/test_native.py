# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does with pcibackd: no reboot, no boot configuration, and a record for the host's start-up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of, to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.engines.start_up import read_attachments
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import (
    Attachments,
    GuestAttachments,
    is_kernels,
    kernels_part,
    render,
    render_over,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus, ServedGuest
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.planning.native import consents
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import (
    DaemonState,
    NativeState,
    Observed,
    RunningGuest,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, Wanted
from tests.unit.planning.hosts import BOOT, BUS, GUEST, ONE, codes, device, guest, host, kinds
from tests.unit.plans import changed, make_plan

CARD = parse_address("00:05.0")
NATIVE_BACKEND = "native"
KEPT = (("kept-mappings", CARD),)
READY = NativeState(True, daemon=DaemonState(installed=True, ready=True))
MISSING = NativeState(False, "it is not installed", DaemonState(reason="it is not installed"))
NATIVE = replace(ONE, reboot="never")
ATTACHMENTS = Attachments(
    ("0000:00:05.0,id=8086:100e",), (GuestAttachments("firewall", "/etc/xen/firewall", ("0000:00:05.0",)),)
)


def plan_of(wanted: Wanted, observed: Observed) -> Plan:
    return make_plan(wanted, observed, NATIVE_BACKEND)


def served(**changes: Any) -> Observed:
    """The host after everything was applied."""
    held = tuple(replace(each, driver="pcibackd") if each.address == CARD else each for each in BUS)
    values: dict[str, Any] = {
        "devices": held,
        "claims": (CARD,),
        "native": READY,
        "attachments": render(ATTACHMENTS),
        "guest_configs": {"/etc/xen/firewall": GUEST + b"pci = [ '00:05.0' ]\n"},
        "running": (RunningGuest("firewall", 3, (CARD,), options={CARD: {"permissive": False}}),),
        "pins": {each.address: pin_of(each) for each in BUS if each.address == CARD},
    }
    return host(**{**values, **changes})


def test_from_nothing_without_a_reboot() -> None:
    plan = plan_of(NATIVE, host(native=MISSING))
    assert kinds(plan) == ["configure", "service", "assign", "start_up", "run"]
    assert not plan.reboot_required and plan.backend == "native"
    service, assign, start_up, run = plan.actions[1:]
    assert service.summary == "install and start pcibackd: it is not installed"
    assert service.arguments == {"daemon": True}
    assert assign.summary == "hand 00:05.0 to pcibackd"
    pins = to_mapping({each.address: pin_of(each) for each in BUS if each.address == CARD})
    assert assign.arguments == {"devices": [{"address": "0000:00:05.0"}], "pins": pins}
    assert run.summary == "start firewall"
    assert start_up.summary == "record what the host gives to its guests when it starts"
    assert start_up.arguments == {
        "backend": "native",
        "devices": ["0000:00:05.0,id=8086:100e"],
        "guests": [{"name": "firewall", "config": "/etc/xen/firewall", "devices": ["0000:00:05.0"]}],
    }


def test_a_host_that_is_as_wanted() -> None:
    plan = plan_of(NATIVE, served())
    assert (kinds(plan), plan.refusals, plan.warnings, plan.pending) == ([], (), (), ())


def test_devices_change_while_guests_run() -> None:
    wanted = replace(NATIVE, guests=(guest(device(address="00:04.0", permissive=True)),), allow=KEPT)
    plan = plan_of(wanted, served())
    assert kinds(plan) == ["configure", "assign", "start_up", "run", "return"]
    assert plan.actions[3].arguments["domains"][0]["hot_plug"] is True
    assert plan.actions[4].summary == "give 00:05.0 back to dom0"
    (record,) = plan.actions[2].arguments["guests"]
    assert record["devices"] == ["0000:00:04.0,permissive=1"]


def test_what_a_guest_could_still_reach_goes_to_nobody_before_it_is_restarted() -> None:
    wanted = replace(NATIVE, guests=(guest(device(address="00:04.0")),))
    plan = plan_of(wanted, served())
    assert kinds(plan) == ["configure", "assign", "start_up"]
    assert plan.pending == (
        "guest firewall may still reach 00:05.0 after it lets go of it, until it is restarted; allow that with "
        "pciback_restart_guests: when_needed, or allow code 'kept-mappings' for that device",
        "00:05.0 is with guest firewall, which runs on and is not to have it: it stays there",
    )
    restarted = plan_of(replace(wanted, restart_guests="when_needed"), served())
    assert kinds(restarted) == ["configure", "assign", "start_up", "run", "return"]
    assert restarted.actions[3].summary == "restart firewall"


def test_what_pcibackd_keeps_from_others_waits_for_the_guest_that_had_it() -> None:
    running = (RunningGuest("firewall", 3, (), reaches=(CARD,)), RunningGuest("storage", 4, ()))
    wanted = replace(
        NATIVE, guests=(guest(), guest(device(address="00:05.0"), name="storage")), restart_guests="when_needed"
    )
    observed = served(
        running=running,
        guest_configs={"/etc/xen/firewall": GUEST, "/etc/xen/storage": GUEST.replace(b"firewall", b"storage")},
    )
    plan = plan_of(wanted, observed)
    assert [action.summary for action in plan.actions if action.kind == "run"] == [
        "restart firewall; change the devices of storage"
    ]
    waiting = plan_of(replace(wanted, restart_guests="never"), observed)
    assert "run" not in kinds(waiting)
    assert (
        "guest storage keeps the devices that it has: 00:05.0 is still with guest firewall, which runs on; "
        "shut that down first"
    ) in waiting.pending


def test_a_consent_that_pcibackd_does_not_know_is_told() -> None:
    status = PcibackdStatus(idle=(CARD,), allowed={CARD: frozenset({"shared-irq"})})
    native = NativeState(True, daemon=DaemonState(True, True, status=status))
    plan = plan_of(replace(NATIVE, allow=(("no-reset", CARD),)), served(native=native))
    assert kinds(plan) == ["assign", "start_up"]
    assert plan.actions[0].arguments == {"devices": [{"address": "0000:00:05.0"}]}
    assert "overridden by the owner: no-reset for 00:05.0, which pcibackd holds" in plan.warnings


STATED = replace(NATIVE, guests=(guest(device(address="00:05.0", irq=20)),))


def test_an_interrupt_that_the_owner_states_is_told_and_recorded() -> None:
    plan = plan_of(STATED, host(native=MISSING))
    actions = {action.kind: action.arguments for action in plan.actions}
    assert actions["assign"]["devices"] == [{"address": "0000:00:05.0"}]
    assert actions["assign"]["irq"] == {"0000:00:05.0": 20}
    assert actions["start_up"]["devices"] == ["0000:00:05.0,id=8086:100e,irq=20"]
    # xl knows nothing of it.
    assert actions["configure"]["domains"][0]["devices"] == [{"address": "0000:00:05.0"}]
    assert "irq" not in plan_of(NATIVE, host(native=MISSING)).actions[2].arguments


@pytest.mark.parametrize(
    ("wanted", "told", "argument"),
    [(STATED, {}, {"0000:00:05.0": 20}), (STATED, {CARD: 21}, {"0000:00:05.0": 20}), (NATIVE, {CARD: 20}, None)],
)
def test_another_interrupt_than_pcibackd_was_told(wanted: Wanted, told: Any, argument: Any) -> None:
    native = NativeState(True, daemon=DaemonState(True, True, status=PcibackdStatus(idle=(CARD,), irqs=told)))
    plan = plan_of(wanted, served(native=native))
    assert plan.actions[0].summary == "hand 00:05.0 to pcibackd"
    assert (plan.actions[0].arguments["devices"], plan.actions[0].arguments.get("irq")) == (
        [{"address": "0000:00:05.0"}],
        argument,
    )


def test_the_line_of_a_device_is_judged_anew_when_its_owner_states_another_interrupt() -> None:
    card = replace(BUS[2], driver="pcibackd", config=ConfigSpace({0x3C: 1 << 8 | 255}))
    other = replace(BUS[3], config=ConfigSpace({0x3C: 1 << 8 | 199}))
    facts = Facts(iommu=True, routes_on_demand=True, interrupts={"wm2": ("ioapic0 pin 20",)})
    native = NativeState(True, daemon=DaemonState(True, True, status=PcibackdStatus(idle=(CARD,), irqs={CARD: 21})))
    seen = served(native=native, devices=(*BUS[:2], card, other, BUS[4]), facts=facts)
    for wanted, code in ((STATED, "shared-irq"), (NATIVE, "interrupt-unknown")):
        (refusal,) = plan_of(wanted, seen).refusals
        assert (refusal.code, refusal.device) == (code, "00:05.0")
        assert codes(plan_of(replace(wanted, allow=((code, CARD),)), seen)) == []
    same = replace(NATIVE, guests=(guest(device(address="00:05.0", irq=21)),))
    assert codes(plan_of(same, seen)) == []


def test_a_host_on_which_all_know_it() -> None:
    irqs = ServedGuest(3, "connected", {CARD: {}}, lines={CARD: 20})
    status = PcibackdStatus(guests={3: irqs}, irqs={CARD: 20})
    native = NativeState(True, daemon=DaemonState(True, True, status=status))
    recorded = replace(ATTACHMENTS, devices=("0000:00:05.0,id=8086:100e,irq=20",))
    plan = plan_of(STATED, served(native=native, attachments=render(recorded)))
    assert (kinds(plan), plan.refusals, plan.pending) == ([], (), ())


def test_a_guest_that_was_given_another_interrupt() -> None:
    other = PcibackdStatus(guests={3: ServedGuest(3, "connected", {CARD: {}}, lines={CARD: 10})}, irqs={CARD: 20})
    native = NativeState(True, daemon=DaemonState(True, True, status=other))
    recorded = replace(ATTACHMENTS, devices=("0000:00:05.0,id=8086:100e,irq=20",))
    observed = served(native=native, attachments=render(recorded))
    assert plan_of(STATED, observed).pending == (
        "guest firewall runs with interrupt 10 for 00:05.0 where the inventory says 20, until it is restarted; allow that with "
        "pciback_restart_guests: when_needed",
    )
    restarted = plan_of(replace(STATED, restart_guests="when_needed"), observed)
    assert [action.summary for action in restarted.actions] == ["restart firewall"]


def test_an_option_that_pcibackd_knows_is_compared() -> None:
    wanted = replace(NATIVE, guests=(guest(device(address="00:05.0", permissive=True)),))
    plan = plan_of(wanted, served())
    assert "firewall runs with permissive=0 for 00:05.0 where its configuration says permissive=1" in plan.pending[0]


def test_pins_alone_are_recorded() -> None:
    plan = plan_of(NATIVE, served(pins={}))
    assert [action.summary for action in plan.actions] == ["pin 00:05.0"]
    assert plan.actions[0].arguments["devices"] == []


@pytest.mark.parametrize(
    ("allow", "words"),
    [
        ((("shared-irq", CARD), ("no-reset", CARD)), ",allow=no-reset+shared-irq"),
        ((("management-nic", CARD), ("no-reset", parse_address("00:04.0"))), ""),
    ],
)
def test_the_owner_s_consent_is_recorded_with_the_device(allow: Any, words: str) -> None:
    plan = plan_of(replace(NATIVE, allow=allow), served())
    recorded = [action.arguments["devices"] for action in plan.actions if action.kind == "start_up"]
    assert recorded == ([[f"0000:00:05.0,id=8086:100e{words}"]] if words else [])


def test_consents_are_refusal_codes() -> None:
    allow = (("no-iommu", CARD), ("shared-bar-page", CARD), ("no-iommu", CARD), ("nothing-wanted", None))
    assert consents(allow, CARD) == ("no-iommu", "shared-bar-page")


def test_only_pv_guests_are_served() -> None:
    plan = plan_of(NATIVE, host(native=READY, guest_configs={"/etc/xen/firewall": GUEST + b"type = 'pvh'\n"}))
    assert [refusal.message for refusal in plan.refusals] == [
        "/etc/xen/firewall makes a guest of type pvh, and pcibackd serves PV guests only"
    ]
    assert plan.refusals[0].remedy == (
        'set type = "pv" in the file, or use pciback_backend: kernel where xl serves such guests'
    )


def test_what_only_xl_can_do_with_a_device_is_named() -> None:
    text = GUEST + b"pci_msitranslate = 1\npci = [ '00:05.0,seize=1,power_mgmt=1,rdm_policy=relaxed' ]\n"
    plan = plan_of(NATIVE, host(native=READY, guest_configs={"/etc/xen/firewall": text}))
    sentence = "/etc/xen/firewall says msitranslate and power_mgmt for 00:05.0, which has no effect with pcibackd"
    assert sentence in plan.warnings
    plan = plan_of(
        NATIVE, host(native=READY, guest_configs={"/etc/xen/firewall": GUEST + b"pci = [ '00:05.0,seize=1' ]\n"})
    )
    assert not [warning for warning in plan.warnings if "no effect" in warning]


# --- NetBSD's pciback(4) and pcibackd follow each other with a reboot


def hidden(**changes: Any) -> Observed:
    """A host whose kernel's backend holds the card."""
    boot = hide(BootCfg.parse(BOOT), [CARD]).boot_cfg.render()
    held = tuple(replace(each, driver="pciback0") if each.address == CARD else each for each in BUS)
    values: dict[str, Any] = {
        "devices": held,
        "claims": None,
        "other_claims": (CARD,),
        "boot_config": boot,
        "native": NativeState(True, daemon=DaemonState(reason="it is not installed")),
        "pins": {each.address: pin_of(each) for each in BUS if each.address == CARD},
        "guest_configs": {"/etc/xen/firewall": GUEST + b"pci = [ '00:05.0' ]\n"},
    }
    return host(**{**values, **changes})


# What is there of pcibackd while pciback(4) is still up.
PREPARED: dict[str, Any] = {
    "native": NativeState(True, daemon=DaemonState(True, reason="pcibackd does not run", starts=True)),
    "attachments": render_over(replace(ATTACHMENTS, beside_kernel=True), render(replace(ATTACHMENTS, by_kernel=True))),
}


def test_from_the_kernel_s_backend_with_one_reboot() -> None:
    plan = plan_of(ONE, hidden(attachments=render(replace(ATTACHMENTS, by_kernel=True))))
    assert kinds(plan) == ["native", "hide", "reboot", "service", "assign", "start_up", "run"]
    # Without a part for the kernel's backend nothing of it has to go.
    assert kinds(plan_of(ONE, hidden())) == ["native", "hide", "reboot", "service", "assign", "run"]
    prepare, hide_nothing, reboot, service = plan.actions[:4]
    assert prepare.summary == (
        "install pcibackd and record what it gives to guests, for when the kernel's backend ends"
    )
    assert (prepare.arguments["daemon"], prepare.arguments["start"]) == (True, False)
    assert prepare.arguments["attachments"] == {**plan.actions[5].arguments, "beside_kernel": True}
    assert hide_nothing.arguments["devices"] == []
    assert reboot.arguments["claims"] == []
    assert (service.summary, service.arguments) == ("start pcibackd, if the boot has not", {"daemon": True})
    assert plan.reasons == (
        "pciback(4) holds 00:05.0, and pcibackd can't serve beside it: a boot without a list ends it",
    )


def test_without_leave_to_reboot_it_waits() -> None:
    plan = plan_of(NATIVE, hidden())
    assert kinds(plan) == ["native", "hide"]
    assert plan.reboot_required
    assert plan.pending == ("guest firewall is not started: its devices wait for the reboot",)
    after = plan_of(NATIVE, hidden(boot_config=BOOT, other_claims=(), **PREPARED))
    assert (kinds(after), after.reasons) == (
        [],
        ("pciback(4) is up, and pcibackd can't serve beside it: a boot without a list ends it",),
    )


@pytest.mark.parametrize(
    "lacks",
    [
        {"native": NativeState(True, daemon=DaemonState(True, reason="pcibackd does not start with the host"))},
        {"native": NativeState(False, "its sources have changed", DaemonState(True, starts=True))},
        {"attachments": None},
        {"attachments": render(replace(ATTACHMENTS, by_kernel=True))},
    ],
)
def test_what_of_pcibackd_is_not_prepared_is_before_the_list_goes(lacks: dict[str, Any]) -> None:
    assert kinds(plan_of(NATIVE, hidden(**PREPARED))) == ["hide"]
    assert kinds(plan_of(NATIVE, hidden(**{**PREPARED, **lacks}))) == ["native", "hide"]
    assert kinds(plan_of(ONE, hidden(**PREPARED))) == ["hide", "reboot", "service", "assign", "start_up", "run"]


def test_with_nothing_to_give_nothing_is_prepared() -> None:
    wanted = replace(NATIVE, guests=(guest(),), allow=(("nothing-wanted", None),))
    assert "native" not in kinds(plan_of(wanted, hidden()))


def test_a_power_failure_on_the_way_to_pcibackd_leaves_one_that_gives_guests_their_devices() -> None:
    """What each boot finds: a hide list or none, pcibackd or none, and a record of what the one that is up gives."""
    observed = hidden(attachments=render(replace(ATTACHMENTS, by_kernel=True)))
    own = b"guest\tfirewall\t/etc/xen/firewall\t0000:00:05.0\n"
    for wanted, order in (
        (ONE, ["native", "hide", "reboot", "service", "assign", "start_up", "run"]),
        (NATIVE, ["native", "hide"]),
    ):
        plan = plan_of(wanted, observed)
        assert kinds(plan) == order
        # The files come first, the record behind them.
        states = [(observed.attachments, True, False), (observed.attachments, True, True)]
        record, listed, installed = states[-1]
        for action in plan.actions:
            if action.kind == "native":
                record = render_over(read_attachments(action.arguments["attachments"]), record)
            elif action.kind == "start_up":
                record = render_over(read_attachments(action.arguments), record)
            elif action.kind == "hide":
                listed = False
            states.append((record, listed, installed))
        for record, listed, installed in states:
            assert record is not None
            # The record's part for the kernel's backend, or for pcibackd.
            served = record.partition(b"backend\tkernel\n")[2 if listed else 0]
            assert (listed or installed) and served.count(own) == 1, (record, listed, installed)
        assert record == (render(ATTACHMENTS) if wanted is ONE else PREPARED["attachments"])


def test_back_to_the_kernel_s_backend_with_one_reboot() -> None:
    plan = make_plan(ONE, served(claims=None, other_claims=(CARD,)))
    assert kinds(plan) == ["start_up", "hide", "shut_down", "reboot", "service", "run"]
    assert (plan.actions[0].arguments["backend"], plan.actions[0].arguments["beside_native"]) == ("kernel", True)
    assert plan.actions[4].summary == "remove pcibackd: the kernel's backend serves the guests"
    assert plan.actions[4].arguments == {"daemon": False}


def test_a_power_failure_on_the_way_to_the_kernel_s_backend_leaves_one_that_gives_guests_their_devices() -> None:
    observed = served(claims=None, other_claims=(CARD,))
    for wanted, order in (
        (ONE, ["start_up", "hide", "shut_down", "reboot", "service", "run"]),
        (replace(ONE, reboot="never"), ["start_up", "hide"]),
    ):
        plan = make_plan(wanted, observed)
        assert kinds(plan) == order
        for done in range(len(order) + 1):
            record, hidden, installed = observed.attachments, False, True
            for action in plan.actions[:done]:
                if action.kind == "start_up":
                    record = render_over(read_attachments(action.arguments), record)
                elif action.kind == "hide":
                    hidden = True
                elif action.kind == "service":
                    # The same call leaves what the kernel's backend gives.
                    installed, record = False, render(kernels_part(record or b"") or Attachments())
            # What the next boot's start-up looks for: a part for the backend that is up then.
            assert record is not None
            if hidden:
                assert is_kernels(record), done
            else:
                assert installed and record.count(b"guest\tfirewall\t/etc/xen/firewall\t0000:00:05.0\n") == 1 + (
                    done > 0
                )
                assert not is_kernels(record) or kernels_part(record) is not None, done


def test_what_was_recorded_for_both_backends_is_recorded_once() -> None:
    both = replace(ATTACHMENTS, devices=("0000:00:05.0,id=8086:100e,allow=no-reset+shared-irq",), by_kernel=True)
    record = render_over(replace(both, beside_native=True), render(ATTACHMENTS))
    waiting = replace(ONE, reboot="never")
    observed = served(claims=None, other_claims=(CARD,), attachments=record)
    assert kinds(make_plan(waiting, observed)) == ["hide"]
    # Without pcibackd its part is surplus, and pcibackd needs only its own.
    gone = replace(hidden(), claims=(CARD,), other_claims=None, attachments=record)
    (alone,) = [action for action in make_plan(waiting, gone).actions if action.kind == "start_up"]
    assert "beside_native" not in alone.arguments
    assert kinds(plan_of(NATIVE, served(attachments=record))) == ["start_up"]


# --- undoing everything


def test_everything_goes_back_without_a_reboot() -> None:
    plan = plan_of(Wanted(guests=(guest(),), state=ABSENT), served(running=()))
    assert kinds(plan) == ["start_up", "run", "return", "remove"]
    assert plan.actions[0].arguments == {"backend": "native", "devices": [], "guests": []}
    assert plan.actions[0].summary == "let the host give nothing to its guests when it starts"
    assert plan.actions[-1].summary == "remove pcibackctl and pcibackd and what is recorded of it"
    assert codes(plan) == []


def test_a_boot_configuration_that_nobody_can_read_hinders_nobody() -> None:
    plan = plan_of(NATIVE, changed(served(), boot_config=b"\0"))
    assert (kinds(plan), codes(plan)) == ([], [])
