# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host runs works with the oldest Python that it may have, 3.8: types that can't be subscripted there are not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.unit.product import PLUGINS, files, none, shown

# Since 3.9; what is imported from collections.abc, too. In annotations nobody evaluates them.
BUILT_IN = {"dict", "frozenset", "list", "set", "tuple", "type"}


def evaluated(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes that are evaluated when the code runs, so no annotations."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child
                yield from evaluated(child)


def too_new(source: str) -> list[int]:
    """The lines that subscript a type which older Pythons can't."""
    tree = ast.parse(source)
    names = set(BUILT_IN)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "collections.abc":
            names.update(alias.asname or alias.name for alias in node.names)
    return [
        node.lineno
        for node in evaluated(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in names
    ]


def test_no_type_is_subscripted_that_an_old_python_can_not() -> None:
    hosts = [path for part in ("module_utils", "modules") for path in files(PLUGINS / part, ".py")]
    none(f"{shown(path)}, line {line}" for path in hosts for line in too_new(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("from collections.abc import Mapping\nA = Mapping[str, str]", [2]),
        ("from typing import Mapping\nA = Mapping[str, str]", []),
        ("\nA = tuple[int, ...]", [2]),
        ("def f(a: tuple[int]) -> list[int]:\n    b: dict[str, int] = {}\n    return [tuple[int]]", [3]),
        ("class A(dict[str, int]): pass", [1]),
        ("a = {}\na['x'] = 1", []),
    ],
)
def test_what_is_found(source: str, lines: list[int]) -> None:
    assert too_new(source) == lines
