# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going in: lab/enter and dom0.py as a person uses them, as root and as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.lab.conftest import LAB, Host

NOBODY = 65534


def test_streams_and_status_pass_through(host: Host) -> None:
    host.create()
    data = bytes(range(256)) * 4096
    words = [str(LAB / "enter"), str(host.root), "--", "/bin/sh", "-c", "cat; echo oops >&2; exit 7"]
    done = subprocess.run(words, input=data, capture_output=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (data, b"oops\n", 7)


def test_arguments_arrive_as_they_are(host: Host) -> None:
    host.create()
    words = ["a b", "", "*", "$HOME", "'", '"', "-n", "\\", "line\nbreak"]
    done = host.run("/usr/bin/printf", "%s|", *words)
    assert done.stdout == "".join(f"{word}|" for word in words)


def test_environment_is_what_sshd_gives_root(host: Host) -> None:
    host.create()
    done = host.run("/usr/bin/env", env={**os.environ, "SECRET": "1", "TERM": "xterm"})
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert found == {
        "PATH": "/usr/bin:/bin:/usr/pkg/bin:/usr/local/bin", "HOME": "/root", "USER": "root", "LOGNAME": "root",
        "SHELL": "/bin/sh", "TERM": "xterm",
    }  # fmt: skip
    assert host.sh("id -u; id -gn; pwd; uname").stdout == "0\nwheel\n/\nNetBSD\n"


def test_tools_of_sbin_are_not_on_the_path(host: Host) -> None:
    host.create()
    assert host.sh("command -v pcictl drvctl sysctl xl").stdout == ""
    assert host.run("pcictl", "pci0", "list").returncode == 127


def test_python_is_where_pkgsrc_puts_it(host: Host) -> None:
    host.create()
    path = f"/usr/pkg/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    done = host.run(path, "-c", "import json, ssl, sys; print(sys.version.split()[0])")
    assert done.stdout == sys.version.split()[0] + "\n", done.stderr


def test_machine_is_its_own_and_the_rest_is_read_only(host: Host) -> None:
    host.create()
    for path in (
        "/boot.cfg",
        "/usr/sbin/x",
        "/sbin/x",
        "/usr/pkg/x",
        "/usr/local/sbin/x",
        "/etc/x",
        "/var/db/x",
        "/tmp/x",
        "/kern/x",
    ):
        assert host.sh(f"echo >>{path}").returncode == 0, path
    for path in ("/usr/bin/x", "/usr/lib/x", "/usr/share/x", "/.lab/x"):
        assert "Read-only file system" in host.sh(f"echo >>{path}").stderr, path
    assert host.sh("echo a >/boot.cfg.new && mv /boot.cfg.new /boot.cfg && cat /boot.cfg").stdout == "a\n"
    assert host.sh("ls /home /mnt /opt /sys 2>/dev/null").stdout == ""
    assert host.sh("echo gone >/dev/null; head -c 4 /dev/zero | od -An -tx1").stdout == " 00 00 00 00\n"


def test_nothing_is_left_mounted(host: Host) -> None:
    host.create()
    host.run("/bin/true")
    assert str(host.directory) not in Path("/proc/self/mountinfo").read_text()


def test_processes_left_behind_live_on(host: Host) -> None:
    host.create()
    host.sh("(sleep 0.3; echo late >/tmp/late) </dev/null >/dev/null 2>&1 &")
    assert not (host.root / "tmp/late").exists()
    time.sleep(1)
    assert (host.root / "tmp/late").read_text() == "late\n"


def test_strange_names_of_directories(tmp_path: Path, firmware: Path) -> None:
    host = Host(tmp_path / "a b\\c#d", firmware).create()
    assert host.run("/sbin/sysctl", "-n", "kern.hostname").stdout == "a b\\c#d\n"
    moved = Host(tmp_path / "elsewhere", firmware)
    host.directory.rename(moved.directory)
    assert moved.run("/bin/true").returncode == 0


def test_what_cannot_be_entered_is_one_sentence(tmp_path: Path, host: Host) -> None:
    for root, words in ((tmp_path / "none", "is not there"), (tmp_path, "is not the root folder of an embedded dom0")):
        done = subprocess.run(
            [str(LAB / "enter"), str(root), "--", "/bin/true"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 255
        assert done.stderr.startswith("enter: ")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
    usage = subprocess.run([str(LAB / "enter"), "x"], capture_output=True, text=True, check=False)
    assert (usage.returncode, usage.stderr) == (255, "usage: enter ROOT -- COMMAND [ARGUMENT ...]\n")


@pytest.fixture
def ordinary(firmware: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder of an ordinary user's with its own copy of the lab, and how to run things as that user."""
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    lab = folder / "lab"
    shutil.copytree(LAB, lab, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pcibackctl", "pcibackd", "pcibackd-simulated"):
        shutil.copy(firmware.with_name(name), folder / name)
    prefix = []
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # The shell asks as that user; setpriv itself could still reach what only root may.
    asks = [*prefix, "/bin/sh", "-c", 'exec "$0" -V']
    interpreters = (sys.executable, "/usr/bin/python3")
    usable = [
        each for each in interpreters if subprocess.run([*asks, each], capture_output=True, check=False).returncode == 0
    ]
    yield folder, [*prefix, usable[0], str(lab / "dom0.py")]
    shutil.rmtree(folder)


def test_ordinary_user_has_a_whole_machine(ordinary: tuple[Path, list[str]]) -> None:
    folder, program = ordinary
    directory = folder / "dom0"
    as_user = program[:-2]
    options = ["--firmware", str(folder / "pcibackctl"), "--downtime", "0", "--guest", "alpha"]
    made = subprocess.run([*program, "create", str(directory), *options], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert directory.stat().st_uid == (NOBODY if os.geteuid() == 0 else os.geteuid())

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        words = [*as_user, str(folder / "lab" / "enter"), str(directory / "root"), "--", *command]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    done = run("/bin/sh", "-c", "id -u; uname; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == ("0\nNetBSD\n", "", 3)
    boot_cfg = (directory / "root/boot.cfg").read_text().replace("console=xencons", "pciback.hide=(00:04.0)", 1)
    done = subprocess.run(
        [*as_user, str(folder / "lab" / "enter"), str(directory / "root"), "--", "/bin/sh", "-c", "cat >/boot.cfg"],
        input=boot_cfg, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert run("/sbin/shutdown", "-r", "now").returncode == 0
    assert run("/bin/cat", "/kern/xen/pci/0000:00:04.0").stdout.startswith("vendor: 0x8086\nproduct: 0x100e\n")
    started = run("/usr/pkg/sbin/xl", "create", "/usr/pkg/etc/xen/alpha")
    assert started.returncode == 0, started.stderr
    assert run("/usr/pkg/sbin/xl", "domid", "alpha").stdout == "1\n"
    gone = subprocess.run([*program, "destroy", str(directory)], capture_output=True, text=True, check=False)
    assert gone.returncode == 0, gone.stderr
    assert not directory.exists()


def test_ordinary_users_machine_has_its_own_pcibackd(ordinary: tuple[Path, list[str]]) -> None:
    """Linux shows the root of none of that user's processes to the others, so the machine knows them otherwise."""
    folder, program = ordinary
    machine = folder / "dom0"
    options = ["--firmware", str(folder / "pcibackctl"), "--downtime", "0"]
    subprocess.run([*program, "create", str(machine), *options], capture_output=True, check=True)
    Host(machine, folder / "pcibackctl").install_pcibackd()

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        words = [*program[:-2], str(folder / "lab/enter"), str(machine / "root"), "--", *command]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    def service(word: str) -> int:
        return run("/usr/sbin/service", "pcibackd", word).returncode

    assert (service("start"), service("status")) == (0, 0)
    assert run("/sbin/drvctl", "-d", "wm0").returncode == 0
    assert run("/usr/local/sbin/pcibackctl", "take", "00:04.0").stdout == "0000:00:04.0 is taken from dom0\n"
    assert (service("stop"), service("status")) == (0, 1)
    assert service("start") == 0
    subprocess.run([*program, "destroy", str(machine)], capture_output=True, check=True)
    assert not machine.exists()
