# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""GRUB's environment block: what one start of GRUB leaves to the next, and the host to GRUB.

A file of 1024 bytes: a first line that names it, comments, a line ``name=value`` for each variable, and number signs up
to the end. GRUB can't make a file longer or move it, so it writes over this one, block by block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID

SIZE = 1024
BLOCK = "grubenv"
"""Its name, in the directory of the menu."""

SAVED_ENTRY = "saved_entry"
"""What boots by default where GRUB_DEFAULT is ``saved``: grub-set-default, or the entry that was chosen last."""
NEXT_ENTRY = "next_entry"
"""What boots once: grub-reboot. A menu of grub-mkconfig clears it before it starts anything."""

_SIGNATURE = b"# GRUB Environment Block\n"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def empty() -> bytes:
    """A block without variables, as grub-editenv makes one."""
    return _SIGNATURE.ljust(SIZE, b"#")


def read(data: bytes, file: str = BLOCK) -> Mapping[str, str]:
    """The variables that GRUB loads of a block.

    :raises PcibackError: ``boot-config-invalid``: it is none, or GRUB would take something else for a variable
    """
    return {name: value for name, value, _start, _end in _variables(data, file)}


def with_variable(data: bytes, name: str, value: str | None, file: str = BLOCK) -> bytes:
    """The block with another value of one variable; all others, and the comments, stay where they are.

    A new variable comes before the others, so that it lies in the first sector. One whose value has the same length as
    before changes nothing but these bytes.

    :param value: ``None``: the variable goes
    :raises PcibackError: ``boot-config-invalid``: it is no block, or has no room
    """
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of a variable")
    found = [(start, end) for each, _value, start, end in _variables(data, file) if each == name]
    line = b"" if value is None else f"{name}={_escaped(value)}\n".encode("utf-8", "surrogateescape")
    at = found[0][0] if found else _first_line(data)
    rest = data
    for start, end in reversed(found):
        rest = rest[:start] + rest[end:]
    text = rest[:at] + line + rest[at:]
    used = _used(text)
    if used > SIZE:
        raise _invalid(f"it has no room for {name}: {used} bytes would be in use, and it holds {SIZE}", file)
    return text[:used].ljust(SIZE, b"#")


def _variables(data: bytes, file: str) -> Iterator[tuple[str, str, int, int]]:
    """Name and value of each variable, and where its line begins and ends."""
    if len(data) != SIZE or not data.startswith(_SIGNATURE):
        raise _invalid(f"it is no environment block of {SIZE} bytes", file)
    at, used = len(_SIGNATURE), _used(data)
    while at < used:
        end = _end_of_line(data, at, used)
        line = data[at:end].decode("utf-8", "surrogateescape")
        if not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals or not _NAME.match(name) or not line.endswith("\n"):
                raise _invalid(f"at byte {at} is neither a variable nor a comment, and GRUB would read on", file)
            yield name, re.sub(r"\\(.)", r"\1", value[:-1], flags=re.DOTALL), at, end
        at = end


def _used(data: bytes) -> int:
    """How many bytes are in use: what is behind them is filling."""
    return len(data.rstrip(b"#"))


def _first_line(data: bytes) -> int:
    """Where the first line begins that is no comment."""
    at, used = len(_SIGNATURE), _used(data)
    while at < used and data[at : at + 1] == b"#":
        at = _end_of_line(data, at, used)
    return at


def _end_of_line(data: bytes, at: int, used: int) -> int:
    """Behind the line feed that ends a line; one behind a backslash is a part of it."""
    while at < used and data[at : at + 1] != b"\n":
        at += 2 if data[at : at + 1] == b"\\" else 1
    return min(at + 1, used)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\\n")


def _invalid(message: str, file: str) -> PcibackError:
    return PcibackError(
        message,
        code=BOOT_CONFIG_INVALID,
        file=file,
        remedy="make an empty one with 'grub-editenv - create', or 'grub2-editenv - create'",
    )
