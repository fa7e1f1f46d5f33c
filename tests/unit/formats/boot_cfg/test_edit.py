# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hiding and unhiding: the whole way of an edit."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import (
    hide,
    unhide,
    without_broken_lists,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from tests.unit.formats.boot_cfg.edits import PLAIN, edited, written

HIDDEN_ALREADY = [
    "menu=X:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /x",
    "menu=X:load /n pciback.hide=(0000:00:05.0)(0:4.0) -v;multiboot /x",
    "menu=X:load /n Pciback.Hide=(00:04.0)(00:05.0);multiboot /x",
    "menu=X:load /n;multiboot /x a -- pciback.hide=(00:04.0)(00:05.0)",
    "load=/n pciback.hide=(00:04.0)(00:05.0)\nmenu=X:multiboot /x",
]


@pytest.mark.parametrize("text", HIDDEN_ALREADY)
def test_a_list_that_says_it_already_is_left_alone(text: str) -> None:
    edit = edited(text, previous=True)
    assert written(edit) == text
    assert not edit.changed
    assert edit.previous.reason == "no entry was changed"


def test_no_device_is_no_list() -> None:
    edit = edited(written(edited(PLAIN, previous=True)), 0)
    assert written(edit) == PLAIN
    assert edit.entries == ()
    assert edit.previous.number is None


UNHIDDEN = [
    ("menu=X:load /n pciback.hide=();multiboot /x", "menu=X:load /n;multiboot /x"),
    ("menu=X:load /n pciback.hide=(0:4.0\t0:5;multiboot /x", None),
    ("menu=X:load /n  pciback.hide=(0:4.0);multiboot /x", "menu=X:load /n ;multiboot /x"),
    ("menu=X:load /n -- pciback.hide=(0:4.0);multiboot /x", "menu=X:load /n --;multiboot /x"),
    ("menu=X:load /n;multiboot /x a -- pciback.hide=(0:4.0) -v", "menu=X:load /n;multiboot /x a -- -v"),
    ("menu=X:load /n;multiboot /x a -- pciback.hide=(0:4.0) pciback.hide=()", "menu=X:load /n;multiboot /x a"),
    ("menu=X:load /n;multiboot /x a -- pciback.hide=(0:4.0)\r\n", "menu=X:load /n;multiboot /x a\r\n"),
    ("menu=X:load /n;multiboot /x placeholder=pciback -- pciback.hide=(0:4.0)", "menu=X:load /n;multiboot /x"),
    ("menu=X:load /n;multiboot /x placeholder=pciback", "menu=X:load /n;multiboot /x placeholder=pciback"),
    ("menu=X:frob;multiboot pciback.hide=(0:4.0)", "menu=X:frob;multiboot pciback.hide=(0:4.0)"),
    ("menu=X:boot pciback.hide=(0:4.0)", "menu=X:boot pciback.hide=(0:4.0)"),
    ("load=/n pciback.hide=(0:4.0)\nmenu=X:boot", "load=/n pciback.hide=(0:4.0)\nmenu=X:boot"),
    ("load=/n pciback.hide=(0:4.0)\nmenu=X:multiboot /x", "load=/n\nmenu=X:multiboot /x"),
    ("timeout=5\n", "timeout=5\n"),
]


@pytest.mark.parametrize(("before", "after"), UNHIDDEN)
def test_unhide(before: str, after: str | None) -> None:
    boot_cfg = BootCfg.parse(before.encode())
    if after is None:
        with pytest.raises(PcibackError, match="put a blank behind it"):
            unhide(boot_cfg)
        return
    edit = unhide(boot_cfg)
    assert written(edit) == after
    assert edit.changed == (before != after)


def test_another_domain_is_refused() -> None:
    with pytest.raises(PcibackError, match="domain 0000 only"):
        hide(BootCfg.parse(PLAIN.encode()), [parse_address("0001:00:04.0")])


def test_broken_lists_go_and_all_others_stay() -> None:
    good = "menu=A:load /k pciback.hide=(00:04.0);multiboot /xen.gz\n"
    bad = "menu=B:load /k pciback.hide=00:05.0;multiboot /xen.gz -- x\nmenu=C:load /k;multiboot /xen.gz y -- pciback.hide=(0)\n"
    default = "default=2\n"
    document = BootCfg.parse((good + bad + default).encode())
    edited, problems = without_broken_lists(document)
    assert edited.render().decode() == (
        good + "menu=B:load /k;multiboot /xen.gz -- x\nmenu=C:load /k;multiboot /xen.gz y\n" + default
    )
    assert [(problem.line, problem.code) for problem in problems] == [
        (2, "boot-config-invalid"),
        (3, "boot-config-invalid"),
    ]
    assert without_broken_lists(edited) == (edited, ())


def test_a_broken_list_that_all_entries_share_goes() -> None:
    document = BootCfg.parse(b"load=/k pciback.hide=(junk)\nmenu=A:multiboot /xen.gz\nmenu=B:multiboot /xen.gz\n")
    edited, problems = without_broken_lists(document)
    assert edited.render() == b"load=/k\nmenu=A:multiboot /xen.gz\nmenu=B:multiboot /xen.gz\n"
    assert len(problems) == 2
