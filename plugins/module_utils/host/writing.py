# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether files can be written, found out before the first is; and what was written when one failed all the same."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import files
from ansible_collections.xen.pciback.plugins.module_utils.host.os_errors import explained, help_for, reason_of
from ansible_collections.xen.pciback.plugins.module_utils.refusals import NOT_REPLACEABLE

ROOM = 1 << 20
"""Bytes that a run may need on a file system: each file twice for a moment, its backup, and records."""

_NOTHING = "nothing was changed"


def obstacles(places: Mapping[str, str]) -> dict[str, PcibackError]:
    """Why files can't be replaced or made, by their names; those that can are left out. Nothing is touched.

    :param places: where each file is, by the name that it has for a person
    """
    found = {}
    for name, place in places.items():
        try:
            files.check_kept(place)
        except PcibackError as refusal:
            refusal.file = name
            found[name] = refusal
            continue
        error = _obstacle(place)
        if error is not None:
            found[name] = PcibackError(
                f"it can't be replaced: {reason_of(error)}",
                file=name,
                code=NOT_REPLACEABLE,
                remedy=help_for(error),
            )
    return found


def check(paths: Iterable[str]) -> None:
    """Make sure that files can be replaced or made.

    :raises PcibackError: ``not-replaceable``: the first that can't
    """
    for error in obstacles({path: path for path in paths}).values():
        raise error


def _obstacle(path: str) -> OSError | None:
    directory = os.path.dirname(path) or "."
    while not os.path.lexists(directory) and directory not in ("/", ""):
        directory = os.path.dirname(directory)
    # The kernel knows of a file system that can't be written, and of immutable files, when it is asked for access.
    for place in (directory, path):
        if os.path.exists(place) and not os.access(place, os.W_OK):
            return OSError(_why(place), os.strerror(_why(place)))
    try:
        room = os.statvfs(directory)
    except OSError as error:
        return error
    # Root may use the reserve. A file system without a table of files counts none of them.
    if room.f_bfree * room.f_frsize < ROOM or (room.f_files and not room.f_ffree):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None


def _why(path: str) -> int:
    """Why nobody may write there; access(2) of Python does not say."""
    with contextlib.suppress(OSError):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return errno.EROFS
    # Root is kept by nothing but flags, or by somebody who is asked elsewhere.
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            return error.errno
    return errno.EPERM if os.geteuid() == 0 else errno.EACCES


@contextlib.contextmanager
def accounted() -> Iterator[None]:
    """Let an error say what was changed by then, as the files themselves tell.

    :raises PcibackError: what went wrong inside; also in place of an OSError
    """
    with files.journal() as before:
        try:
            yield
        except OSError as error:
            raise _account(explained(error), before) from error
        except PcibackError as error:
            raise _account(error, before) from error.__cause__


def _account(error: PcibackError, before: Mapping[str, bytes | None]) -> PcibackError:
    """The same error; what was put back meanwhile is no change."""
    changed = [path for path, data in before.items() if files.content(path) != data]
    if changed:
        message = error.message.replace(f"; {_NOTHING}", "").replace(f", {_NOTHING}", "")
        error.message = f"{message}; changed before that: {', '.join(changed)}"
    return error
