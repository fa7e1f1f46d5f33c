# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The one exception of the collection: a sentence for a person, with its place and its code."""

from __future__ import annotations

import re

# Control characters, which a terminal would obey, and surrogates, which stand for bytes that are no UTF-8.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    """Text of a host for a person, on one line: what can't be printed is shown as bash and Python write it."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number - 0xDC00 if number > 0xFF else number:02x}"


class PcibackError(Exception):
    """Input that is refused, or a host that can't be used.

    ``str()`` is one sentence: where it is, what is wrong and what would be right.

    :param message: what is wrong and what would be right, without the place
    :param code: a refusal code, such as ``list-too-long``; ``None`` where no code applies
    :param file: the file that holds the fault
    :param line: line in the file, from 1
    :param column: column in the line in bytes, from 1
    :param remedy: what the owner can do about it
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        remedy: str | None = None,
    ) -> None:
        self.message = printable(message)
        super().__init__(self.message)
        self.code = code
        self.file = file
        self.line = line
        self.column = column
        self.remedy = None if remedy is None else printable(remedy)

    def __str__(self) -> str:
        place = [] if self.file is None else [printable(self.file)]
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.message}" if place else self.message
