# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The parameter ``hide`` of Linux's xen-pciback, and the kernel's command line that carries it.

Linux reads the list with sscanf(3) formats: numbers are hexadecimal, a domain may be left out, ``*`` stands for every
function, and for every device of a bus. Where an item can't be read, loading the module fails and it hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import LIST_TOO_LONG

PARAMETER = "xen-pciback.hide"

MAX_VALUE = 1023
"""Characters that the kernel takes for a text parameter of a module (kernel/params.c)."""

MAX_COMMAND_LINE = 2047
"""Characters that the kernel keeps of its command line on x86 (COMMAND_LINE_SIZE)."""

_NUMBER = r"(?:0[xX])?([0-9a-fA-F]{1,8})"
_ITEM = re.compile(
    rf"\s*\((?:{_NUMBER}:)?{_NUMBER}:(?:{_NUMBER}\.(?:{_NUMBER}|\*)|\*\.\*)\)\s*",
    re.ASCII,
)
_WORD = re.compile(r'(?:[^\s"]|"[^"]*(?:"|\Z))+')


@dataclass(frozen=True)
class Pattern:
    """One item of the list; ``None`` stands for every device or every function."""

    domain: int
    bus: int
    device: int | None
    function: int | None

    def matches(self, address: Address) -> bool:
        """Whether the module takes this function when it loads."""
        return (
            (address.domain, address.bus) == (self.domain, self.bus)
            and self.device in (None, address.device)
            and self.function in (None, address.function)
        )


@dataclass(frozen=True)
class Reading:
    """What the module makes of a list: its items, or the offset at which it gives up and hides nothing."""

    patterns: tuple[Pattern, ...]
    error_at: int | None = None

    def hides(self, address: Address) -> bool:
        """Whether the module takes this function when it loads."""
        return any(pattern.matches(address) for pattern in self.patterns)


def read(value: str) -> Reading:
    """Read a list as the module does when it is loaded."""
    if len(value) > MAX_VALUE:
        return Reading((), MAX_VALUE)
    patterns, position = [], 0
    while position < len(value):
        item = _ITEM.match(value, position)
        if item is None:
            return Reading((), position)
        domain, bus, device, function = (None if text is None else int(text, 16) for text in item.groups())
        patterns.append(Pattern(domain or 0, bus or 0, device, function))
        position = item.end()
    return Reading(tuple(patterns))


def render(addresses: Iterable[Address]) -> str:
    """Write a list in canonical form; a function given twice is written once.

    :raises PcibackError: ``list-too-long``
    """
    wanted = list(dict.fromkeys(addresses))
    value = "".join(f"({address})" for address in wanted)
    if len(value) > MAX_VALUE:
        fit = MAX_VALUE // len(f"({wanted[0]})")
        raise PcibackError(
            f"the hide list has {len(value)} characters, and Linux takes {MAX_VALUE}; {fit} of the {len(wanted)} fit",
            code=LIST_TOO_LONG,
            remedy="give away fewer devices of this host",
        )
    return value


def words(command_line: str) -> Iterator[str]:
    """The words of a kernel's command line; double quotes keep blanks together and are dropped."""
    for match in _WORD.finditer(command_line):
        yield match.group().replace('"', "")


def values(command_line: str) -> tuple[str, ...]:
    """Every hide list on a command line, in its order; the last one counts. ``-`` and ``_`` are the same in a name."""
    found = []
    for word in words(command_line):
        name, equals, value = word.partition("=")
        if equals and name.replace("_", "-") == PARAMETER:
            found.append(value)
    return tuple(found)
