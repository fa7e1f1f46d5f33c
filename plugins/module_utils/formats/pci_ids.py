# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Names of PCI devices, from pci.ids(5)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_NEXT_VENDOR = re.compile(r"\n(?![\t#\n])")


def names_of(text: str, wanted: Collection[tuple[int, int]]) -> Mapping[tuple[int, int], str]:
    """Names of vendors' devices, from pci.ids(5): ``Intel Corporation 82540EM Gigabit Ethernet Controller``.

    A device that the list does not know has its vendor's name alone.
    """
    # It is searched, not split: it has some 40,000 lines, and a host has few vendors.
    text = f"\n{text}\n"
    found: dict[tuple[int, int], str] = {}
    for vendor in {vendor for vendor, _device in wanted}:
        entry = f"\n{vendor:04x}  "
        start = text.find(entry)
        if start < 0:
            continue
        end = _NEXT_VENDOR.search(text, start + len(entry))
        section = text[start : end.end() if end else len(text)]
        for each in wanted:
            if each[0] == vendor:
                names = (_named(section, entry), _named(section, f"\n\t{each[1]:04x}  "))
                found[each] = " ".join(name for name in names if name)
    return found


def _named(section: str, entry: str) -> str:
    """What stands behind an entry of pci.ids."""
    start = section.find(entry)
    return "" if start < 0 else section[start + len(entry) :].partition("\n")[0].strip()
