# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records on a host have in common."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.json_record import check_schema, decode, encode, show


def test_the_same_document_gives_the_same_bytes() -> None:
    assert encode({"b": 1, "a": "ö"}) == b'{\n  "b": 1,\n  "a": "\\u00f6"\n}\n'
    assert decode(encode({"a": [1]}), "x.json", "") == {"a": [1]}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff", "x.json: it is not JSON in UTF-8; delete it"),
        (b"[" * 100_000, "x.json: it is not JSON in UTF-8; delete it"),
        (b'{\n "a" 1}', "x.json, line 2, column 6: it is not JSON: Expecting ':' delimiter; delete it"),
    ],
)
def test_what_is_no_json_is_refused_with_advice(data: bytes, said: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        decode(data, "x.json", "; delete it")
    assert str(refusal.value) == said


@pytest.mark.parametrize(("document", "found"), [({"schema": "b/1"}, '"b/1"'), ({}, "null"), ([], "null")])
def test_another_schema_is_refused(document: object, found: str) -> None:
    check_schema({"schema": "a/1"}, "a/1", "x.json")
    with pytest.raises(PcibackError) as refusal:
        check_schema(document, "a/1", "x.json")
    assert str(refusal.value) == f"x.json: its schema is {found}, and this version reads 'a/1' only"


def test_what_was_found_is_short_enough_for_a_sentence() -> None:
    assert show(["a"]) == '["a"]'
    assert (len(show("x" * 100)), show("x" * 100)[-3:]) == (60, "...")
