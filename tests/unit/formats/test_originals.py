# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT,
    NATIVE,
    Original,
    Originals,
    digest,
    parse,
    render,
)

ONE = "a" * 64
TEXT = b"""{
  "schema": "xen.pciback/originals/1",
  "directories": [
    "/usr/local/sbin"
  ],
  "files": {
    "/boot.cfg": {
      "kind": "boot",
      "original": "menu=B\\u00fcro:boot netbsd\\n",
      "written": [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      ]
    },
    "/usr/local/sbin/pcibackctl": {
      "kind": "native",
      "original": null,
      "written": []
    }
  }
}
"""
RECORD = Originals(
    {
        "/boot.cfg": Original(BOOT, b"menu=B\xfcro:boot netbsd\n", (ONE,)),
        "/usr/local/sbin/pcibackctl": Original(NATIVE, None),
    },
    ("/usr/local/sbin",),
)


def test_the_form_on_disk() -> None:
    assert render(RECORD) == TEXT
    assert parse(TEXT, "x") == RECORD


def test_changes_of_a_record() -> None:
    assert Originals().empty and not RECORD.empty
    assert RECORD.of_kind(NATIVE) == ("/usr/local/sbin/pcibackctl",)
    assert RECORD.without_files(["/boot.cfg", "/other"]).of_kind(BOOT, NATIVE) == ("/usr/local/sbin/pcibackctl",)
    assert RECORD.with_directories(["/usr/local", "/usr/local/sbin"]).directories == ("/usr/local", "/usr/local/sbin")
    assert RECORD.with_files({"/boot.cfg": Original(BOOT, b"")}).files["/boot.cfg"].data == b""


def test_what_was_written_is_known_by_its_digest() -> None:
    original = Original(BOOT, b"old", (digest(b"new"),))
    assert original.wrote(b"new")
    assert not original.wrote(b"old") and not original.wrote(None)


def test_people_see_paths_and_no_content() -> None:
    assert RECORD.paths == ("/boot.cfg", "/usr/local/sbin/", "/usr/local/sbin/pcibackctl")


def document(**changes: Any) -> bytes:
    return json.dumps({**json.loads(TEXT), **changes}).encode()


def file(**changes: Any) -> bytes:
    return document(files={"/x": {"kind": "boot", "original": "", "written": [], **changes}})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\xff", "r: it is not JSON in UTF-8; without this record nothing is put back as it was"),
        (b"{", "r, line 1, column 2: it is not JSON: Expecting property name"),
        (b"[" * 100000, "r: it is not JSON in UTF-8"),
        (b"[]", "r: its schema is null, and this version reads 'xen.pciback/originals/1' only"),
        (document(schema="xen.pciback/originals/2"), 'its schema is "xen.pciback/originals/2"'),
        (document(more=1), "it must have exactly 'schema', 'files' and 'directories'"),
        (document(files=[]), "'files' is [], and must be an object"),
        (document(directories={}), "'directories' is {}, and must be a list"),
        (document(directories=["/a", "/a"]), "'directories' names one twice"),
        (document(directories=["/a/"]), '"/a/" is no absolute path in its plain form'),
        (document(directories=[1]), "1 is no absolute path in its plain form"),
        (document(directories=["/"]), '"/" is no absolute path in its plain form'),
        (document(directories=["/a\0"]), '"/a\\u0000" is no absolute path'),
        (document(files={"//x": {}}), '"//x" is no absolute path in its plain form'),
        (document(files={"x/../y": {}}), "is no absolute path in its plain form"),
        (document(files={"/x": {}}), "file '/x' must have exactly 'kind', 'original' and 'written'"),
        (document(files={"/x": 1}), "file '/x' must have exactly"),
        (file(more=1), "file '/x' must have exactly"),
        (file(kind="boots"), "'kind' of file '/x' is \"boots\", and must be one of boot, guest, native"),
        (file(kind=[]), "'kind' of file '/x' is [], and must be one of"),
        (file(original="\u0100"), "'original' of file '/x' must be null or a text whose characters stand for bytes"),
        (file(original="\ud800"), "'original' of file '/x' must be null or a text"),
        (file(original=5), "'original' of file '/x' must be null or a text"),
        (file(written=["A" * 64]), "'written' of file '/x' must be a list of SHA-256 digests in lower-case"),
        (file(written=[5]), "'written' of file '/x' must be"),
        (file(written=None), "'written' of file '/x' must be"),
    ],
)
def test_what_is_no_record(data: bytes, sentence: str) -> None:
    with pytest.raises(PcibackError) as refused:
        parse(data, "r")
    assert sentence in str(refused.value)
