# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The edits of a boot.cfg: :func:`hide` and :func:`unhide`.

The way of an edit: read (:meth:`BootCfg.parse`), check, put the list in its place, keep the previous entry, check what
is read back; :meth:`BootCfg.render` has the bytes to write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check import (
    broken_list,
    check_bootable,
    check_result,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import TOP_LEVEL
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.place import (
    Placement,
    placement,
    with_list,
    without_lists,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.previous import (
    Previous,
    with_previous,
    without_previous,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.selection import select


@dataclass(frozen=True)
class Edit:
    """The result of :func:`hide` and :func:`unhide`.

    :param boot_cfg: the edited file
    :param entries: the entries that were asked for, with their lists; empty if no list is left
    :param changed: the edit changed a byte of the file
    """

    boot_cfg: BootCfg
    entries: tuple[Placement, ...]
    previous: Previous
    changed: bool


def hide(
    boot_cfg: BootCfg, addresses: Iterable[Address], entries: str | Sequence[str] = "xen", *, previous: bool = True
) -> Edit:
    """Write a hide list into menu entries.

    :param addresses: what the dom0 kernel shall leave to the backend; none means :func:`unhide`
    :param entries: ``xen`` (every entry that starts Xen), ``default``, or titles
    :param previous: keep an entry that boots with the list from before
    :raises PcibackError: nothing fits (``list-too-long``), or the file would not boot that way
        (``boot-config-invalid``)
    """
    wanted = tuple(dict.fromkeys(addresses))
    hide_list.render(wanted)
    if not wanted:
        return unhide(boot_cfg)
    return hide_at(boot_cfg, wanted, select(boot_cfg, entries), previous=previous)


def hide_at(boot_cfg: BootCfg, wanted: Sequence[Address], selected: Sequence[int], *, previous: bool) -> Edit:
    """Write a list that is not empty into entries that were selected, each once, by their indexes in the menu.

    :raises PcibackError: as for :func:`hide`
    """
    for index in selected:
        check_bootable(boot_cfg, index)
    edited = with_list(boot_cfg, selected, wanted)
    changed = [index for index in selected if not _boots_alike(boot_cfg, edited, index)]
    if previous:
        edited, kept = with_previous(boot_cfg, edited, changed)
    else:
        edited, kept = without_previous(edited), Previous(None, "", "it was not asked for")
    check_result(boot_cfg, edited, selected, wanted)
    placements = tuple(placement(edited, index, index in changed) for index in selected)
    return Edit(edited, placements, kept, edited.data != boot_cfg.data)


def unhide(boot_cfg: BootCfg) -> Edit:
    """Remove every hide list from the entries that start Xen, and the entry with the previous list.

    :raises PcibackError: ``boot-config-invalid``: it is not certain where a list ends
    """
    edited = without_previous(boot_cfg)
    xen = [index for index in range(len(edited.menu)) if edited.is_xen(index)]
    edited = without_lists(edited, xen, shared=bool(xen))
    return Edit(edited, (), Previous(None, "", "no list is left"), edited.data != boot_cfg.data)


def without_broken_lists(boot_cfg: BootCfg) -> tuple[BootCfg, tuple[PcibackError, ...]]:
    """Remove the lists that the kernel does not read to their ends, and say what was wrong with each.

    :raises PcibackError: ``boot-config-invalid``: it is not certain where a list ends
    """
    problems = {}
    for index in range(len(boot_cfg.menu)):
        problem, found = broken_list(boot_cfg, index), boot_cfg.read_list(index)
        if problem is not None and found is not None:
            problems[index] = (problem, found.place == TOP_LEVEL)
    shared = any(at_top for _problem, at_top in problems.values())
    edited = without_lists(boot_cfg, list(problems), shared=shared) if problems else boot_cfg
    return edited, tuple(problem for problem, _at_top in problems.values())


def _boots_alike(before: BootCfg, edited: BootCfg, index: int) -> bool:
    """An entry says the same in both, and so do the loads that all entries share."""
    was, now = before.menu[index], edited.menu[index]
    return before.lines[was.line] == edited.lines[now.line] and [load.text for load in before.shared_loads] == [
        load.text for load in edited.shared_loads
    ]
