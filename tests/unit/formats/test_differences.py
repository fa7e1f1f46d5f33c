# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import difference


def test_shows_bytes_and_text() -> None:
    assert difference("/boot.cfg", b"caf\xc3\xa9\n", "b\n") == {
        "before_header": "/boot.cfg",
        "after_header": "/boot.cfg",
        "before": "caf\xe9\n",
        "after": "b\n",
    }


def test_what_is_not_there_is_empty() -> None:
    item = difference("/x", None, None)
    assert (item["before"], item["after"]) == ("", "")


def test_shows_bytes_that_are_no_text() -> None:
    assert difference("/x", b"\xff", b"")["before"] == "\ufffd"
    assert difference("/x", b"\xff", b"", errors="backslashreplace")["before"] == "\\xff"
