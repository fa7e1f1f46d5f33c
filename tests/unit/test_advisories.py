# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of advisories: each one that the sources name has a row, and each row that says "kept" has a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.product import NATIVE, ROOT, files, none

PAGE = ROOT / "docs/explanation/advisories.md"
# Advisories from the year 2024 on about pass-through and what a backend uses, which have to be answered.
ASKED = {449, 450, 458, 460, 461, 467, 476, 480, 481, 482, 491, 492, 496, 499, 500, 501, 505}


def rows() -> dict[int, list[str]]:
    """The cells after the number, by the number."""
    found = {}
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if match := re.fullmatch(r"XSA-(\d+)", cells[0]):
            found[int(match[1])] = cells[1:]
    return found


def named(paths: Iterator[Path]) -> dict[int, str]:
    """Advisories that files name, by ``XSA-1`` or in a function's name, ``test_xsa_1_and_2``."""
    found: dict[int, str] = {}
    for path in paths:
        if path == PAGE:
            continue
        text = path.read_text()
        numbers = re.findall(r"XSA-(\d+)", text)
        for name in re.findall(r"test_xsa((?:_\d+|_and)+)", text):
            numbers += re.findall(r"\d+", name)
        for number in numbers:
            found.setdefault(int(number), str(path.relative_to(ROOT)))
    return found


def sources() -> Iterator[Path]:
    for folder in ("core", "os", "include", "daemon", "cli", "model", "tests"):
        for end in (".c", ".h"):
            yield from files(NATIVE / folder, end)
    yield from files(ROOT / "plugins", ".py")
    yield from files(ROOT / "docs", ".md")


def test_each_advisory_that_is_named_has_a_row() -> None:
    none(f"XSA-{number}, named in {place}" for number, place in named(sources()).items() if number not in rows())
    assert set(rows()) >= ASKED


def test_rows_are_in_order_and_say_who_answers() -> None:
    numbers = list(rows())
    assert numbers == sorted(numbers)
    none(
        f"XSA-{number}"
        for number, cells in rows().items()
        if len(cells) != 3 or cells[1] not in ("kept", "checked", "Xen")
    )


def test_what_is_kept_or_checked_says_how_and_has_a_test() -> None:
    tested = named(iter(files(NATIVE / "tests", ".c")))
    answered = {number: cells for number, cells in rows().items() if cells[1] != "Xen"}
    none(f"XSA-{number} does not say how" for number, cells in answered.items() if not cells[2])
    none(f"XSA-{number} is in no test of native/tests" for number in answered if number not in tested)
