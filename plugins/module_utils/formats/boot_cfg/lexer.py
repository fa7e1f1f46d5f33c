# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A line of boot.cfg(5) in pieces: commands as the loader cuts them, words as Xen and the dom0 kernel do.

Each of the three has its own blanks: the loader ends commands and paths at a blank or tab, Xen and the kernel end
words at a blank only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator

SEPARATOR = b" -- "
"""What follows it on Xen's command line is passed to dom0."""

# A word with a hide list and the one blank or tab before it; a tab inside parentheses belongs to the list.
_LIST = re.compile(rb"[ \t](pciback\.hide=(?:\([^) ]*\)|[^ \t])*)", re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """A piece of a line.

    :param line: index of its line in the file, from 0
    :param start: where it begins in the line in bytes, from 0
    :param text: its bytes
    """

    line: int
    start: int
    text: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def part(self, start: int, end: int | None = None) -> Span:
        return Span(self.line, self.start + start, self.text[start:end])

    def lstrip(self, blanks: bytes) -> Span:
        return self.part(len(self.text) - len(self.text.lstrip(blanks)))


@dataclass(frozen=True)
class Command:
    """One command: the whole of it, its word, and what the loader hands to it."""

    whole: Span
    word: bytes
    arguments: Span


def split_commands(text: Span) -> Iterator[Command]:
    """Split at ``;`` as the loader does: blanks go behind each and, except for the first, before it."""
    position = 0
    while True:
        end = text.text.find(b";", position)
        stop = len(text.text) if end < 0 else end
        whole = text.part(position, stop)
        whole = whole.part(0, len(whole.text.rstrip(b" ")))
        word = first_word(whole)
        yield Command(whole, word.text, whole.part(len(word.text)).lstrip(b" \t"))
        if end < 0:
            return
        position = end + 1
        while text.text[position : position + 1] == b" ":
            position += 1
        if position == len(text.text):
            return


def first_word(span: Span) -> Span:
    """Up to the first blank or tab, which is where the loader ends commands and paths."""
    return span.part(0, len(re.split(rb"[ \t]", span.text, maxsplit=1)[0]))


def after_path(module: Span) -> Span:
    """The arguments behind a path."""
    return module.part(len(first_word(module).text)).lstrip(b" \t")


def after_image_name(string: Span) -> Span:
    """What Xen passes on of a module's string: all but the first word, which for Xen ends at a blank only."""
    word = string.text.partition(b" ")[0]
    return string.part(len(word)).lstrip(b" ")


def after_separator(arguments: Span) -> Span | None:
    """What Xen passes to dom0 of its own arguments, with exactly one blank at its start."""
    found = arguments.text.find(SEPARATOR)
    if found < 0:
        return None
    rest = arguments.part(found + len(SEPARATOR)).lstrip(b" ")
    return Span(rest.line, rest.start - 1, b" " + rest.text)


def words(span: Span) -> Iterator[Span]:
    """The words of dom0's command line; only a blank ends one."""
    for match in re.finditer(rb"[^ ]+", span.text):
        yield span.part(match.start(), match.end())


def lists_in_command(command: Command) -> list[Span]:
    """Words that look like a hide list, whether the kernel gets to read them or not; each with the blank before it."""
    if command.word in (b"load", b"multiboot"):
        return lists_in_module(command.arguments)
    return _lists_from(command.whole, len(command.word))


def lists_in_module(module: Span) -> list[Span]:
    """The same, in the path and arguments of a ``load``."""
    return _lists_from(module, len(first_word(module).text))


def _lists_from(span: Span, position: int) -> list[Span]:
    return [span.part(match.start(), match.end()) for match in _LIST.finditer(span.text, position)]
