# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a file would be if this collection had never changed it, and what has to be recorded to know that later.

A file that is as the collection wrote it becomes the recorded original, byte for byte. In one that somebody else has
changed since, only hide lists and ``pci`` lists are undone: those of the original come back in their place. A hide list
that stops the machine, or of the default entry one that can't be read to its end, does not come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import unhide, without_broken_lists
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.trial import PREVIOUS, settle
from ansible_collections.xen.pciback.plugins.module_utils.formats.line_merge import merge_lines
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT,
    NATIVE,
    SETTING,
    Original,
    Originals,
    digest,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci


@dataclass(frozen=True)
class Restored:
    """A file with the changes undone: its bytes (``None``: no file), and sentences about what could not be undone."""

    data: bytes | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """A file that is about to be changed; ``None`` stands for no file."""

    path: str
    kind: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Noted:
    """The record as it has to be before some changes and after them."""

    before: Originals
    after: Originals
    warnings: tuple[str, ...]


def restore(path: str, original: Original | None, current: bytes | None) -> Restored:
    """What a file would be if this collection had never changed it.

    :param original: what is recorded of it; ``None``: it was never changed
    :param current: what it holds now; a file that somebody has removed stays away
    :raises PcibackError: somebody else has changed it, and it can't be read any more
    """
    if original is None or current is None or current == original.data:
        return Restored(current)
    if original.wrote(current):
        return Restored(original.data)
    if original.kind in (NATIVE, SETTING) or original.data is None:
        return Restored(current, (f"{path} is not the file that was installed; it is left as it is",))
    if original.kind == BOOT:
        return _restore_boot_cfg(path, original.data, current)
    return Restored(_restore_xl_cfg(path, original.data, current))


def put_back(path: str, original: Original | None, current: bytes | None) -> Restored:
    """What a file becomes when it is put back: :func:`restore`, but for hide lists of its owner that are broken.

    :raises PcibackError: as :func:`restore`
    """
    restored = restore(path, original, current)
    if original is None or original.kind != BOOT or restored.data is None:
        return restored
    boot_cfg, problems = without_broken_lists(BootCfg.parse(restored.data, path))
    left_out = [f"{problem}; it was there before the first run and does not come back" for problem in problems]
    return Restored(boot_cfg.render(), (*restored.warnings, *left_out))


def note(originals: Originals, changes: Iterable[Change]) -> Noted:
    """Work out what to record of changes.

    Where somebody else has edited a file since, what :func:`restore` makes of the edited file is the new original.

    :raises PcibackError: as :func:`restore`
    """
    noted: dict[str, Original] = {}
    settled: list[str] = []
    warnings: list[str] = []
    for change in changes:
        known = originals.files.get(change.path)
        data = change.before
        if known is not None:
            restored = restore(change.path, known, change.before)
            data = restored.data
            if change.before != change.after:
                warnings += restored.warnings
        if change.after == data or change.after == _without_broken_lists(change, data):
            settled.append(change.path)
        elif change.before != change.after:
            written = [item for item in (change.before, change.after) if item is not None and item != data]
            noted[change.path] = Original(change.kind, data, tuple(dict.fromkeys(digest(item) for item in written)))
    before = originals.with_files(noted)
    return Noted(before, before.without_files(settled), tuple(warnings))


def note_installation(originals: Originals, changes: Iterable[Change]) -> Originals:
    """The record as it has to be before files are installed.

    Each is recorded, even one that was there with this content. One that is not as it was written any more is taken for
    damaged, not for edited: its content does not become the original.
    """
    noted: dict[str, Original] = {}
    for change in changes:
        known = originals.files.get(change.path, Original(NATIVE, change.before))
        if change.before == change.after and known.wrote(change.after):
            continue
        contents = [item for item in (change.before, change.after) if known.wrote(item) or item is change.after]
        written = dict.fromkeys(digest(item) for item in contents if item is not None)
        noted[change.path] = Original(NATIVE, known.data, tuple(written))
    return originals.with_files(noted)


def _without_broken_lists(change: Change, data: bytes | None) -> bytes | None:
    """What a boot configuration is once it was put back."""
    return put_back(change.path, Original(change.kind, data), data).data


def _restore_boot_cfg(path: str, original: bytes, current: bytes) -> Restored:
    bare = unhide(BootCfg.parse(original, path)).boot_cfg.render()
    # What it tries is no edit of anybody else's.
    edited = unhide(settle(BootCfg.parse(current, path), PREVIOUS).boot_cfg).boot_cfg.render()
    data, lost = merge_lines(bare, edited, original)
    if not lost:
        return Restored(data)
    lines = " | ".join(line.decode("utf-8", "backslashreplace").strip() for line in lost)
    return Restored(
        data,
        (f"{path} was edited by somebody else, so these lines from before the first run did not come back: {lines}",),
    )


def _restore_xl_cfg(path: str, original: bytes, current: bytes) -> bytes:
    was, bare = XlConfig.parse(original, path), with_pci(XlConfig.parse(current, path), [])
    data, lost = merge_lines(with_pci(was, []).render(), bare.render(), original)
    if not lost and [entry.spec for entry in XlConfig.parse(data, path).pci] == [entry.spec for entry in was.pci]:
        return data
    return with_pci(bare, list({entry.spec.key: entry.spec for entry in was.pci}.values())).render()
