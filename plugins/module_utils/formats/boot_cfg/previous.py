# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The menu entry "... (previous pciback)", which boots with the hide list from before an edit.

It is the last of the menu, so that the numbers of the others, and what ``default=`` picks, stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_ENTRIES, MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import MULTIBOOT, HideList
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.place import append_to_multiboot, with_line
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX


@dataclass(frozen=True)
class Previous:
    """The entry that boots with the list from before the edit.

    :param number: its number in the menu, ``None`` if there is none
    :param title: its title, empty if there is none
    :param reason: why there is none, or why it was left as it was; empty otherwise
    """

    number: int | None
    title: str
    reason: str


class _NoPreviousError(Exception):
    """Why no entry can keep the previous list."""


def with_previous(before: BootCfg, edited: BootCfg, changed: Sequence[int]) -> tuple[BootCfg, Previous]:
    """``edited`` with an entry that boots as ``before`` did, unless that would do harm: then as it is, and why.

    :param changed: indexes of the entries that the edit changed
    """
    kept = next((i for i in reversed(range(edited.shown)) if edited.is_previous(i)), None)
    if not changed:
        return edited, _described(edited, kept, "" if kept is not None else "no entry was changed")
    try:
        with_it = _put(before, edited, _source(before, changed), kept)
    except _NoPreviousError as reason:
        return edited, _described(edited, kept, str(reason))
    return with_it, _described(with_it, len(with_it.menu) - 1 if kept is None else kept, "")


def without_previous(document: BootCfg) -> BootCfg:
    """Remove what keeps a previous list at the end of the menu; elsewhere it would shift other entries."""
    index = len(document.menu) - 1
    if index < 0 or document.ignored or not document.is_previous(index):
        return document
    lines = list(document.lines)
    del lines[document.menu[index].line]
    return without_previous(document.with_lines(lines))


def _described(document: BootCfg, index: int | None, reason: str) -> Previous:
    if index is None:
        return Previous(None, "", reason)
    return Previous(index + 1, document.menu[index].title, reason)


def _source(before: BootCfg, changed: Sequence[int]) -> int:
    """The entry to keep a copy of: the default one, or the only one there is."""
    if before.default_index in changed:
        return before.default_index
    others = [i for i in range(len(before.menu)) if before.is_xen(i) and not before.is_previous(i)]
    if len(others) > 1:
        raise _NoPreviousError("the entry that boots by default was not changed")
    return others[0]


def _put(before: BootCfg, edited: BootCfg, source: int, kept: int | None) -> BootCfg:
    old = before.read_list(source)
    line = _line(before, source, old)
    if kept is not None:
        with_it = with_line(edited, edited.menu[kept].line, line)
        index = kept
    else:
        with_it = _with_last_entry(edited, line)
        index = len(edited.menu)
    new = with_it.read_list(index)
    if (old.reading if old else hide_list.read(b"")) != (new.reading if new else hide_list.read(b"")):
        raise _NoPreviousError("the arguments from before can't be kept in an entry of its own")
    return with_it


def _line(before: BootCfg, source: int, old: HideList | None) -> bytes:
    """The line of the source with another title, and with its own list where the loads that all share have a new one."""
    menu_line = before.menu[source]
    title = menu_line.title_span
    if title.text.endswith(PREVIOUS_SUFFIX.encode()):
        raise _NoPreviousError("the changed entry is such an entry itself")
    line = before.lines[menu_line.line]
    name = title.text or b"Entry %d" % (source + 1)
    line = line[: title.start] + name + PREVIOUS_SUFFIX.encode() + line[title.end :]
    if not before.loads or (old is not None and old.place == MULTIBOOT):
        return line
    value = b"" if old is None else old.reading.value
    overridden = append_to_multiboot(with_line(before, menu_line.line, line), source, value)
    if overridden is None:
        raise _NoPreviousError("its line ends with a carriage return, and the list would take it in")
    return overridden.lines[menu_line.line]


def _with_last_entry(document: BootCfg, line: bytes) -> BootCfg:
    lines = list(document.lines)
    lines.insert(document.menu[-1].line + 1, line)
    longer = document.with_lines(lines)
    if longer.ignored:
        raise _NoPreviousError(f"the loader shows {MAX_ENTRIES} entries at most")
    if longer.default_index != document.default_index:
        raise _NoPreviousError("it would become the entry that default= picks")
    if longer.letters != document.letters:
        raise _NoPreviousError("with a tenth entry the loader would show letters instead of digits")
    if longer.shown != document.shown + 1:
        raise _NoPreviousError("with format=number the loader drops all entries past the ninth")
    if len(longer.data) > MAX_FILE:
        raise _NoPreviousError(f"the file would have more than {MAX_FILE} bytes, and the loader ignore it")
    return longer
