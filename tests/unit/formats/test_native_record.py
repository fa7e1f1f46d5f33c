# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""native.json: what is written is read again, and what can't be understood is no record."""

from __future__ import annotations

import json

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.native_record import NativeRecord, parse, render

RECORD = NativeRecord("a" * 64, "host", "cc 12.2.0", "", {"/usr/local/sbin/pcibackctl": "b" * 64})


def test_what_is_written_is_read() -> None:
    assert parse(render(RECORD)) == RECORD
    assert render(RECORD) == render(RECORD) and render(RECORD).endswith(b"\n")


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "xen.pciback/native/2"},
        {"schema": None},
        {"flags": None},
        {"files": ["/x"]},
        {"files": {"sbin/x": "b"}},
        {"files": {"/x": 1}},
        {"more": 1},
    ],
)
def test_another_document_is_no_record(change: dict[str, object]) -> None:
    assert parse(json.dumps({**json.loads(render(RECORD)), **change}).encode()) is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"5", b"\xff"])
def test_what_is_no_document_is_no_record(data: bytes) -> None:
    assert parse(data) is None
