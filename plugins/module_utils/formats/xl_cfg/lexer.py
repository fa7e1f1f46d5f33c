# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The tokens of an xl configuration file, and strings in quotes. Facts: Xen's ``libxlu_cfg_l.l``.

A carriage return is an error outside of strings and comments, and so is a comment that no newline ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.errors import error_at


@dataclass(frozen=True)
class Token:
    """Bytes ``start`` to ``end`` of a file.

    ``kind`` is ``blank``, ``comment``, ``newline``, ``ident``, ``number``, ``string``, ``append`` (``+=``), ``sign``
    (one of ``= , ; [ ]``) or ``end`` (of the file).
    """

    kind: str
    start: int
    end: int


_TOKEN = re.compile(
    rb"""(?P<blank>[ \t]+)
    | (?P<comment>\#[^\n]*(?=\n))
    | (?P<newline>\n)
    | (?P<ident>[a-z][._0-9a-z]*)
    | (?P<number>[0-9][0-9a-fx]*)
    | (?P<string>"(?:[^"\\\n\0]|\\[^\n\0])*"|'(?:[^'\\\n\0]|\\[^\n\0])*')
    | (?P<append>\+=)
    | (?P<sign>[=,;\[\]])""",
    re.VERBOSE,
)
_SIMPLE_ESCAPES = {
    ord("a"): 7, ord("b"): 8, ord("f"): 12, ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("v"): 11,
    ord("\\"): ord("\\"), ord("'"): ord("'"), ord('"'): ord('"'),
}  # fmt: skip
_NUMERIC_ESCAPE = re.compile(rb"x([0-9a-fA-F]{2})|([0-7]{3})")
_QUOTED_SPECIAL = re.compile(rb"['\"\\\a\b\f\n\r\t\v]")
_ESCAPE_OF = {value: bytes((92, letter)) for letter, value in _SIMPLE_ESCAPES.items()}


def tokenize(data: bytes, file: str) -> Iterator[Token]:
    """Every byte of a file in one token, then one of kind ``end``.

    :raises PcibackError: xl would refuse what stands there
    """
    offset = 0
    while offset < len(data):
        match = _TOKEN.match(data, offset)
        if match is None:
            raise error_at(data, file, offset, _why_no_token(data, offset))
        yield Token(match.lastgroup or "", offset, match.end())
        offset = match.end()
    yield Token("end", offset, offset)


def unquote(data: bytes, file: str, token: Token) -> tuple[bytes, bool]:
    """What a string means, and whether it has a numeric escape, which xl itself misreads.

    :raises PcibackError: xl knows no such escape
    """
    raw = data[token.start : token.end]
    if b"\\" not in raw:
        return raw[1:-1], False
    text = bytearray()
    numeric_escape = False
    at = 1
    while at < len(raw) - 1:
        if raw[at] != 0x5C:
            text.append(raw[at])
            at += 1
            continue
        simple = _SIMPLE_ESCAPES.get(raw[at + 1])
        if simple is not None:
            text.append(simple)
            at += 2
            continue
        numeric = _NUMERIC_ESCAPE.match(raw, at + 1)
        if numeric is None:
            raise error_at(
                data,
                file,
                token.start + at,
                "xl knows no such escape; it knows \\\" \\' \\\\ \\a \\b \\f \\n \\r \\t \\v, "
                "\\x with two hexadecimal digits and \\ with three octal ones",
            )
        text.append(int(numeric.group(1), 16) if numeric.group(1) else int(numeric.group(2), 8) & 0xFF)
        numeric_escape = True
        at = numeric.end()
    return bytes(text), numeric_escape


def quote(text: str, mark: bytes) -> bytes:
    """A string for the file.

    :param mark: ``'`` or ``"``
    """

    def escape(match: re.Match[bytes]) -> bytes:
        found = match.group()
        return found if found in (b"'", b'"') and found != mark else _ESCAPE_OF[found[0]]

    return mark + _QUOTED_SPECIAL.sub(escape, text.encode("utf-8", "surrogateescape")) + mark


def _why_no_token(data: bytes, offset: int) -> str:
    byte = data[offset : offset + 1]
    if byte == b"\r":
        return "a carriage return, which xl refuses; end the lines with a newline alone"
    if byte == b"#":
        return "no newline ends this comment, and xl refuses that; add one at the end of the file"
    if byte in (b"'", b'"'):
        return f"this string has no end on its line; close it with {byte.decode()}"
    if byte == b"\0":
        return "a zero byte, which xl can't read; remove it"
    if data.startswith(b"\xef\xbb\xbf", offset):
        return "a byte order mark, which xl refuses; save the file without it"
    if byte in (b"(", b")", b"{", b"}", b"+", b"-", b"*", b"%"):
        return f"xl does not know '{byte.decode()}' here; it takes NAME = VALUE, no Python"
    if byte.isalpha():
        return f"xl does not know '{byte.decode()}' here; names are in lower case, text in quotes"
    shown = f"'{byte.decode()}'" if b"!" <= byte <= b"~" else f"byte {byte.hex()}"
    return f"xl does not know {shown} here; text belongs in quotes"
