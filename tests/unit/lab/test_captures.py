# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole sessions on real NetBSD dom0s, replayed on an embedded one and compared word for word.

Each file in data/ is one boot: its bus, its boot.cfg, and every command in order with what a
person at the console saw (the kernel's messages of that moment, then the command's output).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.lab.conftest import Host

DATA = Path(__file__).parent / "data"
SESSIONS = ("two-hidden", "detach-two-hidden", "list-error", "detach-bridge", "hidden-behind-bridge")
BLOCK = re.compile(r"=====\[ ([^\n]*) \]=====\n(.*?)--- exit (\d+)\n", re.DOTALL)


def session(name: str) -> tuple[str, str, list[tuple[str, str, int]]]:
    """Bus, boot.cfg and commands (line, what was seen, exit status) of a captured session."""
    text = (DATA / f"{name}.txt").read_text(encoding="utf-8")
    head, _sign, _rest = text.partition("=====[")
    bus = re.search(r"^### bus: (.*)$", head, re.MULTILINE)
    assert bus is not None
    boot_cfg = head.partition("### boot.cfg:\n")[2]
    commands = [(line, seen, int(status)) for line, seen, status in BLOCK.findall(text)]
    return bus.group(1), boot_cfg, commands


@pytest.mark.parametrize("name", SESSIONS)
def test_session_is_word_for_word_the_real_one(name: str, host: Host) -> None:
    bus, boot_cfg, commands = session(name)
    assert len(commands) >= 4
    host.create("--bus", bus, "--kernel", "/n", boot_cfg=boot_cfg)
    for line, seen, status in commands:
        before = len(host.console)
        done = host.sh(line) if line.startswith("cat ") else host.tool(line)
        # The console of the capture expanded tabs.
        found = (host.console[before:] + done.stdout + done.stderr).expandtabs()
        assert (found, done.returncode) == (seen, status), line


def test_kernel_says_at_boot_what_the_real_one_said(host: Host) -> None:
    """The lines about PCI devices of dmesg, in their order, for a list that the parser refuses."""
    bus, boot_cfg, _commands = session("list-error")
    host.create("--bus", bus, "--kernel", "/n", boot_cfg=boot_cfg)
    lines = host.run("/sbin/dmesg").stdout.splitlines()
    assert [line for line in lines if "pciback" in line] == [
        "pciback_pci_init: hide claim device 0:4:0",
        "pciback_pci_init: syntax error at 00:05.0",
        "pciback0 at pci0 dev 4 function 0: vendor 8086 product 100e (rev. 0x03)",
        "pciback0: mem: 0xfeb20000 - 0x00020000",
        "pciback0: I/O: 0x0000c200 - 0x00000040",
        "pciback0: interrupting at ioapic0 pin 11, event channel 8",
    ]


def test_nodes_of_a_refused_list_land_in_kern_itself(host: Host) -> None:
    bus, boot_cfg, _commands = session("list-error")
    host.create("--bus", bus, "--kernel", "/n", boot_cfg=boot_cfg)
    assert (host.root / "kern" / "0000:00:04.0").is_file()
    assert not (host.root / "kern" / "xen" / "pci").exists()
    assert sorted(path.name for path in (host.root / "kern" / "xen").iterdir()) == ["privcmd", "xenbus", "xsd_port"]
