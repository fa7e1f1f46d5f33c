# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hardens the programs that are installed: read from their ELF files, and asked of compilers that know less."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

NATIVE = Path(__file__).resolve().parents[2] / "native"

# ELF, the 64-bit one.
ET_DYN = 3
PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 2, 0x6474E551, 0x6474E552
PF_X = 1
DT_FLAGS, DT_FLAGS_1, DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 30, 0x6FFFFFFB, 8, 1, 0x08000000


class Elf:
    """The parts of an ELF file that say how its memory is laid out."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        assert self.content[:6] == b"\x7fELF\x02\x01", f"{path} is no 64-bit little-endian ELF file"
        self.type = struct.unpack_from("<H", self.content, 16)[0]
        (start,) = struct.unpack_from("<Q", self.content, 32)
        size, count = struct.unpack_from("<HH", self.content, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.content, start + i * size) for i in range(count)]

    def flags(self, kind: int) -> int | None:
        """The flags of the segment of a kind; None if there is none."""
        return next((segment[1] for segment in self.segments if segment[0] == kind), None)

    def dynamic(self, tag: int) -> int:
        """The value of a tag of the dynamic section, 0 if it has none."""
        offset, size = next((each[2], each[5]) for each in self.segments if each[0] == PT_DYNAMIC)
        pairs = struct.iter_unpack("<QQ", self.content[offset : offset + size])
        return next((value for name, value in pairs if name == tag), 0)

    def has(self, name: str) -> bool:
        """Whether a symbol of that name is looked up when the program starts."""
        return f"\0{name}\0".encode() in self.content


linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's compilers know all the flags")


@linux_only
@pytest.mark.parametrize("program", ["pcibackctl", "pcibackd"])
def test_what_is_installed_is_hardened(program: str) -> None:
    elf = Elf(NATIVE / "build" / program)
    assert elf.type == ET_DYN
    assert elf.dynamic(DT_FLAGS_1) & DF_1_PIE
    assert elf.flags(PT_GNU_RELRO) is not None
    assert elf.dynamic(DT_FLAGS) & DF_BIND_NOW
    assert elf.dynamic(DT_FLAGS_1) & DF_1_NOW
    stack = elf.flags(PT_GNU_STACK)
    assert stack is not None
    assert not stack & PF_X
    assert elf.has("__stack_chk_fail")
    assert elf.has("__snprintf_chk")


def compiler(directory: Path, body: str) -> Path:
    """A compiler that does something before it is the machine's own one."""
    path = directory / "narrow-cc"
    path.write_text(f'#!/bin/sh\nfor word; do case $word in\n{body}\nesac; done\nexec cc "$@"\n')
    path.chmod(0o755)
    return path


UNKNOWN = "-fPIE | -pie | -fstack-protector* | *_FORTIFY_SOURCE* | -Wl,-z* | -ldl | -lpthread"
REFUSES = f'{UNKNOWN}) echo "unknown option $word" >&2; exit 1 ;;'
GRUMBLES = f'{UNKNOWN}) echo "warning: $word is ignored" >&2 ;;'


def flags(*command: str | Path) -> list[str]:
    """The three lines of flags.sh."""
    done = subprocess.run(["sh", NATIVE / "flags.sh", *command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("body", [REFUSES, GRUMBLES])
def test_flags_that_a_compiler_does_not_know_are_left_out(tmp_path: Path, body: str) -> None:
    assert flags(compiler(tmp_path, body)) == ["", "", ""]


@linux_only
def test_only_the_flag_that_is_not_known_is_left_out(tmp_path: Path) -> None:
    narrow = compiler(tmp_path, "-fstack-protector*) exit 1 ;;")
    objects, programs, _libraries = flags(narrow, "-O2")
    assert objects == "-fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
    assert programs == "-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack"


@linux_only
def test_a_compiler_that_always_says_something_still_hardens(tmp_path: Path) -> None:
    talks = tmp_path / "talking-cc"
    talks.write_text('#!/bin/sh\necho "this is a trial version" >&2\nexec cc "$@"\n')
    talks.chmod(0o755)
    assert "-fstack-protector-strong" in flags(talks, "-O2")[0]


def test_nothing_that_compiles_is_no_failure_here(tmp_path: Path) -> None:
    assert flags(tmp_path / "no-such-compiler") == ["", "", ""]


def test_a_compiler_that_knows_none_of_the_flags_builds(tmp_path: Path) -> None:
    sources = tmp_path / "native"
    shutil.copytree(NATIVE, sources, ignore=shutil.ignore_patterns("build"))
    narrow = compiler(tmp_path, REFUSES)
    done = subprocess.run(
        ["make", "-s", "-j2", f"CC={narrow}", "CFLAGS=-O0", "check-control"],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (sources / "build/flags").read_text() == "\n\n\n"
