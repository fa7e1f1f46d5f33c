# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every limit is where the code says, to the character."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from tests.unit.formats.boot_cfg.edits import PLAIN, edited, refused

MENU_SIZES = [
    (12, "default=11", 12, 11),
    (12, "default=11\nformat=n", 9, 9),
    (12, "default=11\nformat=n\ntimeout=0", 12, 11),
    (12, "default=11\nformat=letters", 12, 11),
    (25, "default=25", 20, 20),
]


@pytest.mark.parametrize(("count", "more", "shown", "default"), MENU_SIZES)
def test_the_menu_has_limits(count: int, more: str, shown: int, default: int) -> None:
    text = "".join(f"menu=Entry{number}:dev\n" for number in range(1, count + 1)) + more
    boot_cfg = BootCfg.parse(text.encode())
    assert len(boot_cfg.entries) == shown
    assert boot_cfg.default is not None
    assert boot_cfg.default.number == default


def test_79_characters_are_kept_and_no_80() -> None:
    path = "/" + "k" * 46  # 79 with a blank, pciback.hide= and two entries
    assert edited(f"menu=X:load {path};multiboot /x a\n").entries[0].place == "load"
    assert edited(f"menu=X:load {path}k;multiboot /x a\n").entries[0].place == "multiboot"


def test_the_kernel_looks_at_255_characters() -> None:
    text = "menu=X:load /n;multiboot /x a -- " + "y" * 230 + " pciback.hide=(0:4.0)(0:5.0)"
    (entry,) = BootCfg.parse(text.encode()).entries
    assert len(entry.dom0_line) == 255
    assert entry.hide is not None
    assert entry.hide.reading.value == b"(0:4.0)(0:"


def test_a_file_that_would_become_too_large_is_refused() -> None:
    text = PLAIN + "#" * (MAX_FILE - len(PLAIN) - 10)
    refusal = refused(text)
    assert refusal.code == "list-too-long"
    assert str(refusal) == (
        "/boot.cfg: with the hide list it would have 32790 bytes, and the loader ignores a boot.cfg of more than 32768"
    )
