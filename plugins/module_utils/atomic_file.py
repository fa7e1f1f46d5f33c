# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Files that are read whole and replaced whole: after a crash there is the old file or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import time

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

_CHUNK = 65536

# What file systems and kernels answer that can't sync a directory; the rename has happened by then.
_NO_DIRECTORY_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP)


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
    """Put a new file in the place of ``path`` in one step; owner and mode of the old one are kept.

    :param expected: what the file holds now; ``None`` if it must not exist yet
    :param backup: keep the old file beside the new one, as ``NAME.PID.TIMESTAMP~``
    :param mode: the mode of a file that did not exist, 0600 unless told
    :returns: the path of the backup, or ``""``
    :raises PcibackError: the file does not hold ``expected`` any more, or something can't be written;
        nothing was changed then
    """
    old = _check_unchanged(path, expected)
    directory, name = os.path.split(path)
    directory = directory or "."
    temporary = ""
    saved = ""
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
        _fill(descriptor, data, old, 0o600 if mode is None else mode)
        if backup and old is not None and expected is not None:
            descriptor, saved = _create_backup(path)
            _fill(descriptor, expected, old, 0o600)
        _check_unchanged(path, expected)
        os.rename(temporary, path)
    except BaseException as error:
        for leftover in (temporary, saved):
            if leftover:
                with contextlib.suppress(OSError):
                    os.unlink(leftover)
        if isinstance(error, OSError):
            raise PcibackError(f"it can't be replaced: {_reason(error)}; nothing was changed", file=path) from error
        raise
    _sync_directory(directory, path)
    return saved


def _read(path: str, limit: int | None) -> tuple[bytes, os.stat_result]:
    try:
        # Each system has its own error for O_NOFOLLOW, so the kind is asked for first.
        _check_kind(path, os.lstat(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PcibackError("it does not exist", file=path) from None
    except (OSError, ValueError) as error:
        raise PcibackError(f"it can't be read: {_reason(error)}", file=path) from error
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
        raise PcibackError(f"it can't be read: {_reason(error)}", file=path) from error
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


def _check_unchanged(path: str, expected: bytes | None) -> os.stat_result | None:
    """The status of the old file, ``None`` if there is none and none is expected."""
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
    return status


def _create_backup(path: str) -> tuple[int, str]:
    stem = f"{path}.{os.getpid()}.{time.strftime('%Y-%m-%d@%H:%M:%S')}"
    number = 0
    while True:
        # Two changes within a second must not cost the first backup.
        candidate = f"{stem}.{number}~" if number else f"{stem}~"
        try:
            return os.open(candidate, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), candidate
        except FileExistsError:
            number += 1


def _fill(descriptor: int, data: bytes, old: os.stat_result | None, mode: int) -> None:
    """Write, give away and sync an open file, then close it."""
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if old is not None:
            new = os.fstat(descriptor)
            if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
                os.fchown(descriptor, old.st_uid, old.st_gid)
            mode = stat.S_IMODE(old.st_mode)
        # After the change of owner, which may clear bits.
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_directory(directory: str, path: str) -> None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise PcibackError(f"it was replaced, but may be lost in a crash: {_reason(error)}", file=path) from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None
    return text or str(error)
