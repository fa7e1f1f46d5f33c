# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xenstore's tree: parents come with their children, and go with them; what a watch sees."""

from __future__ import annotations

import pytest
from machine.xenstore import Store, changed, is_seen


def test_parents_are_made_and_children_go_along() -> None:
    store = Store({})
    store.write("/local/domain/1/name", "one")
    store.write("/local/domain/10/name", "ten")
    assert store.read("/local/domain") == ""
    assert store.children("/local/domain") == ["1", "10"]
    assert store.below("/local/domain/1") == ["/local/domain/1/name"]
    store.remove("/local/domain/1")
    store.remove("/local/domain/1")
    assert store.below("/") == ["/local", "/local/domain", "/local/domain/10", "/local/domain/10/name"]


def test_what_is_empty_goes_with_its_last_child() -> None:
    store = Store({})
    store.write("/a/b/c/d", "1")
    store.write("/a/b/e", "1")
    store.clean_up("/a/b/c/d", "/a")
    assert list(store.nodes) == ["/a", "/a/b", "/a/b/e"]
    store.clean_up("/a/b/e", "/a")
    assert list(store.nodes) == ["/a"]


def test_what_changed_between_two_moments() -> None:
    before = {"/a": "1", "/b": "2", "/c": "3"}
    assert changed(before, {"/a": "1", "/b": "9", "/d": ""}) == [("/c", True), ("/b", False), ("/d", False)]


@pytest.mark.parametrize(
    ("watched", "path", "gone", "seen"),
    [
        ("/a/b", "/a/b", False, True),
        ("/a/b", "/a/b/c", False, True),
        ("/a/b", "/a/bc", False, False),
        ("/a/b", "/a", False, False),
        ("/a/b", "/a", True, True),
    ],
)
def test_a_watch_sees_what_is_below_it_and_the_end_of_what_is_above(
    watched: str, path: str, gone: bool, seen: bool
) -> None:
    assert is_seen(watched, path, gone) is seen
