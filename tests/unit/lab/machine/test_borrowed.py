# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine has of its controller. That all of it runs is what test_enter.py shows."""

from __future__ import annotations

import re

from machine import borrowed

from tests.unit.lab.conftest import Host


def test_compiler_is_there_unless_left_out(host: Host) -> None:
    host.create()
    (host.root / "tmp/a.c").write_text('#include <stdio.h>\nint main(void) { return puts("built") < 0; }\n')
    assert host.sh("cc -o /tmp/a /tmp/a.c && /tmp/a").stdout == "built\n"
    host.dom0("destroy")
    host.create("--no-compiler")
    script = "for name in cc gcc g++ c99 c89 cpp clang make gmake bmake; do command -v $name; done"
    assert host.sh(script).stdout == ""
    found = "import shutil; print([n for n in ('cc', 'gcc', 'c99', 'clang', 'make', 'bmake') if shutil.which(n)])"
    assert host.run("/.machine/python", "-c", found).stdout == "[]\n"
    assert host.sh("cc --version").returncode != 0


def test_a_path_is_one_field_of_the_table() -> None:
    assert borrowed._escaped("/a b\\c#d\te") == "/a\\040b\\134c\\043d\\011e"


def test_compilers_are_told_from_other_programs() -> None:
    names = [
        "cc",
        "gcc-12",
        "x86_64-linux-gnu-gcc",
        "c99",
        "clang++-14",
        "make",
        "bmake",
        "cat",
        "ccrypt",
        "python3",
        "gccgo-notes",
    ]
    assert [name for name in names if re.fullmatch(borrowed.COMPILERS, name)] == names[:7]


def test_borrowing_again_changes_nothing(host: Host) -> None:
    host.create()
    machine = host.directory / "machine"
    before = {path.name: path.lstat().st_ino for path in machine.iterdir() if path.name in ("python", "pcibackctl")}
    table = (machine / "mounts").read_text()
    host.create()
    assert (machine / "mounts").read_text() == table
    assert before == {name: (machine / name).lstat().st_ino for name in before}
