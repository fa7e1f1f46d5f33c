# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that can be read in one sitting, thin modules, and one place that knows which system a dom0 runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.product import LAB, NATIVE, PLUGINS, files, none, shown, syntax

MOST_LINES = 400
MOST_LINES_OF_A_MODULE = 80
# Tables: nobody reads them from the first line to the last. An entry that isn't needed fails.
TABLES: dict[str, str] = {}
DOCUMENTATION = ("DOCUMENTATION", "EXAMPLES", "RETURN")

# Which system it is, and the names of systems, belong here.
PLATFORM = (
    "plugins/module_utils/host/platform.py",
    "plugins/module_utils/host/netbsd/",
    "plugins/module_utils/host/linux/",
)
SYSTEMS = ("netbsd", "linux")
# Files in which such a word is not a system's name, and why. An entry that isn't needed fails.
OTHER_MEANINGS = {"plugins/module_utils/formats/grub.py": "'linux' is a command of GRUB"}


def product() -> list[Path]:
    """The sources of the product, but for its tests, doubles and benchmarks."""
    native = [
        path
        for path in files(NATIVE, ".c", ".h")
        if path.relative_to(NATIVE).parts[0] not in ("testing", "tests", "fuzz", "bench")
    ]
    return [*files(PLUGINS, ".py"), *native, *files(LAB, ".py")]


def documentation(path: Path) -> list[ast.stmt]:
    """The statements of a module that are its documentation."""
    return [
        node
        for node in syntax(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in DOCUMENTATION
    ]


def span(node: ast.stmt) -> set[int]:
    """The numbers of the lines that a statement is on."""
    assert node.end_lineno is not None
    return set(range(node.lineno, node.end_lineno + 1))


def lines(path: Path) -> int:
    """How many lines a file has, those of a module's documentation left out."""
    count = len(path.read_text().splitlines())
    return count - (sum(len(span(node)) for node in documentation(path)) if path.suffix == ".py" else 0)


def lines_of_code(path: Path) -> int:
    """How many lines hold code: no documentation, docstrings, comments, or blank lines."""
    stripped = map(str.strip, path.read_text().splitlines())
    numbers = {number for number, line in enumerate(stripped, 1) if line and not line.startswith("#")}
    docstrings = [
        node
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return len(numbers.difference(*map(span, [*documentation(path), *docstrings])))


def test_files_can_be_read_in_one_sitting() -> None:
    long = {shown(path): lines(path) for path in product() if lines(path) > MOST_LINES}
    none(f"{name}: {count} lines" for name, count in long.items() if name not in TABLES)
    none(f"{name} is no longer needed among the exceptions" for name in TABLES if name not in long)


def test_modules_are_thin() -> None:
    counts = {shown(path): lines_of_code(path) for path in files(PLUGINS / "modules", ".py")}
    assert len(counts) > 5
    none(f"{name}: {count} lines of code" for name, count in counts.items() if count > MOST_LINES_OF_A_MODULE)


# --- Which system it is


def names_a_system(node: ast.expr) -> bool:
    """Whether it is the name of a system: as text, or as a constant of host/platform.py."""
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return any(names_a_system(each) for each in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.lower() in SYSTEMS
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.lower() in SYSTEMS and name.isupper()


def decisions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where code asks which system it is, or compares with the name of one: line, and what it does."""
    asks = {("os", "uname"), ("sys", "platform"), ("platform", "system"), ("os", "name"), ("sysconfig", "get_platform")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in asks:
            yield node.lineno, f"asks for {node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and {(node.module, alias.name) for alias in node.names} & asks:
            yield node.lineno, f"asks by what it imports from {node.module}"
        elif isinstance(node, ast.Compare) and any(map(names_a_system, (node.left, *node.comparators))):
            yield node.lineno, "compares with the name of a system"
        elif isinstance(node, ast.Dict) and any(map(names_a_system, filter(None, node.keys))):
            yield node.lineno, "looks up by the name of a system"
        elif isinstance(node, ast.MatchValue) and names_a_system(node.value):
            yield node.value.lineno, "matches the name of a system"


def all_decisions() -> dict[str, list[str]]:
    """What each file of the plugins decides by the system, where it may not."""
    places: dict[str, list[str]] = {}
    for path in files(PLUGINS, ".py"):
        if not shown(path).startswith(PLATFORM):
            for line, what in sorted(decisions(syntax(path))):
                places.setdefault(shown(path), []).append(f"line {line} {what}")
    return places


def test_the_platform_is_decided_in_one_place() -> None:
    places = all_decisions()
    none(f"{name}, {what}" for name, found in places.items() if name not in OTHER_MEANINGS for what in found)
    none(f"{name} is no longer needed among the exceptions" for name in OTHER_MEANINGS if name not in places)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("import os\nx = os.uname().sysname", 1),
        ("import sys\nx = sys.platform", 1),
        ("from platform import system", 1),
        ("from .host import platform\nif platform.system() != platform.LINUX: pass", 2),
        ("if host.name == 'netbsd': pass", 1),
        ("x = y in ('NetBSD', 'FreeBSD')", 1),
        ("EDITORS = {platform.NETBSD: 1, platform.LINUX: 2}", 1),
        ("x = 'linux-musl' == y or host.linux", 0),
        ("import os\nx = os.path.join('linux', 'x')", 0),
    ],
)
def test_decisions_are_found(code: str, count: int) -> None:
    assert len(list(decisions(ast.parse(code)))) == count
