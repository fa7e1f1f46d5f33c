# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A three-way merge of texts by lines, as far as both sides leave a place for it."""

from __future__ import annotations

from difflib import SequenceMatcher


def merge_lines(base: bytes, edited: bytes, wanted: bytes) -> tuple[bytes, list[bytes]]:
    """Make the changes from ``base`` to ``wanted`` in ``edited``, line by line.

    A changed line finds its place if the old one is still there; inserted lines if both lines around them still are, and
    next to each other.

    :returns: the result, and the lines of ``wanted`` for which there was no place any more
    """
    olds, result, news = (text.split(b"\n") for text in (base, edited, wanted))
    places = {-1: -1, len(olds): len(result)}
    for block in SequenceMatcher(None, olds, result, False).get_matching_blocks():
        places.update((block.a + number, block.b + number) for number in range(block.size))
    lost: list[bytes] = []
    for start, stop, new in reversed(_differences(olds, news)):
        # An insertion needs both lines that it comes between.
        around = range(start, stop) if start < stop else range(start - 1, start + 1)
        found = [places.get(line) for line in around]
        first = found[0]
        if first is None or found != list(range(first, first + len(found))):
            lost[:0] = new
        elif start < stop:
            result[first : first + len(found)] = new
        else:
            result[first + 1 : first + 1] = new
    return b"\n".join(result), lost


def _differences(olds: list[bytes], news: list[bytes]) -> list[tuple[int, int, list[bytes]]]:
    """Which lines of one text are replaced by which of another."""
    found = []
    for tag, start, stop, first, last in SequenceMatcher(None, olds, news, False).get_opcodes():
        if tag == "replace" and stop - start == last - first:
            # Each line on its own, so that an edit in one does not keep the others from their places.
            found += [(start + number, start + number + 1, [news[first + number]]) for number in range(stop - start)]
        elif tag != "equal":
            found.append((start, stop, news[first:last]))
    return found
