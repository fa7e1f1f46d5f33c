# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError, printable


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "it is wrong"),
        ({"file": "/boot.cfg"}, "/boot.cfg: it is wrong"),
        ({"file": "/boot.cfg", "line": 3}, "/boot.cfg, line 3: it is wrong"),
        ({"file": "/boot.cfg", "line": 3, "column": 7}, "/boot.cfg, line 3, column 7: it is wrong"),
        ({"line": 3}, "line 3: it is wrong"),
    ],
)
def test_one_sentence_with_its_place(place: dict[str, object], text: str) -> None:
    error = PcibackError("it is wrong", code="bridge", remedy="mend it", **place)  # type: ignore[arg-type]
    assert str(error) == text
    assert (error.message, error.code, error.remedy) == ("it is wrong", "bridge", "mend it")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Gerät für 5 €", "Gerät für 5 €"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), r"caf\xe9"),
        ("\x1b[2J\nnext\x7f", r"\x1b[2J\x0anext\x7f"),
    ],
)
def test_what_a_terminal_can_not_print_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown
    error = PcibackError(text, file="/etc/" + text, remedy=text)
    assert (str(error), error.message, error.remedy) == (f"/etc/{shown}: {shown}", shown, shown)
