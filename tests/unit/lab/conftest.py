# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Embedded dom0s for the tests: made by the program that users run, entered the way Ansible does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LAB = REPOSITORY / "lab"
if str(LAB) not in sys.path:
    sys.path.insert(0, str(LAB))

# Where NetBSD has what the captures call by its name.
PATHS = {
    "pcictl": "/usr/sbin/pcictl",
    "drvctl": "/sbin/drvctl",
    "sysctl": "/sbin/sysctl",
    "mount": "/sbin/mount",
    "ifconfig": "/sbin/ifconfig",
    "xl": "/usr/pkg/sbin/xl",
}


# A script for pcibackd as rc.subr(8) wants them.
PCIBACKD_SCRIPT = """\
#!/bin/sh
# PROVIDE: pcibackd
# REQUIRE: xencommons
# BEFORE: xendomains
# KEYWORD: shutdown
. /etc/rc.subr
name=pcibackd
rcvar=$name
command=/usr/local/sbin/pcibackd
load_rc_config $name
run_rc_command "$1"
"""


class Host:
    """One embedded dom0 in a test's folder."""

    def __init__(self, directory: Path, firmware: Path) -> None:
        self.directory = directory
        self.firmware = firmware

    def dom0(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run lab/dom0.py on this directory."""
        return subprocess.run(
            [sys.executable, str(LAB / "dom0.py"), command, str(self.directory), *options],
            capture_output=True,
            text=True,
            check=False,
        )

    def create(self, *options: str, boot_cfg: str | bytes | None = None) -> Host:
        """Make and boot it; it answers again at once after a reboot."""
        words = ["--firmware", str(self.firmware), "--downtime", "0", *options]
        if boot_cfg is not None:
            file = self.directory.parent / f"{self.directory.name}.boot.cfg"
            file.write_bytes(boot_cfg if isinstance(boot_cfg, bytes) else boot_cfg.encode())
            words += ["--boot-cfg", str(file)]
        done = self.dom0("create", *words)
        assert done.returncode == 0, done.stderr
        return self

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        words = [str(LAB / "enter"), str(self.directory / "root"), "--", *command]
        return subprocess.run(words, capture_output=True, text=True, check=False, **options)

    def sh(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script inside."""
        return self.run("/bin/sh", "-c", script)

    def tool(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a NetBSD command given as a capture shows it, without its path."""
        name, *arguments = line.split()
        return self.run(PATHS[name], *arguments)

    def install_pcibackd(self, script: str = PCIBACKD_SCRIPT) -> Host:
        """Put pcibackd, pcibackctl and a script for rc(8) where the role puts them, and enable it."""
        for name in ("pcibackd", "pcibackctl"):
            shutil.copy(self.firmware.with_name(name), self.root / "usr/local/sbin" / name)
        path = self.root / "etc/rc.d/pcibackd"
        path.write_text(script)
        path.chmod(0o755)
        (self.root / "etc/rc.conf.d/pcibackd").write_text("pcibackd=YES\n")
        return self

    def make_files_of_linux(self) -> Host:
        """Make what libxl opens below /sys for each device, so that xl can give it to a guest."""
        from machine.state import Machine

        machine = Machine.outside(str(self.directory))
        for function in machine.bus.functions:
            folder = self.root / "sys/bus/pci/devices" / str(function.slot)
            folder.mkdir(parents=True)
            (folder / "resource").write_text("")
            (folder / "irq").write_text(f"{machine.pin(function)}\n")
        return self

    def service(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("/usr/sbin/service", *words)

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run pcibackctl inside."""
        return self.run("/usr/local/sbin/pcibackctl", *words)

    def end(self) -> None:
        """End the processes that live with the machine."""
        from machine import xen_process
        from machine.state import Machine

        xen_process.end(Machine.outside(str(self.directory)))

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def console(self) -> str:
        return (self.directory / "machine" / "console.log").read_text(encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "machine" / "state.json").read_text(encoding="utf-8"))
        return found

    def status(self) -> dict[str, Any]:
        done = self.dom0("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def claims(self) -> list[str]:
        """What the machine itself says is claimed, by its only witness."""
        folder = self.root / "kern" / "xen" / "pci"
        return sorted(os.listdir(folder)) if folder.is_dir() else []


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C model as the machines' firmware; a copy, so that a build beside the tests does no harm."""
    built = REPOSITORY / "native" / "build" / "pcibackctl"
    if not built.exists():
        subprocess.run(["make", "-C", str(REPOSITORY / "native")], check=True, capture_output=True)
    copy = tmp_path_factory.mktemp("firmware") / "pcibackctl"
    shutil.copy(built, copy)
    for name in ("pcibackd", "pcibackd-simulated", "pcibackctl-simulated", "pciback-trial-simulated"):
        shutil.copy(built.with_name(name), copy.with_name(name))
    return copy


@pytest.fixture
def host(tmp_path: Path, firmware: Path) -> Iterator[Host]:
    """An embedded dom0 that is not made yet; what runs on it ends with the test."""
    made = Host(tmp_path / "dom0", firmware)
    yield made
    made.end()
