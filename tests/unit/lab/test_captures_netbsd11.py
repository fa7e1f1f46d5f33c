# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was typed on a real NetBSD 11 dom0 around pcibackd, typed on an embedded one, and what both said.

data/netbsd11-*.txt have the commands and what they printed, in their order; ``###`` begins what was captured in one
piece. Numbers that differ by nature are made equal, and the numbers of domains count from 1. Whatever else differs is in the table below, with its reason.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.lab.conftest import Host

DATA = Path(__file__).parent / "data"
GUEST = """\
name = "{name}"
type = "pv"
kernel = "/root/vmlinux.gz"
extra = "console=hvc0 "
memory = 256
vcpus = 1
on_crash = "preserve"
passthrough = "enabled"
e820_host = 1
"""
PLAIN = "menu=Xen:load /n console=xencons;multiboot /x dom0_mem=512M\ntimeout=2\n"
HIDDEN = PLAIN.replace("xencons", "xencons pciback.hide=(0:4.0)")

# Part, command (regular expressions), and why what is printed is not compared.
DIFFERENT = (
    ("30", r"drvctl -p wm2", "the kernel is an older one, which knows fewer properties"),
    ("33|34|35|40", r"pcictl pci0 read .* 0x0?4", "pcictl does not show what pcibackd writes to COMMAND"),
    ("33", r"xenstore-ls .*", "the embedded xl makes no nodes for consoles"),
    ("35", r"/root/pirq .*", "a tool of those days: pcibackctl return does it"),
    ("36", r"ifconfig -l", "there is no bridge(4)"),
    ("33|39|40|43", r"pcibackctl status", "pcibackd has since learnt to say what it has taken from dom0"),
    ("41", r"pcictl .*", "that machine was a pc, whose kernel and firmware number an interrupt alike"),
    ("41", r"pcibackctl attach .* '00:05.0'", "what the shell said is mixed in"),
)
# Part, command, and why it is not typed at all.
LEFT_OUT = (
    ("31", r"pcibackctl attach .*", "pcibackd did not find the interrupt by itself then, and failed"),
    ("32", r"xl domid gB", "the shell kept what it printed"),
)
TYPED = {
    r"/root/pirq deassign .*": "pcibackctl return 00:05.0",
    r"/root/mksys.sh '(.*)' ([0-9]+)": r"mkdir -p /sys/bus/pci/devices/\1; cd /sys/bus/pci/devices/\1; "
    r"echo >resource; echo \2 >irq",
    r"kill -9 [0-9]+": "kill -9 $(lab-processes /usr/local/sbin/pcibackd)",
    r"(?:time|\+) (.*)": r"\1",
}
PATH = "PATH=/usr/local/sbin:/usr/pkg/sbin:/usr/pkg/bin:/sbin:/usr/sbin:/usr/bin:/bin; export PATH; "


def parts(name: str) -> Iterator[tuple[str, str, str]]:
    """Part, command and output, in their order."""
    text = (DATA / f"netbsd11-{name}.txt").read_text(encoding="utf-8")
    for part in text.split("### ")[1:]:
        number = part[:2]
        for block in part.split("\n+ ")[1:]:
            command, _newline, output = block.partition("\n")
            yield number, command, output.rstrip("\n") + "\n" if output.strip() else ""


def is_in(table: tuple[tuple[str, str, str], ...], number: str, command: str) -> bool:
    return any(re.fullmatch(where, number) and re.fullmatch(what, command) for where, what, _why in table)


def comparable(command: str, text: str) -> list[str]:
    """Lines without times, where no order is promised sorted, and of the tree what is on the PCI bus: the rest is that of
    an older kernel."""
    if command == "drvctl -lt":
        return re.findall(r"^ {6}([a-z]+[0-9]+)$", text.partition("    pci0\n")[2], re.MULTILINE)
    lines = [line for line in text.splitlines() if not re.fullmatch(r" +[0-9.]+ real +[0-9.]+ user +[0-9.]+ sys", line)]
    lines = [
        re.sub(r" +[0-9.]+$", "", line) if re.search(r"[r-][b-][p-][s-][c-][d-] ", line) else line for line in lines
    ]
    return sorted(lines) if all(line.startswith("/") for line in lines) else lines


def replay(host: Host, name: str) -> None:
    """Type the commands of a session, and compare."""
    for number, command, seen in parts(name):
        if is_in(LEFT_OUT, number, command):
            continue
        typed = command
        for pattern, instead in TYPED.items():
            typed = re.sub(rf"^{pattern}$", instead, typed)
        if typed.startswith("pcibackctl attach"):
            # Slower than whoever typed, pcibackd looks whether a driver has let go of a device again.
            wait_for(lambda: '"lost": true' not in host.ctl("status", "--json").stdout)
        done = host.sh(PATH + typed)
        if not is_in(DIFFERENT, number, command):
            # Where the captures say it, xl's number was kept by the shell.
            expected = re.sub(r"^\Z", done.stdout, seen) if typed.startswith("xl domid") else seen
            assert comparable(typed, done.stdout + done.stderr) == comparable(typed, expected), f"{number}: {command}"
        if typed.startswith("kill"):
            wait_for(lambda: host.service("pcibackd", "status").returncode == 1)
            assert host.service("pcibackd", "start").returncode == 0
        if typed.startswith(("xl unpause", "kill")):
            wait_for(lambda: "frontend 4" in host.ctl("status").stdout)


def wait_for(condition: Callable[[], bool]) -> None:
    """In place of the sleep of whoever typed."""
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def make(host: Host, *options: str, boot_cfg: str = PLAIN, allow: str = "no-reset") -> Host:
    host.create("--bus", "q35-captured", "--kernel", "/n", "--kernel", "/x", *options, boot_cfg=boot_cfg)
    host.install_pcibackd()
    for name in ("gA", "gB", "gC"):
        (host.root / f"root/{name}.cfg").write_text(GUEST.format(name=name))
    (host.root / "root/vmlinux.gz").write_text("a kernel")
    conf = host.root / "etc/rc.conf"
    conf.write_text(conf.read_text().replace("no-reset,shared-irq", allow))
    return host


def test_a_card_goes_to_a_guest_and_back_and_a_second_one_is_plugged(host: Host) -> None:
    make(host)
    assert host.service("pcibackd", "start").returncode == 0
    replay(host, "pcibackd")


def test_without_an_iommu_a_device_is_refused(host: Host) -> None:
    make(host, "--no-iommu")
    conf = host.root / "root/gC.cfg"
    conf.write_text(conf.read_text().replace('passthrough = "enabled"\n', ""))
    assert host.service("pcibackd", "start").returncode == 0
    replay(host, "no-iommu")


def test_a_guest_is_destroyed_before_it_has_connected(host: Host) -> None:
    make(host, "--no-iommu", allow="no-reset,no-iommu")
    host.tool("drvctl -d wm2")
    assert host.service("pcibackd", "start").returncode == 0
    conf = host.root / "root/gC.cfg"
    conf.write_text(conf.read_text().replace('passthrough = "enabled"\n', ""))
    # Files of earlier trials were left over.
    host.sh(
        "mkdir -p /sys/bus/pci/devices/0000:00:05.0; cd /sys/bus/pci/devices/0000:00:05.0; echo >resource; echo 21 >irq"
    )
    host.sh(f"{PATH} xl create -q /root/gC.cfg; pcibackctl attach --domain 1 00:05.0")
    wait_for(lambda: "frontend 4" in host.ctl("status").stdout)
    replay(host, "never-connected")


def test_a_guests_card_shares_the_line_of_dom0s(host: Host) -> None:
    make(host, allow="no-reset,shared-irq")
    assert host.service("pcibackd", "start").returncode == 0
    replay(host, "shared-line")


@pytest.mark.waits
def test_a_device_is_hidden_and_the_stock_toolstack_fails(host: Host) -> None:
    make(host, boot_cfg=HIDDEN)
    (host.root / "root/guest-initrd.gz").write_text("a disk")
    with (host.root / "root/gA.cfg").open("a") as file:
        file.write('ramdisk = "/root/guest-initrd.gz"\npci = ["0000:00:04.0"]\n')
    replay(host, "hidden")
    refused = host.service("pcibackd", "start")
    assert refused.stderr == (
        "pcibackd: the kernel's own backend is at work (/kern/xen/pci): unload it, or boot without a hide list\n"
    )


def test_each_reason_is_needed() -> None:
    """A command that is said to differ has been typed."""
    typed = [
        (number, command) for path in DATA.glob("netbsd11-*.txt") for number, command, _seen in parts(path.stem[9:])
    ]
    for table in (DIFFERENT, LEFT_OUT):
        for row in table:
            assert any(is_in((row,), number, command) for number, command in typed), row
