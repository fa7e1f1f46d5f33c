# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two ways to end a program that writes files: kill it at a system call, or cut the power.

Only calls that change something, or hold a lock, count. To die at a read is to die at the call before it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import os
import signal
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

CALLS = (
    *((os, name) for name in ("open", "close", "write", "ftruncate", "fsync", "rename", "replace", "link", "symlink")),
    *((os, name) for name in ("unlink", "remove", "mkdir", "rmdir", "chmod", "fchmod", "chown", "fchown", "utime")),
    (fcntl, "flock"),
)


@dataclass(frozen=True)
class FileState:
    """All of a file that must survive."""

    data: bytes
    mode: int
    uid: int
    gid: int


def tree(root: Path) -> dict[str, FileState]:
    """Every file below a directory, by its relative path; anything but a regular file fails."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            assert stat.S_ISREG(status.st_mode), path
            mode = stat.S_IMODE(status.st_mode)
            found[str(path.relative_to(root))] = FileState(path.read_bytes(), mode, status.st_uid, status.st_gid)
    return found


def run(work: Callable[[], None], die_at: int | None = None) -> bool:
    """Do the work in a child, killed at the ``die_at``-th step; whether it came to its end.

    A step is the moment before a call, or half way through a write.
    """
    return _run_child(work, lambda number, _kind: number == die_at)


def steps(work: Callable[[], None]) -> list[str]:
    """Do the work in a child; the kind of each step at which it could have been killed, in order."""
    with tempfile.TemporaryFile() as file:
        write, descriptor = os.write, file.fileno()

        def note(_number: int, kind: str) -> bool:
            write(descriptor, f"{kind}\n".encode())
            return False

        assert _run_child(work, note)
        file.seek(0)
        return file.read().decode().split()


def _run_child(work: Callable[[], None], dies: Callable[[int, str], bool]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            _arm(dies)
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    _child, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"the work failed, wait status {status}"
    return status == 0


def _arm(dies: Callable[[int, str], bool]) -> None:
    step = itertools.count()

    def lethal(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any, **options: Any) -> Any:
            if dies(next(step), name):
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "write" and len(arguments[1]) > 1 and dies(next(step), "half-write"):
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return wrapper

    for module, name in CALLS:
        setattr(module, name, lethal(name, getattr(module, name)))


@dataclass
class _File:
    """What a file was at each moment since it was last synced; at first, what is on the disk."""

    contents: list[bytes]
    owners: list[tuple[int, int, int]]

    def outcomes(self) -> set[FileState]:
        """All that the power may leave of it: any of these, in part, with any of the owners and modes."""
        torn = {content[: len(content) // 2] for content in self.contents[1:]}
        return {FileState(content, *owner) for content in {*self.contents, *torn} for owner in self.owners}

    def sync(self) -> None:
        """The last moment is on the disk."""
        del self.contents[:-1], self.owners[:-1]


MOST_PENDING = 8
"""Changes of names that are tried in all combinations."""

DIRECTORY = _File([], [])
"""Stands for each directory; what is in it has names of its own."""


@functools.cache
def directories_above(path: str) -> tuple[str, ...]:
    """The directories that lead to a relative path."""
    return tuple(str(above) for above in list(Path(path).parents)[:-1])


@dataclass
class Disk:
    """What is on the disk of a directory tree, and what is only in memory.

    POSIX promises no more than this: a file's content, mode and owner are on the disk after its fsync, and names after
    the fsync of their directory. Before that each of them may or may not be, in any order.

    :ivar names: which file each path leads to for programs that run
    :ivar durable: the same, on the disk
    :ivar pending: changes of names that are not surely on the disk, each with its directory: paths to files, or to
        ``None`` if the name goes
    :ivar complete: whether all trees were found that the power may leave
    """

    root: Path
    names: dict[str, _File] = field(default_factory=dict)
    durable: dict[str, _File] = field(default_factory=dict)
    pending: list[tuple[str, dict[str, _File | None]]] = field(default_factory=list)
    open_files: dict[int, Any] = field(default_factory=dict)
    complete: bool = True

    def __post_init__(self) -> None:
        for path in self.root.rglob("*"):
            if path.is_dir():
                self.names[str(path.relative_to(self.root))] = DIRECTORY
        for path, state in tree(self.root).items():
            self.names[path] = _File([state.data], [(state.mode, state.uid, state.gid)])
        self.durable = dict(self.names)

    def path(self, path: Any) -> str | None:
        """The path below the root; ``None`` if it is elsewhere."""
        relative = os.path.relpath(os.path.abspath(os.fspath(path)), self.root)
        return None if relative.startswith("..") else relative

    def after_power_loss(self) -> Iterator[dict[str, set[FileState]]]:
        """Every tree that may be found, each file with all that may be in it.

        Where nothing is ever synced these are too many: of the changes before the last ones, all are kept or none.
        """
        older = max(0, len(self.pending) - MOST_PENDING)
        self.complete = self.complete and not older
        choices = [(False, True)] * (len(self.pending) - older)
        # The trees differ in names; what may be in a file is the same in all of them.
        outcomes: dict[int, set[FileState]] = {}
        for first, *others in itertools.product((False, True) if older else (False,), *choices):
            kept = [first] * older + others
            names: dict[str, _File | None] = dict(self.durable)
            for (_directory, change), is_kept in zip(self.pending, kept):
                if is_kept:
                    names.update(change)
            found = {}
            for path, file in names.items():
                if file is not None and file is not DIRECTORY and self._is_reached(path, names):
                    if id(file) not in outcomes:
                        outcomes[id(file)] = file.outcomes()
                    found[path] = outcomes[id(file)]
            yield found

    def files(self) -> dict[str, bytes]:
        """What running programs see."""
        return {path: file.contents[-1] for path, file in self.names.items() if file is not DIRECTORY}

    @staticmethod
    def _is_reached(path: str, names: Mapping[str, _File | None]) -> bool:
        return all(names.get(directory) is DIRECTORY for directory in directories_above(path))

    def change(self, directory: str, change: dict[str, _File | None]) -> None:
        """Change names, in memory so far."""
        self.pending.append((directory, change))
        for path, file in change.items():
            if file is None:
                self.names.pop(path, None)
            else:
                self.names[path] = file

    def sync(self, target: Any) -> None:
        """A file or a directory is synced."""
        if isinstance(target, _File):
            target.sync()
            return
        for directory, change in self.pending:
            if directory == target:
                for path, file in change.items():
                    if file is None:
                        self.durable.pop(path, None)
                    else:
                        self.durable[path] = file
        self.pending = [item for item in self.pending if item[0] != target]


@contextlib.contextmanager
def watched(disk: Disk, after_each: Callable[[str], None], *, forget: tuple[str, ...] = ()) -> Iterator[None]:
    """Keep the disk's state while this process works; ``after_each`` is called after each change with its name.

    :param forget: calls that the disk does not hear of, to see what they are good for
    """
    real = {name: getattr(os, name) for module, name in CALLS if module is os}

    def opened(descriptor: int, path: Any, flags: int, *more: Any, **options: Any) -> None:
        relative = disk.path(path)
        if relative is None:
            return
        if os.path.isdir(path):
            disk.open_files[descriptor] = relative
            return
        if relative not in disk.names:
            status = os.fstat(descriptor)
            made = _File([b""], [(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)])
            disk.change(os.path.dirname(relative) or ".", {relative: made})
        file = disk.open_files[descriptor] = disk.names[relative]
        if flags & os.O_TRUNC:
            file.contents.append(b"")

    def written(count: int, descriptor: int, data: Any) -> None:
        file = disk.open_files.get(descriptor)
        if file is not None:
            file.contents.append(file.contents[-1] + bytes(data)[:count])

    def truncated(_none: None, descriptor: int, length: int) -> None:
        file = disk.open_files.get(descriptor)
        if file is not None:
            file.contents.append(file.contents[-1][:length])

    def owned(_none: None, descriptor: int, *what: int) -> None:
        file = disk.open_files.get(descriptor)
        if file is not None:
            status = os.fstat(descriptor)
            file.owners.append((stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid))

    def synced(_none: None, descriptor: int) -> None:
        if descriptor in disk.open_files:
            disk.sync(disk.open_files[descriptor])

    def renamed(_none: None, source: Any, target: Any) -> None:
        old, new = disk.path(source), disk.path(target)
        if old is not None and new is not None:
            assert os.path.dirname(old) == os.path.dirname(new), "a rename between directories"
            disk.change(os.path.dirname(new) or ".", {old: None, new: disk.names[old]})

    def linked(_none: None, source: Any, target: Any, **options: Any) -> None:
        old, new = disk.path(source), disk.path(target)
        if old is not None and new is not None:
            disk.change(os.path.dirname(new) or ".", {new: disk.names[old]})

    def unlinked(_none: None, path: Any, **options: Any) -> None:
        relative = disk.path(path)
        if relative is not None:
            disk.change(os.path.dirname(relative) or ".", {relative: None})

    def made(_none: None, path: Any, *_mode: int) -> None:
        relative = disk.path(path)
        if relative is not None:
            disk.change(os.path.dirname(relative) or ".", {relative: DIRECTORY})

    def closed(_none: None, descriptor: int) -> None:
        disk.open_files.pop(descriptor, None)

    def unexpected(name: str) -> Callable[..., None]:
        def refuse(_result: Any, path: Any, *more: Any, **options: Any) -> None:
            assert isinstance(path, int) or disk.path(path) is None, f"this model does not know {name}"

        return refuse

    known = {
        "open": opened,
        "write": written,
        "ftruncate": truncated,
        "fchmod": owned,
        "fchown": owned,
        "fsync": synced,
        "rename": renamed,
        "link": linked,
        "unlink": unlinked,
        "rmdir": unlinked,
        "close": closed,
        "mkdir": made,
    }

    def wrapper(name: str) -> Callable[..., Any]:
        note = known.get(name) or unexpected(name)

        def call(*arguments: Any, **options: Any) -> Any:
            result = real[name](*arguments, **options)
            # Files of the interpreter and of Ansible are opened below other directories.
            if name not in forget and not options.get("dir_fd"):
                note(result, *arguments, **options)
                after_each(name)
            return result

        return call

    with contextlib.ExitStack() as stack:
        for name in real:
            stack.enter_context(mock.patch.object(os, name, wrapper(name)))
        yield
