# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.line_merge import merge_lines

BASE = b"one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize("edited", [BASE, b"", b"another\n", b"zero\none\ntwo\n"])
def test_nothing_to_change_leaves_the_edited_text(edited: bytes) -> None:
    assert merge_lines(BASE, edited, BASE) == (edited, [])


def test_an_unedited_text_becomes_the_wanted_one() -> None:
    for wanted in (b"", b"one\n2\nthree\nfour", b"zero\none\nfour\n", b"x"):
        assert merge_lines(BASE, BASE, wanted) == (wanted, [])


@pytest.mark.parametrize(
    ("edited", "wanted", "merged"),
    [
        (b"zero\none\ntwo\nthree\nfour\n", b"one\n2\nthree\nfour\n", b"zero\none\n2\nthree\nfour\n"),
        (b"one\ntwo\nthree\n4\n", b"one\ntwo\nand a half\nthree\nfour\n", b"one\ntwo\nand a half\nthree\n4\n"),
        (b"one\ntwo\nthree\nfour\nfive\n", b"two\nthree\nfour\n", b"two\nthree\nfour\nfive\n"),
    ],
    ids=["a changed line", "an inserted line", "a removed line"],
)
def test_changes_find_their_places_beside_edits(edited: bytes, wanted: bytes, merged: bytes) -> None:
    assert merge_lines(BASE, edited, wanted) == (merged, [])


def test_a_changed_line_that_was_edited_is_lost_alone() -> None:
    assert merge_lines(BASE, b"one\nTWO\nthree\nfour\n", b"one\n2\n3\nfour\n") == (b"one\nTWO\n3\nfour\n", [b"2"])


def test_an_insertion_needs_both_its_neighbours() -> None:
    wanted = b"one\ntwo\nand\na half\nthree\nfour\n"
    for edited in (b"one\ntwo\nTHREE\nfour\n", b"one\ntwo\nedit\nthree\nfour\n"):
        assert merge_lines(BASE, edited, wanted) == (edited, [b"and", b"a half"])


def test_lost_lines_are_in_the_order_of_the_wanted_text() -> None:
    assert merge_lines(BASE, b"x\n", b"1\ntwo\nthree\n4\n")[1] == [b"1", b"4"]
