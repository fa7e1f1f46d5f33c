# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entry that boots with the list from before."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from tests.unit.formats.boot_cfg.edits import PLAIN, devices, edited, written


def test_previous_is_the_line_as_it_was() -> None:
    first = edited(PLAIN + "menu=K:boot\ntimeout=5\n", 1, previous=True)
    assert written(first).splitlines() == [
        "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(00:04.0);multiboot /xen.gz dom0_mem=512M",
        "menu=K:boot",
        "menu=Xen (previous pciback):load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M",
        "timeout=5",
    ]
    assert (first.previous.number, first.previous.title, first.previous.reason) == (3, "Xen (previous pciback)", "")
    second = hide(first.boot_cfg, devices(2))
    assert written(second).splitlines()[2] == (
        "menu=Xen (previous pciback):load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(00:04.0)"
        ";multiboot /xen.gz dom0_mem=512M"
    )
    assert len(second.boot_cfg.entries) == 3
    assert [placement.number for placement in second.entries] == [1]
    third = hide(second.boot_cfg, devices(2))
    assert not third.changed
    assert third.previous.number == 3
    assert written(unhide(second.boot_cfg)) == PLAIN + "menu=K:boot\ntimeout=5\n"
    dropped = hide(second.boot_cfg, devices(2), previous=False)
    assert dropped.changed
    assert len(dropped.boot_cfg.entries) == 2
    assert not hide(dropped.boot_cfg, devices(2), previous=False).changed


@pytest.mark.parametrize("end", ["", "\n", "\n\n# end"])
def test_previous_leaves_no_trace(end: str) -> None:
    text = "timeout=5\n" + PLAIN.strip() + end
    edit = edited(text, previous=True)
    assert len(edit.boot_cfg.entries) == 2
    assert written(unhide(edit.boot_cfg)) == text


def test_previous_wins_over_the_load_that_all_share() -> None:
    text = "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /x a\n"
    edit = edited(text, previous=True)
    assert written(edit).splitlines()[2] == "menu=A (previous pciback):multiboot /x a -- pciback.hide=(0:9.0)"
    without = edited(text.replace(" pciback.hide=(0:9.0)", ""), previous=True)
    assert written(without).splitlines()[2] == "menu=A (previous pciback):multiboot /x a -- pciback.hide="
    kept = without.boot_cfg.entries[1].hide
    assert kept is not None
    assert kept.reading.empty


NO_PREVIOUS = [
    (PLAIN + "default=99\n", "xen", "it would become the entry that default= picks"),
    (
        PLAIN + "menu=K:boot\n" * 8,
        "xen",
        "with a tenth entry the loader would show letters instead of digits",
    ),
    (
        PLAIN + "menu=K:boot\n" * 8 + "format=n\n",
        "xen",
        "with format=number the loader drops all entries past the ninth",
    ),
    (PLAIN + "menu=K:boot\n" * 19, "xen", "the loader shows 20 entries at most"),
    (PLAIN + PLAIN.replace("Xen:", "B:"), ["B"], "the entry that boots by default was not changed"),
    (
        "load=/n\nmenu=X:multiboot /x a\r\n",
        "xen",
        "its line ends with a carriage return, and the list would take it in",
    ),
    (PLAIN.replace("Xen:", "Xen (previous pciback):"), "xen", "the changed entry is such an entry itself"),
    (
        PLAIN + "#" * (MAX_FILE - len(PLAIN) - 40),
        "xen",
        "the file would have more than 32768 bytes, and the loader ignore it",
    ),
]


@pytest.mark.parametrize(("text", "entries", "reason"), NO_PREVIOUS)
def test_previous_stays_away_where_it_would_do_harm(text: str, entries: str | list[str], reason: str) -> None:
    edit = edited(text, entries=entries, previous=True)
    assert edit.changed
    assert edit.previous.number is None
    assert edit.previous.reason == reason
    assert len(edit.boot_cfg.entries) == len(BootCfg.parse(text.encode()).entries)


def test_previous_of_a_tenth_entry_comes_where_nobody_chooses_by_key() -> None:
    edit = edited(PLAIN + "menu=K:boot\n" * 8 + "timeout=0\n", previous=True)
    assert edit.previous.number == 10


def test_previous_is_never_edited_and_never_the_default() -> None:
    text = written(edited(PLAIN, previous=True))
    with pytest.raises(PcibackError, match="keeps the previous list and is never edited"):
        hide(BootCfg.parse(text.encode()), devices(1), ["Xen (previous pciback)"])
    chosen = hide(BootCfg.parse((text + "default=2\n").encode()), devices(1))
    # Once it is the default, it is an entry like any other.
    assert [placement.number for placement in chosen.entries] == [1, 2]
    assert chosen.previous.number is None


def test_previous_in_the_middle_is_replaced_there_and_stays_without_list() -> None:
    text = written(edited(PLAIN, 1, previous=True)) + "menu=K:boot\ndefault=3\n"
    edit = hide(BootCfg.parse(text.encode()), devices(2))
    assert [entry.title for entry in edit.boot_cfg.entries] == ["Xen", "Xen (previous pciback)", "K"]
    assert edit.boot_cfg.entries[1].hide is not None
    assert edit.boot_cfg.entries[1].hide.claims == tuple(devices(1))
    gone = unhide(edit.boot_cfg).boot_cfg
    assert [entry.title for entry in gone.entries] == ["Xen", "Xen (previous pciback)", "K"]
    assert all(entry.hide is None for entry in gone.entries)
