# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every record on a host is checked for, whatever it holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.json_record import (
    check_schema,
    decode,
    encode,
    show,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(JSON)
def test_what_is_written_is_read(document: Any) -> None:
    data = encode(document)
    assert data.isascii() and data.endswith(b"\n")
    assert decode(data, "record", "") == document


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff", "record: it is not JSON in UTF-8; delete it"),
        (b"[" * 100000, "record: it is not JSON in UTF-8; delete it"),
        (b"9" * 5000, "record: it is not JSON in UTF-8; delete it"),
        (b"{\n  'x': 1\n}", "record, line 2, column 3: it is not JSON: Expecting property name enclosed in double quotes; delete it"),
    ],
)  # fmt: skip
def test_what_can_not_be_read(data: bytes, sentence: str) -> None:
    with pytest.raises(PcibackError) as refused:
        decode(data, "record", "; delete it")
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"schema": "xen.pciback/pins/2"}, '"xen.pciback/pins/2"'),
        ({}, "null"),
        ([], "null"),
        ("xen.pciback/pins/1", "null"),
        ({"schema": ["xen.pciback/pins/1"] * 9}, '["xen.pciback/pins/1", "xen.pciback/pins/1", "xen.pciback...'),
    ],
)
def test_another_schema(document: Any, found: str) -> None:
    with pytest.raises(PcibackError) as refused:
        check_schema(document, "xen.pciback/pins/1", "record")
    assert str(refused.value) == f"record: its schema is {found}, and this version reads 'xen.pciback/pins/1' only"


def test_the_schema() -> None:
    check_schema({"schema": "xen.pciback/pins/1"}, "xen.pciback/pins/1", "record")


@pytest.mark.parametrize(
    ("found", "text"),
    [(None, "null"), ("a", '"a"'), ("x" * 58, f'"{"x" * 58}"'), ("x" * 59, f'"{"x" * 56}...'), ({1}, '"{1}"')],
)
def test_what_was_found_is_short(found: Any, text: str) -> None:
    assert show(found) == text
