# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines in pieces, each of which knows where it stands."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.lexer import (
    Span,
    after_image_name,
    after_path,
    after_separator,
    lists_in_command,
    split_commands,
    words,
)

COMMANDS = [
    ("", [(b"", b"", 0)]),
    ("dev", [(b"dev", b"", 0)]),
    ("load /n -v ; multiboot\t/x", [(b"load", b"/n -v", 0), (b"multiboot", b"/x", 13)]),
    # The first command keeps the blanks before it, and a ';' at the end adds none.
    (" dev; ", [(b"", b"dev", 0)]),
    ("dev;;boot", [(b"dev", b"", 0), (b"", b"", 4), (b"boot", b"", 5)]),
    # A carriage return is a character like any other.
    ("multiboot /x\r", [(b"multiboot", b"/x\r", 0)]),
]


@pytest.mark.parametrize(("text", "commands"), COMMANDS)
def test_commands_are_cut_as_the_loader_does(text: str, commands: list[tuple[bytes, bytes, int]]) -> None:
    found = list(split_commands(Span(3, 10, text.encode())))
    assert [(each.word, each.arguments.text, each.whole.start - 10) for each in found] == commands
    for each in found:
        assert text.encode()[each.whole.start - 10 : each.whole.end - 10] == each.whole.text
        assert text.encode()[each.arguments.start - 10 : each.arguments.end - 10] == each.arguments.text


STRINGS = [
    ("/n -v -s", b"-v -s", b"-v -s"),
    # A tab ends the path for the loader, and not for Xen.
    ("/n\t-v -s", b"-v -s", b"-s"),
    ("/n", b"", b""),
    ("/n  -v ", b"-v ", b"-v "),
]


@pytest.mark.parametrize(("text", "loader", "xen"), STRINGS)
def test_the_loader_and_xen_end_a_path_elsewhere(text: str, loader: bytes, xen: bytes) -> None:
    string = Span(0, 0, text.encode())
    assert after_path(string).text == loader
    assert after_image_name(string).text == xen


SEPARATED = [
    ("a -- -v", b" -v", 4),
    ("a --   -v", b" -v", 6),
    ("a -- b -- c", b" b -- c", 4),
    ("-- -v", None, 0),
    ("a\t-- -v", None, 0),
    ("a --", None, 0),
]


@pytest.mark.parametrize(("text", "dom0", "start"), SEPARATED)
def test_what_stands_behind_the_separator_goes_to_dom0(text: str, dom0: bytes | None, start: int) -> None:
    found = after_separator(Span(0, 0, text.encode()))
    assert (found.text if found else None) == dom0
    assert found is None or found.start == start


def test_only_a_blank_ends_a_word_of_dom0() -> None:
    assert [(word.start, word.text) for word in words(Span(0, 5, b" -v\tx  y\r"))] == [(6, b"-v\tx"), (12, b"y\r")]


LISTS = [
    ("load /n pciback.hide=(0:4.0) -v pciback.hide=x", [b" pciback.hide=(0:4.0)", b" pciback.hide=x"]),
    ("load /n\tPCIBACK.HIDE=(0:4.0\t0)", [b"\tPCIBACK.HIDE=(0:4.0\t0)"]),
    ("multiboot /x pciback.hide=", [b" pciback.hide="]),
    # It is a path here.
    ("load  pciback.hide=(0:4.0)", []),
    ("load /n xpciback.hide=(0:4.0)", []),
    ("frob pciback.hide=(0:4.0)", [b" pciback.hide=(0:4.0)"]),
]


@pytest.mark.parametrize(("text", "lists"), LISTS)
def test_lists_are_found_whether_they_are_read_or_not(text: str, lists: list[bytes]) -> None:
    (command,) = split_commands(Span(0, 0, text.encode()))
    assert [found.text for found in lists_in_command(command)] == lists
