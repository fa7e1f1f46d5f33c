# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which menu entries an edit is meant for: every one that starts Xen, the default one, or titles."""

from __future__ import annotations

from typing import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check import name, refusal
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX


def select(document: BootCfg, entries: str | Sequence[str]) -> list[int]:
    """Indexes of the entries that are meant, in the order of the menu; at least one.

    :param entries: ``xen`` (every entry that starts Xen, but for one that keeps a previous list), ``default``, a
        title or titles
    :raises PcibackError: ``boot-config-invalid``: there is no such entry, or one that can't be given a list
    """
    if isinstance(entries, str) and entries not in ("xen", "default"):
        entries = [entries]
    xen = [index for index in range(document.shown) if document.is_xen(index)]
    if not xen:
        raise refusal(
            document,
            "no menu entry starts Xen; "
            "one looks like 'menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M'",
        )
    if entries == "default":
        default = document.default_index
        if default not in xen:
            raise refusal(
                document,
                f"the default entry {name(document, default)} does not start Xen",
                document.menu[default].command_text,
            )
        return [default]
    if entries == "xen":
        ours = [index for index in xen if not document.is_previous(index)]
        if not ours:
            raise refusal(document, f"every menu entry that starts Xen is titled '...{PREVIOUS_SUFFIX}'")
        return ours
    selected = [_by_title(document, title) for title in entries]
    if not selected:
        raise refusal(document, "no entry was asked for; name a title, 'xen' or 'default'")
    return sorted(set(selected))


def _by_title(document: BootCfg, title: str) -> int:
    titles = [menu_line.title for menu_line in document.menu[: document.shown]]
    found = [index for index, shown in enumerate(titles) if shown == title]
    found = found or [index for index, shown in enumerate(titles) if shown.strip() == title.strip()]
    if not found:
        shown = ", ".join(f"'{shown}'" for shown in titles)
        raise refusal(document, f"no menu entry is titled '{title}'; the titles are {shown}")
    if len(found) > 1:
        numbers = " and ".join(str(index + 1) for index in found)
        raise refusal(
            document,
            f"the title '{title}' is ambiguous, entries {numbers} have it; give each its own",
            document.menu[found[1]].command_text,
        )
    (index,) = found
    menu_line = document.menu[index]
    if not menu_line.title_span.text:
        raise refusal(
            document,
            f"entry {index + 1} has no title, so the menu shows its commands, which an edit changes; "
            "give it a title before the ':'",
            menu_line.title_span,
        )
    if not document.is_xen(index):
        raise refusal(document, f"entry '{title}' does not start Xen", menu_line.command_text)
    if document.is_previous(index):
        raise refusal(document, f"entry '{title}' keeps the previous list and is never edited", menu_line.command_text)
    return index
