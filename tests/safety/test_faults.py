# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose commands hang, fail or say nothing: one sentence that is true, and nothing that was taken for granted."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import commands
from ansible_collections.xen.pciback.plugins.modules import domain
from tests.conftest import Dom0
from tests.depth import sampled
from tests.unit.module_call import call


@pytest.fixture
def hanging_xl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An xl that waits for ever, as one does whose xenstored is gone; nobody waits for it as long as for a real one."""
    path = tmp_path / "xl"
    path.write_text("#!/bin/sh\nsleep 3600 & wait\n")
    path.chmod(0o755)
    monkeypatch.setattr(commands, "_TOOLSTACK", commands.Limit(0.2, commands._TOOLSTACK.look))
    monkeypatch.setitem(commands._KINDS, "xl", commands._TOOLSTACK)
    return path


@pytest.mark.parametrize("check", [False, True])
def test_an_xl_that_hangs_holds_no_play(hanging_xl: Path, tmp_path: Path, check: bool) -> None:
    options: dict[str, Any] = {
        "domains": [{"name": "firewall", "state": "absent"}],
        "xl": str(hanging_xl),
        "state_directory": str(tmp_path / "db"),
    }
    result = call(domain.main, options, check=check)
    assert (result["failed"], result["msg"]) == (
        True,
        f"xl can't say which guests run: '{hanging_xl} list' did not end within 0.2 s and was killed; it said nothing",
    )
    assert result["remedy"] == "see on the host whether xenstored runs, xl waits for it, and what /var/log/xen says"
    assert not (tmp_path / "db").exists()


FIREWALL = {"name": "firewall", "config": "/usr/pkg/etc/xen/firewall"}
UNUSED_CARD = {"address": "00:05.0"}
BOOT_CONTROLLER = {"address": "00:01.1"}

SILENT = {
    "xl": (
        "usr/pkg/sbin/xl",
        "exit 0\n",
        UNUSED_CARD,
        "xl can't say which guests run: '/usr/pkg/sbin/xl list' prints nothing, not even Domain-0",
    ),
    "mount": (
        "sbin/mount",
        "exit 0\n",
        BOOT_CONTROLLER,
        "may carry what dom0 stands on or is managed through, and the host does not say whether it does: "
        "'/sbin/mount' prints nothing, which tells nothing: mounted file systems were not looked at",
    ),
    "ifconfig": (
        "sbin/ifconfig",
        "exit 0\n",
        UNUSED_CARD,
        "'/sbin/ifconfig -a' prints nothing, which tells nothing: network interfaces were not looked at",
    ),
    "route": (
        "sbin/route",
        "echo 'route: botched keyword' >&2; exit 1\n",
        UNUSED_CARD,
        "'/sbin/route -n get default' failed (route: botched keyword): this default route was not looked at",
    ),
    "pcictl": (
        "usr/sbin/pcictl",
        "exit 0\n",
        UNUSED_CARD,
        "'/usr/sbin/pcictl pci0 list -n' prints no device, and every machine has one",
    ),
}


@pytest.mark.parametrize("tool", sampled(SILENT, "pcictl", "route"))
def test_silence_is_not_an_answer(dom0: Dom0, tool: str) -> None:
    path, script, device, sentence = SILENT[tool]
    host = dom0.create()
    host.wrap(path, script)
    before = host.tree()
    run = host.playbook({"pciback_guests": [{**FIREWALL, "devices": [device]}], "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert sentence in message and "Traceback" not in run.output
    assert (run.changed(), host.tree()) == ([], before)


def read_only(host: Dom0, place: str) -> None:
    """Mount a folder of the machine for reading only."""
    with (host.directory / "machine/mounts").open("a") as table:
        table.write(f"./{place} ./{place} none bind\n./{place} ./{place} none remount,bind,ro\n")


READ_ONLY = {
    "usr/pkg/etc/xen": "/usr/pkg/etc/xen/firewall",
    "var/db/xen-pciback": "/var/db/xen-pciback/pins.json",
}


@pytest.mark.parametrize("place", sampled(READ_ONLY, "var/db/xen-pciback"))
def test_nothing_is_written_if_one_file_can_not_be(dom0: Dom0, place: str) -> None:
    host = dom0.create()
    (host.root / place).mkdir(exist_ok=True)
    read_only(host, place)
    before = host.tree()
    run = host.playbook({"pciback_guests": [{**FIREWALL, "devices": [UNUSED_CARD]}], "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert (
        f"not-replaceable: {READ_ONLY[place]}: it can't be replaced: Read-only file system. "
        "What helps: mount its file system for writing, or name a file elsewhere." in message
    )
    assert (run.changed(), host.tree()) == ([], before)


FILE_FAULTS = {
    "hard link of boot.cfg": (
        "boot.cfg",
        "not-replaceable: /boot.cfg: it has 2 names (hard links), and a new file in its place would leave the others as "
        "they are. What helps: give it a file of its own: cp -p /boot.cfg /boot.cfg.new && mv /boot.cfg.new /boot.cfg.",
    ),
    "hard link of a guest's file": (
        "usr/pkg/etc/xen/firewall",
        "not-replaceable: /usr/pkg/etc/xen/firewall: it has 2 names (hard links)",
    ),
    "BOM": (
        "boot.cfg",
        "boot-config-invalid: /boot.cfg, line 1, column 1: it begins with a byte order mark (EF BB BF), and the loader then "
        "knows no word of its first line",
    ),
    "stray file": (
        "kern/xen/pci/.stray",
        "/kern/xen/pci/.stray: its name is no PCI address, so it is none of the functions that pciback shows there",
    ),
}


@pytest.mark.parametrize("fault", sampled(FILE_FAULTS, "hard link of boot.cfg"))
def test_a_file_that_is_not_as_files_are_is_named(dom0: Dom0, fault: str) -> None:
    place, sentence = FILE_FAULTS[fault]
    host = dom0.create()
    path = host.root / place
    if fault.startswith("hard link"):
        path.with_name("another-name").hardlink_to(path)
    elif fault == "BOM":
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    before = host.tree()
    run = host.playbook({"pciback_guests": [{**FIREWALL, "devices": [UNUSED_CARD]}], "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert sentence in message and "Traceback" not in run.output
    assert (run.changed(), host.tree()) == ([], before)


def test_output_that_is_no_text_breaks_nothing(dom0: Dom0) -> None:
    host = dom0.create()
    host.wrap("usr/pkg/sbin/xl", "printf 'libxl: error: caf\\351\\033[2J\\n' >&2; exit 1\n")
    run = host.playbook({"pciback_guests": [{**FIREWALL, "devices": [UNUSED_CARD]}]})
    assert run.status == 2, run.output
    assert run.failures() == [
        r"Nothing was changed. dom0 can't be planned: xl can't say which guests run: caf\xe9\x1b[2J."
    ]


def test_an_acl_goes_over_to_the_new_file(dom0: Dom0, native: Dom0) -> None:
    host = dom0.create().borrow_native(native)
    path = host.root / "usr/pkg/etc/xen/firewall"
    path.chmod(0o600)
    entries = [
        (1, 6, 0xFFFFFFFF),
        (2, 6, os.getuid()),
        (4, 0, 0xFFFFFFFF),
        (0x10, 6, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF),
    ]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no ACLs")
    run = host.playbook({"pciback_guests": [{**FIREWALL, "devices": [UNUSED_CARD]}]})
    assert run.status == 0, run.output
    assert b"00:05.0" in path.read_bytes()
    assert os.getxattr(path, "system.posix_acl_access") == acl
    assert path.stat().st_mode & 0o777 == 0o660
