# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of the menu is."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg

KINDS = [
    ("load /n;multiboot /xen.gz", "xen"),
    ("multiboot /xen.gz", "xen"),
    ("load /n ; multiboot\t/xen.gz", "xen"),
    ("boot netbsd", "kernel"),
    ("dev;pkboot netbsd", "kernel"),
    ("boot netbsd;multiboot /xen.gz", "kernel"),
    ("quit;multiboot /xen.gz", "other"),
    ("prompt", "prompt"),
    ("prompt;dev", "other"),
    ("dev", "other"),
    ("multibooted /xen.gz", "other"),
    ("Multiboot /xen.gz", "other"),
    ("", "other"),
]


@pytest.mark.parametrize(("commands", "kind"), KINDS)
def test_kind(commands: str, kind: str) -> None:
    (entry,) = BootCfg.parse(f"menu=X:{commands}\n".encode()).entries
    assert entry.kind == kind


def test_titles_may_be_utf_8_or_latin_1() -> None:
    entries = BootCfg.parse("menu=B\u00fcro:dev\n".encode() + "menu=B\u00fcro:dev\n".encode("latin-1")).entries
    assert [entry.title for entry in entries] == ["B\u00fcro", "B\u00fcro"]
