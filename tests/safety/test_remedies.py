# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every alternative of every remedy: done on an embedded dom0, which ends the refusal, or listed with the reason why not.

One remedy of each refusal code is done in test_refusals.py, the others here. ``tests/remedies.py`` says which is where.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host.os_errors import HELP
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedGuest
from ansible_collections.xen.pciback.plugins.module_utils.refusals import ALLOWABLE
from tests import depth, remedies, sentences
from tests.conftest import ROOT, Dom0, guest
from tests.safety.test_refusals import LAB, LINUX, device, plan_on_linux, without_interrupt
from tests.safety.test_reports import CallFault, machine_of_faults
from tests.unit.product import none

XEN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\n"
CARD = {"address": "00:05.0"}


def extra(*selectors: Mapping[str, Any]) -> dict[str, Any]:
    return {"pciback_extra_devices": list(selectors)}


def firewall(*devices: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"pciback_guests": [guest("firewall", *devices, **more)]}


def no_reset(*devices: Mapping[str, Any]) -> dict[str, Any]:
    return {"pciback_allow": [{"code": "no-reset", **each} for each in devices]}


@dataclass(frozen=True)
class Case:
    """A refusal, and somebody who does what one alternative of its remedy says.

    :ivar remedy: the alternative, as it is printed
    :ivar refused: what the refusal says; it is no longer said afterwards
    :ivar before: what was done to the machine, which is then nobody else's
    :ivar do: what is done on the host, by what is printed; variables of the next run, where the inventory is changed by it
    :ivar helped: the variables of the next run
    :ivar slow: whether only ``make soak`` tries it
    """

    remedy: str
    refused: str
    variables: Mapping[str, Any]
    helped: Mapping[str, Any] | None = None
    before: Callable[[Dom0], None] | None = None
    do: Callable[[Dom0, str], Mapping[str, Any] | None] | None = None
    options: tuple[str, ...] = ()
    bus: str = "pc-nine-nics"
    board: Callable[[Path], tuple[str, ...]] | None = None
    slow: bool = True


def write_boot_cfg(data: bytes) -> Callable[[Dom0], None]:
    def write(host: Dom0) -> None:
        (host.root / "boot.cfg").write_bytes(data)

    return write


def in_boot_cfg(old: bytes, new: bytes) -> Callable[[Dom0, str], None]:
    """Somebody edits the file."""

    def edit(host: Dom0, _message: str) -> None:
        path = host.root / "boot.cfg"
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))

    return edit


def converged(*selectors: Mapping[str, Any]) -> Callable[[Dom0], None]:
    """Devices are given away and pinned."""

    def run(host: Dom0) -> None:
        done = host.playbook({**extra(*selectors), "pciback_reboot": "when_needed"})
        assert done.status == 0, done.output

    return run


def vanished(host: Dom0) -> None:
    """A card is given away, and then somebody takes it out."""
    converged(CARD)(host)
    host.lab("remove-card", "00:05.0")


def put_back(host: Dom0, _message: str) -> None:
    host.lab("add-card", "00/05.0", "--card", "pc-nine-nics/00:05.0", "--mac", "52:54:00:12:34:57")


def look_with_device_info(host: Dom0, _message: str) -> Mapping[str, Any]:
    """And write one of the addresses that it shows."""
    said = host.ansible("ansible HOST -m xen.pciback.device_info").stdout
    shown = json.loads(said[said.index("{") :])["devices"]
    (address,) = [device["address"] for device in shown if device["driver"] == "re0"]
    return extra({"address": address})


def run_the_commands(host: Dom0, message: str) -> None:
    """What stands behind the colon, with a shell on the host."""
    (commands,) = re.findall(r"(?:a file of its own|without that, or): ([^:]+?)\.(?:\s|$)", message)
    done = host.command("/bin/sh", "-c", commands)
    assert (done.returncode, done.stderr) == (0, "")


def hard_link(host: Dom0) -> None:
    (host.root / "another-name").hardlink_to(host.root / "boot.cfg")


def switch_the_iommu_on(host: Dom0, _message: str) -> None:
    """In the firmware of the machine."""
    path = host.directory / "machine/state.json"
    state = json.loads(path.read_text())
    state["settings"]["iommu"] = True
    path.write_text(json.dumps(state))
    host.lab("reboot")


def manage_through_another_card(host: Dom0, _message: str) -> None:
    """The start-up scripts configure another one."""
    path = host.directory / "machine/bus.json"
    board = json.loads(path.read_text())
    board["management"] = "0000:00:0c.0"
    path.write_text(json.dumps(board))
    host.lab("reboot")


def read_only(host: Dom0) -> None:
    with (host.directory / "machine/mounts").open("a") as table:
        table.write(f"{host.root}/usr/pkg/etc/xen ./usr/pkg/etc/xen none bind,ro\n")


def copy_the_file(host: Dom0, _message: str) -> Mapping[str, Any]:
    place = "/etc/xen-firewall"
    (host.root / place.lstrip("/")).write_bytes((host.root / "usr/pkg/etc/xen/firewall").read_bytes())
    return {"pciback_guests": [{"name": "firewall", "config": place, "devices": [CARD]}]}


def another_name(host: Dom0) -> None:
    path = host.root / "usr/pkg/etc/xen/firewall"
    path.write_text(path.read_text().replace("firewall", "wall"))


def correct_the_file(host: Dom0, message: str) -> None:
    (path, wrong, right) = re.findall(r"(/\S+) describes a guest named '(\w+)', not '(\w+)'", message)[0]
    file = host.root / path.lstrip("/")
    file.write_text(file.read_text().replace(wrong, right))


def link_the_kernel(host: Dom0, message: str) -> None:
    (name,) = re.findall(r"such as a hard link /(\w+)", message)
    (host.root / name).hardlink_to(host.root / LONG_KERNEL.decode().lstrip("/"))
    in_boot_cfg(LONG_KERNEL, b"/" + name.encode())(host, message)


def another_kernel(host: Dom0) -> None:
    """The machine runs a NetBSD without Xen."""
    write_boot_cfg(b"menu=NetBSD:boot netbsd\n" + XEN)(host)
    host.lab("reboot")


def choose_xen(host: Dom0, _message: str) -> None:
    host.lab("reboot", "--entry", "2")


def stray_file(host: Dom0) -> None:
    (host.root / "kern/xen/pci").mkdir(parents=True, exist_ok=True)
    (host.root / "kern/xen/pci/.stray").touch()


def only_kernfs(host: Dom0, message: str) -> None:
    (path,) = re.findall(r"(/kern/\S+): its name is no PCI address", message)
    file = host.root / path.lstrip("/")
    file.unlink()
    file.parent.rmdir()


def linked(host: Dom0) -> None:
    path = host.root / "usr/pkg/etc/xen/firewall"
    path.rename(host.root / "etc/firewall")
    path.symlink_to("/etc/firewall")


def the_file_itself(host: Dom0, message: str) -> Mapping[str, Any]:
    (path,) = re.findall(r"(/\S+): it is a symbolic link", message)
    target = (host.root / path.lstrip("/")).readlink()
    return {"pciback_guests": [{"name": "firewall", "config": str(target), "devices": [CARD]}]}


def followed(host: Dom0) -> None:
    """A guest's card was put into another slot, and followed; another card is where it was."""
    done = host.playbook({**firewall(CARD), "pciback_reboot": "when_needed"})
    assert done.status == 0, done.output
    host.lab("swap-cards", "00:05.0", "00:06.0")
    done = host.playbook({**firewall(CARD), "pciback_follow_moves": True, "pciback_reboot": "when_needed"})
    assert done.status == 0, done.output


def one_of_two(host: Dom0) -> None:
    """One of two cards of a kind is given away by what it is, and then somebody takes it out."""
    done = host.playbook({**extra({"mac": "52:54:00:12:34:57"}), "pciback_reboot": "when_needed"})
    assert done.status == 0, done.output
    host.lab("remove-card", "00:05.0")


def delete_the_list(host: Dom0, message: str) -> None:
    in_boot_cfg(b" pciback.hide=(junk)", b"")(host, message)


def pad(host: Dom0) -> None:
    write_boot_cfg(XEN + b"# padding\n" * 3300)(host)


CR = XEN.replace(b"gz;", b"gz bootdev=wd0 console=com0 quiet more=1 and=this;").replace(b"\n", b"\r\n")
# With a list the loader keeps too little of it; Xen's command line has to be full, too, for that to matter.
LONG_KERNEL = b"/a-directory-with-a-long-name/another-directory/netbsd-XEN3_DOM0.gz"
WITH_PVH = XEN + XEN.replace(b"=Xen", b"=PVH").replace(b"512M", b"512M dom0=pvh")
DEFAULT_ELSEWHERE = XEN + b"menu=NetBSD:boot netbsd\ndefault=2\n"

CASES = {
    "all of them": Case(
        "say 'all: true' if every one is meant",
        "ambiguous-selector",
        extra({"id": "10ec:8139"}),
        extra({"id": "10ec:8139", "all": True}),
        bus="pc-bridge",
    ),
    "look at the host": Case(
        "or look at the host with xen.pciback.device_info",
        "no-such-device",
        extra({"address": "00:1f.0"}),
        do=look_with_device_info,
        slow=False,
    ),
    "an interrupt that only the owner knows": Case(
        "say with irq of the device which one it is",
        "interrupt-unknown",
        {**firewall({"address": "00:09.0"}), "pciback_backend": "native"},
        {**firewall({"address": "00:09.0", "irq": 20}), "pciback_backend": "native"},
        board=without_interrupt,
        slow=False,
    ),
    "an interrupt that the kernel says": Case(
        "leave irq out of that device: what the system says counts",
        "inventory-invalid: guest firewall: irq 20 is stated of 00:05.0",
        {**firewall({**CARD, "irq": 20}), "pciback_backend": "native", **no_reset(CARD)},
        {**firewall(CARD), "pciback_backend": "native", **no_reset(CARD)},
    ),
    "more exact selectors": Case(
        "or make the selectors more exact",
        "assigned-twice",
        {"pciback_guests": [guest("firewall", {"driver": "re0"}), guest("storage", {"id": "10ec:8139"})]},
        {"pciback_guests": [guest("firewall", {"driver": "re0"}), guest("storage", {"id": "10ec:8029"})]},
    ),
    "one line": Case(
        "leave it in one line, or make the selectors more exact",
        "assigned-twice",
        firewall(CARD, {"driver": "re0"}),
        firewall(CARD),
    ),
    "one guest": Case(
        "list it once",
        "domain-config-invalid: guest firewall is listed twice",
        {"pciback_guests": [guest("firewall", CARD), guest("firewall")]},
        firewall(CARD),
    ),
    "the whole line": Case(
        "or give the other one away too",
        "shared-irq",
        extra({"address": "00:04.0"}),
        extra(*({"address": f"00:{number}.0"} for number in ("04", "08", "0b", "0c"))),
        options=("--management", "none"),
    ),
    "the name of the inventory": Case(
        "correct the name in the inventory or in the file",
        "domain-config-invalid",
        {"pciback_guests": [{"name": "wall", "config": "/usr/pkg/etc/xen/firewall", "devices": [CARD]}]},
        firewall(CARD),
        slow=False,
    ),
    "the name of the file": Case(
        "correct the name in the inventory or in the file",
        "domain-config-invalid",
        firewall(CARD),
        before=another_name,
        do=correct_the_file,
    ),
    "behind the bridge": Case(
        "give away the functions behind the bridge instead",
        "bridge",
        extra({"address": "00:0d.0"}),
        extra({"address": "01:0b.0"}),
        bus="pc-bridge",
    ),
    "another card for management": Case(
        "or manage the host through another card",
        "management-nic",
        extra(CARD),
        do=manage_through_another_card,
        options=("--management", "0000:00:05.0"),
        before=lambda host: None,
    ),
    "the firmware": Case(
        "switch VT-d or AMD-Vi on in the machine's firmware",
        "no-iommu",
        extra({"address": "00:09.0"}),
        do=switch_the_iommu_on,
        options=("--no-iommu",),
        before=lambda host: None,
    ),
    "the devices by name": Case(
        "name the devices, or give everything back",
        "nothing-wanted",
        {},
        extra(CARD),
        before=converged(CARD),
    ),
    "the card that was taken out": Case(
        "put the card back, or take the device out of the inventory",
        "no-such-device",
        extra(CARD, {"address": "00:06.0"}),
        before=vanished,
        do=put_back,
    ),
    "a device that is not wanted any more": Case(
        "or take the device out of the inventory",
        "no-such-device",
        extra(CARD, {"address": "00:06.0"}),
        extra({"address": "00:06.0"}),
        before=vanished,
    ),
    "another file": Case(
        "or name a file elsewhere",
        "not-replaceable: /usr/pkg/etc/xen/firewall",
        firewall(CARD),
        before=read_only,
        do=copy_the_file,
    ),
    "a file of its own": Case(
        "give it a file of its own: cp -p /boot.cfg /boot.cfg.new && mv /boot.cfg.new /boot.cfg",
        "not-replaceable: /boot.cfg",
        extra(CARD),
        before=hard_link,
        do=run_the_commands,
    ),
    "a byte order mark": Case(
        "save it as UTF-8 without that, or: tail -c +4 /boot.cfg > /boot.cfg.new && cp /boot.cfg.new /boot.cfg",
        "boot-config-invalid: /boot.cfg",
        extra(CARD),
        before=write_boot_cfg(b"\xef\xbb\xbf" + XEN),
        do=run_the_commands,
    ),
    "an editor without a byte order mark": Case(
        "save it as UTF-8 without that",
        "boot-config-invalid: /boot.cfg",
        extra(CARD),
        before=write_boot_cfg(b"\xef\xbb\xbf" + XEN),
        do=in_boot_cfg(b"\xef\xbb\xbf", b""),
    ),
    "comments": Case(
        "delete comments or entries",
        "boot-config-invalid: /boot.cfg",
        extra(CARD),
        before=pad,
        do=in_boot_cfg(b"# padding\n", b""),
    ),
    "entries": Case(
        "delete comments or entries",
        "boot-config-invalid: /boot.cfg",
        extra(CARD),
        before=write_boot_cfg(XEN + XEN.replace(b"512M", b"512M" + b" a=b" * 240) * 34),
        do=in_boot_cfg(XEN.replace(b"512M", b"512M" + b" a=b" * 240), b""),
    ),
    "line ends": Case(
        "convert the file to LF line ends",
        "boot-config-invalid: /boot.cfg",
        extra(CARD),
        before=write_boot_cfg(CR),
        do=in_boot_cfg(b"\r\n", b"\n"),
    ),
    "another default": Case(
        "set default= to an entry that starts Xen",
        "by default, which hides nothing",
        {**extra(CARD), "pciback_reboot": "when_needed"},
        before=write_boot_cfg(DEFAULT_ELSEWHERE),
        do=in_boot_cfg(b"default=2", b"default=1"),
    ),
    "the default's list": Case(
        "or include that entry in pciback_boot_entries",
        "by default, which hides nothing",
        {**extra(CARD), "pciback_reboot": "when_needed", "pciback_boot_entries": ["Other"]},
        {**extra(CARD), "pciback_reboot": "when_needed", "pciback_boot_entries": ["Other", "Xen"]},
        before=write_boot_cfg(XEN + XEN.replace(b"menu=Xen", b"menu=Other") + b"default=1\n"),
    ),
    "a list that somebody mends": Case(
        "mend or delete that list by hand",
        "boot-config-invalid: /boot.cfg, line 2",
        extra(CARD),
        before=write_boot_cfg(XEN + XEN.replace(b"gz;", b"gz pciback.hide=(junk);").replace(b"=Xen", b"=Old")),
        do=in_boot_cfg(b"(junk)", b"(00:05.0)"),
    ),
    "a list that somebody deletes": Case(
        "mend or delete that list by hand",
        "boot-config-invalid: /boot.cfg, line 2",
        extra(CARD),
        before=write_boot_cfg(XEN + XEN.replace(b"gz;", b"gz pciback.hide=(junk);").replace(b"=Xen", b"=Old")),
        do=delete_the_list,
    ),
    "the file behind a link": Case(
        "name the file that the link points to",
        "/usr/pkg/etc/xen/firewall: it is a symbolic link",
        firewall(CARD),
        before=linked,
        do=the_file_itself,
    ),
    "the entry with Xen": Case(
        "boot the menu entry that starts Xen with an XEN3_DOM0 kernel",
        "not a NetBSD dom0 under Xen",
        extra(CARD),
        before=another_kernel,
        do=choose_xen,
    ),
    "a stray file in kernfs": Case(
        "see what is mounted on /kern; it has to be kernfs",
        "its name is no PCI address",
        extra(CARD),
        before=stray_file,
        do=only_kernfs,
    ),
    "the address that it was followed to": Case(
        "write 00:06.0 if the device that was followed is meant",
        "identity-changed",
        {"pciback_guests": [guest("firewall"), guest("storage", CARD)], "pciback_follow_moves": True},
        {"pciback_guests": [guest("firewall"), guest("storage", {"address": "00:06.0"})], "pciback_follow_moves": True},
        before=followed,
    ),
    "the one at the old address": Case(
        "if it is the one there now, allow code 'identity-changed' for 00:05.0",
        "identity-changed",
        {"pciback_guests": [guest("firewall"), guest("storage", CARD)], "pciback_follow_moves": True},
        {
            "pciback_guests": [guest("firewall"), guest("storage", CARD)],
            "pciback_follow_moves": True,
            "pciback_allow": [{"code": "identity-changed", "address": "00:05.0"}],
        },
        before=followed,
    ),
    "another one that fits": Case(
        "name the device by the address that it has now, if it is the right one",
        "identity-changed",
        extra({"id": "10ec:8139"}, {"address": "00:06.0"}),
        extra({"address": "01:0b.0"}, {"address": "00:06.0"}),
        before=one_of_two,
        bus="pc-bridge",
    ),
    "fewer arguments": Case(
        "delete other arguments",
        "list-too-long",
        extra(CARD),
        before=write_boot_cfg(XEN.replace(b"512M", b"512M" + b" a=b" * 260).replace(b"gz;", b"gz" + b" c=d" * 20 + b";")),
        do=in_boot_cfg(b" a=b" * 260, b""),
    ),
    "a shorter path": Case(
        "or give the kernel a shorter path, such as a hard link /xen0",
        "list-too-long",
        extra(CARD),
        before=write_boot_cfg(XEN.replace(b"512M", b"512M" + b" a=b" * 250).replace(b"/netbsd-XEN3_DOM0.gz", LONG_KERNEL)),
        do=link_the_kernel,
        options=("--kernel", LONG_KERNEL.decode()),
    ),
    "an entry with a kernel for dom0": Case(
        "name the entries that start an XEN3_DOM0 kernel, or start one here, without dom0=pvh",
        "can't hide anything: a kernel started with dom0=pvh has no pciback",
        {**extra(CARD), "pciback_boot_entries": ["PVH"]},
        {**extra(CARD), "pciback_boot_entries": ["Xen"]},
        before=write_boot_cfg(WITH_PVH),
    ),
    "an entry without dom0=pvh": Case(
        "name the entries that start an XEN3_DOM0 kernel, or start one here, without dom0=pvh",
        "can't hide anything: a kernel started with dom0=pvh has no pciback",
        {**extra(CARD), "pciback_boot_entries": ["PVH"]},
        before=write_boot_cfg(WITH_PVH),
        do=in_boot_cfg(b" dom0=pvh", b""),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Dom0]:
    """The machine of a case; those that only look share one for each kind of hardware."""
    made: dict[str, Dom0] = {}

    def find(case: Case) -> Dom0:
        key = json.dumps([case.options, case.bus, id(case) if case.before or case.board else 0])
        if key not in made:
            workspace = tmp_path_factory.mktemp("remedies")
            made[key] = Dom0(workspace / "dom0", workspace).create(
                *case.options, *(case.board(workspace) if case.board else ()), bus=case.bus
            )
            if case.before:
                case.before(made[key])
        return made[key]

    return find


TRIED = [name for name in CASES if depth.SOAK or not CASES[name].slow]


@pytest.mark.parametrize("name", TRIED)
def test_what_an_alternative_says_ends_the_refusal(shared: Callable[[Case], Dom0], name: str) -> None:
    case = CASES[name]
    host = shared(case)
    run = host.playbook(case.variables, "--check")
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert case.refused in message
    assert case.remedy in message
    helped = case.do(host, message) if case.do else None
    if helped is None:
        helped = case.variables if case.helped is None else case.helped
    run = host.playbook(helped, "--check")
    assert run.status == 0, run.output
    assert run.result("xen.pciback.plan")["refusals"] == []


# --- modules alone


@dataclass(frozen=True)
class Task:
    """A task that fails, and the same one after what an alternative of its remedy says.

    :ivar do: what is done on the host before the second one
    """

    remedy: str
    failed: str
    task: tuple[str, Mapping[str, Any]]
    helped: tuple[str, Mapping[str, Any]]
    before: Callable[[Dom0], None] = lambda host: None
    do: Callable[[Dom0], None] = lambda host: None
    options: tuple[str, ...] = ()


def running(name: str, **more: Any) -> tuple[str, Mapping[str, Any]]:
    return "domain", {"domains": [{"name": name, "config": f"/usr/pkg/etc/xen/{name}"}], **more}


def leaving(name: str, state: str, **more: Any) -> tuple[str, Mapping[str, Any]]:
    return "domain", {"domains": [{"name": name, "state": state}], **more}


def started(host: Dom0) -> None:
    assert host.command("/usr/pkg/sbin/xl", "create", "/usr/pkg/etc/xen/firewall").returncode == 0


def elsewhere(host: Dom0) -> None:
    (host.root / "opt").mkdir(exist_ok=True)
    (host.root / "usr/pkg/sbin/xl").rename(host.root / "opt/xl")


def held_at_the_next_boot(host: Dom0) -> None:
    """Only now that the module has failed."""
    run_module(host, "boot_hide", {"devices": ["00:05.0"]})
    host.lab("reboot")
    assert [path.name for path in (host.root / "kern/xen/pci").iterdir()] == ["0000:00:05.0"]


TASKS = {
    "the path of xl": Task(
        "or give the path as 'xl'",
        "xl was found at none of /usr/pkg/sbin/xl",
        running("firewall"),
        running("firewall", xl="/opt/xl"),
        before=elsewhere,
    ),
    "the right path of xl": Task(
        "give the right path as 'xl'",
        "/opt/nothing can't be run",
        running("firewall", xl="/opt/nothing"),
        running("firewall", xl="/usr/pkg/sbin/xl"),
    ),
    "another xl": Task(
        "and give the path of Xen's xl as 'xl'",
        "prints nothing, not even Domain-0",
        running("firewall", xl="/usr/bin/true"),
        running("firewall", xl="/usr/pkg/sbin/xl"),
    ),
    "more time": Task(
        "allow more time with 'timeout'",
        "firewall",
        leaving("firewall", "stopped", timeout=1),
        leaving("firewall", "stopped", timeout=60),
        before=started,
        options=("--guest-shutdown-seconds", "4"),
    ),
    "a guest that is destroyed": Task(
        "or destroy it with 'state: absent'",
        "firewall",
        leaving("firewall", "stopped", timeout=1),
        leaving("firewall", "absent", timeout=1),
        before=started,
        options=("--ignores-shutdown", "firewall"),
    ),
    "boot_hide instead of assignable": Task(
        "use xen.pciback.boot_hide and reboot",
        "NetBSD's kernel takes devices from dom0 at boot only",
        ("assignable", {"devices": [CARD]}),
        ("device_info", {"devices": [CARD]}),
        do=held_at_the_next_boot,
    ),
}


def run_module(host: Dom0, module: str, arguments: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """The status and the result of one module on the host."""
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{f"xen.pciback.{module}": dict(arguments)}]}]
    path = host.workspace / "task.yml"
    path.write_text(json.dumps(play))
    run = host.playbook(playbook=str(path))
    return run.status, run.result(f"xen.pciback.{module}")


@pytest.mark.parametrize("name", sorted(TASKS) if depth.SOAK else ["the right path of xl"])
def test_what_a_module_says_lets_it_succeed(dom0: Dom0, name: str) -> None:
    case = TASKS[name]
    host = dom0.create(*case.options)
    case.before(host)
    status, failed = run_module(host, *case.task)
    assert status == 2 and case.failed in failed["msg"], failed
    assert case.remedy in failed["remedy"]
    case.do(host)
    status, done = run_module(host, *case.helped)
    assert status == 0, done


# --- system calls that fail, and then don't


@pytest.mark.soak(instead="tests/safety/test_reports.py::test_the_report_is_so")
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EPERM] if depth.SOAK else [errno.ENOSPC])
def test_a_file_that_can_be_written_again(tmp_path: Path, error: int) -> None:
    """The remedy is printed, and the next run, after the cause is gone, does the rest."""
    host = machine_of_faults(tmp_path)
    CallFault("rename", error, 0).put(host)
    run = host.playbook(extra(CARD))
    assert run.status == 2, run.output
    assert any(os.strerror(error) in message for message in run.failures())
    assert HELP[error] in run.output
    run = host.playbook(extra(CARD))
    assert run.status == 0, run.output
    assert "pciback.hide=(00:05.0)" in (host.root / "boot.cfg").read_text()


# --- on the bus of a Linux dom0


def test_a_whole_group_on_linux(tmp_path: Path) -> None:
    """Which NetBSD knows nothing of."""
    case = LINUX["iommu-group"]
    assert plan_on_linux(case, tmp_path / "one").refusals[0].remedy.startswith("give every function of the group")
    group = tuple(device(address=address) for address in ("00:06.0", "00:06.1"))
    wanted = Wanted(guests=(WantedGuest("firewall", "/etc/xen/firewall", devices=group),))
    assert plan_on_linux(replace(case, wanted=wanted), tmp_path / "all").refusals == ()


# --- all of them


def test_every_remedy_has_its_alternatives() -> None:
    found = {text: place for place, text in remedies.remedies()}
    none(
        f"{place}: '{text}' has no row in tests/remedies.py"
        for text, place in found.items()
        if text not in remedies.ROWS
    )
    none(f"'{text}' is no longer in the sources" for text in remedies.ROWS if text not in found)
    for text, alternatives in remedies.ROWS.items():
        assert remedies.left_out(text, alternatives) == "", text
        assert all(", or " not in words for words, _how in alternatives), text


def test_every_alternative_is_done_or_has_its_reason(report: Callable[[str], None]) -> None:
    if not depth.SOAK:
        report(f"{len(TRIED)} of {len(CASES)} alternatives of remedies were done, and one of {len(TASKS)} of modules")
    wanted = [how for alternatives in remedies.ROWS.values() for _words, how in alternatives]
    wanted += remedies.IN_SENTENCES.values()
    said = "\n".join(each.text for each in sentences.sentences())
    none(f"no sentence says '{words}'" for words in remedies.IN_SENTENCES if words not in said)
    named = {how.name for how in wanted if isinstance(how, remedies.Case)}
    none(f"no case is called '{name}'" for name in named - CASES.keys() - TASKS.keys())
    none(f"'{name}' is of no remedy" for name in (CASES.keys() | TASKS.keys()) - named)
    assert {how.code for how in wanted if isinstance(how, remedies.Refusal)} <= LAB.keys()
    assert {how.code for how in wanted if isinstance(how, remedies.Override)} <= set(ALLOWABLE)
    for how in wanted:
        if isinstance(how, remedies.Test):
            path, _colons, function = how.place.partition("::")
            assert f"def {function}(" in (ROOT / path).read_text(), how.place


@pytest.mark.parametrize(
    ("text", "words", "left"),
    [
        ("do this, or do that", ("do this", "do that"), ""),
        ("do this, or do that", ("do this",), "do that"),
        ("do this", ("do that",), "do that"),
        ("do...; to have it, allow it", ("do", "have it, allow it"), ""),
    ],
)
def test_what_of_a_remedy_is_left_out(text: str, words: tuple[str, ...], left: str) -> None:
    assert remedies.left_out(text, tuple((each, remedies.Reason("")) for each in words)) == left
