# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to make soak has something in make test that stands for it, and is listed in the documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import depth
from tests.unit.product import ROOT, files, none, shown, syntax

PAGE = ROOT / "docs/how-to/run-the-tests.md"
MARK = "pytest.mark.soak"
SAMPLED = "sampled"


def files_with(*words: str) -> Iterator[Path]:
    """Files of tests in whose text one of these words stands."""
    for path in files(ROOT / "tests", ".py"):
        text = path.read_text(encoding="utf-8")
        if path.name not in ("depth.py", Path(__file__).name) and any(word in text for word in words):
            yield path


def functions(path: Path) -> dict[str, list[str]]:
    """The tests of a file, each with what stands for it if it is left to make soak."""
    return {
        node.name: [
            str(ast.literal_eval(each.keywords[0].value))
            for each in node.decorator_list
            if isinstance(each, ast.Call) and ast.unparse(each.func) == MARK
        ]
        for node in syntax(path).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def files_with_samples() -> set[str]:
    """Files of which make test leaves cases or whole tests to make soak."""
    return {
        shown(path)
        for path in files_with(MARK, SAMPLED)
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (MARK, SAMPLED)
    }


def test_what_is_left_out_has_something_that_stands_for_it() -> None:
    for path in files_with(MARK):
        for name, marks in functions(path).items():
            for instead in marks:
                place, _colons, other = instead.rpartition("::")
                run = functions(ROOT / place if place else path)
                assert run.get(other) == [], f"{shown(path)}::{name}: make test does not run {instead}"


def test_the_documentation_lists_what_is_left_out() -> None:
    listed = set(re.findall(r"^\| `(tests/[a-z_/]+\.py)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    none(f"{PAGE.name} does not say what make soak alone has of {path}" for path in files_with_samples() - listed)
    none(f"{path} leaves nothing to make soak, and {PAGE.name} says so" for path in listed - files_with_samples())


@pytest.mark.parametrize("kept", [(), ("d",), ("a", "d")])
def test_a_sample_has_something_of_what_it_stands_for(kept: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="stands for the others"):
        depth.sampled("abc", *kept)


@pytest.mark.parametrize(("soak", "names"), [(False, ["b"]), (True, ["a", "c"])])
def test_both_runs_together_have_all_cases(monkeypatch: pytest.MonkeyPatch, soak: bool, names: list[str]) -> None:
    monkeypatch.setattr(depth, "SOAK", soak)
    assert depth.tried("abc", "b") == names
    first, kept, last = depth.sampled("abc", "b")
    assert (first.values, kept, last.values) == (("a",), "b", ("c",))
    assert [mark.name for each in (first, last) for mark in each.marks] == ["soak", "soak"]


class Item(SimpleNamespace):
    """A test that was collected."""

    def get_closest_marker(self, name: str) -> Any:
        return self.marks.get(name)

    def add_marker(self, mark: Any) -> None:
        self.marks[mark.name] = mark


@pytest.mark.parametrize(("soak", "run"), [(False, "usual left deep"), (True, "left deep")])
def test_which_tests_are_run(monkeypatch: pytest.MonkeyPatch, soak: bool, run: str) -> None:
    monkeypatch.setattr(depth, "SOAK", soak)
    left = pytest.mark.soak(instead="usual").mark
    items: Any = [
        Item(name="usual", module=SimpleNamespace(), marks={}),
        Item(name="left", module=SimpleNamespace(), marks={"soak": left}),
        Item(name="deep", module=SimpleNamespace(depth=depth), marks={}),
    ]
    assert " ".join(each.name for each in depth.divide(items)) == run
    skipped = {each.name: each.marks["skip"].kwargs["reason"] for each in items if "skip" in each.marks}
    assert skipped == ({} if soak else {"left": "make soak runs it; make test: usual"})
