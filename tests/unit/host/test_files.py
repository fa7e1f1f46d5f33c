# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import fcntl
import os
import re
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Callable

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import files
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    make_directory,
    read_file,
    remove_file,
    replace_file,
)


def _file(folder: Path, data: bytes = b"old\n", mode: int = 0o640) -> Path:
    path = folder / "boot.cfg"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_reads_bytes_as_they_are(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    assert read_file(str(_file(tmp_path, data))) == data


def test_limit_is_the_most_that_is_read(tmp_path: Path) -> None:
    path = str(_file(tmp_path, b"x" * 10))
    assert read_file(path, limit=10) == b"x" * 10
    with pytest.raises(PcibackError) as refusal:
        read_file(path, limit=9)
    assert str(refusal.value) == f"{path}: it is larger than 9 bytes, which is the most that it may have"


def _missing(path: Path) -> None:
    pass


def _directory(path: Path) -> None:
    path.mkdir()


def _link(path: Path) -> None:
    target = path.parent / "target"
    target.write_bytes(b"target")
    path.symlink_to(target)


def _dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_missing, "it does not exist"),
        (_directory, "it is a directory, not a regular file"),
        (_link, "it is a symbolic link, not a regular file"),
        (_dangling_link, "it is a symbolic link, not a regular file"),
        (_pipe, "it is a device, a socket or a pipe, not a regular file"),
    ],
)
def test_refuses_what_is_no_regular_file(tmp_path: Path, make: Callable[[Path], None], sentence: str) -> None:
    path = tmp_path / "boot.cfg"
    make(path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PcibackError) as refusal:
        read_file(str(path))
    assert str(refusal.value) == f"{path}: {sentence}"
    with pytest.raises(PcibackError, match=re.escape(sentence)):
        replace_file(str(path), b"new", expected=b"old")
    assert sorted(tmp_path.iterdir()) == before


def test_unreadable_path_is_one_sentence(tmp_path: Path) -> None:
    path = _file(tmp_path) / "below"
    with pytest.raises(PcibackError) as refusal:
        read_file(str(path))
    assert str(refusal.value) == f"{path}: it can't be read: Not a directory"


def test_replaces_and_keeps_owner_and_mode(tmp_path: Path) -> None:
    path = _file(tmp_path, mode=0o604)
    before = path.stat()
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
        before = path.stat()
    assert replace_file(str(path), b"new\n", expected=b"old\n") == ""
    after = path.stat()
    assert path.read_bytes() == b"new\n"
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o604)
    assert after.st_ino != before.st_ino
    assert [entry.name for entry in tmp_path.iterdir()] == ["boot.cfg"]


def test_one_of_several_names_is_not_cut_off(tmp_path: Path) -> None:
    path = _file(tmp_path)
    os.link(path, tmp_path / "other")
    with pytest.raises(PcibackError) as refusal:
        replace_file(str(path), b"new\n", expected=b"old\n", backup=True)
    assert refusal.value.code == "not-replaceable"
    assert str(refusal.value) == (
        f"{path}: it has 2 names (hard links), and a new file in its place would leave the others as they are"
    )
    assert os.path.samefile(path, tmp_path / "other") and path.read_bytes() == b"old\n"
    assert subprocess.run(["/bin/sh", "-c", str(refusal.value.remedy).partition(": ")[2]], check=False).returncode == 0
    replace_file(str(path), b"new\n", expected=b"old\n")
    assert (tmp_path / "other").read_bytes() == b"old\n"


def test_a_relative_path_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path)
    monkeypatch.chdir(tmp_path)
    replace_file("boot.cfg", b"new", expected=b"old\n")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(("mode", "wanted"), [(None, 0o600), (0o644, 0o644)])
def test_makes_a_new_file(tmp_path: Path, mode: int | None, wanted: int) -> None:
    path = tmp_path / "devices.json"
    assert replace_file(str(path), b"{}\n", expected=None, backup=True, mode=mode) == ""
    assert path.read_bytes() == b"{}\n"
    assert stat.S_IMODE(path.stat().st_mode) == wanted
    assert [entry.name for entry in tmp_path.iterdir()] == ["devices.json"]


def test_backup_is_the_old_file(tmp_path: Path) -> None:
    path = _file(tmp_path, mode=0o604)
    first = replace_file(str(path), b"new\n", expected=b"old\n", backup=True)
    second = replace_file(str(path), b"newer\n", expected=b"new\n", backup=True)
    assert re.fullmatch(re.escape(str(path)) + rf"\.{os.getpid()}\.\d{{4}}-\d\d-\d\d@\d\d:\d\d:\d\d~", first)
    assert Path(first).read_bytes() == b"old\n"
    assert stat.S_IMODE(Path(first).stat().st_mode) == 0o604
    assert second != first
    assert Path(second).read_bytes() == b"new\n"


@pytest.mark.parametrize("expected", [b"", b"other\n", b"old", b"old\nmore\n"])
def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path, expected: bytes) -> None:
    path = _file(tmp_path)
    with pytest.raises(PcibackError, match="changed by somebody else meanwhile, nothing was overwritten"):
        replace_file(str(path), b"new\n", expected=expected, backup=True)
    assert path.read_bytes() == b"old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["boot.cfg"]


def test_a_file_that_appeared_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = _file(tmp_path)
    with pytest.raises(PcibackError) as refusal:
        replace_file(str(path), b"new\n", expected=None)
    assert str(refusal.value) == f"{path}: somebody else made it meanwhile; nothing was overwritten"
    assert path.read_bytes() == b"old\n"


def test_a_change_while_writing_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path)
    fill = files._fill

    def fill_and_interfere(descriptor: int, data: bytes, old: files._Old | None, mode: int) -> None:
        fill(descriptor, data, old, mode)
        path.write_bytes(b"somebody else's\n")

    monkeypatch.setattr(files, "_fill", fill_and_interfere)
    with pytest.raises(PcibackError, match="changed by somebody else"):
        replace_file(str(path), b"new\n", expected=b"old\n", backup=True)
    assert path.read_bytes() == b"somebody else's\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["boot.cfg"]


@pytest.mark.parametrize("call", ["fsync", "rename", "fchmod", "write"])
def test_nothing_is_left_behind_when_the_system_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = _file(tmp_path)

    def refuse(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(PcibackError) as refusal:
            replace_file(str(path), b"new\n", expected=b"old\n", backup=True)
    assert str(refusal.value) == f"{path}: it can't be replaced: No space left on device; it is as it was"
    assert path.read_bytes() == b"old\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["boot.cfg"]


def test_a_directory_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none" / "devices.json"
    with pytest.raises(PcibackError) as refusal:
        replace_file(str(path), b"{}", expected=None)
    assert str(refusal.value) == f"{path}: it can't be replaced: No such file or directory; it is as it was"


def test_a_directory_that_can_not_be_synced_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path)
    fsync = os.fsync

    def sync_files_only(number: int) -> Callable[[int], None]:
        def sync(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(number, os.strerror(number))
            fsync(descriptor)

        return sync

    monkeypatch.setattr(os, "fsync", sync_files_only(22))
    replace_file(str(path), b"new\n", expected=b"old\n")
    monkeypatch.setattr(os, "fsync", sync_files_only(5))
    with pytest.raises(PcibackError, match="it was replaced, but may be lost in a crash: Input/output error"):
        replace_file(str(path), b"newer\n", expected=b"new\n")
    assert path.read_bytes() == b"newer\n"


def _leftover(folder: Path, suffix: str = "abcd_123", name: str = "boot.cfg") -> Path:
    path = folder / f".{name}.pciback-{suffix}"
    path.write_bytes(b"half a fi")
    return path


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    path = _file(tmp_path)
    _leftover(tmp_path)
    replace_file(str(path), b"new\n", expected=b"old\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["boot.cfg"]
    _leftover(tmp_path)
    assert remove_file(str(path))
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_surely_left_over_is_removed(tmp_path: Path) -> None:
    path = _file(tmp_path)
    kept = [
        _leftover(tmp_path, "abcd_12"),
        _leftover(tmp_path, "abcd_1234"),
        _leftover(tmp_path, "abcd_12~"),
        _leftover(tmp_path, name="bootxcfg"),
        tmp_path / ".boot.cfg.abcd_123",
        tmp_path / ".boot.cfg.pciback-linklink",
    ]
    kept[-2].touch()
    kept[-1].symlink_to(path)
    in_use = _leftover(tmp_path, "in_use_1")
    with in_use.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        replace_file(str(path), b"new\n", expected=b"old\n")
    assert sorted(tmp_path.iterdir()) == sorted([path, in_use, *kept])


def test_a_temporary_file_is_its_writers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path, mode=0o666)
    seen = []
    fill = files._fill

    def look_and_fill(descriptor: int, data: bytes, old: files._Old | None, mode: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        for entry in tmp_path.glob(".boot.cfg.pciback-*"):
            with entry.open("rb") as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fill(descriptor, data, old, mode)

    monkeypatch.setattr(files, "_fill", look_and_fill)
    before = os.umask(0)
    try:
        replace_file(str(path), b"new\n", expected=b"old\n", backup=True)
    finally:
        os.umask(before)
    assert seen == [0o600, 0o600]


def test_a_file_system_without_locks_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(45, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    path, leftover = _file(tmp_path), _leftover(tmp_path)
    replace_file(str(path), b"new\n", expected=b"old\n")
    assert path.read_bytes() == b"new\n"
    assert leftover.exists(), "without locks nobody knows whether its writer lives"


def test_a_writer_whose_file_was_taken_for_a_leftover_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(tmp_path)
    make, made = tempfile.mkstemp, []

    def make_and_interfere(prefix: str, dir: str) -> tuple[int, str]:
        descriptor, temporary = make(prefix=prefix, dir=dir)
        made.append(temporary)
        if len(made) == 1:
            files._remove_leftovers(str(tmp_path), "boot.cfg")
        return descriptor, temporary

    monkeypatch.setattr(tempfile, "mkstemp", make_and_interfere)
    replace_file(str(path), b"new\n", expected=b"old\n")
    assert path.read_bytes() == b"new\n"
    assert len(made) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["boot.cfg"]


def test_remove_says_whether_there_was_a_file(tmp_path: Path) -> None:
    path = _file(tmp_path)
    assert remove_file(str(path))
    assert not remove_file(str(path))
    assert not remove_file(str(tmp_path / "no" / "such"))
    with pytest.raises(PcibackError, match="it can't be removed: Not a directory"):
        remove_file(str(_file(tmp_path) / "below"))


def test_directories_are_made_for_their_owner_to_write(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_directory(str(tmp_path / "a/b/c/"))
        make_directory(str(tmp_path / "a/b"))
        make_directory("")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("a", "a/b", "a/b/c")] == [0o755] * 3
