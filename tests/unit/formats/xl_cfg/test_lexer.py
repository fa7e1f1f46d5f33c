# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What xl refuses, was refused by Xen 4.17's own libxlutil for each of these files."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.lexer import quote, tokenize, unquote


def strings(data: bytes) -> list[tuple[bytes, bool]]:
    return [unquote(data, "guest.cfg", token) for token in tokenize(data, "guest.cfg") if token.kind == "string"]


@pytest.mark.parametrize(
    ("data", "line", "column", "why"),
    [
        (b"a=1\r\n", 1, 4, "a carriage return, which xl refuses; end the lines with a newline alone"),
        (
            b"a=1 # c",
            1,
            5,
            "no newline ends this comment, and xl refuses that; add one at the end of the file",
        ),
        (b"a='x\ny'\n", 1, 3, "this string has no end on its line; close it with '"),
        (b'a="x\\', 1, 3, 'this string has no end on its line; close it with "'),
        (b"a='x\0'\n", 1, 3, "this string has no end on its line"),
        (b"\0\n", 1, 1, "a zero byte, which xl can't read; remove it"),
        (b"\xef\xbb\xbfa=1\n", 1, 1, "a byte order mark, which xl refuses; save the file without it"),
        (b"a=1\nA=1\n", 2, 1, "xl does not know 'A' here; names are in lower case, text in quotes"),
        (b"a=None\n", 1, 3, "xl does not know 'N' here"),
        (b"a=-1\n", 1, 3, "xl does not know '-' here; it takes NAME = VALUE, no Python"),
        (b"a='x' + 'y'\n", 1, 7, "xl does not know '+' here"),
        (b"a=\xff\n", 1, 3, "xl does not know byte ff here; text belongs in quotes"),
        (b"a='\\q'\n", 1, 4, "xl knows no such escape"),
        (b"a='\\x4'\n", 1, 4, "xl knows no such escape"),
        (b"a='\\08'\n", 1, 4, "xl knows no such escape"),
    ],
)
def test_refuses_what_xl_refuses(data: bytes, line: int, column: int, why: str) -> None:
    with pytest.raises(PcibackError) as caught:
        strings(data)
    error = caught.value
    assert (error.code, error.file, error.line, error.column) == ("domain-config-invalid", "guest.cfg", line, column)
    assert str(error).startswith(f"guest.cfg, line {line}, column {column}: ")
    assert why in str(error)


def test_every_byte_is_in_one_token() -> None:
    data = b"pci\t+= [ '03:00.0' ] # c\r\na=0x1f;"
    tokens = list(tokenize(data, "F"))
    assert [(token.kind, data[token.start : token.end]) for token in tokens] == [
        ("ident", b"pci"),
        ("blank", b"\t"),
        ("append", b"+="),
        ("blank", b" "),
        ("sign", b"["),
        ("blank", b" "),
        ("string", b"'03:00.0'"),
        ("blank", b" "),
        ("sign", b"]"),
        ("blank", b" "),
        ("comment", b"# c\r"),
        ("newline", b"\n"),
        ("ident", b"a"),
        ("sign", b"="),
        ("number", b"0x1f"),
        ("sign", b";"),
        ("end", b""),
    ]


@pytest.mark.parametrize(
    ("data", "meaning", "numeric_escape"),
    [
        (b"'a\"b'", b'a"b', False),
        (b'"a\'b"', b"a'b", False),
        (b"'\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"'", b"\a\b\f\n\r\t\v\\'\"", False),
        (b"'\\x41\\102'", b"AB", True),
        (b"'\xff\r'", b"\xff\r", False),
    ],
)
def test_reads_strings(data: bytes, meaning: bytes, numeric_escape: bool) -> None:
    assert strings(data) == [(meaning, numeric_escape)]


@pytest.mark.parametrize(
    ("text", "mark", "quoted"),
    [
        ("03:00.0", b'"', b'"03:00.0"'),
        ('it\'s "x"', b"'", b"'it\\'s \"x\"'"),
        ('it\'s "x"', b'"', b'"it\'s \\"x\\""'),
        ("a\\b\n\t\udcff", b"'", b"'a\\\\b\\n\\t\xff'"),
    ],
)
def test_writes_strings_that_it_reads(text: str, mark: bytes, quoted: bytes) -> None:
    assert quote(text, mark) == quoted
    assert strings(quoted) == [(text.encode("utf-8", "surrogateescape"), False)]
