# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are read whole and replaced whole: after a crash there is the old file or the new one.

A new file is written beside the old one as ``.NAME.pciback-XXXXXXXX``, locked as long as its writer lives. One that
can be locked is what a killed writer left, and the next writer of NAME removes it.
"""

from __future__ import annotations

import contextlib
import contextvars
import errno
import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import attributes
from ansible_collections.xen.pciback.plugins.module_utils.host.os_errors import help_for, reason_of
from ansible_collections.xen.pciback.plugins.module_utils.refusals import NOT_REPLACEABLE

DIRECTORY_MODE = 0o755
"""Of directories that are made here, less what the umask takes."""

_CHUNK = 65536

# What file systems and kernels answer that can't sync a directory; the rename has happened by then.
_NO_DIRECTORY_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP)


_journal: contextvars.ContextVar[dict[str, bytes | None] | None] = contextvars.ContextVar("_journal", default=None)


@contextlib.contextmanager
def journal() -> Iterator[Mapping[str, bytes | None]]:
    """What each file held that is replaced, made or removed meanwhile, in the order of that; ``None``: it was not there."""
    before: dict[str, bytes | None] = {}
    token = _journal.set(before)
    try:
        yield before
    finally:
        _journal.reset(token)


def _enter(path: str, before: bytes | None) -> None:
    entries = _journal.get()
    if entries is not None:
        entries.setdefault(path, before)


@dataclass(frozen=True)
class _Old:
    """Of a file that is replaced, what the new one has to have: owner, mode and attributes."""

    path: str
    status: os.stat_result
    attributes: Mapping[str, bytes]


def check_kept(path: str) -> None:
    """Make sure that nothing is lost when a file is replaced; one that is not there loses nothing.

    :raises PcibackError: ``not-replaceable``: it is one of several hard links, or has attributes that can't be copied
    """
    if _mode(path) is not None:
        _old(path, os.lstat(path))


def _old(path: str, status: os.stat_result) -> _Old:
    if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
        raise PcibackError(
            f"it has {status.st_nlink} names (hard links), and a new file in its place would leave the others as they are",
            code=NOT_REPLACEABLE,
            file=path,
            remedy=f"give it a file of its own: cp -p {path} {path}.new && mv {path}.new {path}",
        )
    try:
        return _Old(path, status, attributes.read(path))
    except OSError as error:
        raise PcibackError(
            f"its attributes can't be read: {reason_of(error)}", file=path, remedy=help_for(error)
        ) from error


def read_file(path: str, *, limit: int | None = None) -> bytes:
    """Read a regular file.

    :param limit: the most bytes that the file may have
    :raises PcibackError: it is missing, a directory, a symbolic link or no regular file, it can't be read,
        or it is larger than ``limit``
    """
    return _read(path, limit)[0]


def replace_file(
    path: str,
    data: bytes,
    *,
    expected: bytes | None,
    backup: bool = False,
    mode: int | None = None,
) -> str:
    """Put a new file in the place of ``path`` in one step; owner, mode, ACL and extended attributes of the old one are kept.

    :param expected: what the file holds now; ``None`` if it must not exist yet
    :param backup: keep the old file beside the new one, as ``NAME.PID.TIMESTAMP~``
    :param mode: the mode of a file that did not exist, 0600 unless told
    :returns: the path of the backup, or ``""``
    :raises PcibackError: the file does not hold ``expected`` any more, or something can't be written;
        nothing was changed then
    """
    old = _check_unchanged(path, expected)
    directory, name = _split(path)
    saved = ""
    try:
        _remove_leftovers(directory, name)
        with _temporary(directory, name, data, old, 0o600 if mode is None else mode) as new:
            if backup and old is not None and expected is not None:
                saved = _back_up(path, expected, old)
            _check_unchanged(path, expected)
            os.rename(new, path)
            _enter(path, expected)
    except BaseException as error:
        if saved:
            with contextlib.suppress(OSError):
                os.unlink(saved)
        if isinstance(error, OSError):
            raise PcibackError(
                f"it can't be replaced: {reason_of(error)}; it is as it was", file=path, remedy=help_for(error)
            ) from error
        raise
    try:
        sync_directory(directory)
    except OSError as error:
        raise PcibackError(
            f"it was replaced, but may be lost in a crash: {reason_of(error)}", file=path, remedy=help_for(error)
        ) from error
    return saved


def remove_file(path: str) -> bool:
    """Remove a file for good: what is done after this call is not on the disk before the removal is.

    :returns: whether it was there
    :raises PcibackError: it can't be removed
    """
    directory, name = _split(path)
    try:
        _remove_leftovers(directory, name)
        before = content(path)
        os.unlink(path)
        _enter(path, before)
        sync_directory(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise PcibackError(f"it can't be removed: {reason_of(error)}", file=path, remedy=help_for(error)) from error
    return True


def make_directory(path: str) -> None:
    """Make a directory and those above it, as far as they are missing; no one else may write there.

    :raises PcibackError: one can't be made
    """
    if not path or os.path.isdir(path):
        return
    directory, _name = _split(path.rstrip("/"))
    make_directory(directory)
    try:
        # Not os.makedirs, whose mode is for the last one only.
        os.mkdir(path, DIRECTORY_MODE)
        # A file that is on the disk in a directory that isn't would be lost.
        sync_directory(directory)
    except FileExistsError as error:
        mode = _mode(path)
        if mode is None:
            # Another run made it, and has removed it already.
            make_directory(path)
        elif not stat.S_ISDIR(mode) and not os.path.isdir(path):
            raise PcibackError(
                f"the directory can't be made: {reason_of(error)}", file=path, remedy=help_for(error)
            ) from error
    except OSError as error:
        raise PcibackError(
            f"the directory can't be made: {reason_of(error)}", file=path, remedy=help_for(error)
        ) from error


def remove_directory(path: str) -> bool:
    """Remove a directory if nothing is in it; whether it is gone now by that."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


def content(path: str) -> bytes | None:
    """What a file holds, ``None`` if there is none that can be read."""
    try:
        return _read(path, None)[0]
    except PcibackError:
        return None


def _mode(path: str) -> int | None:
    """Kind and permissions of what is there, links not followed; ``None`` if nothing is."""
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None


def _read(path: str, limit: int | None) -> tuple[bytes, os.stat_result]:
    try:
        # Each system has its own error for O_NOFOLLOW, so the kind is asked for first.
        _check_kind(path, os.lstat(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PcibackError("it does not exist", file=path) from None
    except (OSError, ValueError) as error:
        raise PcibackError(f"it can't be read: {reason_of(error)}", file=path, remedy=help_for(error)) from error
    try:
        status = os.fstat(descriptor)
        _check_kind(path, status)
        data = bytearray()
        while limit is None or len(data) <= limit:
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                break
            data += chunk
    except OSError as error:
        raise PcibackError(f"it can't be read: {reason_of(error)}", file=path, remedy=help_for(error)) from error
    finally:
        os.close(descriptor)
    if limit is not None and len(data) > limit:
        raise PcibackError(f"it is larger than {limit} bytes, which is the most that it may have", file=path)
    return bytes(data), status


def _check_kind(path: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        kind = "a directory"
    elif stat.S_ISLNK(status.st_mode):
        kind = "a symbolic link"
    else:
        kind = "a device, a socket or a pipe"
    remedy = "name the file that the link points to" if stat.S_ISLNK(status.st_mode) else None
    raise PcibackError(f"it is {kind}, not a regular file", file=path, remedy=remedy)


def _check_unchanged(path: str, expected: bytes | None) -> _Old | None:
    """What is kept of the old file, ``None`` if there is none and none is expected."""
    if expected is None:
        if os.path.lexists(path):
            raise PcibackError("somebody else made it meanwhile; nothing was overwritten", file=path)
        return None
    try:
        data, status = _read(path, len(expected))
    except PcibackError as error:
        raise PcibackError(
            f"it was changed by somebody else meanwhile, nothing was overwritten ({error.message})", file=path
        ) from error
    if data != expected:
        raise PcibackError("it was changed by somebody else meanwhile, nothing was overwritten", file=path)
    return _old(path, status)


@contextlib.contextmanager
def _temporary(directory: str, name: str, data: bytes, old: _Old | None, mode: int) -> Iterator[str]:
    """The path of a complete, synced file that is to be renamed; if it is not, it is removed."""
    descriptor, path = _create_temporary(directory, name)
    try:
        _fill(descriptor, data, old, mode)
        yield path
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise
    finally:
        # All is synced by now, so there is nothing left that closing could lose.
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _create_temporary(directory: str, name: str) -> tuple[int, str]:
    while True:
        descriptor, path = tempfile.mkstemp(prefix=_prefix(name), dir=directory)
        try:
            if not _is_in_use(descriptor):
                return descriptor, path
        except OSError:
            # A file system without locks; nobody can take it for a leftover there.
            return descriptor, path
        # In the moment before it was locked, another writer took it for a leftover and removes it.
        os.close(descriptor)


def _is_in_use(descriptor: int) -> bool:
    """Lock a temporary file; whether another process has done so, or has removed it already."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return os.fstat(descriptor).st_nlink == 0


def _remove_leftovers(directory: str, name: str) -> None:
    """Remove what killed writers of ``name`` left: our names, not locked, plain files."""
    # Eight characters are what mkstemp adds.
    ours = re.compile(re.escape(_prefix(name)) + r"[a-z0-9_]{8}\Z")
    for entry in os.listdir(directory):
        if ours.match(entry):
            # One that can't be removed hinders nobody.
            with contextlib.suppress(OSError):
                _remove_leftover(os.path.join(directory, entry))


def _remove_leftover(path: str) -> None:
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not _is_in_use(descriptor):
            os.unlink(path)
    finally:
        os.close(descriptor)


def _back_up(path: str, data: bytes, old: _Old) -> str:
    """Keep the old file beside the new one; complete and on the disk before it has its name."""
    directory, name = _split(path)
    stem = f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S')}"
    saved = f"{stem}~"
    number = 0
    # Two changes within a second must not cost the first backup.
    while os.path.lexists(saved):
        number += 1
        saved = f"{stem}.{number}~"
    with _temporary(directory, name, data, old, 0o600) as copy:
        os.rename(copy, saved)
    sync_directory(directory)
    return saved


def _fill(descriptor: int, data: bytes, old: _Old | None, mode: int) -> None:
    """Write, give away and sync an open file."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    if old is not None:
        new = os.fstat(descriptor)
        if (new.st_uid, new.st_gid) != (old.status.st_uid, old.status.st_gid):
            os.fchown(descriptor, old.status.st_uid, old.status.st_gid)
        mode = stat.S_IMODE(old.status.st_mode)
        if old.attributes:
            # The group's bits may be the mask of an ACL: without the ACL they would let the group in.
            os.fchmod(descriptor, mode & ~stat.S_IRWXG)
            attributes.copy(old.attributes, descriptor, old.path)
    # After the change of owner, which may clear bits; of a file with an ACL these are its mask again.
    os.fchmod(descriptor, mode)
    os.fsync(descriptor)


def sync_directory(directory: str) -> None:
    """Have the names of a directory on the disk; some file systems do that by themselves and refuse to be asked."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)


def _split(path: str) -> tuple[str, str]:
    directory, name = os.path.split(path)
    return directory or ".", name


def _prefix(name: str) -> str:
    return f".{name}.pciback-"
