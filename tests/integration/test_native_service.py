# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""native_backend installs pcibackd on an embedded dom0: rc(8) starts it, and it runs and ends as the module says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Dom0, Run

MODULE = "xen.pciback.native_backend"
BEFORE = b"pcibackd=NO\n"
SETTING = "etc/rc.conf.d/pcibackd"


class Host:
    """A machine, and what is asked of its native component."""

    def __init__(self, dom0: Dom0) -> None:
        self.dom0 = dom0

    def play(self, *options: str, **arguments: Any) -> Run:
        playbook = self.dom0.workspace / "service.yml"
        task = {MODULE: {"cflags": "-O0", "daemon": True, **arguments}}
        playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
        return self.dom0.playbook(None, *options, playbook=str(playbook))

    def status(self) -> dict[str, Any] | None:
        done = self.dom0.command("/usr/local/sbin/pcibackctl", "status", "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found if done.returncode == 0 else None

    def service(self, word: str) -> int:
        return self.dom0.command("/usr/sbin/service", "pcibackd", word).returncode

    def snapshot(self) -> dict[str, Any]:
        """All files but the kernel's, which tell of each boot."""
        return {name: found for name, found in self.dom0.files().items() if not name.startswith("kern/")}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A machine on which its owner has turned pcibackd off before it came."""
    workspace = tmp_path_factory.mktemp("service")
    found = Host(Dom0(workspace / "dom0", workspace).create())
    (found.dom0.root / "etc/rc.conf.d").mkdir(exist_ok=True)
    (found.dom0.root / SETTING).write_bytes(BEFORE)
    yield found
    found.dom0.lab("destroy")


@pytest.fixture(scope="module")
def before(host: Host) -> dict[str, Any]:
    """What is there before anything was installed."""
    return host.snapshot()


@pytest.fixture(scope="module")
def first(host: Host, before: dict[str, Any]) -> Run:
    """The run that installs it."""
    check = host.play("--check")
    assert check.status == 0 and check.changed() == [MODULE], check.output
    assert host.snapshot() == before
    return host.play()


def test_it_is_installed_and_runs(host: Host, first: Run) -> None:
    assert first.status == 0, first.output
    result = first.result(MODULE)
    assert (result["changed"], result["needs"], result["outdated"]) == (True, "nothing", "")
    assert sorted(result["files"]) == [
        "/etc/rc.conf.d/pciback_guests",
        "/etc/rc.conf.d/pcibackd",
        "/etc/rc.d/pciback_guests",
        "/etc/rc.d/pcibackd",
        *(f"/usr/local/sbin/{name}" for name in ("pcibackctl", "pcibackd", "pcibackd-guests")),
    ]
    assert host.service("status") == 0
    status = host.status()
    assert status is not None and status["guests"] == []


def test_a_second_run_changes_nothing(host: Host, first: Run) -> None:
    files, status = host.snapshot(), host.status()
    for options in ((), ("--check",)):
        again = host.play(*options)
        assert (again.status, again.changed()) == (0, []), again.output
    assert host.snapshot() == files
    assert (host.status() or {})["pid"] == (status or {})["pid"]


def test_it_starts_with_the_host(host: Host, first: Run) -> None:
    host.dom0.lab("reboot")
    assert host.status() is not None
    assert host.play().changed() == []


def test_one_that_ended_is_started(host: Host, first: Run) -> None:
    assert host.service("stop") == 0
    check = host.play("--check")
    assert (check.changed(), check.result(MODULE)["reason"]) == ([MODULE], "pcibackd does not run")
    assert host.status() is None
    assert host.play().changed() == [MODULE]
    assert host.status() is not None


def test_a_damaged_file_is_repaired(host: Host, first: Run) -> None:
    path = host.dom0.root / "etc/rc.d/pcibackd"
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    run = host.play()
    assert "/etc/rc.d/pcibackd is not the file that was installed and checked" in run.result(MODULE)["reason"]
    assert path.read_bytes() == good
    assert host.play().changed() == []


def test_an_owner_whose_rc_conf_says_no_is_told(host: Host, first: Run) -> None:
    rc_conf = host.dom0.root / "etc/rc.conf"
    good = rc_conf.read_bytes()
    assert host.service("stop") == 0
    rc_conf.write_bytes(good + BEFORE)
    run = host.play()
    assert "/etc/rc.conf says pcibackd=NO; /etc/rc.conf.d/pcibackd, which is read after it" in run.output
    assert host.status() is not None
    assert rc_conf.read_bytes() == good + BEFORE
    rc_conf.write_bytes(good)


def test_what_it_says_when_it_does_not_start(host: Host, first: Run) -> None:
    rc_conf = host.dom0.root / "etc/rc.conf"
    good = rc_conf.read_bytes()
    assert host.service("stop") == 0
    rc_conf.write_bytes(good + b'pcibackd_flags="--allow everything"\n')
    (failure,) = host.play().failures()
    assert failure.startswith(
        "pcibackd was installed, but does not run: '/etc/rc.d/pcibackd start' ended with status 1"
    )
    rc_conf.write_bytes(good)
    assert host.play().changed() == [MODULE]


def test_it_does_not_go_while_a_guest_has_devices_of_it(host: Host, first: Run) -> None:
    control = "/usr/local/sbin/pcibackctl"
    for command in (
        ("/sbin/drvctl", "-d", "wm0"),
        ("/usr/pkg/sbin/xl", "create", "-p", "/usr/pkg/etc/xen/firewall", "pci=[]"),
        (control, "attach", "--domain", "1", "0000:00:04.0"),
    ):
        done = host.dom0.command(*command)
        assert done.returncode == 0, done.stderr
    for wanted in ({"state": "absent"}, {"daemon": False}):
        (failure,) = host.play(**wanted).failures()
        assert failure == "pcibackd can't be removed while domains have devices of it: 1"
    assert host.play().changed() == []
    assert host.dom0.command("/usr/pkg/sbin/xl", "destroy", "1").returncode == 0
    assert host.dom0.command(control, "return", "0000:00:04.0").returncode == 0


def test_the_kernels_backend_in_the_way(host: Host, first: Run, tmp_path: Path) -> None:
    machine = Dom0(tmp_path / "dom0", tmp_path).create(
        boot_cfg=b"menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:09.0);multiboot /xen.gz dom0_mem=512M\ntimeout=5\n"
    )
    machine.borrow_native(host.dom0)
    try:
        run = Host(machine).play()
        (failure,) = run.failures()
        assert failure.startswith(
            "pcibackd was installed, but does not run: '/etc/rc.d/pcibackd start' ended with status"
        )
        assert "the kernel's own backend is at work" in failure
        assert "give back what the kernel's backend has with pciback_state: absent" in run.output
    finally:
        machine.lab("destroy")


def test_it_goes_as_it_came(host: Host, first: Run, before: dict[str, Any]) -> None:
    run = host.play(state="absent")
    assert run.status == 0, run.output
    assert host.service("status") != 0
    assert (host.dom0.root / SETTING).read_bytes() == BEFORE
    assert host.snapshot() == before
    assert not list(Path(host.dom0.root / "var/run").glob("pcibackd.*"))
    assert host.play(state="absent").changed() == []
