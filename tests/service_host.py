# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts whose init system starts pcibackd: its tools are played, and what they would change is in files below a root.

The pcibackd that runs is a file beside the root, so that one that was started outlives a run that is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import service as linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import service as netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.service import Service

RC, SYSTEMD, SYSV = "rc.d", "systemd", "sysvinit"
KINDS: dict[str, type[Service]] = {RC: netbsd.RcService, SYSTEMD: linux.Systemd, SYSV: linux.SysvInit}
SOURCES = {RC: "pcibackd.rc", SYSTEMD: "pcibackd.service", SYSV: "pcibackd.init"}

Answer = tuple[int, str, str]
OK: Answer = (0, "", "")


class ServiceHost:
    """A host with one init system.

    :ivar fails: why pcibackd ends as soon as it is started; empty: it runs
    :ivar calls: the tools that were run, with their arguments
    """

    def __init__(self, root: Path, kind: str) -> None:
        self.root, self.kind = root, kind
        self.fails = ""
        self.calls: list[str] = []
        self._process = root.parent / f"{root.name}-pcibackd"

    @property
    def service(self) -> Service:
        return KINDS[self.kind](self.run, str(self.root))

    @property
    def guests(self) -> Service | None:
        """What starts guests of the kernel's backend with the host."""
        return netbsd.RcGuests(self.run, str(self.root)) if self.kind == RC else None

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """This host's init system is that of the host on which modules run."""
        here = mock.Mock(service=lambda: self.service, guests_service=lambda: self.guests)
        with mock.patch.object(platforms, "here", lambda _run: here):
            yield

    # --- pcibackd

    @property
    def running(self) -> dict[str, Any] | None:
        """What the pcibackd that runs says of itself."""
        try:
            status: dict[str, Any] = json.loads(self._process.read_text())
        except FileNotFoundError:
            return None
        return status

    def begin(
        self, source_sha256: str, guests: Sequence[int] = (), taken: Sequence[str] = (), hands_over: bool = False
    ) -> None:
        """A pcibackd runs."""
        status = {
            "schema": "xen.pciback/status/1",
            "pid": 4711,
            "source_sha256": source_sha256,
            "hands_over": hands_over,
            "guests": [
                {"domain": number, "phase": "connected", "devices": [{"address": "0000:03:00.0"}]} for number in guests
            ],
            "held_back": [],
            "taken": [{"address": address} for address in taken],
        }
        self._process.write_text(json.dumps(status))

    def end(self) -> None:
        self._process.unlink(missing_ok=True)

    def _start(self) -> Answer:
        """As its service starts it: the program is a text that ends with the digest of its sources."""
        if self.fails:
            return 1, "", f"pcibackd: {self.fails}\n"
        programs = sorted(self.root.glob("*/sbin/pcibackd"))
        if self.running is None:
            self.begin(programs[0].read_text()[-64:] if programs else "")
        return OK

    def _switch(self, how: str) -> Answer:
        if how == "onestop" and self.running is None:
            return 1, "", "pcibackd not running?\n"
        programs = sorted(self.root.glob("*/sbin/pcibackd"))
        if how == "reload" and self.running and programs and not self.fails:
            guests = [each["domain"] for each in self.running["guests"]]
            self.begin(programs[0].read_text()[-64:], guests, hands_over=True)
        if how in ("stop", "onestop", "restart"):
            self.end()
        return self._start() if how in ("start", "restart") else OK

    # --- the tools

    def run(self, argv: Sequence[str], cwd: str | None = None) -> Answer:
        name = os.path.basename(argv[0])
        self.calls.append(" ".join([name, *argv[1:]]))
        if name == "pcibackctl" and argv[1] == "status":
            if self.running is None:
                return 1, "", "pcibackctl: pcibackd is not running: nobody listens at /var/run/pcibackd.sock\n"
            return 0, json.dumps(self.running), ""
        if argv[0] in (f"{self.root}{netbsd.SCRIPTS}/pcibackd", f"{self.root}{linux.SCRIPTS}/pcibackd"):
            return self._switch(argv[1]) if os.access(argv[0], os.X_OK) else (127, "", "not found")
        if name == "systemctl":
            return self._systemctl(*argv[1:])
        if name == "update-rc.d":
            return self._update_rc_d(*argv[1:])
        return OK

    def _systemctl(self, how: str, unit: str = "") -> Answer:
        link = self.root / f"etc/systemd/system/multi-user.target.wants/{unit}"
        if how == "enable":
            if not (self.root / "etc/systemd/system" / unit).is_file():
                return 1, "", f"Failed to enable unit: Unit file {unit} does not exist.\n"
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(f"/etc/systemd/system/{unit}")
        elif how == "disable":
            link.unlink()
            link.parent.rmdir()
        elif how in ("start", "stop", "restart", "reload"):
            status, _out, _err = self._switch(how)
            return status, "", f"Job for {unit} failed.\n" if status else ""
        return OK

    def _update_rc_d(self, *words: str) -> Answer:
        folders = [self.root / f"etc/rc{level}.d" for level in "2345"]
        if words[-1] == "remove":
            for folder in folders:
                (folder / "S01pcibackd").unlink()
                folder.rmdir()
        elif words[-1] == "defaults":
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "S01pcibackd").symlink_to("../init.d/pcibackd")
        return OK
