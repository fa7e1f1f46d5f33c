# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that stands for a NetBSD host with trial boots: its boot.cfg, Xen, and pciback-trial itself."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import read_status
from ansible_collections.xen.pciback.plugins.module_utils.host import trial
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import BootRequest, BootResult
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import boot_editor, boot_loader
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.product import NATIVE

PCIBACKCTL = os.environ.get("PCIBACKCTL", str(NATIVE / "build/pcibackctl"))
PLAIN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\ntimeout=5\n"


class TrialHost:
    """The host: what its next boot hides, and what a module call does to it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.running: tuple[str, ...] = ()
        self._booted: dict[tuple[bytes, bool], list[str]] = {}
        (root / "kern/xen").mkdir(parents=True)
        (root / "dev").mkdir()
        for name in ("kern/xen/privcmd", "dev/console", "xen.gz", "netbsd-XEN3_DOM0.gz"):
            (root / name).write_bytes(b"")
        (root / "boot.cfg").write_bytes(PLAIN)
        monkeypatch.setattr(boot_loader, "kernel_messages", lambda: "")
        monkeypatch.setattr(boot_editor, "claims", lambda: tuple(map(parse_address, self.running)))
        for module in (trial, boot_editor):
            monkeypatch.setattr(module, "RECORD", str(root / "etc/xen-pciback/trial"))

    def run(self, argv: Sequence[str], cwd: str | None = None, **_options: Any) -> tuple[int, str, str]:
        words = list(argv)
        if words[:2] == [trial.PROGRAM, "probe"]:
            # There is no Xen to ask.
            return 0, "", ""
        if words[0] == trial.PROGRAM:
            words = [str(NATIVE / "build/pciback-trial"), *words[1:], "--root", str(self.root)]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def edit(
        self, *devices: str, state: str = "present", seconds: int | None = None, check: bool = False
    ) -> BootResult:
        """Have boot_hide do this."""
        request = BootRequest(
            path=str(self.root / "boot.cfg"),
            state=state,
            devices=devices,
            entries="xen",
            previous=True,
            predictor=PCIBACKCTL,
            backup=False,
            pins=None,
            records=StateDirectory(str(self.root / "db")),
            check_mode=check,
            trial=seconds,
        )
        return boot_editor.edit_boot(self.run, str(self.root / "boot.cfg"), request)

    def next_boot(self) -> list[str]:
        """What the next boot hides, as the model of it says."""
        command = [PCIBACKCTL, "boot", "--config", str(self.root / "boot.cfg"), "--root", str(self.root), "--json"]
        claims: list[str] = json.loads(subprocess.run(command, check=False, capture_output=True).stdout)["claims"]
        return claims

    def would_boot(self, boot_cfg: bytes, is_linked: bool) -> list[str]:
        """What it would hide with another boot.cfg, with the link of a trial or without."""
        key = (boot_cfg, is_linked)
        if key not in self._booted:
            other = self.root.parent / "other-boot.cfg"
            other.write_bytes(boot_cfg)
            command = [PCIBACKCTL, "boot", "--config", str(other), "--json"]
            command += [] if is_linked else ["--without", "/t"]
            self._booted[key] = json.loads(subprocess.run(command, check=False, capture_output=True).stdout)["claims"]
        return self._booted[key]

    def boot(self, number: int = 1) -> None:
        """Start it: what is hidden is so from now on, and pciback-trial runs."""
        self.running = tuple(self.next_boot())
        self.run([trial.PROGRAM, "begin"])

    def state(self) -> str:
        return read_status(self.run([trial.PROGRAM, "status", "--json"])[1]).state

    def restart_undone(self) -> None:
        """Start it as another boot, after one that nobody has confirmed: the record is of a boot that is not this one."""
        record = self.root / "etc/xen-pciback/trial"
        lines = record.read_text().rstrip("\n").split("\n")
        lines = ["boot\tanother-boot" if line.startswith("boot\t") else line for line in lines]
        record.write_text("\n".join([*lines, ""]).ljust(512, "\n"))
        self.boot()

    def names(self) -> list[str]:
        """What is at the top of it, and the record."""
        return sorted(path.name for path in [*self.root.iterdir(), *(self.root / "etc").rglob("trial")])
