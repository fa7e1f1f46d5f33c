# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to three guests with devices and back: the host is, byte for byte, what it was."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Dom0, Run, guest

# What others write: the kernel and the system's start-up, and Ansible's own directory.
# A boot begins with an empty /var/run.
NOT_OURS = ("kern", "var/run/dmesg.boot", "var/run/pcibackd-guests.boot", "root/.ansible")

GUESTS = [
    guest("firewall", {"id": "10ec:8139", "subsystem": "1af4:1100"}, {"driver": "wm3", "permissive": False}),
    guest("storage", {"address": "00:09.0"}),
    guest("mail", {"name": "realtek*8029*"}, state="stopped"),
]
PRESENT = {"pciback_guests": GUESTS, "pciback_reboot": "when_needed"}
# An owner's list that is replaced, so that it can come back.
REPLACE = {"pciback_allow": [{"code": "foreign-hide-list"}]}
ABSENT = {**PRESENT, "pciback_state": "absent"}

CLEAN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\nmenu=NetBSD:boot netbsd\ntimeout=5\n"
OWN_LIST = (
    b"# hidden by hand, years ago\n"
    b"menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:07.0);multiboot /xen.gz dom0_mem=512M # keep\n"
    b"menu=Xen, single user:load /netbsd-XEN3_DOM0.gz -s;multiboot /xen.gz dom0_mem=512M -- pciback.hide=(00:07.0)\r\n"
    b"menu=NetBSD:boot netbsd\n"
    b"timeout=5"
)
OWN_PCI = b"pci = [ '00:07.0',   # the old card\n        #'00:08.0',\n      ]\n"

State = tuple[Any, ...]


def snapshot(host: Dom0) -> dict[str, State]:
    """All of the host's tree: kind, mode, owner, and what is in it."""
    found: dict[str, State] = {}
    for directory, names, files in os.walk(host.root):
        # A link to a directory is among the names of directories, and is not followed.
        for path in [Path(directory, name) for name in (*names, *files)]:
            if str(path.relative_to(host.root)).startswith(NOT_OURS):
                continue
            status = path.lstat()
            content: Any = None
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            found[str(path.relative_to(host.root))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


def changes(before: dict[str, State], after: dict[str, State]) -> list[str]:
    """The paths that are not the same; short, where whole trees in a message would not be."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def ran(run: Run) -> Run:
    assert run.status == 0, run.output
    return run


def steps(run: Run) -> list[str]:
    """The actions that changed something."""
    return [action.rpartition(".")[2] for action in run.changed()]


def written(run: Run) -> list[Any]:
    """The diffs of all that writes files. (To a check run, guests still run that a reboot would have ended.)"""
    return [line["diff"] for line in run.results if line["changed"] and not line["action"].endswith(".domain")]


def held(host: Dom0) -> list[str]:
    path = host.root / "kern/xen/pci"
    return sorted(os.listdir(path)) if path.exists() else []


def create(host: Dom0, boot_cfg: bytes, own_pci: bytes = b"") -> Dom0:
    host.create("--guest", "mail", boot_cfg=boot_cfg)
    (host.root / "usr/pkg/etc/xen/mail").chmod(0o600)
    (host.root / "boot.cfg").chmod(0o640)
    with (host.root / "usr/pkg/etc/xen/storage").open("ab") as file:
        file.write(own_pci)
    return host


@dataclass(frozen=True)
class Managed:
    """A host that the role has brought to where it is wanted, and what it was before."""

    host: Dom0
    before: dict[str, State]


@pytest.fixture(scope="module")
def made(native: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Managed]:
    """Such hosts, each made once: what they had of their own, and whether they were rebooted.

    One of them has built the native component itself.
    """
    known: dict[str, Managed] = {}

    def find(name: str) -> Managed:
        if name not in known:
            workspace = tmp_path_factory.mktemp("managed")
            own = (OWN_LIST, OWN_PCI) if name == "own lists" else (CLEAN, b"")
            host = create(Dom0(workspace / "dom0", workspace), *own)
            before = snapshot(host)
            if name != "nothing":
                host.borrow_native(native)
            wanted = {**PRESENT, **(REPLACE if name == "own lists" else {})}
            ran(host.playbook({**wanted, "pciback_reboot": "never"} if name == "not rebooted" else wanted))
            known[name] = Managed(host, before)
        return known[name]

    return find


@pytest.fixture
def managed(made: Callable[[str], Managed], tmp_path: Path) -> Callable[[str], Managed]:
    """A copy of one of them, to be changed."""

    def copy(name: str) -> Managed:
        found = made(name)
        shutil.copytree(found.host.directory, tmp_path / "dom0", symlinks=True)
        return Managed(Dom0(tmp_path / "dom0", tmp_path), found.before)

    return copy


def give_back(managed: Managed, expected_held: list[str]) -> list[tuple[str, list[str]]]:
    """Give everything back; the guests that run afterwards with their devices."""
    host, before = managed.host, managed.before
    assert held(host) == ["0000:00:05.0", "0000:00:06.0", "0000:00:09.0", "0000:00:0a.0"]
    present = snapshot(host)
    assert {"boot.cfg", "usr/pkg/etc/xen/firewall", "usr/local/sbin/pcibackctl"} <= set(changes(before, present))

    check = ran(host.playbook(ABSENT, "--check", "--diff"))
    assert changes(present, snapshot(host)) == []
    run = ran(host.playbook(ABSENT, "--diff"))
    assert steps(run) == ["plan", "domain_pci", "boot_hide", "domain", "reboot", "domain", "native_backend"]
    assert (check.changed(), written(check)) == (run.changed(), written(run))
    assert changes(before, snapshot(host)) == []
    assert held(host) == expected_held
    assert run.result("ansible.builtin.set_fact")["ansible_facts"]["pciback_reboot_required"] is False

    again = ran(host.playbook(ABSENT, "--diff"))
    assert (again.changed(), again.module_calls) == ([], 1)
    assert changes(before, snapshot(host)) == []
    return [(domain["name"], domain["devices"]) for domain in again.result("xen.pciback.plan")["running"]]


@pytest.mark.soak(instead="test_a_host_with_lists_of_its_owner")
def test_a_host_with_nothing_of_its_own(managed: Callable[[str], Managed]) -> None:
    assert give_back(managed("nothing"), []) == [("firewall", []), ("storage", [])]


def test_a_host_with_lists_of_its_owner(managed: Callable[[str], Managed]) -> None:
    running = give_back(managed("own lists"), ["0000:00:07.0"])
    assert running == [("firewall", []), ("storage", ["0000:00:07.0"])]


def test_an_edit_in_between_survives(managed: Callable[[str], Managed]) -> None:
    own = managed("own lists")
    host, before = own.host, own.before
    edited = {
        "boot.cfg": lambda data: data.replace(b"timeout=5", b"timeout=9\nclear=1"),
        "usr/pkg/etc/xen/storage": lambda data: b"# edited\n" + data,
        "usr/local/sbin/pcibackctl": lambda data: b"#!/bin/sh\nexit 0\n",
    }
    for path, edit in edited.items():
        (host.root / path).write_bytes(edit((host.root / path).read_bytes()))
    run = ran(host.playbook({**ABSENT, "pciback_reboot": "never"}))
    assert "/usr/local/sbin/pcibackctl is not the file that was installed; it is left as it is" in run.output
    after = snapshot(host)
    assert changes(before, after) == [
        "boot.cfg",
        "usr/local/sbin/pcibackctl",
        "usr/pkg/etc/xen/storage",
    ]
    for path in ("boot.cfg", "usr/pkg/etc/xen/storage"):
        assert after[path] == (*before[path][:3], edited[path](before[path][3]))
    assert after["usr/local/sbin/pcibackctl"][3] == b"#!/bin/sh\nexit 0\n"


@pytest.mark.soak(instead="test_a_host_with_lists_of_its_owner")
def test_without_a_reboot_all_but_the_reboot_is_done(managed: Callable[[str], Managed]) -> None:
    rebooted = managed("nothing")
    host, before = rebooted.host, rebooted.before
    never = {**ABSENT, "pciback_reboot": "never"}
    check = ran(host.playbook(never, "--check", "--diff"))
    run = ran(host.playbook(never, "--diff"))
    assert steps(run) == ["plan", "domain_pci", "boot_hide", "native_backend"]
    assert (check.changed(), written(check)) == (run.changed(), written(run))
    assert changes(before, snapshot(host)) == []
    assert "a reboot is pending; pciback_reboot: when_needed allows it" in run.output
    assert "00:05.0 is held by pciback: dom0 gets it back" in run.output
    assert run.result("ansible.builtin.set_fact")["ansible_facts"]["pciback_reboot_required"] is True
    again = ran(host.playbook(never))
    assert (again.changed(), again.module_calls) == ([], 1)
    assert again.result("ansible.builtin.set_fact")["ansible_facts"]["pciback_reboot_required"] is True

    # The reboot is proved before it comes, although nothing is installed any more.
    later = ran(host.playbook(ABSENT))
    assert steps(later) == ["plan", "native_backend", "domain", "reboot", "domain", "native_backend"]
    assert held(host) == []
    assert changes(before, snapshot(host)) == []


def test_a_host_that_never_had_anything_costs_one_call(dom0: Dom0) -> None:
    host = create(dom0, OWN_LIST)
    stopped = {"pciback_state": "absent", "pciback_guests": [{**item, "state": "stopped"} for item in GUESTS]}
    before = snapshot(host)
    run = ran(host.playbook(stopped))
    assert (run.changed(), run.module_calls) == ([], 1)
    assert "dom0 is as wanted." in run.output
    assert changes(before, snapshot(host)) == []


@pytest.mark.soak(instead="test_an_edit_in_between_survives")
def test_guests_that_are_not_listed_any_more_get_their_files_back(managed: Callable[[str], Managed]) -> None:
    waiting = managed("not rebooted")
    host, before = waiting.host, waiting.before
    never = {**PRESENT, "pciback_reboot": "never"}
    ran(host.playbook({**never, "pciback_guests": GUESTS[:1]}))
    (host.root / "usr/pkg/etc/xen/mail").unlink()
    run = ran(host.playbook({"pciback_state": "absent"}))
    assert steps(run) == ["plan", "domain_pci", "boot_hide", "native_backend"]
    assert changes(before, snapshot(host)) == ["usr/pkg/etc/xen/mail"], "a guest that is gone stays away"


@pytest.mark.soak(
    instead="tests/safety/test_refusals.py::test_a_list_that_stops_the_machine_is_never_as_wanted_and_the_remedy_removes_it"
)
@pytest.mark.parametrize("broken", ["boot.cfg", "usr/pkg/etc/xen/storage"])
def test_a_file_that_can_not_be_read_any_more_stops_all(managed: Callable[[str], Managed], broken: str) -> None:
    host = managed("not rebooted").host
    (host.root / broken).write_bytes(b"pci = [ \0")
    before = snapshot(host)
    run = host.playbook(ABSENT)
    assert run.status == 2
    (message,) = run.failures()
    assert message.startswith("Nothing was changed.") and f"/{broken}, line 1" in message
    assert changes(before, snapshot(host)) == []
