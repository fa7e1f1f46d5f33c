# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACLs and extended attributes go over to the new file, or there is none; the mode never widens."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import attributes
from ansible_collections.xen.pciback.plugins.module_utils.host.files import replace_file

ACL = "system.posix_acl_access"
NOBODY = 0xFFFFFFFF
# acl(5): the owner may write, user 1000 too, the group may do nothing; the mask is what stat(2) shows of the group.
ENTRIES = [(1, 6, NOBODY), (2, 6, 1000), (4, 0, NOBODY), (0x10, 6, NOBODY), (0x20, 0, NOBODY)]
GUARDED = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in ENTRIES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with an attribute, where the file system has them."""
    file = tmp_path / "boot.cfg"
    file.write_bytes(b"old")
    file.chmod(0o600)
    try:
        os.setxattr(file, "user.kept", b"\x00value")
    except OSError:
        pytest.skip("this file system has no attributes")
    return file


def test_attributes_and_acl_go_over_to_the_new_file_and_its_backup(path: Path) -> None:
    os.setxattr(path, ACL, GUARDED)
    before = {name: os.getxattr(path, name) for name in os.listxattr(path)}
    assert ACL in before and stat.S_IMODE(path.stat().st_mode) == 0o660
    backup = replace_file(str(path), b"new", expected=b"old", backup=True)
    for file in (path, Path(backup)):
        assert {name: os.getxattr(file, name) for name in os.listxattr(file)} == before
        assert stat.S_IMODE(file.stat().st_mode) == 0o660


@pytest.mark.parametrize("name", ["user.kept", ACL])
def test_without_them_there_is_no_new_file(path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    os.setxattr(path, ACL, GUARDED)
    give = os.setxattr

    def refuse(descriptor: int, each: str, value: bytes) -> None:
        if each == name:
            raise OSError(errno.ENOTSUP, "Operation not supported")
        give(descriptor, each, value)

    monkeypatch.setattr(os, "setxattr", refuse)
    with pytest.raises(PcibackError) as caught:
        replace_file(str(path), b"new", expected=b"old")
    assert str(caught.value) == (
        f"{path}: it has the extended attribute '{name}', which the file that would take its place can't get"
    )
    assert caught.value.code == "not-replaceable"
    assert caught.value.remedy == (
        "take them away and give the file an owner and a mode that do ('setfacl -b', 'setfattr -x', 'rmextattr')"
    )
    assert (path.read_bytes(), list(path.parent.iterdir())) == (b"old", [path])


def test_a_new_file_lets_nobody_in_while_it_has_no_acl_yet(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.setxattr(path, ACL, GUARDED)
    give, seen = os.setxattr, []

    def look(descriptor: int, each: str, value: bytes) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode) & stat.S_IRWXG)
        give(descriptor, each, value)

    monkeypatch.setattr(os, "setxattr", look)
    monkeypatch.setattr(os, "listxattr", lambda *_path, **_options: [ACL])
    replace_file(str(path), b"new", expected=b"old")
    assert seen == [0]


def _refused(*_arguments: object) -> None:
    raise OSError(errno.EPERM, "no")


def test_a_label_that_the_system_gives_by_itself_is_no_obstacle(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "setxattr", _refused)
    with path.open("rb") as file:
        attributes.copy({"user.kept": b"\x00value"}, file.fileno(), str(path))
        with pytest.raises(PcibackError):
            attributes.copy({"user.kept": b"another"}, file.fileno(), str(path))


def test_what_tells_of_the_bytes_is_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["security.ima", "security.evm", "security.capability", "user.kept"]
    monkeypatch.setattr(os, "listxattr", lambda *_path, **_options: names)
    assert attributes.read(str(path)) == {"user.kept": b"\x00value"}


def test_a_file_system_without_attributes_has_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_path: str, **_options: bool) -> list[str]:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "listxattr", refuse)
    assert attributes.read(str(path)) == {}


def test_attributes_that_can_not_be_read_are_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_path: str, **_options: bool) -> list[str]:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "listxattr", refuse)
    with pytest.raises(PcibackError) as caught:
        replace_file(str(path), b"new", expected=b"old")
    assert str(caught.value) == f"{path}: its attributes can't be read: Input/output error"
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(("answers", "refused"), [((0, 0), False), ((-1, -1), False), ((0, 24), True), ((5, 0), True)])
def test_where_python_can_not_copy_them_a_file_with_some_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[int, int], refused: bool
) -> None:
    class Call:
        restype = None

        def __call__(self, name: ctypes.c_char_p, space: int, buffer: None, size: ctypes.c_size_t) -> int:
            assert (name.value, size.value) == (os.fsencode(tmp_path / "boot.cfg"), 0)
            return answers[space - 1]

    monkeypatch.delattr(os, "listxattr")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(extattr_list_link=Call()))
    path = tmp_path / "boot.cfg"
    path.write_bytes(b"old")
    if not refused:
        assert attributes.read(str(path)) == {}
        return
    with pytest.raises(PcibackError) as caught:
        replace_file(str(path), b"new", expected=b"old")
    assert str(caught.value) == (
        f"{path}: it has extended attributes or an access control list, which the file that would take its place can't get"
    )
    assert path.read_bytes() == b"old"


def test_a_system_that_has_no_such_call_has_no_attributes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "listxattr")
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    assert attributes.read(str(tmp_path)) == {}
