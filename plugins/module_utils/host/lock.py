# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One run at a time changes a host.

The lock is flock(2) on a file, so the kernel takes it back from a process that dies. The holder writes into the file who
it is, and removes the file before it lets go, and its directory if nothing else is in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    DIRECTORY_MODE,
    make_directory,
    remove_directory,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.os_errors import help_for, reason_of

PATIENCE = 60.0
"""Seconds that a run waits for another one."""

_PAUSE = 0.05
_MOST_BYTES = 200


@contextlib.contextmanager
def held(path: str, who: str, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a lock file. It and its directory are made if they are missing.

    :param who: what others are told while they wait
    :param patience: seconds to wait for another process
    :raises PcibackError: another process kept it for too long, or it can't be opened, or is no regular file
    """
    descriptor = _acquire(path, patience)
    try:
        # A disk that is too full for a name is no reason to do nothing.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"process {os.getpid()}, {who}\n".encode())
        yield
    finally:
        # Whoever waits for the removed file sees that, and opens the new one.
        with contextlib.suppress(OSError):
            os.unlink(path)
        _leave_no_directory(os.path.dirname(path))
        os.close(descriptor)


def _acquire(path: str, patience: float) -> int:
    deadline = time.monotonic() + patience
    while True:
        make_directory(os.path.dirname(path))
        try:
            descriptor = _open(path)
        except FileNotFoundError as error:
            # Whoever held it before has removed the directory meanwhile.
            if time.monotonic() >= deadline:
                raise _refusal(path, error) from error
            continue
        try:
            if _lock(descriptor) and _is_at(descriptor, path):
                return descriptor
            holder = _holder(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise _refusal(path, error) from error
        os.close(descriptor)
        if time.monotonic() >= deadline:
            raise PcibackError(
                f"another run is changing this host ({holder}); waited {patience:g} s, nothing was changed",
                file=path,
                remedy="run again when it has ended; a lock goes with its process, the file need not be removed",
            )
        time.sleep(_PAUSE)


def _leave_no_directory(path: str) -> None:
    """Remove the lock's directory if it is empty and such as this process would make it.

    One with another owner or mode was made by somebody for something else. Others who are about to make the lock in
    it find that it is gone, and make it anew.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    with contextlib.suppress(OSError):
        status = os.lstat(path)
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == DIRECTORY_MODE & ~umask:
            remove_directory(path)


def _open(path: str) -> int:
    try:
        descriptor = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600
        )
    except FileNotFoundError:
        raise
    except OSError as error:
        if os.path.islink(path):
            raise PcibackError("it is a symbolic link, and the lock must be a file", file=path) from error
        raise _refusal(path, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PcibackError("it is no regular file, and the lock must be one", file=path)
    return descriptor


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: str) -> bool:
    """Whether the locked file is still the one that others open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, _MOST_BYTES, 0).decode("ascii", "replace").strip()
    return text if text and text.isprintable() else "it has not said who it is"


def _refusal(path: str, error: OSError) -> PcibackError:
    return PcibackError(
        f"the host can't be locked: {reason_of(error)}",
        file=path,
        remedy=help_for(error) or "name a directory with 'state_directory' that every run on this host uses",
    )
