# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0 changes from one backend to the other and back, by one run each and without a reboot."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect
from ansible_collections.xen.pciback.plugins.module_utils.engines import plan_host as plan_host_module
from ansible_collections.xen.pciback.plugins.module_utils.engines.start_up import read_attachments, record_start_up
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import Attachments
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import daemon_status
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import DaemonState, NativeState
from ansible_collections.xen.pciback.plugins.modules import domain
from tests.pcibackd_double import PROGRAM, PcibackdDouble
from tests.unit.linux_modules import CARD, FIREWALL, NVME, XL, Dom0, connect, kinds
from tests.unit.module_call import call

# What pcibackd needs for the cards of this host.
CONSENTS = [
    {"code": code, "address": address}
    for address in ("00:05.0", "01:00.0")
    for code in ("no-reset", "shared-irq", "iommu-group", "interrupt-unknown")
]
STORAGE = {"name": "storage", "devices": [{"address": "01:00.0"}]}


class Host:
    """A dom0 with either backend: what the role installs, starts and records is kept here.

    :ivar dom0: the rest of it
    :ivar pcibackd: not running before it is installed
    :ivar installed: whether pcibackd is, and starts with the host
    """

    def __init__(self, dom0: Dom0, patches: pytest.MonkeyPatch) -> None:
        self.dom0, self.pcibackd, self.installed = dom0, PcibackdDouble(), False
        self.pcibackd.running = False
        run, end = dom0.run, dom0.xl._end
        patches.setattr(
            dom0, "run", lambda argv, *more: self.pcibackd.run(argv) if argv[0] == PROGRAM else run(argv, *more)
        )
        connect(dom0, patches)
        patches.setattr(native_inspect, "inspect", lambda *_a, **_k: self._inspect())
        patches.setattr(plan_host_module, "daemon_status", lambda *_a: daemon_status(dom0.run, PROGRAM))

        def with_pcibackd(guest: dict[str, Any]) -> None:
            self.pcibackd.guests.pop(guest["domid"], None)
            end(guest)

        patches.setattr(dom0.xl, "_end", with_pcibackd)
        dom0.others = {
            "native": self._native,
            "remove": lambda _arguments, check: self._native({"daemon": False}, check),
            "service": self._native,
            "start_up": self._start_up,
            "shut_down": self._shut_down,
        }

    def _inspect(self) -> NativeState:
        running = self.installed and self.pcibackd.running
        status = daemon_status(self.dom0.run, PROGRAM) if running else None
        return NativeState(
            self.installed, "", DaemonState(self.installed, running, status=status, starts=self.installed)
        )

    def _native(self, arguments: dict[str, Any], check: bool) -> None:
        if check:
            return
        self.installed = arguments["daemon"]
        if "attachments" in arguments:
            self._start_up(arguments["attachments"], check)
        if not self.installed:
            assert self.pcibackd.taken == {}, "what it holds, nobody would give back"
            record_start_up(StateDirectory(state_directory.DIRECTORY), Attachments(), who="test", check_mode=False)
        if self.installed and arguments.get("start", True):
            assert not (self.dom0.sys / "bus/pci/drivers/pciback").is_dir(), "pcibackd does not start beside it"
        self.pcibackd.running = self.installed and arguments.get("start", True)

    def _start_up(self, arguments: dict[str, Any], check: bool) -> None:
        attachments = read_attachments(arguments)
        record_start_up(StateDirectory(state_directory.DIRECTORY), attachments, who="test", check_mode=check)

    def _shut_down(self, arguments: dict[str, Any], check: bool) -> None:
        done = call(domain.main, {**arguments, "xl": XL, "timeout": 0}, check=check)
        assert not done.get("failed"), done

    def converge(self, backend: str, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        given = {"restart_guests": "when_needed", "allow": [*CONSENTS, {"code": "nothing-wanted"}], **more}
        return self.dom0.converge(*guests, backend=backend, **given)

    @property
    def given(self) -> dict[str, set[str]]:
        """What each guest has, by whichever backend."""
        return {
            guest["name"]: {*guest["pci"], *self.pcibackd.guests.get(guest["domid"], ())}
            for guest in self.dom0.xl.guests
        }

    def is_loaded(self) -> bool:
        return (self.dom0.sys / "bus/pci/drivers/pciback").is_dir()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(Dom0(tmp_path), monkeypatch)


def test_to_pcibackd_and_back_by_one_run_each(host: Host) -> None:
    dom0 = host.dom0
    before = dom0.drivers()
    host.converge("kernel", FIREWALL)
    dom0.calls.clear()
    planned = host.converge("native", FIREWALL)
    assert kinds(planned) == ["native", "hide", "shut_down", "release", "service", "assign", "run"]
    assert (planned["reboot_required"], planned["reasons"]) == (False, [])
    assert planned["actions"][2]["summary"] == "shut down firewall before pciback lets go of what they have"
    assert planned["actions"][3]["summary"] == "let pciback let go of 00:05.0, and unload xen-pciback"
    # Never is it one of dom0's own drivers that has the card.
    changes = [each for each in dom0.calls if "bind" in each or "slot" in each or "modprobe" in each]
    assert changes == [f"pciback/unbind {CARD}", f"pciback/remove_slot {CARD}", "modprobe -r xen-pciback"]
    assert (host.given, host.is_loaded(), dom0.driver(CARD)) == ({"firewall": {CARD}}, False, None)
    assert dom0.xl.stale == {} and CARD in host.pcibackd.taken
    dom0.calls.clear()
    planned = host.converge("kernel", FIREWALL)
    assert kinds(planned) == ["hide", "shut_down", "release", "service", "assign", "run"]
    assert planned["actions"][2]["summary"] == "let pcibackd let go of 00:05.0"
    changes = [each for each in dom0.calls if "bind" in each or "slot" in each or "modprobe" in each]
    assert changes == ["modprobe xen-pciback", f"pciback/new_slot {CARD}", f"pciback/bind {CARD}"]
    assert (host.given, dom0.driver(CARD)) == ({"firewall": {CARD}}, "pciback")
    assert (host.installed, host.pcibackd.taken) == (False, {})
    host.converge("kernel", {**FIREWALL, "state": "stopped"}, state="absent")
    assert dom0.drivers() == before


@pytest.mark.parametrize(("backend", "other"), [("native", "kernel"), ("kernel", "native")])
def test_what_a_boot_took_goes_back_to_the_driver_that_the_kernel_chooses(backend: str, other: str, host: Host) -> None:
    before = host.dom0.drivers()
    if backend == "kernel":
        host.dom0.load_pciback()
        host.dom0.write(f"{host.dom0.sys}/bus/pci/drivers/e1000/unbind", CARD)
        host.dom0.write(f"{host.dom0.sys}/bus/pci/drivers/pciback/new_slot", CARD)
        host.dom0.write(f"{host.dom0.sys}/bus/pci/drivers/pciback/bind", CARD)
    else:
        host.installed = host.pcibackd.running = True
        host.dom0.write(f"{host.dom0.sys}/bus/pci/drivers/e1000/unbind", CARD)
        host.pcibackd.taken[CARD] = CARD
    host.converge(other, FIREWALL)
    assert host.given == {"firewall": {CARD}}
    host.converge(other, {**FIREWALL, "state": "stopped"}, state="absent")
    assert host.dom0.drivers() == before


@pytest.mark.parametrize("backend", ["native", "kernel"])
def test_what_nobody_wants_of_it_goes_back_to_dom0(backend: str, host: Host) -> None:
    before = host.dom0.driver(NVME)
    other = "kernel" if backend == "native" else "native"
    host.converge(other, FIREWALL, STORAGE)
    planned = host.converge(backend, FIREWALL, {"name": "storage", "state": "stopped"})
    assert planned["actions"][-1]["summary"] == "give 01:00.0 back to dom0"
    assert (host.given, host.dom0.driver(NVME)) == ({"firewall": {CARD}}, before)


@pytest.mark.parametrize("backend", ["native", "kernel"])
def test_check_mode_predicts_the_change(backend: str, host: Host) -> None:
    other = "kernel" if backend == "native" else "native"
    host.converge(other, FIREWALL, STORAGE)
    state = host.dom0.tree(), host.dom0.drivers(), host.given
    more = {"backend": backend, "restart_guests": "when_needed", "allow": CONSENTS}
    planned = host.dom0.plan(FIREWALL, {"name": "storage", "state": "stopped"}, **more)
    pretended = host.dom0.apply(planned, check=True)
    assert (host.dom0.tree(), host.dom0.drivers(), host.given) == state
    done = host.dom0.apply(planned)
    assert [each["changed"] for each in pretended] == [each["changed"] for each in done]
    assert [each["diff"] for each in pretended[:-2]] == [each["diff"] for each in done[:-2]]


def test_a_module_that_holds_nothing_is_unloaded_before_pcibackd_starts(host: Host) -> None:
    host.dom0.load_pciback()
    planned = host.converge("native", FIREWALL)
    assert [action["summary"] for action in planned["actions"] if action["action"] == "release"] == [
        "unload xen-pciback"
    ]
    assert (host.given, host.is_loaded()) == ({"firewall": {CARD}}, False)


def test_a_host_that_wants_nothing_keeps_its_module(host: Host) -> None:
    host.dom0.load_pciback()
    assert host.converge("native", {"name": "firewall"})["actions"][0]["action"] == "run"
    assert host.is_loaded()


@pytest.mark.parametrize(
    ("backend", "holder", "wanted"), [("native", "pciback", "pcibackd"), ("kernel", "pcibackd", "pciback")]
)
def test_no_guest_is_shut_down_without_leave(backend: str, holder: str, wanted: str, host: Host) -> None:
    other = "kernel" if backend == "native" else "native"
    host.converge(other, FIREWALL)
    given = {"backend": backend, "allow": CONSENTS}
    (refusal,) = host.dom0.plan(FIREWALL, **given)["refusals"]
    assert (refusal["code"], refusal["message"]) == (
        "backend-busy",
        f"guest firewall runs with 00:05.0 of {holder}, and {wanted} can't have that meanwhile",
    )
    assert refusal["remedy"] == ("shut that guest down, or allow its restart with pciback_restart_guests: when_needed")
    # One that nobody manages nobody here starts again, whatever is allowed.
    for guests in ((), ({**FIREWALL, "state": "unmanaged"},)):
        planned = host.dom0.plan(*guests, STORAGE, restart_guests="when_needed", **given)
        refusals = [refusal for refusal in planned["refusals"] if refusal["code"] == "backend-busy"]
        assert [refusal["remedy"] for refusal in refusals] == ["shut that guest down"]
    # What the remedies say.
    call(domain.main, {"domains": [{"name": "firewall", "state": "stopped"}], "backend": other, "xl": XL, "timeout": 0})
    assert host.dom0.plan(FIREWALL, **given)["refusals"] == []


def test_a_guest_that_may_still_reach_a_device_of_pcibackd_ends_first(host: Host) -> None:
    host.converge("native", FIREWALL)
    host.pcibackd.guests.clear()
    host.pcibackd.held_back, host.pcibackd.looks = {CARD: host.dom0.xl.domains["firewall"]}, 99
    (refusal,) = host.dom0.plan(FIREWALL, backend="kernel", allow=CONSENTS)["refusals"]
    assert (
        refusal["message"]
        == "guest firewall may still reach 00:05.0 of pcibackd, and pciback can't have that meanwhile"
    )
    planned = host.dom0.plan(FIREWALL, backend="kernel", allow=CONSENTS, restart_guests="when_needed")
    assert kinds(planned) == ["hide", "shut_down", "release", "service", "assign", "run"]


def test_a_backend_that_is_a_part_of_the_kernel(host: Host) -> None:
    host.dom0.load_pciback()
    (host.dom0.sys / "module/xen_pciback/initstate").unlink()
    (refusal,) = host.dom0.plan(FIREWALL, backend="native", allow=CONSENTS)["refusals"]
    assert (refusal["code"], refusal["message"]) == (
        "backend-busy",
        "this kernel has xen-pciback built in, so it can't be unloaded, and pcibackd can't serve beside it",
    )
    assert refusal["remedy"] == "use pciback_backend: kernel, or boot one in which that is a module"
    assert host.dom0.plan(FIREWALL)["refusals"] == []


CHOICES = st.lists(
    st.tuples(
        st.sampled_from(["kernel", "native"]),
        st.sampled_from(["running", "stopped"]),
        st.booleans(),
    ),
    min_size=2,
    max_size=4,
)


@settings(max_examples=15)
@given(CHOICES)
def test_whatever_was_before_it_becomes_as_wanted(choices: list[tuple[str, str, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patches:
        host = Host(Dom0(Path(folder)), patches)
        before = host.dom0.tree(), host.dom0.drivers()
        for backend, state, moved in choices:
            guests: list[dict[str, Any]] = [{**FIREWALL, "state": state}, {**STORAGE, "state": "running"}]
            if moved:
                guests = [
                    {**FIREWALL, "state": state, "devices": []},
                    {**STORAGE, "state": "running", "devices": [{"address": "00:05.0"}]},
                ]
            host.converge(backend, *guests)
            wanted = {each["name"]: {f"0000:{card['address']}" for card in each["devices"]} for each in guests}
            assert host.given == {each["name"]: wanted[each["name"]] for each in guests if each["state"] == "running"}
            assert host.is_loaded() == (backend == "kernel") == (not host.pcibackd.running)
        stopped = [{"name": name, "state": "stopped"} for name in ("firewall", "storage")]
        host.converge(choices[-1][0], *stopped, state="absent")
        assert (host.dom0.tree(), host.dom0.drivers()) == before
