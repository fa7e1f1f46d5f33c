# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots: what the boot.cfg that is there makes of the machine, faults included."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.depth import sampled
from tests.unit.lab.conftest import LAB, Host

CAPTURED = json.loads((Path(__file__).parents[3] / "conformance" / "data" / "boots.json").read_text(encoding="utf-8"))
BOOTS = {str(case["case"]): case for case in CAPTURED}
# Up with what was wanted, up with a list that ends early, with none, behind a bridge; a fault, no menu, no kernel. The
# model is held against all of them in tests/conformance.
IN_A_SAMPLE = ("k13-seven-63chars", "k03-missing-close-end", "k01-none", "u04-bridge", "r06-q35", "k02-bad-middle-junk",
               "m05-twelve", "m15-missing-kernel")  # fmt: skip
XEN = "menu=Xen:load /n{before};multiboot /xen.gz dom0_mem=256M{after}\ntimeout=1\n"


def xen(hide: str = "", after: str = "") -> str:
    return XEN.format(before=f" pciback.hide={hide}" if hide else "", after=after)


def reboot(host: Host, boot_cfg: str | None = None) -> subprocess.CompletedProcess[str]:
    """Reboot from inside, as a person or Ansible does."""
    if boot_cfg is not None:
        (host.root / "boot.cfg").write_text(boot_cfg, encoding="latin-1")
    return host.run("/sbin/shutdown", "-r", "now")


def with_bus(case: dict[str, Any]) -> str:
    bridged = case["case"] in ("r03-hide-bridge", "u04-bridge", "r06-q35")
    return "pc-bridge-captured" if bridged else "pc-captured"


@pytest.mark.parametrize("name", sampled(BOOTS, *IN_A_SAMPLE))
def test_machine_boots_as_the_real_one_did(name: str, host: Host) -> None:
    """A captured boot: whether it came up, what pciback got, and what its parser printed."""
    case = BOOTS[name]
    host.create("--bus", with_bus(case), "--kernel", "/n")
    # The disk of the captures had no /netbsd.
    (host.root / "netbsd").unlink()
    assert reboot(host, case["boot_cfg"]).returncode == 0
    status = host.status()
    # The captures of boots that ended at the loader's prompt or in a menu never reach init.
    assert (status["power"] == "up") == case["reached_init"], status
    if not case["reached_init"]:
        answer = host.run("/bin/true")
        assert answer.returncode == 255
        assert "no answer from the machine" in answer.stderr
        return
    expected = sorted(place for place in case["attached"] if not _missing(case, place))
    tree = host.state["boot"]["tree"]
    numbers = {number: name for name, number in tree["pcibus"].items()}
    found = []
    for device in tree["devices"]:
        if device["driver"] == "pciback":
            bus, rest = device["slot"][5:].split(":")
            found.append(f"{rest}@{numbers[int(bus, 16)]}")
    assert sorted(found) == expected
    messages = host.run("/sbin/dmesg").stdout
    for rest in case["list_error"]:
        assert f"pciback_pci_init: syntax error at {rest}\n" in messages
    assert (status["outcome"] == "not-registered") == bool(case["list_error"])
    if case["xen_started"]:
        assert host.claims() == (status["claims"] if status["outcome"] == "registered" else [])


def _missing(case: dict[str, Any], place: str) -> bool:
    """One capture is of a machine whose bus is not among the lab's."""
    return case["case"] == "r06-q35" and place not in ("04.0@pci0",)


def test_reboot_reads_the_boot_cfg_that_is_there(host: Host) -> None:
    host.create("--kernel", "/n", boot_cfg=xen())
    assert host.claims() == []
    done = reboot(host, xen("(00:05.0)(00:0a.0)"))
    assert done.returncode == 0
    assert host.claims() == ["0000:00:05.0", "0000:00:0a.0"]
    listing = host.run("/usr/sbin/pcictl", "pci0", "list", "-N").stdout
    assert "000:10:0: Intel i82540EM 1000baseT Ethernet (ethernet network, revision 0x03) [pciback1]\n" in listing
    reboot(host, xen())
    assert host.claims() == []


def test_boot_time_differs_even_after_a_fast_reboot(host: Host) -> None:
    host.create()
    seen = []
    for _boot in range(3):
        seen.append(host.run("/sbin/sysctl", "-n", "kern.boottime").stdout)
        reboot(host)
    assert len(set(seen)) == 3
    moment = time.strptime(seen[0].strip(), "%a %b %d %H:%M:%S %Y")
    assert moment.tm_year >= 2024
    kern = (host.root / "kern" / "boottime").read_text()
    assert kern == f"{host.state['boot']['boottime']}\n"


def test_machine_is_silent_while_it_reboots(host: Host) -> None:
    host.create()
    host.dom0("destroy")
    done = host.dom0("create", "--firmware", str(host.firmware), "--downtime", "30")
    assert done.returncode == 0
    reboot(host)
    answer = host.run("/bin/true")
    assert (answer.returncode, answer.stdout) == (255, "")
    assert answer.stderr == "enter: no answer from the machine: it is rebooting\n"
    assert host.status()["power"] == "rebooting"


FAULTS = {
    "an entry without a colon faults the kernel": (
        xen("(00:04.0)(junk)"), "kernel-fault", "sits in its debugger", "db{0}> "),
    "a bridge in the list panics it": (
        xen("(00:0d.0)"), "kernel-fault", "sits in its debugger", "HYPERVISOR_mmu_update failed"),
    "a list of 64 characters": (
        xen(after=" -- pciback.hide=" + "(00:04.0)" * 7 + "(0:5.0)"), "undefined", "past a buffer", "[firmware]"),
    "an unknown command": ("menu=Xen:lod /n;multiboot /xen.gz\ntimeout=1\n", "loader-failure", "boot loader", "> "),
    "a kernel that is not there": (
        "menu=Xen:load /m;multiboot /xen.gz\ntimeout=1\n", "loader-failure", "boot loader", "dom0 kernel not specified"),
    "a hypervisor that is not there": (
        "menu=Xen:load /n;multiboot /zen.gz\ntimeout=1\n", "loader-failure", "boot loader", "No such file"),
    "two empty commands": ("menu=Xen:;;load /n\ntimeout=1\n", "loader-failure", "boot loader", ""),
    "the prompt as default": (
        "menu=Prompt:prompt\nmenu=Xen:load /n;multiboot /xen.gz\ntimeout=1\n", "not-xen", "at its prompt", "> "),
    "a menu without countdown": (
        "menu=Xen:load /n;multiboot /xen.gz\ntimeout=-1\n", "empty", "menu waits for a person", ""),
    "single-user mode": (
        "menu=Xen:load /n -s;multiboot /xen.gz\ntimeout=1\n", "empty", "single-user", "Enter pathname of shell"),
    "the disk controller in the list": (
        xen("(00:01.1)"), "registered", "asks for one at the console", "root device: "),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_machine_never_answers_again_after(fault: str, host: Host) -> None:
    boot_cfg, outcome, reason, shown = FAULTS[fault]
    host.create("--bus", "pc-bridge", "--kernel", "/n", boot_cfg=xen())
    assert host.run("/bin/true").returncode == 0
    reboot(host, boot_cfg)
    answer = host.run("/bin/true")
    assert answer.returncode == 255
    assert reason in answer.stderr
    assert "machine/console.log" in answer.stderr
    status = host.status()
    assert (status["power"], status["outcome"]) == ("dead", outcome)
    console = host.console.rpartition("rebooting...")[2]
    assert shown in console
    assert "login: " not in console


def test_person_at_the_console_brings_it_back(host: Host) -> None:
    boot_cfg = "menu=Bad:load /n pciback.hide=();multiboot /xen.gz\nmenu=Good:load /n;multiboot /xen.gz\ntimeout=1\n"
    host.create("--kernel", "/n", boot_cfg=boot_cfg)
    assert host.status()["outcome"] == "kernel-fault"
    assert host.dom0("reboot", "--entry", "2").returncode == 0
    assert host.run("/bin/true").returncode == 0
    assert host.status()["outcome"] == "empty"


def test_plain_kernel_comes_up_without_xen(host: Host) -> None:
    host.create(boot_cfg="menu=NetBSD:boot netbsd\ntimeout=1\n")
    assert host.run("/sbin/sysctl", "-n", "kern.configname").stdout == "GENERIC\n"
    assert not (host.root / "kern" / "xen").exists()
    assert "[piixpm0]" in host.run("/usr/sbin/pcictl", "pci0", "list", "-N").stdout
    refused = host.run("/usr/pkg/sbin/xl", "list")
    assert refused.returncode == 1
    assert "cannot init xl context" in refused.stderr


def test_no_boot_cfg_boots_the_plain_kernel(host: Host) -> None:
    host.create()
    (host.root / "boot.cfg").unlink()
    reboot(host)
    assert host.run("/sbin/sysctl", "-n", "kern.configname").stdout == "GENERIC\n"
    (host.root / "netbsd").unlink()
    reboot(host)
    assert "found no menu and no /netbsd" in host.run("/bin/true").stderr


def test_guests_and_written_registers_are_gone_after_a_reboot(host: Host) -> None:
    host.create("--guest", "alpha")
    assert host.run("/usr/pkg/sbin/xl", "create", "/usr/pkg/etc/xen/alpha").returncode == 0
    assert host.status()["domains"] == ["alpha"]
    latency = ("-d", "4", "0x0c")
    host.run("/usr/sbin/pcictl", "pci0", "write", *latency, "0x4010")
    assert host.run("/usr/sbin/pcictl", "pci0", "read", *latency).stdout == "00004010\n"
    reboot(host)
    assert host.status()["domains"] == []
    assert host.run("/usr/sbin/pcictl", "pci0", "read", *latency).stdout == "00000000\n"


def test_messages_of_earlier_boots_stay_in_the_buffer(host: Host) -> None:
    host.create("--kernel", "/n", boot_cfg=xen("(00:04.0)"))
    reboot(host, xen("(00:05.0)"))
    claims = [line for line in host.run("/sbin/dmesg").stdout.splitlines() if "hide claim" in line]
    assert claims == ["pciback_pci_init: hide claim device 0:4:0", "pciback_pci_init: hide claim device 0:5:0"]
    assert host.run("/bin/cat", "/kern/msgbuf").stdout == host.run("/sbin/dmesg").stdout


def test_the_order_of_the_list_is_that_of_the_claims(host: Host) -> None:
    """The kernel reads the list from its start, autoconfiguration goes along the bus."""
    host.create("--kernel", "/n", boot_cfg=xen("(00:0a.0)(00:04.0)"))
    lines = host.run("/sbin/dmesg").stdout.splitlines()
    assert [line[-5:] for line in lines if "hide claim" in line] == ["0:a:0", "0:4:0"]
    assert "pciback0 at pci0 dev 4 function 0" in "\n".join(lines)


@pytest.mark.parametrize(
    ("arguments", "status", "error"),
    [
        (["-r", "0", "Reboot initiated by Ansible"], 1, "shutdown: illegal time format\nUsage: shutdown "
         "[-Ddfhknprvxz] [-b bootstr] time [message ... | -]\n"),
        ([], 1, "Usage: shutdown [-Ddfhknprvxz] [-b bootstr] time [message ... | -]\n"),
        (["-k", "now"], 0, ""),
    ],
)  # fmt: skip
def test_shutdown_that_does_not_shut_down(arguments: list[str], status: int, error: str, host: Host) -> None:
    host.create()
    done = host.run("/sbin/shutdown", *arguments)
    assert (done.returncode, done.stderr) == (status, error)
    assert host.status()["boot"] == 1


@pytest.mark.parametrize(("arguments", "reason"), [(["-p", "now"], "halted"), (["now"], "single-user mode")])
def test_shutdown_without_reboot_is_the_end(arguments: list[str], reason: str, host: Host) -> None:
    host.create()
    assert host.run("/sbin/shutdown", *arguments).returncode == 0
    assert reason in host.run("/bin/true").stderr


def test_parallel_commands_lose_nothing(host: Host) -> None:
    names = [f"guest{number}" for number in range(6)]
    host.create(*[word for name in names for word in ("--guest", name)])
    words = [str(LAB / "enter"), str(host.root), "--", "/usr/pkg/sbin/xl", "create"]
    running = [subprocess.Popen([*words, f"/usr/pkg/etc/xen/{name}"], stderr=subprocess.DEVNULL) for name in names]
    assert [process.wait() for process in running] == [0] * 6
    domains = host.state["domains"]
    assert sorted(domain["name"] for domain in domains) == names
    assert sorted(domain["domid"] for domain in domains) == list(range(1, 7))


def test_lab_needs_nothing_but_the_standard_library() -> None:
    """It runs with an interpreter that sees no installed package."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(LAB / "dom0.py"), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
