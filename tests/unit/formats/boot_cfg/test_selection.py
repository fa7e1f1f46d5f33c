# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entries an edit is meant for."""

from __future__ import annotations

import pytest

from tests.unit.formats.boot_cfg.edits import PLAIN, edited, refused, written


def test_only_the_asked_entries_change() -> None:
    text = PLAIN + PLAIN.replace("Xen:", "Other:") + "menu=K:boot\ndefault=2\n"
    other = edited(text, entries="default")
    assert [placement.title for placement in other.entries] == ["Other"]
    assert written(other).splitlines()[0] == PLAIN.strip()
    xen = edited(text, entries=["Xen"])
    assert [placement.number for placement in xen.entries] == [1]
    both = edited(text, entries=["Other", "Xen"])
    assert [placement.number for placement in both.entries] == [1, 2]
    assert edited(text.replace("=Xen", "= Xen"), entries=["Xen"]).entries[0].number == 1


NOT_MEANT = [
    (
        "timeout=5\n",
        "xen",
        "/boot.cfg: no menu entry starts Xen; "
        "one looks like 'menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M'",
    ),
    (
        "menu=K:boot\n" + PLAIN,
        "default",
        "/boot.cfg, line 1, column 8: the default entry 1 'K' does not start Xen",
    ),
    (PLAIN, ["Xne"], "/boot.cfg: no menu entry is titled 'Xne'; the titles are 'Xen'"),
    (
        PLAIN + PLAIN,
        ["Xen"],
        "/boot.cfg, line 2, column 10: the title 'Xen' is ambiguous, entries 1 and 2 have it; give each its own",
    ),
    ("menu=K:boot\n" + PLAIN, ["K"], "/boot.cfg, line 1, column 8: entry 'K' does not start Xen"),
    (PLAIN, [], "/boot.cfg: no entry was asked for; name a title, 'xen' or 'default'"),
    (
        "menu=:load /n;multiboot /x",
        ["load /n;multiboot /x"],
        "/boot.cfg, line 1, column 6: entry 1 has no title, so the menu shows its commands, "
        "which an edit changes; give it a title before the ':'",
    ),
]


@pytest.mark.parametrize(("text", "entries", "sentence"), NOT_MEANT)
def test_what_cannot_be_meant_is_refused(text: str, entries: str | list[str], sentence: str) -> None:
    refusal = refused(text, entries=entries)
    assert str(refusal) == sentence
    assert refusal.code == "boot-config-invalid"
