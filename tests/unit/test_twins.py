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
WHOLE_DAEMON = "pcibackd is tested as a process with a Xen that answers: tests/integration/test_pcibackd.py"
WHOLE_CONTROL = "pcibackctl is tested as a command: tests/conformance, tests/integration/test_pcibackd.py"
NETBSD = "binds system calls that only NetBSD has; test-native compiles it for NetBSD"
OTHER_SYSTEM = "for systems that are neither Linux nor NetBSD: it refuses, and is compiled for none that tests run on"
REAL_XEN = "binds libraries that want a hypervisor: make test-xen"
SYSFS = "binds Linux's sysfs and needs the machine's own devices: make test-xen"

# Sources without a test of their own, and why. An entry that isn't needed fails.
EXCEPTIONS = {
    "lab/xen/image/dom0/usr/lib/python3/dist-packages/usercustomize.py": "a file of dom0's disk, run by each of its "
    "Pythons: make test-xen, and each playbook of the tests' machines (tests/conftest.py)",
    **{
        f"native/cli/{name}.c": WHOLE_CONTROL
        for name in ("boot", "control", "pcibackctl", "scan", "selftest", "version")
    },
    **{
        f"native/daemon/{name}.c": WHOLE_DAEMON
        for name in ("answer", "control", "log", "loop", "options", "pcibackd", "request", "world")
    },
    "native/os/bus_linux.c": SYSFS,
    "native/os/hardware_linux.c": SYSFS,
    "native/os/bus_netbsd.c": NETBSD,
    "native/os/hardware_netbsd.c": NETBSD,
    "native/os/bus_none.c": OTHER_SYSTEM,
    "native/os/hardware_none.c": OTHER_SYSTEM,
    **{
        f"native/os/{name}.c": REAL_XEN
        for name in ("xen", "xen_guest", "xen_none", "xen_permission", "xen_store", "confine", "clock")
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
