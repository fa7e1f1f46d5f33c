# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose commands hang, fail or say nothing: one sentence that is true, and nothing that was taken for granted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import commands
from ansible_collections.xen.pciback.plugins.modules import domain
from tests.conftest import Dom0
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


@pytest.mark.parametrize("tool", sorted(SILENT))
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


@pytest.mark.parametrize("place", sorted(READ_ONLY))
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
