# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a list is put and how it is taken out, on every kind of line."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from tests.unit.formats.boot_cfg.edits import PLAIN, devices, edited, refused, written

FORMS = [
    (
        3,
        "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(00:04.0)(00:05.0)(00:06.0)"
        ";multiboot /xen.gz dom0_mem=512M",
        "load",
        "long",
    ),
    (
        4,
        "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M"
        " -- pciback.hide=(00:04.0)(00:05.0)(00:06.0)(00:07.0)",
        "multiboot",
        "long",
    ),
    (
        9,
        "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M"
        " -- pciback.hide=(0:4.0)(0:5.0)(0:6.0)(0:7.0)(0:8.0)(0:9.0)(0:a.0)(0:b.0)(0:c.0)",
        "multiboot",
        "short",
    ),
]


@pytest.mark.parametrize(("count", "line", "place", "form"), FORMS)
def test_load_then_separator_then_short(count: int, line: str, place: str, form: str) -> None:
    edit = edited(PLAIN, count)
    assert written(edit) == line + "\n"
    (placement,) = edit.entries
    assert (placement.number, placement.title, placement.line) == (1, "Xen", 1)
    assert (placement.place, placement.form, placement.changed) == (place, form, True)
    assert edit.changed
    assert edit.boot_cfg.entries[0].hide is not None
    assert edit.boot_cfg.entries[0].hide.claims == tuple(devices(count))


PLACES = [
    # Everything that is not a list stays: comments, blanks, line ends, bytes that are no text.
    (
        "# c\n\nmenu=Xen:load /n -v ; multiboot /xen.gz  # why\nx=y",
        "# c\n\nmenu=Xen:load /n -v pciback.hide=(00:04.0)(00:05.0) ; multiboot /xen.gz  # why\nx=y",
    ),
    (
        "menu=Xen:load /n\t;multiboot /xen.gz",
        "menu=Xen:load /n\t pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    (
        "menu=Xen:load /n;multiboot /xen.gz a\r\nmenu=B:boot\r\n",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz a\r\nmenu=B:boot\r\n",
    ),
    # Old lists go, wherever they are, whether the kernel reads them or not.
    (
        "menu=Xen:load /n pciback.hide=(00:09.0) -v;multiboot /xen.gz a -- pciback.hide=(00:08.0)",
        "menu=Xen:load /n -v pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz a",
    ),
    (
        "menu=Xen:load /n PCIBACK.HIDE=(00:09.0);load /m pciback.hide=(0:1.0);multiboot /xen.gz pciback.hide=x a",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);load /m;multiboot /xen.gz a",
    ),
    (
        "menu=Xen:load /n\tpciback.hide=(00:09.0);multiboot /xen.gz",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    (
        "menu=Xen:load /n pciback.hide=(00:04.0),(00:05.0);multiboot /xen.gz",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    (
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0) pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    # One load for all entries.
    (
        "load=/n -v\nmenu=A:multiboot /xen.gz a\nmenu=B:multiboot /xen.gz b\n",
        "load=/n -v pciback.hide=(00:04.0)(00:05.0)\nmenu=A:multiboot /xen.gz a\nmenu=B:multiboot /xen.gz b\n",
    ),
    (
        "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /xen.gz a -- pciback.hide=(0:8.0)\n",
        "load=/n pciback.hide=(00:04.0)(00:05.0)\nmenu=A:multiboot /xen.gz a\n",
    ),
    (
        f"load=/{'k' * 60}\nmenu=A:multiboot /xen.gz a\nmenu=B:multiboot /xen.gz\n",
        f"load=/{'k' * 60}\nmenu=A:multiboot /xen.gz a -- pciback.hide=(00:04.0)(00:05.0)\n"
        "menu=B:multiboot /xen.gz placeholder=pciback -- pciback.hide=(00:04.0)(00:05.0)\n",
    ),
    # What follows ' -- ' stays before it.
    (
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -v\n",
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -v pciback.hide=(00:04.0)(00:05.0)\n",
    ),
    (
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -- \n",
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -- -- pciback.hide=(00:04.0)(00:05.0) \n",
    ),
    # Other entries are none of ours.
    (
        "menu=Xen:load /n;multiboot /x\nmenu=K:boot netbsd pciback.hide=(0:9.0)\n",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /x\nmenu=K:boot netbsd pciback.hide=(0:9.0)\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), PLACES)
def test_places(before: str, after: str) -> None:
    edit = edited(before)
    assert written(edit) == after
    assert all(placement.changed for placement in edit.entries)
    again = hide(edit.boot_cfg, devices(2), previous=False)
    assert not again.changed
    assert not any(placement.changed for placement in again.entries)
    assert unhide(edit.boot_cfg).boot_cfg.render() == unhide(BootCfg.parse(before.encode())).boot_cfg.render()
    if "pciback.hide=" not in before.lower():
        assert unhide(edit.boot_cfg).boot_cfg.render() == before.encode()


def test_a_shared_load_is_left_alone_when_not_all_its_entries_are_asked_for() -> None:
    text = "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /x a\nmenu=B:multiboot /x b\n"
    edit = edited(text, entries=["B"])
    assert written(edit) == text.replace(" b\n", " b -- pciback.hide=(00:04.0)(00:05.0)\n")
    first = edit.boot_cfg.entries[0].hide
    assert first is not None
    assert first.claims == (parse_address("00:09.0"),)
    assert not hide(edit.boot_cfg, devices(2), ["B"], previous=False).changed


UNCERTAIN = [
    (
        "menu=X:load /n x=y\tpciback.hide=(0:4.0)\tz;multiboot /x\n",
        "/boot.cfg, line 1, column 20: a tab ends no word of dom0's command line, "
        "so the end of this list is uncertain; put a blank behind it",
    ),
    (
        f"menu=X:load /{'k' * 60};multiboot /x a\r\n",
        "/boot.cfg, line 1, column 89: the hide list of 2 devices would end this line, and the carriage return "
        "there would become a part of it; convert the file to LF line ends",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), UNCERTAIN)
def test_where_no_list_can_go_or_be_taken_out(text: str, sentence: str) -> None:
    refusal = refused(text)
    assert str(refusal) == sentence
    assert refusal.code == "boot-config-invalid"


TOO_LONG = [
    (
        PLAIN,
        12,
        "/boot.cfg, line 1: the hide list of 12 devices has 84 characters in its short form, "
        "and the kernel keeps 63; 9 of the 12 fit",
        "hide fewer devices",
    ),
    (
        f"menu=X:load /{'k' * 20};multiboot /x a -- {'y' * 200}\n",
        6,
        "/boot.cfg, line 1: the hide list of 6 devices does not fit into entry 1 'X': "
        "dom0's command line would have 257, and the kernel keeps 255; 5 of the 6 fit",
        "hide fewer devices, or delete other arguments",
    ),
    (
        f"load=/n -v\nmenu=X:multiboot /x a -- {'y' * 250}\n",
        1,
        "/boot.cfg, line 2: the hide list of 1 device does not fit into entry 1 'X': "
        "dom0's command line would have 274, and the kernel keeps 255; none of the 1 fits",
        "delete other arguments",
    ),
    (
        f"menu=X:load /{'k' * 60};multiboot /x {'y' * 1000}\n",
        2,
        "/boot.cfg, line 1: the hide list of 2 devices does not fit into entry 1 'X': "
        "path and arguments of load would have 89 characters, and the loader keeps 79; "
        "behind ' -- ' Xen's command line would have 1034, and Xen keeps 1023; none of the 2 fits",
        "delete other arguments, or give the kernel a shorter path, such as a hard link /xen0",
    ),
]


@pytest.mark.parametrize(("text", "count", "sentence", "remedy"), TOO_LONG)
def test_too_long(text: str, count: int, sentence: str, remedy: str) -> None:
    refusal = refused(text, count)
    assert str(refusal) == sentence
    assert refusal.remedy == remedy
    assert refusal.code == "list-too-long"
