# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that give everything back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT,
    GUEST,
    NATIVE,
    Original,
    Originals,
    digest,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import (
    NativeState,
    Observed,
    RunningGuest,
    Traces,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, Wanted, WantedGuest
from tests.unit.plans import changed, make_plan, netbsd

BOOT_CFG = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\nmenu=NetBSD:boot /netbsd\ntimeout=5\n"
OWN = BOOT_CFG.replace(b"DOM0.gz;", b"DOM0.gz pciback.hide=(00:04.0);")
CONFIG = b"name = 'firewall'\nkernel = '/netbsd-XEN3_DOMU'\n"
OLD, NEW = parse_address("00:04.0"), parse_address("00:05.0")
HIDING = hide(BootCfg.parse(BOOT_CFG), [NEW]).boot_cfg.render()
BUS = tuple(
    Device(address, 0x8086, 0x100E, 0x020000, name="Intel i82540EM", driver=driver)
    for address, driver in ((OLD, "wm0"), (NEW, "pciback0"))
)

FIREWALL = WantedGuest("firewall", "/etc/xen/firewall")
WANTED = Wanted(guests=(FIREWALL,), reboot="when_needed", state=ABSENT)


def listing(*addresses: Address) -> bytes:
    return CONFIG + b"pci = [ " + b", ".join(f"'{address.bdf}'".encode() for address in addresses) + b" ]\n"


def hiding(boot_cfg: bytes = BOOT_CFG, config: bytes = CONFIG, **changes: Any) -> Observed:
    """A host that gives 00:05.0 to its guest; both files were others once."""
    files = {
        "/boot.cfg": Original(BOOT, boot_cfg, (digest(HIDING),)),
        "/etc/xen/firewall": Original(GUEST, config, (digest(listing(NEW)),)),
        "/usr/local/sbin/pcibackctl": Original(NATIVE, None, ("a" * 64,)),
    }
    observed = netbsd(
        devices=BUS,
        claims=(NEW,),
        boot_path="/boot.cfg",
        boot_config=HIDING,
        guest_configs={"/etc/xen/firewall": listing(NEW)},
        running=(RunningGuest("firewall", 3, (NEW,)),),
        traces=Traces(
            Originals(files),
            files={"/boot.cfg": HIDING, "/etc/xen/firewall": listing(NEW)},
            devices=True,
            native=True,
        ),
    )
    return changed(observed, **changes)


def untouched(**changes: Any) -> Observed:
    """A host that nobody ever ran anything on."""
    observed = netbsd(
        devices=BUS,
        claims=None,
        boot_path="/boot.cfg",
        boot_config=BOOT_CFG,
        guest_configs={"/etc/xen/firewall": CONFIG},
        running=(RunningGuest("firewall", 3),),
        native=NativeState(False, "nothing of it is recorded"),
    )
    return changed(observed, **changes)


def kinds(plan: Plan) -> list[str]:
    return [action.kind for action in plan.actions]


def arguments(plan: Plan, kind: str) -> Any:
    return next(action.arguments for action in plan.actions if action.kind == kind)


def test_everything_in_order() -> None:
    plan = make_plan(WANTED, hiding())
    assert kinds(plan) == ["restore", "shut_down", "reboot", "run", "remove"]
    assert arguments(plan, "restore") == {"boot": ["/boot.cfg"], "guests": [{"config": "/etc/xen/firewall"}]}
    assert arguments(plan, "reboot") == {"reasons": ["00:05.0 is held by pciback: dom0 gets it back"], "claims": []}
    assert plan.devices == () and plan.refusals == () and plan.warnings == ()
    assert plan.recovery[-1].endswith("load /netbsd-XEN3_DOM0.gz | multiboot /xen.gz dom0_mem=512M")


def test_without_a_reboot_the_rest_is_done_and_the_guest_runs_on() -> None:
    plan = make_plan(replace(WANTED, reboot="never"), hiding())
    assert kinds(plan) == ["restore", "remove"]
    assert plan.reboot_required
    assert "a reboot is pending; pciback_reboot: when_needed allows it" in plan.warnings
    assert any("guest firewall runs with other devices than its configuration lists" in text for text in plan.warnings)
    restarting = make_plan(replace(WANTED, reboot="never", restart_guests="when_needed"), hiding())
    assert kinds(restarting) == ["restore", "run", "remove"]


def test_a_reboot_is_predicted_although_nothing_is_installed() -> None:
    pending = untouched(claims=(NEW,))
    plan = make_plan(WANTED, pending)
    assert kinds(plan) == ["native", "shut_down", "reboot", "run", "remove"]
    assert kinds(make_plan(replace(WANTED, reboot="never"), pending)) == []


@pytest.mark.parametrize("boot_cfg", [BOOT_CFG, OWN])
def test_a_host_that_was_never_touched_is_left_alone(boot_cfg: bytes) -> None:
    plan = make_plan(WANTED, untouched(boot_config=boot_cfg, claims=(OLD,) if boot_cfg == OWN else None))
    assert (kinds(plan), plan.reboot_required, plan.warnings) == ([], False, ())


def test_what_an_owner_hid_and_gave_away_is_so_again() -> None:
    plan = make_plan(WANTED, hiding(OWN, listing(OLD)))
    assert arguments(plan, "reboot")["claims"] == ["0000:00:04.0"]
    assert plan.warnings == (
        "/boot.cfg hid 00:04.0 (pcictl 000:04:0) 8086:100e Intel i82540EM [wm0] before the first run and does so "
        "again: the next boot takes it from dom0",
        "dom0's kernel panics, and the machine reboots, if firewall ends before its PCI frontend has connected, as with a "
        "wrong kernel or initrd; pciback_backend: native has no such risk",
    )
    (planned,) = plan.devices
    assert (planned.device.address, planned.guest, planned.held) == (OLD, "firewall", False)
    done = untouched(
        boot_config=OWN,
        claims=(OLD,),
        guest_configs={"/etc/xen/firewall": listing(OLD)},
        running=(RunningGuest("firewall", 4, (OLD,)),),
    )
    assert kinds(make_plan(WANTED, done)) == []


def test_a_device_that_is_hidden_and_nobodys_is_shown() -> None:
    plan = make_plan(replace(WANTED, guests=()), hiding(OWN))
    assert [(planned.device.address, planned.guest) for planned in plan.devices] == [(OLD, None)]


def test_a_guest_whose_own_file_lists_what_nobody_hides_is_not_started() -> None:
    plan = make_plan(WANTED, hiding(BOOT_CFG, listing(OLD)))
    assert "run" not in kinds(plan)
    assert plan.warnings == ("guest firewall is not started: its own file lists 00:04.0, which pciback does not hold",)


@pytest.mark.parametrize(
    ("lists", "devices", "steps"),
    [
        (b"pci = [ '00:05.*' ]\n", (NEW, replace(NEW, function=1)), []),
        (b"pci = [ '00:05.0' ]\n", (NEW, replace(NEW, function=1)), ["run"]),
        (b"pci = [ '00:05.0', '00:04.0' ]\n", (NEW,), []),
        (b"pci = [ 'name=card' ]\n", (NEW,), []),
    ],
)
def test_a_guest_is_restarted_only_for_what_its_own_file_does_not_list(
    lists: bytes, devices: tuple[Address, ...], steps: list[str]
) -> None:
    observed = untouched(
        claims=(OLD, NEW),
        boot_config=BOOT_CFG.replace(b"DOM0.gz;", b"DOM0.gz pciback.hide=(00:04.0)(00:05.0);"),
        guest_configs={"/etc/xen/firewall": CONFIG + lists},
        running=(RunningGuest("firewall", 3, devices),),
    )
    assert kinds(make_plan(replace(WANTED, restart_guests="when_needed"), observed)) == steps


def test_a_guest_whose_file_can_not_be_read_hinders_nobody() -> None:
    broken = PcibackError("it is a directory", file="/etc/xen/firewall")
    plan = make_plan(WANTED, untouched(guest_configs={"/etc/xen/firewall": broken}, running=()))
    assert kinds(plan) == []
    assert plan.warnings == ("guest firewall is left alone: /etc/xen/firewall: it is a directory",)


def test_a_guest_that_is_gone_and_not_listed_is_forgotten() -> None:
    observed = hiding()
    gone = replace(observed.traces, files={**observed.traces.files, "/etc/xen/firewall": None})
    plan = make_plan(replace(WANTED, guests=()), changed(observed, traces=gone))
    assert arguments(plan, "restore")["guests"] == [{"config": "/etc/xen/firewall"}]
    assert plan.refusals == ()


@pytest.mark.parametrize(
    ("path", "found", "code"),
    [
        ("/boot.cfg", b"\0", "boot-config-invalid"),
        ("/boot.cfg", PcibackError("it is a directory", file="/boot.cfg"), "boot-config-invalid"),
        ("/etc/xen/firewall", b"pci = [", "domain-config-invalid"),
        ("/etc/xen/firewall", PcibackError("it is a pipe", file="/etc/xen/firewall"), "domain-config-invalid"),
    ],
)
def test_a_recorded_file_that_can_not_be_put_back_is_refused(path: str, found: Any, code: str) -> None:
    observed = hiding()
    traces = replace(observed.traces, files={**observed.traces.files, path: found})
    plan = make_plan(replace(WANTED, guests=()), changed(observed, traces=traces))
    assert [refusal.code for refusal in plan.refusals] == [code]
    assert path in plan.refusals[0].message
    assert plan.actions == ()


def test_a_boot_configuration_elsewhere_is_put_back_too() -> None:
    observed = hiding(boot_path="/efi/boot.cfg", boot_config=BOOT_CFG)
    assert arguments(make_plan(WANTED, observed), "restore")["boot"] == ["/boot.cfg"]


def test_a_record_of_devices_goes_even_if_no_file_is_recorded() -> None:
    plan = make_plan(WANTED, untouched(traces=Traces(devices=True)))
    assert [(action.kind, dict(action.arguments)) for action in plan.actions] == [
        ("restore", {"boot": ["/boot.cfg"], "guests": []})
    ]


def test_an_edit_that_costs_a_list_is_said_before() -> None:
    edited = HIDING.replace(b"menu=Xen:load /netbsd-XEN3_DOM0.gz", b"menu=Xen:load /netbsd-NEW.gz")
    observed = hiding(OWN, boot_config=edited)
    traces = replace(observed.traces, files={**observed.traces.files, "/boot.cfg": edited})
    plan = make_plan(WANTED, changed(observed, traces=traces))
    assert "did not come back: menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:04.0)" in plan.warnings[0]
    assert arguments(plan, "reboot")["claims"] == []


@pytest.mark.parametrize(("restart", "steps"), [("never", []), ("when_needed", ["run"])])
def test_a_guest_does_not_keep_an_option_that_its_own_file_never_had(restart: str, steps: list[str]) -> None:
    observed = untouched(
        claims=(NEW,),
        boot_config=BOOT_CFG.replace(b"DOM0.gz;", b"DOM0.gz pciback.hide=(00:05.0);"),
        guest_configs={"/etc/xen/firewall": listing(NEW)},
        running=(RunningGuest("firewall", 3, (NEW,), options={NEW: {"permissive": True}}),),
    )
    plan = make_plan(replace(WANTED, restart_guests=restart), observed)
    assert kinds(plan) == steps
    assert bool(plan.pending) == (restart == "never")
