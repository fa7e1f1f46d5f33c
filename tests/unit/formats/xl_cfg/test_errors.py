# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.errors import error_at, place, printable


@pytest.mark.parametrize(("offset", "expected"), [(0, (1, 1)), (3, (1, 4)), (4, (2, 1)), (7, (2, 4))])
def test_counts_lines_and_columns_from_one(offset: int, expected: tuple[int, int]) -> None:
    assert place(b"a=1\nb=2", offset) == expected


def test_a_refusal_has_its_place_and_code() -> None:
    error = error_at(b"a=1\nb=?\n", "guest.cfg", 6, "it is wrong")
    assert str(error) == "guest.cfg, line 2, column 3: it is wrong"
    assert error.code == "domain-config-invalid"


def test_shows_bytes_that_are_no_text() -> None:
    assert printable(b"caf\xc3\xa9 \xff".decode("utf-8", "surrogateescape")) == "caf\xe9 \\xff"
