# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the product, for the tests that judge its shape: layers, twins, sizes."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "plugins"
NATIVE = ROOT / "native"
LAB = ROOT / "lab"


def files(folder: Path, *suffixes: str) -> list[Path]:
    """The files below a folder with one of these suffixes; what was built is left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in suffixes and not {"build", "__pycache__"} & set(path.relative_to(folder).parts)
    )


@functools.cache
def syntax(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_bytes(), str(path))


def none(found: Iterable[str]) -> None:
    """Fail if there are any, with all of them, a line each."""
    lines = list(found)
    if lines:
        pytest.fail("\n".join([f"{len(lines)} found:", *lines]), pytrace=False)


def shown(path: Path) -> str:
    """A path as messages name it."""
    return str(path.relative_to(ROOT))


def circles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The circles of a graph: groups whose members reach one another, each sorted (Tarjan's algorithm)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    waiting: list[str] = []
    found = []

    def visit(node: str) -> None:
        numbers[node] = lowest[node] = len(numbers)
        waiting.append(node)
        for target in sorted(edges.get(node, ())):
            if target not in numbers:
                visit(target)
                lowest[node] = min(lowest[node], lowest[target])
            elif target in waiting:
                lowest[node] = min(lowest[node], numbers[target])
        if lowest[node] == numbers[node]:
            group = waiting[waiting.index(node) :]
            del waiting[waiting.index(node) :]
            if len(group) > 1 or node in edges.get(node, ()):
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in numbers:
            visit(node)
    return sorted(found)
