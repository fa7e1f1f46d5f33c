# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time: who waits, who is named, what a dead run leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import lock as host_lock
from ansible_collections.xen.pciback.plugins.module_utils.host.lock import held


@contextlib.contextmanager
def another_process(path: Path, who: str) -> Iterator[int]:
    """A process that holds the lock until it is killed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with held(str(path), who):
                os.write(writer, b"!")
                signal.pause()
        finally:
            os._exit(1)
    try:
        assert os.read(reader, 1) == b"!"
        yield child
    finally:
        os.close(reader)
        os.close(writer)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_it_is_there_while_it_is_held_and_then_gone(tmp_path: Path) -> None:
    path = tmp_path / "db/xen-pciback/lock"
    before = os.umask(0)
    try:
        with held(str(path), "test"):
            assert path.read_text() == f"process {os.getpid()}, test\n"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755
    finally:
        os.umask(before)
    assert not path.parent.exists()
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o755


def test_it_goes_when_the_work_fails(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), held(str(path), "test"):
        raise ZeroDivisionError
    with held(str(path), "test", patience=0):
        pass


def test_who_waits_too_long_says_for_whom(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process(path, "module boot_hide") as process:
        with pytest.raises(PcibackError) as refusal, held(str(path), "test", patience=0.2):
            raise AssertionError("two hold it")
        assert str(refusal.value) == (
            f"{path}: another run is changing this host (process {process}, module boot_hide); waited 0.2 s, "
            "nothing was changed"
        )
        assert path.read_text() == f"process {process}, module boot_hide\n"


def test_a_killed_holder_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process(path, "module boot_hide"):
        pass
    assert path.exists()
    with held(str(path), "test", patience=0):
        assert path.read_text() == f"process {os.getpid()}, test\n"
    assert not path.exists()


def test_what_a_file_says_is_shown_only_if_it_is_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with another_process(path, "x"):
        path.write_bytes(b"\x1b[2J\n" * 1000)
        with pytest.raises(PcibackError, match=r"\(it has not said who it is\)"), held(str(path), "test", patience=0):
            raise AssertionError("two hold it")


def test_a_directory_with_something_in_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "db/lock"
    with held(str(path), "test"):
        (path.parent / "devices.json").touch()
    assert [left.name for left in path.parent.iterdir()] == ["devices.json"]


@pytest.mark.parametrize("mode", [0o700, 0o1777])
def test_a_directory_that_is_not_such_as_we_make_them_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "db/lock"
    path.parent.mkdir()
    path.parent.chmod(mode)
    with held(str(path), "test"):
        pass
    assert stat.S_IMODE(path.parent.stat().st_mode) == mode


def test_the_umask_is_considered(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with held(str(tmp_path / "db/lock"), "test"):
            assert stat.S_IMODE((tmp_path / "db").stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_vanishes_before_the_file_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, times = tmp_path / "db/lock", host_lock.make_directory, [0]

    def make_and_lose(directory: str) -> None:
        real(directory)
        times[0] += 1
        if times[0] < 4:
            os.rmdir(directory)

    monkeypatch.setattr(host_lock, "make_directory", make_and_lose)
    with held(str(path), "test", patience=5):
        assert path.exists()
    assert times == [4]


def test_one_at_a_time_although_the_file_is_made_anew_each_time(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "db/lock", [0], [0]

    def work() -> None:
        for _turn in range(40):
            with held(str(path), "test"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    host_lock_pause = host_lock._PAUSE
    host_lock._PAUSE = 0.0001
    try:
        threads = [threading.Thread(target=work) for _number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        host_lock._PAUSE = host_lock_pause
    assert most == [1]
    assert list(tmp_path.iterdir()) == []


def _link(path: Path) -> None:
    (path.parent / "target").write_text("kept")
    path.symlink_to(path.parent / "target")


def _dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "target")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (_link, "it is a symbolic link, and the lock must be a file"),
        (_dangling_link, "it is a symbolic link, and the lock must be a file"),
        (os.mkfifo, "it is no regular file, and the lock must be one"),
        (Path.mkdir, "the host can't be locked: Is a directory"),
    ],
)
def test_what_is_no_file_is_refused(tmp_path: Path, make: object, sentence: str) -> None:
    path = tmp_path / "lock"
    make(path)  # type: ignore[operator]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(PcibackError) as refusal, held(str(path), "test"):
        raise AssertionError("held")
    assert str(refusal.value) == f"{path}: {sentence}"
    assert sorted(tmp_path.iterdir()) == before
    if (tmp_path / "target").exists():
        assert (tmp_path / "target").read_text() == "kept"


def test_a_directory_that_can_not_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PcibackError) as refusal, held(str(tmp_path / "file/lock"), "test"):
        raise AssertionError("held")
    assert str(refusal.value) == f"{tmp_path}/file: the directory can't be made: File exists"
