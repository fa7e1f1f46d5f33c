# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The value of ``pciback.hide=``, as pciback(4) documents it and as NetBSD's kernel really reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import (
    MAX_BUS,
    MAX_DEVICE,
    MAX_FUNCTION,
    Address,
)

OPTION = "pciback.hide="
"""What a word of dom0's command line starts with, in any case, to be a hide list."""

MAX_VALUE = 63
"""Characters of the value that the kernel keeps with a terminator; from 64 on it reads past its buffer."""

COMPLETE = "complete"
BROKEN = "broken"
FAULT = "fault"

_ULONG_BITS = 64
_UINT_MASK = 0xFFFFFFFF

# What strtoul(3) takes in base 16: blanks, one sign, one 0x, digits. Without digits nothing is taken at all.
_NUMBER = re.compile(rb"[ \t\n\v\f\r]*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)")
_BARE_0X = re.compile(rb"[ \t\n\v\f\r]*[+-]?0[xX]")


@dataclass(frozen=True)
class Problem:
    """Something in a hide list that the kernel does not read as its writer meant.

    :param offset: where in the value, from 0
    :param message: one sentence
    """

    offset: int
    message: str


@dataclass(frozen=True)
class Reading:
    """What the kernel does with a hide list.

    :param value: the bytes after ``pciback.hide=``
    :param claims: the functions that the kernel takes from their drivers, in list order, each once
    :param outcome: ``complete``: the list was read to its end; ``broken``: reading stopped, the claims before
        it stay, but no guest gets any device; ``fault``: the kernel faults at boot
    :param problems: what the kernel does not read as meant, in the order of the list
    """

    value: bytes
    claims: tuple[Address, ...]
    outcome: str
    problems: tuple[Problem, ...]

    @property
    def empty(self) -> bool:
        """No list: the kernel makes no backend."""
        return not self.value

    @property
    def clean(self) -> bool:
        """Every byte of it means what its writer meant."""
        return self.outcome == COMPLETE and not self.problems


def render(addresses: Iterable[Address], short: bool = False) -> str:
    """Write a hide list; a function given twice is written once, where it comes first.

    :param short: without leading zeros, which saves characters: ``(0:4.0)`` instead of ``(00:04.0)``
    :raises PcibackError: an address is in a domain that NetBSD's kernel doesn't know
    """
    unique = list(dict.fromkeys(addresses))
    for address in unique:
        if address.domain != 0:
            raise PcibackError(
                f"'{address}' can't be hidden: it is in domain {address.domain:04x}, "
                "and NetBSD's pciback(4) knows domain 0000 only"
            )
    return "".join(f"({address.short if short else address.bdf})" for address in unique)


def read(value: bytes | str) -> Reading:
    """Read a hide list as the kernel does: whatever the bytes are, there is an answer."""
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    claims: dict[Address, None] = {}
    problems: list[Problem] = []
    outcome = COMPLETE
    kept = data[:MAX_VALUE]
    position = 0
    while position < len(kept):
        if kept[position] != ord("("):
            problems.append(Problem(position, _why_no_entry(kept, position)))
            outcome = BROKEN
            break
        end = kept.find(b")", position)
        if end < 0:
            problems.append(Problem(position, "the parenthesis that opens here is never closed"))
            outcome = BROKEN
            break
        entry = kept[position + 1 : end]
        if b":" not in entry:
            problems.append(
                Problem(position, f"the kernel faults at {_quote(entry)}, because it holds no ':'; {_RIGHT}")
            )
            outcome = FAULT
            break
        address, message = _read_entry(entry)
        if address is not None:
            claims[address] = None
        if message:
            problems.append(Problem(position, message))
        position = end + 1
    if len(data) > MAX_VALUE and outcome != FAULT:
        # The list may even have ended well so far: what follows the buffer in memory decides.
        problems.append(
            Problem(
                MAX_VALUE,
                f"the list has {len(data)} characters and the kernel keeps {MAX_VALUE}, then reads past its buffer",
            )
        )
        outcome = BROKEN
    return Reading(data, tuple(claims), outcome, tuple(problems))


_RIGHT = "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'"


def _quote(data: bytes) -> str:
    text = data.decode("utf-8", "backslashreplace")
    return f"'({''.join(c if c.isprintable() else ascii(c)[1:-1] for c in text)})'"


def _why_no_entry(kept: bytes, position: int) -> str:
    found = kept[position : position + 1]
    if found in (b",", b";"):
        return "nothing may stand between two entries, the next one must open with '(' at once"
    if found == b"\r":
        return "a carriage return ends the line, and the kernel takes it for a part of the list"
    if found in (b'"', b"'"):
        return "the kernel knows no quotes, the list must open with '('"
    return "an entry must open with '(' here; the kernel stops reading"


def _read_entry(entry: bytes) -> tuple[Address | None, str]:
    """The function that an entry claims, and what is wrong with it; the entry holds a ``:``."""
    start = entry.index(b":") + 1 if entry.startswith(b"0000") else 0
    values: list[int] = []
    for end, field in ((b":", "bus"), (b".", "device"), (b"", "function")):
        number, stop = _strtoul(entry, start)
        if entry[stop : stop + 1] != end:
            return None, f"the kernel skips {_quote(entry)}, its {field} is no number; {_RIGHT}"
        values.append(number)
        start = stop + 1
    bus, device, function = values
    if bus > MAX_BUS or device > MAX_DEVICE or function > MAX_FUNCTION:
        return None, (
            f"{_quote(entry)} claims nothing: no machine has bus {bus:x}, device {device:x}, "
            f"function {function:x}; the highest is '(ff:1f.7)'"
        )
    address = Address(0, bus, device, function)
    if entry in (address.bdf.encode(), address.short.encode(), str(address).encode()):
        return address, ""
    if re.fullmatch(rb"(?i)(?:0000:)?[0-9a-f]{1,2}:[0-9a-f]{1,2}\.[0-9a-f]", entry):
        return address, ""
    return address, f"the kernel reads {_quote(entry)} as '({address.bdf})'; {_RIGHT}"


def _strtoul(data: bytes, start: int) -> tuple[int, int]:
    """strtoul(3) in base 16, assigned to an unsigned int: the number, and where it ends."""
    match = _NUMBER.match(data, start)
    bare = _BARE_0X.match(data, start)
    if match is None or (bare is not None and match.end() < bare.end()):
        return 0, start
    number = int(match.group(2), 16)
    if number >> _ULONG_BITS:
        # ULONG_MAX, which is no bus, device or function of any machine.
        return _UINT_MASK, match.end()
    if match.group(1) == b"-":
        number = -number
    return number & _UINT_MASK, match.end()
