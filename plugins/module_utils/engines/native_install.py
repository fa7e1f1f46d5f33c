# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How the files of the native component get onto a host, and how they go."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_inspect import is_program, recorded
from ansible_collections.xen.pciback.plugins.module_utils.formats.native_record import NativeRecord
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import NATIVE, Original, Originals
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    make_directory,
    read_file,
    remove_directory,
    remove_file,
    replace_file,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import NATIVE as RECORD
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import OriginalsFile, StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, note_installation, restore


def install(files: Mapping[str, bytes], state: StateDirectory, **origin: Any) -> tuple[NativeRecord, tuple[str, ...]]:
    """Install staged files in place of those of the old record.

    What was in their places is recorded first, and the new record comes last, so that an interrupted run is noticed.

    :returns: the new record, and sentences about what stays of the old one
    :raises PcibackError: something else than a file is in one of the places; nothing was changed then
    """
    installed = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    record = NativeRecord(files=installed, **origin)
    written = state.native()
    originals = state.originals()
    known = _known(originals.originals, written.value)
    changes = [Change(path, NATIVE, _content(path), files[path]) for path in sorted(files)]
    stale = [path for path in known.of_kind(NATIVE) if path not in files]
    returns, warnings = _give_back(stale, known)

    originals.save(note_installation(known, changes).with_directories(_missing_directories(files)))
    for change in changes:
        _apply(change)
    # What another prefix holds goes before the record forgets it; what it was before stays recorded until all goes.
    for change in returns:
        _apply(change)
    written.save(record)
    return record, warnings


def uninstall(paths: Iterable[str], state: StateDirectory) -> tuple[str, ...]:
    """Remove some of the installed files, and keep the others. The record goes last, by which they are known as installed.

    :returns: sentences about what stays
    :raises PcibackError: something else than a file is in one of the places
    """
    written, originals = state.native(), state.originals()
    gone = set(paths)
    # Where originals are recorded, a file without one was removed by a run that was killed then.
    known = originals.originals if originals.exists else _known(originals.originals, written.value)
    changes, warnings = _give_back([path for path in known.of_kind(NATIVE) if path in gone], known)
    for change in changes:
        _apply(change)
    originals.save(originals.originals.without_files(gone))
    if written.value is not None:
        kept = {path: digest for path, digest in written.value.files.items() if path not in gone}
        written.save(replace(written.value, files=kept))
    return warnings


@dataclass(frozen=True)
class Removal:
    """What has to be done to remove the native component.

    :ivar changes: its files; one that is not as it was installed stays
    :ivar directories: those that were made for it, the innermost first
    :ivar paths: all that goes, files and directories
    :ivar warnings: sentences about what stays
    """

    changes: tuple[Change, ...]
    directories: tuple[str, ...]
    paths: tuple[str, ...]
    warnings: tuple[str, ...]


def plan_removal(state: StateDirectory, originals: Originals) -> Removal:
    """What there is to be removed.

    :raises PcibackError: something else than a file is in one of the places
    """
    known = _known(originals, recorded(state))
    changes, warnings = _give_back(known.of_kind(NATIVE), known)
    directories = tuple(sorted(originals.directories, key=len, reverse=True))
    gone = [change.path for change in changes if change.before is not None and change.after is None]
    paths = [change.path for change in changes if change.before != change.after]
    paths += [state.place(RECORD)] if os.path.lexists(state.place(RECORD)) else []
    for directory in directories:
        if os.path.isdir(directory) and {os.path.join(directory, name) for name in os.listdir(directory)} <= set(gone):
            gone.append(directory)
            paths.append(directory)
    return Removal(changes, directories, tuple(paths), warnings)


def remove(state: StateDirectory, originals: OriginalsFile) -> None:
    """Remove what was installed: the files, the record, the directories, and what is recorded of both.

    :raises PcibackError: as :func:`plan_removal`, or something can't be removed
    """
    removal = plan_removal(state, originals.originals)
    for change in removal.changes:
        _apply(change)
    remove_file(state.place(RECORD))
    for directory in removal.directories:
        remove_directory(directory)
    originals.save(replace(originals.originals.without_files(originals.originals.of_kind(NATIVE)), directories=()))


def _known(originals: Originals, record: NativeRecord | None) -> Originals:
    """What was in the places of the installed files; if that is not recorded, nothing was."""
    files = {} if record is None else record.files
    missing = {path: Original(NATIVE, None, (digest,)) for path, digest in files.items() if path not in originals.files}
    return originals.with_files(missing)


def _give_back(paths: Iterable[str], originals: Originals) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """What makes these files what they were, and sentences about those that stay."""
    changes: list[Change] = []
    warnings: list[str] = []
    for path in paths:
        before = _content(path)
        restored = restore(path, originals.files[path], before)
        changes.append(Change(path, NATIVE, before, restored.data))
        warnings += restored.warnings
    return tuple(changes), tuple(warnings)


def _content(path: str) -> bytes | None:
    return read_file(path) if os.path.lexists(path) else None


def _apply(change: Change) -> None:
    if change.after is None:
        # Also if it is not there: a killed run may have left something beside it.
        if os.path.isdir(os.path.dirname(change.path)):
            remove_file(change.path)
    elif change.before != change.after:
        make_directory(os.path.dirname(change.path))
        mode = 0o755 if is_program(change.path) else 0o644
        replace_file(change.path, change.after, expected=change.before, mode=mode)
    if change.after is not None and is_program(change.path) and not os.access(change.path, os.X_OK):
        _let_run(change.path)


def _let_run(path: str) -> None:
    """Give a program the right to be run that it has lost, or that the file before it never had."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, stat.S_IMODE(os.fstat(descriptor).st_mode) | 0o111)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing_directories(files: Iterable[str]) -> set[str]:
    missing = set()
    for path in files:
        directory = os.path.dirname(path)
        while not os.path.isdir(directory) and directory not in missing:
            missing.add(directory)
            directory = os.path.dirname(directory)
    return missing
