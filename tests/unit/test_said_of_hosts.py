# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a host and in its plan, word for word, where no other test is about it (see test_said.py)."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.xen.pciback.plugins.action import native_backend
from ansible_collections.xen.pciback.plugins.connection import lab
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.host import commands
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot as linux_boot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus as linux_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import drivers as linux_drivers
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import facts as linux_facts
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import ForeignList
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_plan import LinuxBootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.drivers import LinuxDrivers
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.pciback import Pciback
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus as netbsd_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import facts as netbsd_facts
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from ansible_collections.xen.pciback.plugins.module_utils.refusals import REFUSALS
from ansible_collections.xen.pciback.plugins.plugin_utils import cross_build
from tests.unit.action.test_native_backend import Host
from tests.unit.engines.test_assignment import assign
from tests.unit.engines.test_guests import XL, Xl, bring
from tests.unit.host.linux.test_boot import BOOT, DEBIAN, WITHOUT
from tests.unit.linux_modules import CARD, Dom0
from tests.unit.planning import test_absent as absent
from tests.unit.planning.hosts import ONE, converged, device, guest, host
from tests.unit.plans import changed, make_plan, run
from tests.unit.test_said import said

ADDRESS = parse_address("00:05.0")


def silent(*_argv: Any, **_more: Any) -> tuple[int, str, str]:
    """Every command fails and says nothing."""
    return 1, "", ""


def not_known(facts: Facts) -> str:
    """All that the guards are told that could not be seen."""
    return " | ".join([*(each.why for each in facts.unseen), *facts.unchecked])


# --- registry


def test_what_helps_in_general() -> None:
    assert {code: row.remedy for code, row in REFUSALS.items()} == {
        "inventory-invalid": "correct it in the inventory",
        "nothing-wanted": "say which devices its guests own, or give everything back with pciback_state: absent",
        "foreign-hide-list": "want its devices, too",
        "kept-mappings": "restart that guest",
        "interrupt-unknown": "say with irq of the device which one it is, or take a device that dom0 has a driver for, which makes the kernel "
        "find its interrupt",
        "no-reset": "take a device that can be reset",
        "no-such-device": "correct the selector, or look at the host with xen.pciback.device_info",
        "ambiguous-selector": "add a criterion, such as the address, or say 'all: true' if every one is meant",
        "identity-changed": "follow the device, or allow the one that is there now",
        "assigned-twice": "leave it in one list, or make the selectors more exact",
        "bridge": "leave it to dom0",
        "boot-disk": "leave it to dom0",
        "management-nic": "leave it to dom0 or manage the host through another card",
        "use-unknown": "see on the host why the command that is named fails",
        "console": "leave it to dom0",
        "shared-irq": "take a device of another line, or give the other one away too",
        "shared-bar-page": "give the other one to the same guest",
        "no-iommu": "switch VT-d or AMD-Vi on in the machine's firmware",
        "iommu-group": "give every function of the group to the same guest",
        "list-too-long": "hide fewer devices",
        "boot-config-invalid": "mend what the sentence names",
        "domain-config-invalid": "mend what the sentence names",
        "not-replaceable": "mend what the sentence names",
        "backend-busy": "shut down the guests that have them, or stay with that backend",
        "trial-undone": "find the cause, then try once more with pciback_retry_failed: true",
        "trial-running": "let it be undone, or confirm it on the host with 'pcibackctl confirm'",
        "prediction-mismatch": "run 'pcibackctl boot' on the host to see why",
    }


# --- plans


def refusal(plan: Plan) -> tuple[str, str | None]:
    """The one refusal of a plan: message and remedy."""
    (found,) = plan.refusals
    return found.message, found.remedy


def test_bridges() -> None:
    bridge = Wanted(extra_devices=(device(address="00:0d.0"),))
    message, remedy = refusal(make_plan(bridge, host()))
    assert message.endswith(" is a PCI bridge: a NetBSD dom0 that hides it panics while it boots")
    assert remedy == "give away the functions behind the bridge instead; this can't be overridden"
    assert Linux.backends["kernel"].bridge_loss == "dom0 would lose what is behind it, and a guest can't use it"
    own = Wanted(extra_devices=(device(address="00:00.0"),))
    assert refusal(make_plan(own, host()))[1] == "leave it to dom0, or allow code 'bridge' for this address"


def test_guests_that_are_not_what_the_inventory_says() -> None:
    twice = Wanted(guests=(guest(), guest()))
    assert refusal(make_plan(twice, host())) == ("guest firewall is listed twice", "list it once")
    nothing = make_plan(Wanted(guests=(guest(name="mail"),)), host())
    assert refusal(nothing)[0] == "/etc/xen/mail: guest mail has no configuration file"
    other = host(guest_configs={"/etc/xen/firewall": b"name = 'mail'\n"})
    message, remedy = refusal(make_plan(ONE, other))
    assert message == "/etc/xen/firewall describes a guest named 'mail', not 'firewall'"
    assert remedy == "correct the name in the inventory or in the file"


def test_what_would_be_done() -> None:
    summaries = [action.summary for action in make_plan(ONE, host()).actions]
    assert "list the devices in the configuration of firewall" in summaries


def test_what_would_be_undone() -> None:
    plan = make_plan(absent.WANTED, absent.hiding())
    summaries = [action.summary for action in plan.actions]
    assert "put back what was before the first run: /etc/xen/firewall, /boot.cfg" in summaries
    assert "remove pcibackctl and what is recorded of it" in summaries
    unready = replace(absent.hiding().native, ready=False, reason="it is not installed")
    plan = make_plan(absent.WANTED, changed(absent.hiding(), native=unready))
    assert "install pcibackctl, to predict the reboot: it is not installed" in [each.summary for each in plan.actions]


def test_a_boot_without_a_list_is_not_rebooted_into() -> None:
    other = host(
        boot_config=b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\nmenu=N:boot /netbsd\ndefault=2\n"
    )
    assert refusal(make_plan(ONE, other))[1] == (
        "set default= to an entry that starts Xen, or include that entry in pciback_boot_entries"
    )
    assert make_plan(ONE, host()).recovery[0] == (
        "At its console, choose entry 3 'Xen (previous pciback)' in the loader's menu: it boots with the list from before."
    )


def test_guests_of_linux_that_run_on(dom0: Dom0) -> None:
    dom0.config("mail")
    dom0.run_guest("mail")
    dom0.xl.guests[-1].update(asked=True, context=True)
    mail = {"name": "mail", "devices": [{"address": "00:05.0"}]}
    assert "change the devices of mail" in [each["summary"] for each in dom0.plan(mail)["actions"]]
    dom0.load_pciback()
    for place in ("e1000/unbind", "pciback/new_slot", "pciback/bind"):
        dom0.write(f"{dom0.sys}/bus/pci/drivers/{place}", CARD)
    dom0.run_guest("firewall", CARD)
    warnings = str(dom0.plan(mail)["warnings"])
    assert (
        "guest mail keeps the devices that it has: 00:05.0 is still with guest firewall, which runs on; shut that down first"
    ) in warnings
    stopped = {"name": "firewall", "state": "stopped"}
    refused = dom0.plan(stopped)
    assert [each["remedy"] for each in refused["refusals"]] == [
        "name the devices, or give everything back with pciback_state: absent; to take the devices away and keep the rest, "
        "allow code 'nothing-wanted', without an address"
    ]
    returned = dom0.plan(stopped, allow=[{"code": "nothing-wanted"}])
    assert "give 00:05.0 back to dom0" in [each["summary"] for each in returned["actions"]]


def test_a_boot_of_another_platform() -> None:
    for platform, other in ((Linux, converged().boot), (Netbsd, BOOT)):
        with pytest.raises(TypeError, match="the state of another platform's boot"):
            platform(run).boot_planner(other)


# --- Linux: the boot


def test_what_helps_with_a_linux_boot() -> None:
    plain = replace(BOOT, menu=b"menuentry 'Linux' {\n\tlinux /vmlinuz\n}\n")
    assert (
        said(plain.read_menu)[1]
        == "install Xen for this dom0, and make the menu anew with update-grub or grub-mkconfig"
    )
    later = ForeignList("/etc/default/grub", 3, "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT", "(00:06.0)")
    assert (
        said(lambda: replace(BOOT, foreign=(later,)).edit([ADDRESS]))[1]
        == "take it out, or move it to GRUB_CMDLINE_LINUX"
    )
    text, remedy = said(lambda: linux_boot.check_menu(DEBIAN, grub.MENU, "(00:07.0)", None))
    assert "' would hide (00:05.0)(00:06.1), not (00:07.0); nothing was changed" in text
    assert "its entry 'Debian GNU/Linux, with Xen hypervisor' would hide " in text
    assert remedy == (
        "see where xen-pciback.hide or GRUB_DEFAULT are set: /etc/default/grub, /etc/default/grub.d, /etc/grub.d"
    )
    assert BOOT.without({}).reason == "the files are as they were before their first change"
    header = b"# Written by xen.pciback; it goes with the last hidden device.\n"
    assert all(
        each.after.startswith((header, b"#!/bin/sh\n" + header))
        for each in BOOT.edit([ADDRESS], previous=False).files
        if each.after
    )


def test_what_helps_with_the_plan_of_a_linux_boot(dom0: Dom0) -> None:
    planned = dom0.plan({"name": "firewall", "devices": [{"address": "00:05.0"}]}, boot_entries=["Xen"])
    assert [each["remedy"] for each in planned["refusals"]] == ["set pciback_boot_entries to xen"]
    planned = dom0.plan({"name": "firewall", "devices": [{"address": "00:05.0"}]})
    assert planned["recovery"][0] == (
        "In GRUB's menu, choose 'Debian GNU/Linux, with Xen hypervisor (previous pciback)': it boots with the list from before."
    )
    assert LinuxBootPlanner(replace(BOOT, menu=WITHOUT)).boot.own_list() is None


# --- Linux: the host


def test_a_host_that_is_no_linux_dom0(tmp_path: Path) -> None:
    text, remedy = said(lambda: linux_bus.check_dom0(str(tmp_path)))
    assert text == "this host runs Linux without Xen, it is no Xen dom0"
    assert remedy == "install Xen (on Debian the package xen-system-amd64), and boot the menu entry that starts it"
    (tmp_path / "hypervisor").mkdir()
    (tmp_path / "hypervisor/type").write_text("xen\n")
    (tmp_path / "hypervisor/uuid").write_text("5b2e6d2c-0000-0000-0000-000000000001\n")
    text, remedy = said(lambda: linux_bus.check_dom0(str(tmp_path)))
    assert text == "this host runs Linux in a guest of Xen, it is no dom0"
    assert remedy == "name the dom0 in the inventory, not one of its guests"


def test_what_is_not_known_of_a_linux_dom0(tmp_path: Path) -> None:
    unchecked = not_known(linux_facts.read_facts(sys=str(tmp_path), proc=str(tmp_path)))
    for words in (
        "mounted file systems were not looked at",
        "swap areas were not looked at",
        "IPv4 routes were not looked at",
        f"{tmp_path}/class/net is empty: network interfaces were not looked at",
        "IPv4 addresses are not known",
        "the kernel's consoles are not known",
    ):
        assert words in unchecked


def test_what_helps_with_pciback(dom0: Dom0) -> None:
    module = Pciback(silent, str(dom0.sys), None)
    text, remedy = said(module.load)
    assert text == "xen-pciback can't be loaded: modprobe said nothing"
    assert remedy == "use a kernel with CONFIG_XEN_PCIDEV_BACKEND, as Debian's are"
    dom0.load_pciback()
    with mock.patch.object(linux_drivers, "write", side_effect=OSError(19, "No such device")):
        text, remedy = said(lambda: module.assign(ADDRESS))
    assert text == f"{CARD} can't be written to {dom0.sys}/bus/pci/drivers/e1000/unbind: No such device"
    assert remedy == "look at the kernel's messages with dmesg"
    with mock.patch.object(
        linux_drivers,
        "write",
        side_effect=lambda path, value: (path.endswith("bind") and "un" not in path) or dom0.write(path, value),
    ):
        text, remedy = said(lambda: module.assign(ADDRESS))
    assert (text, remedy) == (
        "pciback did not take 00:05.0; no driver holds it now",
        "look at the kernel's messages with dmesg",
    )


def test_a_device_that_comes_back_to_another_driver(dom0: Dom0) -> None:
    dom0.load_pciback()
    module = LinuxDrivers(silent, str(dom0.sys))
    text, remedy = said(lambda: module._bind(ADDRESS, "igb"))
    assert text == "00:05.0 is back in dom0, but e1000 holds it, and igb did before"
    assert remedy == f"load igb, and bind the device by writing {CARD} to /sys/bus/pci/drivers/igb/bind"


def test_a_bridge_is_not_handed_over(dom0: Dom0) -> None:
    failed = assign(dom0, {"address": "00:08.0"})
    assert failed["msg"].endswith(" is a PCI bridge: dom0 would lose what is behind it")
    dom0.converge({"name": "firewall", "devices": [{"address": "00:05.0"}]})
    failed = assign(dom0, {"address": "00:05.0"}, state="returned")
    assert failed["remedy"] == "detach it there first, or shut the guest down"


def test_a_guest_that_wants_what_pciback_does_not_hold(dom0: Dom0) -> None:
    config = dom0.config("mail", "pci = [ '00:05.0' ]\n")
    failed = bring(Linux(dom0.run), Xl(dom0.run, XL), [{"name": "mail", "config": str(config)}])
    assert failed["remedy"] == (
        "hand devices to pciback with xen.pciback.assignable, or take them out of the guest's file"
    )


# --- NetBSD


def test_kernfs_that_is_not_mounted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(netbsd_bus, "KERNFS_XEN", str(tmp_path / "xen"))
    assert said(lambda: netbsd_bus.check_dom0(lambda _argv: (0, "XEN3_DOM0\n", "")))[1] == (
        "mount it with '/sbin/mount -t kernfs kernfs /kern' and add it to /etc/fstab"
    )


def test_a_pcictl_that_prints_something_else() -> None:
    text, _remedy = said(lambda: netbsd_bus._device(ADDRESS, "no ids", ""))
    assert text == "/usr/sbin/pcictl printed 'no ids' for 000:05:0, which is no pair of id and class registers"


def test_what_is_not_known_of_a_netbsd_dom0() -> None:
    def answer(argv: list[str], **_more: Any) -> tuple[int, str, str]:
        if argv[0].endswith("ifconfig"):
            return 0, "bridge0: flags=0x41<UP,RUNNING> mtu 1500\n", ""
        if argv[0].endswith("mount"):
            return 0, "/dev/raid0a on / type ffs (local)\n", ""
        return 1, "", "no\n"

    unchecked = not_known(netbsd_facts.read_facts(answer))
    for words in (
        "swap areas were not looked at",
        "members of bridges are not known",
        "this default route was not looked at",
        "what raid0 lies on is not known",
        "the tree of devices is taken from the kernel's messages",
    ):
        assert words in unchecked
    unchecked = not_known(netbsd_facts.read_facts(silent))
    assert "mounted file systems were not looked at" in unchecked
    assert "network interfaces were not looked at" in unchecked


# --- the controller


def test_a_controller_that_can_not_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def build(**more: Any) -> tuple[str, str | None]:
        arguments = {"target": "x86_64-netbsd", "prefix": "/usr/local", "flags": "", "daemon": False, **more}
        sources = {"Makefile": b"control:\n\tfalse\n"}
        return said(lambda: cross_build.cross_build(sources, workspace=str(tmp_path), **arguments))

    assert build()[0].startswith("building for x86_64-netbsd on the controller failed: ")
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    text, remedy = build()
    assert text == "the native component is to be built on the controller, which has no make for that"
    assert remedy and remedy.startswith("install make on the controller; ")


def test_the_connection_of_the_lab(tmp_path: Path) -> None:
    connection = lab.Connection.__new__(lab.Connection)
    connection._connected = True
    with mock.patch.object(connection, "get_option", return_value=str(tmp_path)), mock.patch.object(
        lab.subprocess, "Popen", side_effect=OSError(8, "Exec format error")
    ), pytest.raises(AnsibleConnectionFailure, match="lab/enter does not start: "):
        connection._enter(["true"])
    with mock.patch.object(connection, "_enter", return_value=(1, b"", b"no\n")), pytest.raises(
        AnsibleError, match="/file could not be copied: no"
    ):
        connection._copy("cat", "/file")


def test_the_action_says_that_it_builds() -> None:
    answers = [{"needs": "binaries", "target": "x86_64-netbsd", "prefix": "/usr/local"}, {"changed": True}]
    asked = Host(answers, False)
    with mock.patch.object(native_backend, "display") as display, mock.patch.object(
        native_backend, "cross_build", return_value=({}, "zig")
    ), mock.patch.object(ActionBase, "run", return_value={}):
        asked.action.run(task_vars={"inventory_hostname": "alpha"})
    (sentence,) = display.display.call_args[0]
    assert sentence == "<alpha> building the native component for x86_64-netbsd"


# --- commands


def test_what_helps_with_a_command_that_hangs() -> None:
    def look(program: str) -> str:
        return commands.limit_of([f"/usr/sbin/{program}"]).look

    assert look("pcictl") == (
        "run it by hand on the host to see what it waits for; 'dmesg' tells of hardware that does not answer"
    )
    assert look("grub-mkconfig") == (
        "run it by hand on the host; os-prober is what mostly takes long, GRUB_DISABLE_OS_PROBER=true ends that"
    )
    assert look("update-initramfs") == (
        "run it by hand on the host, and see with 'df' and 'dmesg' whether its disk answers"
    )
    assert look("make") == (
        "see with 'top' what the host is busy with, or build elsewhere with pciback_native_method: cross"
    )


def test_a_command_that_waits_inside_the_kernel() -> None:
    process = mock.Mock(pid=0, returncode=None)
    process.wait.side_effect = subprocess.TimeoutExpired("xl", 1)
    process.poll.return_value = 0
    with mock.patch.object(commands.os, "killpg") as kill, commands._ended(process) as end:
        assert end() == "and can't be killed, it waits inside the kernel"
    assert kill.call_count == 2


def test_a_bus_without_devices() -> None:
    text, remedy = said(lambda: netbsd_bus.devices(lambda _argv: (0, "", "")))
    assert text == "'/usr/sbin/pcictl pci0 list -n' prints no device, and every machine has one"
    assert remedy == "see what it prints on the host; its kernel needs pci(4), and /dev/pci0 has to be there"
