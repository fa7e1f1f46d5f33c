# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pciback-trial and `pcibackctl confirm` on a directory that stands for a host, whose kernel has no Xen to call."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import empty, read, with_variable
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_trial import ARMED, KEPT, MARK, TRIED, VARIABLE
from tests.unit.product import NATIVE

PROGRAM = NATIVE / "build/pciback-trial"
PCIBACKCTL = os.environ.get("PCIBACKCTL", str(NATIVE / "build/pcibackctl"))

RECORD = {
    "schema": "xen.pciback/trial-record/1",
    "state": "armed",
    "link": "/t",
    "xen": "/xen.gz",
    "seconds": "600",
    "boot": "-",
    "started": "0",
    "watchdog": "0",
    "starts": "0",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with a trial that is armed."""
    if Path("/dev/xen/privcmd").exists():
        pytest.skip("this host's own Xen would be called")
    (tmp_path / "etc/xen-pciback").mkdir(parents=True)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/console").touch()
    (tmp_path / "xen.gz").write_bytes(b"xen")
    write(tmp_path)
    (tmp_path / "t").hardlink_to(tmp_path / "xen.gz")
    return tmp_path


def write(root: Path, **values: str) -> None:
    text = "".join(f"{key}\t{value}\n" for key, value in {**RECORD, **values}.items())
    (root / "etc/xen-pciback/trial").write_text(text.ljust(512, "\n"))


def record(root: Path) -> dict[str, str]:
    lines = (root / "etc/xen-pciback/trial").read_text().split("\n")
    return dict(line.split("\t") for line in lines if line)


def run(root: Path, *words: str) -> tuple[int, str, str]:
    command = [*words[:1], words[1], "--root", str(root), *words[2:]]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def asked(root: Path, *words: str) -> dict[str, Any]:
    _status, output, _errors = run(root, *words, "--json")
    answer: dict[str, Any] = json.loads(output)
    assert answer.pop("schema") == "xen.pciback/trial/1"
    return answer


def test_a_trial_from_its_first_boot_to_its_confirmation(root: Path) -> None:
    program = str(PROGRAM)
    assert asked(root, program, "status") == {
        "state": "armed",
        "link": "/t",
        "xen": "/xen.gz",
        "seconds": 600,
        "starts": 0,
        "remaining": 0,
        "failed": False,
        "message": "the next boot is a trial",
    }
    inode = (root / "etc/xen-pciback/trial").stat().st_ino
    status, _output, errors = run(root, program, "begin")
    said = (
        "trial: Xen sets no watchdog (No such file or directory), so nothing but a reboot by hand brings back the list "
        "from before\n"
    )
    assert (status, errors) == (1, f"pciback-trial: {said}")
    assert (root / "dev/console").read_text() == said
    assert not (root / "t").exists()
    noted = record(root)
    assert (noted["state"], noted["starts"], noted["watchdog"]) == ("running", "1", "0")
    assert noted["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # The same boot again.
    assert run(root, program, "begin")[0] == 0
    assert record(root) == noted
    assert asked(root, program, "status")["state"] == "running"
    assert run(root, PCIBACKCTL, "confirm") == (0, "confirmed: the host goes on booting what it runs now\n", "")
    assert (root / "t").samefile(root / "xen.gz")
    assert record(root) == {**noted, "state": "confirmed"}
    assert (root / "etc/xen-pciback/trial").stat().st_ino == inode
    for words in ((program, "confirm"), (PCIBACKCTL, "confirm"), (program, "begin")):
        status, output, _errors = run(root, *words)
        assert (status, output.rpartition(": ")[2]) == (0, "the trial is confirmed\n")


def test_a_confirmation_that_comes_too_late(root: Path) -> None:
    (root / "t").unlink()
    write(root, state="running", boot="another-boot", watchdog="1", starts="1")
    message = "the trial is undone: the host started again before anybody confirmed, and boots the list from before"
    assert run(root, PCIBACKCTL, "confirm") == (1, "", f"pcibackctl: {message}\n")
    assert run(root, str(PROGRAM), "begin") == (0, f"pciback-trial: {message}\n", "")
    assert record(root)["state"] == "undone"
    answer = asked(root, PCIBACKCTL, "confirm")
    assert (answer["state"], answer["failed"], answer["message"]) == ("undone", True, message)
    assert not (root / "t").exists()


def test_what_a_host_gets(tmp_path: Path) -> None:
    """The program and the script, which runs where the one of the real trial ran."""
    command = ["make", "-s", "-C", str(NATIVE), "install-trial", f"DESTDIR={tmp_path}"]
    subprocess.run(command, check=True, capture_output=True)
    installed = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert installed == ["etc/rc.d/pciback_trial", "sbin/pciback-trial"]
    assert all(os.access(tmp_path / path, os.X_OK) for path in installed)
    script = (tmp_path / "etc/rc.d/pciback_trial").read_text().splitlines()
    for line in ("PROVIDE: pciback_trial", "REQUIRE: root", "BEFORE: mountcritlocal network"):
        assert f"# {line}" in script


def test_what_a_linux_host_gets(tmp_path: Path) -> None:
    """The program, and a unit that runs before file systems are mounted."""
    command = ["make", "-s", "-C", str(NATIVE), "install-trial-linux", f"DESTDIR={tmp_path}"]
    subprocess.run(command, check=True, capture_output=True)
    unit = tmp_path / "etc/systemd/system/pciback-trial.service"
    assert os.access(tmp_path / "sbin/pciback-trial", os.X_OK)
    assert (unit.parent / "sysinit.target.wants/pciback-trial.service").resolve() == unit
    lines = unit.read_text().splitlines()
    for line in (
        "DefaultDependencies=no",
        "After=systemd-remount-fs.service",
        "Before=local-fs-pre.target sysinit.target network-pre.target",
        "ExecStart=/sbin/pciback-trial begin",
    ):
        assert line in lines


def test_a_trial_that_grub_boots(tmp_path: Path) -> None:
    """GRUB is played here: it has changed its variable, and marked the kernel's command line."""
    if Path("/dev/xen/privcmd").exists():
        pytest.skip("this host's own Xen would be called")
    for name in ("etc/xen-pciback", "dev", "proc", "boot/grub"):
        (tmp_path / name).mkdir(parents=True)
    write(tmp_path, link="grub", xen="/boot/grub/grubenv")
    block = tmp_path / "boot/grub/grubenv"
    block.write_bytes(with_variable(empty(), VARIABLE, ARMED))
    program = str(PROGRAM)
    answer = asked(tmp_path, program, "status")
    assert (answer["state"], answer["link"], answer["xen"]) == ("armed", "grub", "/boot/grub/grubenv")
    # The list was tried, and the host started again.
    block.write_bytes(with_variable(block.read_bytes(), VARIABLE, TRIED))
    assert asked(tmp_path, program, "status")["state"] == "undone"
    (tmp_path / "proc/cmdline").write_text(f"root=/dev/sda1 {MARK} panic=30\n")
    assert asked(tmp_path, program, "status")["message"].startswith("this boot has the list on trial, but")
    assert run(tmp_path, program, "begin")[0] == 1
    assert record(tmp_path)["state"] == "running"
    assert run(tmp_path, PCIBACKCTL, "confirm") == (0, "confirmed: the host goes on booting what it runs now\n", "")
    assert read(block.read_bytes()) == {VARIABLE: KEPT}


def test_no_trial(tmp_path: Path) -> None:
    program = str(PROGRAM)
    # A boot has nothing to say of it.
    assert run(tmp_path, program, "begin") == (0, "", "")
    if not Path("/dev/xen/privcmd").exists():
        assert run(tmp_path, program, "probe")[2].startswith("pciback-trial: Xen gives dom0 no watchdog (")
    assert run(tmp_path, program, "status") == (0, "pciback-trial: no boot configuration is on trial\n", "")
    assert run(tmp_path, PCIBACKCTL, "confirm") == (1, "", "pcibackctl: no boot configuration is on trial\n")
    assert asked(tmp_path, PCIBACKCTL, "confirm")["state"] == "none"


@pytest.mark.parametrize("words", [[], ["frob"], ["begin", "--frob"], ["begin", "--root"]])
def test_usage(words: list[str]) -> None:
    done = subprocess.run([str(PROGRAM), *words], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: pciback-trial begin|confirm|probe|status [--root DIR] [--json]\n"
