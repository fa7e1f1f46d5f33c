# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can't be written is known before, and what was written is told as the files themselves tell it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.files import remove_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.host.writing import ROOM, accounted, check, obstacles


def kept(path: Path, monkeypatch: pytest.MonkeyPatch, number: int = errno.EPERM) -> None:
    """The kernel lets nobody write there, as with an immutable flag."""
    access, opened, stat = os.access, os.open, os.statvfs

    def refuse(place: str, *rest: int) -> int:
        if place == str(path) and number != errno.EROFS:
            raise OSError(number, os.strerror(number))
        return opened(place, *rest)

    read_only = os.ST_RDONLY if number == errno.EROFS else 0
    monkeypatch.setattr(os, "access", lambda place, mode: place != str(path) and access(place, mode))
    monkeypatch.setattr(os, "open", refuse)
    room = {"f_bfree": 1 << 30, "f_frsize": 4096, "f_files": 0, "f_ffree": 0}
    monkeypatch.setattr(os, "statvfs", lambda place: SimpleNamespace(f_flag=read_only, **room))
    assert stat


def test_what_can_be_written_is_no_obstacle_and_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "boot.cfg").write_bytes(b"old")
    before = os.stat(tmp_path), os.stat(tmp_path / "boot.cfg")
    check([str(tmp_path / "boot.cfg"), str(tmp_path / "new"), str(tmp_path / "none/yet/new")])
    assert (os.stat(tmp_path).st_mtime_ns, os.stat(tmp_path / "boot.cfg").st_mtime_ns) == tuple(
        each.st_mtime_ns for each in before
    )


@pytest.mark.parametrize("place", ["boot.cfg", "."])
@pytest.mark.parametrize("number", [errno.EPERM, errno.EACCES, errno.EROFS])
def test_a_file_that_is_kept_or_whose_directory_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, number: int
) -> None:
    path = tmp_path / "boot.cfg"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    kept(tmp_path / place, monkeypatch, number)
    with pytest.raises(PcibackError) as caught:
        check([str(path)])
    reason = os.strerror(number)
    assert caught.value.code == "not-replaceable" and caught.value.remedy
    assert str(caught.value) == f"{path}: it can't be replaced: {reason}"


@pytest.mark.parametrize("full", [{"f_bfree": ROOM // 512 - 1}, {"f_ffree": 0}])
def test_a_full_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: dict[str, int]) -> None:
    room = {"f_bfree": 1 << 30, "f_frsize": 512, "f_files": 100, "f_ffree": 9, "f_flag": 0, **full}
    monkeypatch.setattr(os, "statvfs", lambda place: SimpleNamespace(**room))
    found = obstacles({"boot.cfg": str(tmp_path / "boot.cfg")})
    assert list(found) == ["boot.cfg"]
    error = found["boot.cfg"]
    assert str(error) == "boot.cfg: it can't be replaced: No space left on device"
    assert error.remedy == "make room on its file system: see 'df' for bytes, 'df -i' for files"


def test_an_error_says_what_was_changed_by_then(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("made", "replaced", "removed", "put back")]
    for path in paths[1:]:
        Path(path).write_bytes(b"old")
    with pytest.raises(PcibackError) as caught, accounted():
        replace_file(paths[0], b"new", expected=None)
        replace_file(paths[1], b"new", expected=b"old")
        remove_file(paths[2])
        replace_file(paths[3], b"new", expected=b"old")
        replace_file(paths[3], b"old", expected=b"new")
        raise PcibackError("it is not as wanted; nothing was changed", code="bridge", file="/x", line=3, remedy="r")
    error = caught.value
    assert str(error) == f"/x, line 3: it is not as wanted; changed before that: {', '.join(paths[:3])}"
    assert (error.code, error.remedy) == ("bridge", "r")


def test_an_error_before_the_first_change_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(PcibackError) as caught, accounted():
        replace_file(str(tmp_path / "none/file"), b"new", expected=None)
    assert str(caught.value).endswith("it can't be replaced: No such file or directory; it is as it was")


def test_a_systems_error_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PcibackError) as caught, accounted():
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/candidate")
    assert str(caught.value) == "/tmp/candidate: No space left on device"
    assert caught.value.remedy == "make room on its file system: see 'df' for bytes, 'df -i' for files"
