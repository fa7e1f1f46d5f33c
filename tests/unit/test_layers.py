# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports and includes go downwards only, and no files go in a circle."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.unit.product import NATIVE, PLUGINS, circles, files, none, shown, syntax

# From the bottom. Parts that share a floor lie beside each other, and none imports another.
PYTHON_FLOORS: Sequence[Sequence[str]] = (
    ("module_utils/errors",),
    ("module_utils/refusals", "module_utils/ranges"),
    ("module_utils/formats",),
    ("module_utils/devices",),
    ("module_utils/guards",),
    ("module_utils/planning",),
    ("module_utils/host",),
    ("module_utils/host/netbsd", "module_utils/host/linux"),
    ("module_utils/host/platforms",),
    ("module_utils/engines",),
    ("module_utils/arguments",),
    ("plugin_utils",),
    ("modules", "action", "lookup", "test", "connection", "doc_fragments"),
)
C_FLOORS: Sequence[Sequence[str]] = (
    ("core",),
    ("core/guest", "model"),
    ("core/kernel",),
    ("os",),
    ("cli", "daemon", "trial"),
)
# Public headers are of core, but for these. (Those of a floor that is gone may stay away.)
PUBLIC_HEADERS = {
    "boot": "model",
    "guest": "core/guest",
    "host_lock": "os",
    "kernel_backend": "core/kernel",
    "kernel_host": "os",
    "os": "os",
    "platform": "os",
    "prepared": "os",
    "trial_host": "os",
    "vectors": "model",
}
NOT_PRODUCT = ("testing", "tests", "fuzz", "bench")

COLLECTION = "ansible_collections.xen.pciback.plugins"


def climbs(
    edges: Mapping[str, set[str]], parts: Mapping[str, str], floors: Sequence[Sequence[str]], verb: str
) -> list[str]:
    """What goes up or sideways: a sentence for each edge that does."""
    height = {part: number for number, floor in enumerate(floors) for part in floor}
    return [
        f"{source} ({parts[source]}) {verb} {target} ({parts[target]})"
        for source in sorted(edges)
        for target in sorted(edges[source])
        if parts[source] != parts[target] and height[parts[source]] <= height[parts[target]]
    ]


def part_of(name: str, floors: Sequence[Sequence[str]]) -> str:
    """The part that a file is of: the longest one that its path begins with."""
    fitting = [part for floor in floors for part in floor if name == part or name.startswith(part + "/")]
    assert fitting, f"{name} is on no floor: say in {Path(__file__).name} where it belongs"
    return max(fitting, key=len)


# --- Python


def imported(path: Path, known: Mapping[str, Path]) -> set[str]:
    """The collection's files that a file imports, wherever in it the import stands; for types only counts too."""
    package = [COLLECTION, *path.relative_to(PLUGINS).with_suffix("").parts]
    package = ".".join(package).split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(syntax(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            # What is imported from a package may be a file of it.
            names = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names]
        found.update(shown(known[name]) for name in names if name in known)
    return found


@pytest.fixture(scope="module")
def python_imports() -> dict[str, set[str]]:
    """Which files of plugins/ each of them imports."""
    known = {}
    for path in files(PLUGINS, ".py"):
        parts = path.relative_to(PLUGINS).with_suffix("").parts
        known[".".join([COLLECTION, *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return {shown(path): imported(path, known) for path in known.values()}


def test_python_imports_go_down(python_imports: dict[str, set[str]]) -> None:
    parts = {
        name: part_of(name.removeprefix("plugins/").removesuffix("/__init__.py").removesuffix(".py"), PYTHON_FLOORS)
        for name in python_imports
        # Packages that hold the floors.
        if name != "plugins/module_utils/__init__.py"
    }
    none(climbs(python_imports, parts, PYTHON_FLOORS, "imports"))


def test_what_each_run_looks_up_imports_little(python_imports: dict[str, set[str]]) -> None:
    """Ansible compiles what a plugin imports anew for each host: what comes beside these is more than the lookup does."""
    needed: set[str] = set()
    queue = ["plugins/lookup/native_source_digest.py", "plugins/lookup/variable_problems.py"]
    while queue:
        found = python_imports[queue.pop()] - needed
        needed |= found
        queue.extend(found)
    assert sorted(needed) == [
        "plugins/module_utils/errors.py",
        "plugins/module_utils/ranges.py",
        "plugins/plugin_utils/native_sources.py",
        "plugins/plugin_utils/role_variables.py",
    ]


def test_modules_and_plugins_do_not_import_each_other(python_imports: dict[str, set[str]]) -> None:
    tops = tuple(f"plugins/{part}/" for part in PYTHON_FLOORS[-1])
    none(
        f"{source} imports {target}"
        for source, targets in sorted(python_imports.items())
        for target in sorted(targets)
        if source.startswith(tops) and target.startswith(tops)
    )


def test_no_python_files_go_in_a_circle(python_imports: dict[str, set[str]]) -> None:
    none(map(" - ".join, circles(python_imports)))


# --- C

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def included(path: Path) -> set[str]:
    """The files of native/ that a file includes; a system's headers are left out."""
    found = set()
    for bracket, name in INCLUDE.findall(path.read_text()):
        beside = [path.parent] if bracket == '"' else []
        for folder in (*beside, NATIVE / "include", NATIVE, NATIVE / "testing", NATIVE / "tests"):
            target = (folder / name).resolve()
            if target.is_file():
                found.add(str(target.relative_to(NATIVE)))
                break
        else:
            assert bracket == "<" and not name.startswith("pciback"), f"{shown(path)}: {name} is nowhere"
    return found


@pytest.fixture(scope="module")
def includes() -> dict[str, set[str]]:
    """Which files of native/ each of them includes."""
    return {str(path.relative_to(NATIVE)): included(path) for path in files(NATIVE, ".c", ".h")}


def c_part(name: str) -> str:
    folder, _slash, rest = name.partition("/")
    if folder == "include":
        return PUBLIC_HEADERS.get(Path(rest).stem, "core")
    return part_of(name, C_FLOORS)


@pytest.fixture(scope="module")
def product(includes: dict[str, set[str]]) -> dict[str, set[str]]:
    """Those of them that programs are made of, without the library's header, which includes what it likes."""
    return {
        name: targets
        for name, targets in includes.items()
        if not name.startswith(NOT_PRODUCT) and name != "include/pciback.h"
    }


def test_the_product_includes_nothing_of_its_tests(product: dict[str, set[str]]) -> None:
    none(
        f"{source} includes {target}"
        for source, targets in sorted(product.items())
        for target in sorted(targets)
        if target.startswith(NOT_PRODUCT)
    )


def test_c_includes_go_down(product: dict[str, set[str]]) -> None:
    edges = {source: {target for target in targets if target in product} for source, targets in product.items()}
    parts = {name: c_part(name) for name in product}
    none(climbs(edges, parts, C_FLOORS, "includes"))


def test_no_headers_go_in_a_circle(includes: dict[str, set[str]]) -> None:
    headers = {name: targets for name, targets in includes.items() if name.endswith(".h")}
    none(map(" - ".join, circles(headers)))


def test_no_c_files_go_in_a_circle() -> None:
    """By what each object needs of the others, which is what its functions call: one direction."""
    objects = NATIVE / "build/objects"
    paths = [path for path in files_of_objects(objects) if not path.startswith(NOT_PRODUCT)]
    assert len(paths) > 20, f"{objects} is not there: build it with 'make -C native'"
    nm = shutil.which("nm")
    assert nm, "nm is not there, which comes with each C compiler's binutils"
    defined: dict[str, str] = {}
    needed: dict[str, set[str]] = defaultdict(set)
    # Each line begins with the file's name, and a colon.
    done = subprocess.run([nm, "-A", "-g", "-P", *paths], check=True, capture_output=True, text=True, cwd=objects)
    for line in done.stdout.splitlines():
        path, name, kind = line.split()[:3]
        if kind == "U":
            needed[path.rstrip(":")].add(name)
        else:
            defined[name] = path.rstrip(":")
    assert {*defined.values(), *needed} <= set(paths)
    calls = {path: {defined[name] for name in needed[path] if name in defined} - {path} for path in paths}
    none(map(" - ".join, circles(calls)))


def files_of_objects(objects: Path) -> list[str]:
    """The objects of sources that are there, by their path below the directory of objects."""
    found = objects.rglob("*.o") if objects.is_dir() else ()
    names = (path.relative_to(objects) for path in found)
    return sorted(str(name) for name in names if (NATIVE / name).with_suffix(".c").is_file())


# --- The tests' own tools


def test_circles_are_found() -> None:
    assert circles({"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []}) == [["b", "c"]]
    assert circles({"a": ["a"]}) == [["a"]]
    assert circles({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}) == []


def test_climbing_is_found() -> None:
    floors = (("low",), ("left", "right"), ("left/top",))
    parts = {name: part_of(name, floors) for name in ("low/a", "left/b", "right/c", "left/top/d")}
    edges = {"low/a": {"left/b"}, "left/b": {"right/c", "low/a"}, "left/top/d": {"left/b"}, "right/c": {"right/c"}}
    assert climbs(edges, parts, floors, "imports") == [
        "left/b (left) imports right/c (right)",
        "low/a (low) imports left/b (left)",
    ]
