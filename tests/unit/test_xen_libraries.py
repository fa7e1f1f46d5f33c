# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What native/os declares of Xen's libraries, against what they are: lists of their functions, and their headers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.unit.product import NATIVE, ROOT, none

LISTS = ROOT / "tests/data/xen-libraries"
HEADERS = Path("/usr/include")
OF_XEN = (
    "xencall.h",
    "xenctrl.h",
    "xenevtchn.h",
    "xengnttab.h",
    "xenstore.h",
    "xen/version.h",
    "xen/physdev.h",
    "xen/sched.h",
)
NUMBERS = {
    "HYPERVISOR_XEN_VERSION": "__HYPERVISOR_xen_version",
    "HYPERVISOR_PHYSDEV_OP": "__HYPERVISOR_physdev_op",
    "HYPERVISOR_SCHED_OP": "__HYPERVISOR_sched_op",
    "XENVER_VERSION": "XENVER_version",
    "SCHEDOP_WATCHDOG": "SCHEDOP_watchdog",
    "PHYSDEVOP_MAP_PIRQ": "PHYSDEVOP_map_pirq",
    "PHYSDEVOP_UNMAP_PIRQ": "PHYSDEVOP_unmap_pirq",
    "PHYSDEVOP_PREPARE_MSIX": "PHYSDEVOP_prepare_msix",
    "PHYSDEVOP_RELEASE_MSIX": "PHYSDEVOP_release_msix",
    "XEN_DOMINF_DYING": "XEN_DOMINF_dying",
    "XEN_DOMINF_SHUTDOWN": "XEN_DOMINF_shutdown",
}


def functions() -> dict[str, str]:
    """The functions that are looked up, each with the library."""
    source = (NATIVE / "os/xen_libraries.c").read_text()
    return {name: library for library, name in re.findall(r"FUNCTION\((\w+), (\w+)\),", source)}


def files() -> dict[str, list[str]]:
    """The names of the files of each library; libxenctrl's is made of the version."""
    source = (NATIVE / "os/xen_libraries.c").read_text()
    found = re.findall(r"\[XEN_LIBRARY_(\w+)\] = \{ ([^}]*) \}", source)
    return {library: re.findall(r'"([^"]+)"', names) for library, names in found}


def test_what_is_looked_up_is_found_in_the_sources() -> None:
    assert len(functions()) == 39
    assert sorted(files()) == ["CALLS", "EVENTS", "GRANTS", "STORE"]


@pytest.mark.parametrize("version", ["4.14", "4.17", "4.20"])
def test_each_function_is_in_the_libraries_of_a_release(version: str) -> None:
    exported: dict[str, set[str]] = {}
    for line in (LISTS / f"{version}.txt").read_text().splitlines():
        if not line.startswith("#"):
            file, _blank, name = line.partition(" ")
            exported.setdefault(file, set()).add(name)
    names = {**files(), "CONTROL": [f"libxenctrl.so.{version}"]}
    for library, candidates in names.items():
        assert set(candidates) & set(exported), f"{library} has none of its names"
    none(
        f"{name} is not in the {library} library of Xen {version}"
        for name, library in functions().items()
        if not any(name in exported.get(file, ()) for file in names[library])
    )


def test_lists_hold_every_release_that_is_promised() -> None:
    assert sorted(path.stem for path in LISTS.iterdir()) == ["4.14", "4.17", "4.20"]


# ---- Their headers, where they are: Debian's libxen-dev ----------------------------------------


def run_c(directory: Path, source: str, *flags: str) -> str:
    """Compile and run a program; what it prints."""
    path = directory / "probe.c"
    path.write_text(source)
    # Xen's headers want the compiler's extensions.
    command = ["cc", "-std=gnu11", "-Werror", *flags, "-o", str(directory / "probe"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return subprocess.run([directory / "probe"], capture_output=True, text=True, check=True).stdout


needs_headers = pytest.mark.skipif(
    not all((HEADERS / name).exists() for name in OF_XEN), reason="Xen's headers are not installed (libxen-dev)"
)
INCLUDE = "#include <stdio.h>\n#include <stddef.h>\n#include <stdint.h>\n"
INCLUDE_XEN = INCLUDE + "".join(f"#include <{name}>\n" for name in OF_XEN)


@needs_headers
def test_functions_are_declared_as_in_their_headers(tmp_path: Path) -> None:
    checks = "\n".join(
        f"_Static_assert(__builtin_types_compatible_p(__typeof__(&{name}), __typeof__(all.{name})), "
        f'"{name} has another type");'
        for name in functions()
    )
    source = f'{INCLUDE_XEN}#include "os/xen_libraries.h"\nstatic struct xen_functions all;\n{checks}\n'
    run_c(tmp_path, source + "int main(void) { (void)all; return 0; }\n", f"-I{NATIVE}")


def structures() -> dict[str, list[str]]:
    """The structures of xen_abi.h with their members."""
    source = re.sub(r"/\*.*?\*/", "", (NATIVE / "os/xen_abi.h").read_text(), flags=re.S)
    found = re.findall(r"struct (\w+) \{(.*?)\n\};", source, flags=re.S)
    return {name: re.findall(r"(\w+)(?:\[\d+\])?;", body) for name, body in found}


@needs_headers
def test_structures_and_numbers_are_those_of_their_headers(tmp_path: Path) -> None:
    layout, numbers = [], []
    for name, members in structures().items():
        for member in members:
            if member != "room":
                size = f"sizeof(((struct {name} *)0)->{member})"
                layout.append(f'printf("{name}.{member} %zu %zu\\n", offsetof(struct {name}, {member}), {size});')
        if name != "xen_domctl_getdomaininfo":
            layout.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
    assert len(layout) == 8 + 2 + 3 + 14 + 2 + 4 + 3
    same = ["XEN_DOMCTL_DEV_RDM_RELAXED", "XBT_NULL", "XS_PERM_NONE", "XS_PERM_READ", "XS_WATCH_PATH", "XS_WATCH_TOKEN"]
    same += ["MAP_PIRQ_TYPE_GSI", "MAP_PIRQ_TYPE_MSI_SEG"]
    for ours, theirs in {**NUMBERS, **dict(zip(same, same, strict=True))}.items():
        numbers.append((f'printf("{ours} %d\\n", (int){ours});', f'printf("{ours} %d\\n", (int){theirs});'))
    ours = "\n".join([*layout, *(line for line, _theirs in numbers)])
    theirs = "\n".join([*layout, *(line for _ours, line in numbers)])
    main = "int main(void) {{ {} return 0; }}\n"
    printed = run_c(tmp_path, f'{INCLUDE}#include "os/xen_abi.h"\n{main.format(ours)}', f"-I{NATIVE}")
    assert printed == run_c(tmp_path, INCLUDE_XEN + main.format(theirs))
    assert printed.count("\n") > 30
    room = 'printf("%zu", sizeof(struct xen_domctl_getdomaininfo));'
    theirs_size = int(run_c(tmp_path, INCLUDE_XEN + main.format(room)))
    assert theirs_size <= int(run_c(tmp_path, f'{INCLUDE}#include "os/xen_abi.h"\n{main.format(room)}', f"-I{NATIVE}"))
