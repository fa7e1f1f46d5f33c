# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0.py as a person uses it: machines are made, refused, and removed."""

from __future__ import annotations

from pathlib import Path

from tests.unit.lab.conftest import Host


def test_create_twice_changes_nothing_and_other_settings_are_refused(host: Host) -> None:
    host.create("--guest", "alpha")
    before = host.state
    (host.root / "boot.cfg").write_text("mine\n")
    assert host.dom0("create", "--firmware", str(host.firmware), "--downtime", "0", "--guest", "alpha").returncode == 0
    assert host.state == before
    assert (host.root / "boot.cfg").read_text() == "mine\n"
    other = host.dom0("create", "--firmware", str(host.firmware), "--downtime", "0", "--no-compiler")
    assert other.returncode == 1
    assert (
        other.stderr
        == f"dom0.py: {host.directory} is there with another compiler; --force removes it and makes it anew\n"
    )
    assert host.dom0("create", "--force", "--firmware", str(host.firmware), "--no-compiler").returncode == 0
    assert host.status()["compiler"] is False


def test_bad_requests_are_one_sentence_and_change_nothing(tmp_path: Path, host: Host) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("precious")
    empty = tmp_path / "empty.lspci"
    empty.write_text("")
    full = Host(tmp_path / "full", host.firmware)
    cases = (
        (full.dom0("create", "--firmware", str(host.firmware)), "is not empty and not an embedded dom0"),
        (full.dom0("destroy"), "is not an embedded dom0; it was left alone"),
        (full.dom0("status"), "is not an embedded dom0"),
        (host.dom0("create", "--firmware", "/nonexistent"), "firmware /nonexistent is not there"),
        (
            host.dom0("create", "--firmware", str(host.firmware), "--bus", "isa"),
            "pc-captured, pc-nine-nics, q35-bridges, q35-captured",
        ),
        (host.dom0("create", "--firmware", str(host.firmware), "--bus", str(empty)), "no PCI function in the dump"),
        (host.dom0("create", "--firmware", str(host.firmware), "--boot-cfg", "/nonexistent"), "boot.cfg /nonexistent"),
        (host.dom0("create", "--firmware", str(host.firmware), "--guest", "a/b"), "guest name 'a/b'"),
    )
    for done, words in cases:
        assert done.returncode == 1
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
    assert (tmp_path / "full" / "file").read_text() == "precious"
    assert not host.directory.exists()


def test_destroy_removes_everything(host: Host) -> None:
    host.create()
    host.sh("mkdir -p /var/a/b; touch /var/a/b/c; chmod 0 /var/a/b /var/a")
    assert host.dom0("destroy").returncode == 0
    assert not host.directory.exists()


def test_a_machine_is_small(host: Host) -> None:
    host.create("--guest", "alpha")
    own = [path for path in host.directory.rglob("*") if path.is_file() and not path.is_symlink()]
    # Machines that are made together share these.
    own = [
        path
        for path in own
        if path.name not in ("pcibackctl", "pcibackctl-simulated", "pcibackd-simulated", "pciback-trial-simulated")
    ]
    size = sum(path.stat().st_blocks * 512 for path in own if path.stat().st_nlink == 1)
    assert size < 300_000
