# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the finished site as a reader does: `python tests/docs_site.py DIRECTORY`, called by `make docs`.

It begins at index.html, no page shows an error, and every link leads somewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# How docutils, Sphinx, its themes and Pygments show what they could not read.
ERRORS = {"error", "problematic", "system-message", "err"}
LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "object": "data"}


class Page(HTMLParser):
    """What a page shows.

    :ivar targets: what links to it can name
    :ivar links: where it leads to
    :ivar errors: classes of what shows an error, with the lines
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = {""}
        self.links: list[str] = []
        self.errors: list[str] = []
        self._unseen = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        # Seen only by a browser without scripts, which is told so by the theme's search page.
        self._unseen += tag == "noscript"
        shown = ERRORS.intersection((values.get("class") or "").split())
        if shown and not self._unseen:
            self.errors.append(f"line {self.getpos()[0]} shows an error, class {', '.join(sorted(shown))}")
        self.targets.update(value for value in (values.get("id"), values.get("name")) if value)
        link = values.get(LINKS.get(tag, ""))
        if link:
            self.links.append(link)
        if tag == "meta" and values.get("http-equiv") == "refresh":
            self.links.append((values.get("content") or "").partition("url=")[2])

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag == "noscript"


@lru_cache(maxsize=None)
def page(path: Path) -> Page:
    """A page of the site."""
    return Page(path.read_text(encoding="utf-8"))


def faults(site: Path) -> Iterator[str]:
    """What is wrong with a site, a sentence each."""
    if not (site / "index.html").is_file():
        yield "index.html: it is not there"
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        for error in page(path).errors:
            yield f"{name}: {error}"
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = path.parent / unquote(parts.path) if parts.path else path
            if not target.is_file():
                yield f"{name}: {link} leads nowhere"
            elif target.suffix == ".html" and unquote(parts.fragment) not in page(target).targets:
                yield f"{name}: {link} has no such place"


def main() -> int:
    """Entry point; the exit status."""
    found = list(faults(Path(sys.argv[1])))
    for fault in found:
        print(fault, file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
