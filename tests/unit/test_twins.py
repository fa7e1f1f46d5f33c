# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each source has its test where one looks for it: at the same path below tests/unit or native/tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.unit.product import LAB, NATIVE, PLUGINS, ROOT, files, none, shown, syntax

UNIT = ROOT / "tests/unit"

# Sources without a test of their own, and why. An entry that isn't needed fails.
EXCEPTIONS = {
    "plugins/module_utils/host/platform.py": "what a platform supplies; each one is tested, and a toy: test_platforms",
    "plugins/module_utils/planning/observed.py": "values that are read once, and a protocol",
    "lab/xen/image/dom0/usr/lib/python3/dist-packages/usercustomize.py": "a file of dom0's disk, run by each of its "
    "Pythons: make test-xen, and each playbook of the tests' machines (tests/conftest.py)",
    # Those of the native component stand beside its tests.
    **{
        f"native/{path}": reason
        for path, _tab, reason in (
            line.partition("\t") for line in (NATIVE / "tests/without-twin.txt").read_text().splitlines()
        )
        if reason and not path.startswith(("#", "testing/"))
    },
}


def has_functions(path: Path) -> bool:
    """Whether there is something to be called; what is only data or a name for an error needs no test."""
    return any(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(syntax(path)))


def python_twin(path: Path) -> Path:
    """Where the test of a Python source has to be; that of a package is beside the package's tests."""
    if LAB in path.parents:
        place = UNIT / "lab" / path.relative_to(LAB)
    else:
        parts = path.relative_to(PLUGINS).parts
        place = UNIT.joinpath(*(parts[1:] if parts[0] == "module_utils" else parts))
    place = place.parent if place.name == "__init__.py" else place
    return place.with_name(f"test_{place.stem}.py")


def twins() -> Iterator[tuple[Path, Path]]:
    """Each source with the place of its test."""
    python = [path for path in files(PLUGINS, ".py") if path.relative_to(PLUGINS).parts[0] != "doc_fragments"]
    for path in [*python, *files(LAB, ".py")]:
        if has_functions(path):
            yield path, python_twin(path)
    for folder in ("core", "model", "os", "cli", "daemon"):
        for path in files(NATIVE / folder, ".c"):
            place = NATIVE / "tests" / path.relative_to(NATIVE)
            yield path, place.with_name(f"test_{place.name}")


def test_each_source_has_its_twin() -> None:
    missing = {shown(source): shown(twin) for source, twin in twins() if not twin.is_file()}
    none(f"{source}: {twin} is not there" for source, twin in missing.items() if source not in EXCEPTIONS)
    none(f"{source} is no longer needed among the exceptions" for source in EXCEPTIONS if source not in missing)


def test_the_place_of_a_twin() -> None:
    for source, twin in (
        ("plugins/module_utils/errors.py", "tests/unit/test_errors.py"),
        ("plugins/module_utils/host/linux/bus.py", "tests/unit/host/linux/test_bus.py"),
        ("plugins/modules/plan.py", "tests/unit/modules/test_plan.py"),
        ("plugins/lookup/native_source_digest.py", "tests/unit/lookup/test_native_source_digest.py"),
        ("lab/dom0.py", "tests/unit/lab/test_dom0.py"),
        ("lab/machine/commands/__init__.py", "tests/unit/lab/machine/test_commands.py"),
    ):
        assert python_twin(ROOT / source) == ROOT / twin
