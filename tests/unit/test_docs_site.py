# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make docs` finds wrong with a site."""

from __future__ import annotations

from pathlib import Path

from tests.docs_site import faults

GOOD = '<h1 id="top">A</h1><a href="#top">up</a><a href="docs/b.html#x">b</a><a href="https://example.net/">out</a>'
UNSEEN = '<noscript><div class="admonition error">Please activate JavaScript</div></noscript>'


def site(folder: Path, index: str, other: str = '<p id="x"></p>') -> list[str]:
    (folder / "docs").mkdir()
    (folder / "index.html").write_text(index)
    (folder / "docs/b.html").write_text(other)
    return list(faults(folder))


def test_a_site_without_faults(tmp_path: Path) -> None:
    assert site(tmp_path, GOOD + UNSEEN) == []


def test_nothing_to_begin_with(tmp_path: Path) -> None:
    assert list(faults(tmp_path)) == ["index.html: it is not there"]


def test_what_could_not_be_read(tmp_path: Path) -> None:
    boxes = '<div class="admonition error"></div>\n<span class="problematic"></span>\n<span class="err">{</span>'
    assert site(tmp_path, boxes) == [
        "index.html: line 1 shows an error, class error",
        "index.html: line 2 shows an error, class problematic",
        "index.html: line 3 shows an error, class err",
    ]


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    away = '<meta http-equiv="refresh" content="0; url=gone.html"><img src="docs/c.svg"><a href="docs/b.html#y">b</a>'
    assert site(tmp_path, away) == [
        "index.html: gone.html leads nowhere",
        "index.html: docs/c.svg leads nowhere",
        "index.html: docs/b.html#y has no such place",
    ]
