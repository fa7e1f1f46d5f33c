# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How much of boot.cfg(5) and of what it passes on is read, by whom.

The kernel's limit of the hide list itself is :data:`.hide_list.MAX_VALUE`.
"""

from __future__ import annotations

MAX_FILE = 32768
"""Bytes of a boot.cfg that the loader accepts; it ignores a larger file (BOOTCFG_MAXSZ in its sources)."""

MAX_ENTRIES = 20
"""Menu entries that the loader keeps (BOOTCFG_MAXMENU in libsa's bootcfg.h)."""

MAX_DIGIT = 9
"""Entries that the loader can number when one key chooses; with more it takes letters or drops the rest."""

MAX_COMMAND = 79
"""Characters of one command of an entry that the loader's buffer holds (``input`` in its bootmenu.c).

Past them memory is overwritten, which shows when the command returns instead of booting: from 92 on the loader hangs.
"""

MAX_MODULE_STRING = 79
"""Characters of a ``load``'s path and arguments that reach Xen (``bi_modulelist_entry`` in bootinfo.h)."""

MAX_XEN_LINE = 1023
"""Characters of a command line that Xen hands to a PV dom0 (MAX_GUEST_CMDLINE, less the terminator)."""

MAX_DOM0_LINE = 255
"""Characters of its command line that the dom0 kernel looks at (``xen_parse_cmdline``)."""
