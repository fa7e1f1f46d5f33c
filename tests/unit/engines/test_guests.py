# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests are brought into their states: through an xl whose guests behave as a test says, and on a Linux dom0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.guests import bring_into_states, read_guests
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import xl as adapter
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.toolstack import XlToolstack
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import Xl
from tests.unit.linux_modules import FIREWALL, XL, Dom0
from tests.xl_double import XlDouble

DEFAULTS = {"config": None, "state": "running", "restart": False, "hot_plug": False}


def bring(
    platform: Platform,
    xl: Xl,
    wishes: Sequence[Mapping[str, Any]],
    *,
    check: bool = False,
    timeout: int = 30,
    frontend_timeout: int = 0,
) -> dict[str, Any]:
    """What the module returns."""
    try:
        guests = read_guests([{**DEFAULTS, **wish} for wish in wishes], platform.backends["kernel"])
        outcome = bring_into_states(
            guests, XlToolstack(xl, platform), timeout=timeout, frontend_timeout=frontend_timeout, check_mode=check
        )
    except PcibackError as error:
        return {"failed": True, "msg": str(error), "code": error.code, "remedy": error.remedy}
    result = dict(outcome.values)
    if outcome.warnings:
        result["warnings"] = list(outcome.warnings)
    if outcome.failure is not None:
        failure = outcome.failure
        result.update(failed=True, msg=str(failure), code=failure.code, remedy=failure.remedy)
    return result


class Host(XlDouble):
    """A NetBSD dom0 with the configuration files of three guests."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.config("a", "name = 'a'\npci = [ '00:05.0', '01:00.0,permissive=1' ]\n")
        self.config("b", "name = 'b'\n")
        self.config("c", "name = 'c'\n")

    def config(self, name: str, text: str) -> str:
        path = self.home / f"{name}.cfg"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def file(self, name: str) -> str:
        return str(self.home / f"{name}.cfg")

    def bring(self, *wishes: dict[str, Any], check: bool = False, timeout: int = 30) -> dict[str, Any]:
        return bring(Netbsd(self.run), Xl(self.run, str(self.path)), wishes, check=check, timeout=timeout)

    def wish(self, name: str, state: str = "running", **more: Any) -> dict[str, Any]:
        return {"name": name, "config": self.file(name), "state": state, **more}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


A_DEVICES = ["0000:00:05.0", "0000:01:00.0"]


def test_starts_guests_in_their_order(host: Host) -> None:
    result = host.bring(host.wish("b"), host.wish("a"))
    assert host.deeds == [f"create {host.file('b')}", f"create {host.file('a')}"]
    assert result == {
        "changed": True,
        "domains": [
            {
                "name": "b",
                "before": "absent",
                "after": "running",
                "actions": ["created"],
                "domid": 1,
                "devices": [],
                "failure": None,
            },
            {
                "name": "a",
                "before": "absent",
                "after": "running",
                "actions": ["created"],
                "domid": 2,
                "devices": A_DEVICES,
                "failure": None,
            },
        ],
        "diff": [
            {"before_header": "b", "after_header": "b", "before": "absent\n", "after": "running\n"},
            {"before_header": "a", "after_header": "a", "before": "absent\n", "after": "running\n"},
        ],
    }


@pytest.mark.parametrize("state", ["running", "idle", "paused"])
def test_leaves_a_running_guest_alone(host: Host, state: str) -> None:
    host.add("a", state, {"dev": 9})
    result = host.bring(host.wish("a"))
    assert (result["changed"], result["diff"], host.deeds) == (False, [], [])
    assert (result["domains"][0]["domid"], result["domains"][0]["devices"]) == (1, ["0000:00:09.0"])


def test_goes_on_where_a_run_was_killed(host: Host) -> None:
    """One was made and got its devices, one was only made, and one is not wanted any more."""
    host.add("a", "never_ran", *A_DEVICES)
    host.add("b", "never_ran")
    host.add("c", "never_ran")
    result = host.bring(host.wish("a"), host.wish("b"), host.wish("c", "stopped"))
    assert host.deeds == ["destroy 2", "destroy 3", "unpause 1", f"create {host.file('b')}"]
    assert [guest["actions"] for guest in result["domains"]] == [["unpaused"], ["destroyed", "created"], ["destroyed"]]
    assert [guest["after"] for guest in result["domains"]] == ["running", "running", "absent"]
    assert host.bring(host.wish("a"), host.wish("b"), host.wish("c", "stopped"))["changed"] is False


def test_check_mode_foresees_that_one_only_has_to_run(host: Host) -> None:
    host.add("a", "never_ran", *A_DEVICES)
    result = host.bring(host.wish("a"), check=True)
    assert (result["domains"][0]["actions"], result["domains"][0]["after"], host.deeds) == (["unpaused"], "running", [])


def test_does_not_read_the_file_of_a_guest_that_runs(host: Host) -> None:
    host.add("a")
    Path(host.file("a")).unlink()
    assert host.bring(host.wish("a"))["changed"] is False


def test_restarts_a_guest_that_runs(host: Host) -> None:
    host.add("a", "running", {"dev": 9})
    host.add("b")
    result = host.bring(host.wish("a", restart=True), host.wish("b"), host.wish("c", restart=True))
    assert host.deeds == ["shutdown -F 1", f"create {host.file('a')}", f"create {host.file('c')}"]
    assert [guest["actions"] for guest in result["domains"]] == [["shut down", "created"], [], ["created"]]
    assert result["domains"][0]["devices"] == A_DEVICES
    assert host.domains == {"b": 2, "a": 3, "c": 4}


def test_shuts_guests_down_together(host: Host) -> None:
    host.add("a")
    host.add("b")
    result = host.bring(host.wish("a", "stopped"), host.wish("b", "absent"), host.wish("c", "stopped"))
    assert host.deeds == ["shutdown -F 1", "shutdown -F 2"]
    assert host.domains == {}
    assert [guest["actions"] for guest in result["domains"]] == [["shut down"], ["shut down"], []]
    assert [guest["after"] for guest in result["domains"]] == ["absent"] * 3


def test_needs_no_file_to_stop_a_guest(host: Host) -> None:
    host.add("x")
    assert host.bring({"name": "x", "state": "stopped"})["changed"]
    assert host.bring({"name": "x", "state": "absent"})["changed"] is False


def test_destroys_what_does_not_go(host: Host) -> None:
    host.add("a", habit="ignores")
    host.add("b", habit="deaf")
    result = host.bring(host.wish("a", "absent"), host.wish("b", "absent"), timeout=0)
    assert host.deeds == ["shutdown -F 1", "shutdown -F 2", "destroy 1", "destroy 2"]
    assert [guest["actions"] for guest in result["domains"]] == [["destroyed"], ["destroyed"]]
    assert "failed" not in result


@pytest.mark.parametrize("state", ["crashed", "shut_down"])
def test_a_kept_domain_is_stopped_and_makes_way(host: Host, state: str) -> None:
    host.add("a", state)
    result = host.bring(host.wish("a", "stopped"))
    assert (result["changed"], result["domains"][0]["after"]) == (False, state)
    result = host.bring(host.wish("a"))
    assert (result["domains"][0]["before"], result["domains"][0]["actions"]) == (state, ["destroyed", "created"])
    assert host.domains == {"a": 2}
    host.add("b", state)
    assert host.bring(host.wish("b", "absent"))["domains"][0]["actions"] == ["destroyed"]


def test_a_restarted_guest_that_is_kept_makes_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_KEPT_AFTER", 0.0)
    host.add("a", habit="kept")
    result = host.bring(host.wish("a", restart=True))
    assert host.deeds == ["shutdown -F 1", "destroy 1", f"create {host.file('a')}"]
    assert result["domains"][0]["actions"] == ["shut down", "destroyed", "created"]


@pytest.mark.parametrize("wish", [{"state": "stopped"}, {"restart": True}])
def test_says_that_a_guest_does_not_stop(host: Host, wish: dict[str, Any]) -> None:
    host.add("a", habit="ignores")
    result = host.bring(host.wish("a", **wish), timeout=0)
    assert result["failed"]
    assert result["msg"] == "guest a was asked to shut down and still runs after 0 s"
    assert "destroy it with 'state: absent'" in result["remedy"]
    assert host.deeds == ["shutdown -F 1"]
    assert result["domains"][0]["failure"] == result["msg"]
    assert result["domains"][0]["after"] == "running"


def test_says_that_a_guest_can_not_be_asked(host: Host) -> None:
    host.add("a", habit="deaf")
    result = host.bring(host.wish("a", "stopped"))
    assert result["msg"] == ("guest a can't be asked to shut down: guest didn't acknowledge control request: -9")
    assert (result["changed"], result["domains"][0]["after"]) == (False, "running")


def test_says_that_a_guest_came_back(host: Host) -> None:
    host.add("a", habit="returns")
    result = host.bring(host.wish("a", "stopped"))
    assert result["msg"].startswith("guest a shut down and runs again")
    assert "on_poweroff = 'destroy'" in result["remedy"]
    result = host.bring(host.wish("a", restart=True))
    assert result["msg"].startswith("guest a shut down and runs again, without what its configuration file says now")


def test_says_that_a_guest_ended_at_once(host: Host) -> None:
    host.habits["a"] = "dies"
    result = host.bring(host.wish("a"))
    assert result["msg"] == "guest a was started and runs no more"
    assert "xl create -c" in result["remedy"]


def test_says_that_a_guest_can_not_be_destroyed(host: Host) -> None:
    host.add("a", "crashed", habit="immortal")
    result = host.bring(host.wish("a"))
    assert result["msg"] == "guest a was not destroyed: Non-existant domain"
    assert host.deeds == ["destroy 1"]


def test_handles_the_others_before_it_fails(host: Host) -> None:
    host.habits["a"] = "not-assignable"
    host.add("b", habit="ignores")
    result = host.bring(host.wish("a"), host.wish("b", "stopped"), host.wish("c"), timeout=0)
    assert result["failed"]
    assert result["changed"]
    assert result["msg"] == (
        f"the guest of {host.file('a')} was not started: PCI device 0:0:5.0 is not assignable; "
        "libxl__device_pci_add failed; guest b was asked to shut down and still runs after 0 s"
    )
    assert host.domains == {"b": 1, "c": 3}
    assert [guest["failure"] is None for guest in result["domains"]] == [False, False, True]


def test_says_that_this_xl_can_not_attach_devices(host: Host) -> None:
    host.habits["a"] = "no-sysfs"
    result = host.bring(host.wish("a"), host.wish("b"))
    assert "xl looked for /sys/bus/pci, which only Linux has" in result["msg"]
    assert "through Xen itself" in result["remedy"]
    assert host.domains == {"b": 2}


def test_check_mode_foresees_the_run(host: Host) -> None:
    host.add("a")
    host.add("b")
    wishes = [host.wish("a", restart=True), host.wish("b", "absent"), host.wish("c")]
    foreseen = host.bring(*wishes, check=True)
    assert host.deeds == []
    really = host.bring(*wishes)
    assert [guest.pop("domid") for guest in foreseen["domains"]] == [None, None, None]
    assert [guest.pop("domid") for guest in really["domains"]] == [3, None, 4]
    assert foreseen == really
    assert foreseen["domains"][0]["devices"] == A_DEVICES


# --- refusals


def refused(host: Host, *wishes: dict[str, Any]) -> dict[str, Any]:
    """The refusal; a guest that was to be stopped still runs."""
    host.add("victim")
    result = host.bring({"name": "victim", "state": "stopped"}, *wishes)
    assert result["failed"]
    assert host.deeds == []
    assert result == host.bring({"name": "victim", "state": "stopped"}, *wishes, check=True)
    return result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "a.cfg: it does not exist"),
        ("name = 'b'\n", "a.cfg: it has the name 'b'; the guest is 'a' here"),
        ("memory = 5\n", "a.cfg: it has no name; the guest is 'a' here"),
        ("name = 'a\n", "a.cfg, line 1, column 8: this string has no end on its line; close it with '"),
        ("name = 'a'\npci = 'x'\n", "a.cfg, line 2, column 7: pci is a single value, which xl ignores"),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_refuses_a_file_before_any_guest_is_touched(host: Host, text: str | None, why: str, restart: bool) -> None:
    if text is None:
        Path(host.file("a")).unlink()
    else:
        host.config("a", text)
    if restart:
        host.add("a")
    result = refused(host, host.wish("a", restart=restart))
    assert result["code"] == "domain-config-invalid"
    assert why in result["msg"]


@pytest.mark.parametrize("name", ["", "17", "-w", "Domain-0", "a/b"])
def test_refuses_a_name(host: Host, name: str) -> None:
    result = refused(host, {"name": name, "state": "absent"})
    assert name in result["msg"]


def test_refuses_a_guest_given_twice(host: Host) -> None:
    result = refused(host, host.wish("a"), host.wish("a", "stopped"))
    assert result["msg"] == "guest a is given twice; give each guest one state"


def test_says_that_xl_does_not_answer(host: Host) -> None:
    host.broken = True
    result = host.bring(host.wish("a"))
    assert result["msg"] == "xl can't say which guests run: cannot open libxc handle: Permission denied"


def test_says_that_there_is_no_xl(host: Host) -> None:
    result = bring(Netbsd(host.run), Xl(host.run, str(host.home / "none")), [host.wish("a")])
    assert result["msg"] == f"{host.home}/none can't be run"
    assert result["remedy"] == "give the right path as 'xl'"


def test_warns_of_what_xl_reads_otherwise(host: Host) -> None:
    host.config("b", "name = 'b'\npci = [ '00:05.0,permissive=yes' ]\n")
    assert "means 0 to xl" in str(host.bring(host.wish("b"))["warnings"][0])


def test_netbsd_has_no_hot_plug(host: Host) -> None:
    result = refused(host, host.wish("a", hot_plug=True))
    assert result["msg"] == "'hot_plug' is not for NetBSD's kernel backend, which looks at a guest's devices only once"


# --- on Linux


def on_linux(dom0: Dom0, *wishes: dict[str, Any], frontend_timeout: int = 0) -> dict[str, Any]:
    return bring(Linux(dom0.run), Xl(dom0.run, XL), wishes, frontend_timeout=frontend_timeout)


def test_a_guest_that_can_not_start_without_an_iommu(dom0: Dom0) -> None:
    dom0.converge({**FIREWALL, "state": "unmanaged"})
    dom0.xl.iommu = False
    config = str(dom0.folder / "firewall")
    failed = on_linux(dom0, {"name": "firewall", "config": config})
    assert (failed["code"], "Xen has no IOMMU in use" in failed["msg"]) == ("no-iommu", True)


def test_a_guest_that_starts_reports_its_devices(dom0: Dom0) -> None:
    dom0.converge({**FIREWALL, "state": "unmanaged"})
    started = {"name": "firewall", "config": str(dom0.folder / "firewall")}
    assert not on_linux(dom0, started, frontend_timeout=1).get("failed")
    dom0.run([XL, "shutdown", "-F", "2"])
    dom0.xl.deaf.add("firewall")
    failed = on_linux(dom0, started, frontend_timeout=1)
    assert failed["msg"].startswith("guest firewall has not noticed its PCI devices within 1 s")


def test_xl_says_so_when_a_guest_has_no_iommu(dom0: Dom0) -> None:
    config = str(dom0.config("firewall"))
    dom0.converge({"name": "firewall"}, extra_devices=[{"address": "01:00.0"}])
    dom0.config("firewall", "pci = ['01:00.0']\n")
    failed = on_linux(dom0, {"name": "firewall", "config": config, "hot_plug": True})
    assert "Xen has set up no IOMMU for the guest, because it was started without PCI devices" in failed["msg"]
    assert "passthrough" in failed["remedy"]


@pytest.mark.parametrize(
    ("pci", "sentence"),
    [
        ("['00:05.0', '00:05.0']", "line 3, column 19: it lists 00:05.0 twice"),
        ("['00:06.*', '00:06.1']", "it lists 00:06.1 twice"),
        ("['00:15.0']", "guest firewall: 00:15.0 does not exist"),
        ("['0001:00:05.0']", "guest firewall: 0001:00:05.0 does not exist"),
        ("['00:06.0']", "guest firewall: 00:06.0 is not with pciback but with 8139cp"),
        ("['00:05']", "the function is missing, and xl crashes on that; write '00:05.0'"),
        ("['nonsense']", "xl can't take 'nonsense' for a PCI device"),
        ("['00:05.0,bogus=1']", "xl knows no option 'bogus'"),
        ("[ 5 ]", "xl can't take '5' for a PCI device"),
    ],
)
def test_what_xl_would_fail_on_never_reaches_it(dom0: Dom0, pci: str, sentence: str) -> None:
    config = str(dom0.config("firewall", f"pci = {pci}\n"))
    failed = on_linux(dom0, {"name": "firewall", "config": config})
    assert sentence in failed["msg"] and failed["code"] == "domain-config-invalid"
    assert dom0.calls == []
