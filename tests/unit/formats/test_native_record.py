# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""native.json: what is written is read again, and what is anything else is no record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.native_record import (
    SCHEMA,
    NativeRecord,
    parse,
    render,
)

FIELDS: dict[str, Any] = {
    "source_sha256": "a" * 64,
    "method": "host",
    "compiler": "cc (nb1 20230220) 10.5.0",
    "flags": "",
    "files": {"/usr/local/sbin/pcibackctl": "b" * 64},
}
TEXTS = st.text(max_size=9)


@given(st.builds(NativeRecord, TEXTS, TEXTS, TEXTS, TEXTS, st.dictionaries(TEXTS.map(lambda name: f"/{name}"), TEXTS)))
def test_what_is_written_is_read(record: NativeRecord) -> None:
    assert parse(render(record)) == record


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "xen.pciback/native/2"},
        {"schema": None},
        {"method": None},
        {"source_sha256": 5},
        {"files": []},
        {"files": {"sbin/pcibackctl": "b" * 64}},
        {"files": {"/sbin/pcibackctl": 5}},
        {"more": "later"},
    ],
)
def test_another_record(changes: dict[str, Any]) -> None:
    assert parse(json.dumps({"schema": SCHEMA, **FIELDS, **changes}).encode()) is None


@pytest.mark.parametrize("missing", ["schema", "source_sha256", "method", "compiler", "flags"])
def test_a_record_that_lacks_something(missing: str) -> None:
    document = {"schema": SCHEMA, **FIELDS}
    del document[missing]
    assert parse(json.dumps(document).encode()) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"{", b"[]", b"null", b"5", b'"x"', b"9" * 5000, b"[" * 100000], ids=range(9)
)
def test_what_is_no_record(data: bytes) -> None:
    assert parse(data) is None
