# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried: all that is promised with ``make soak``, a sample of it with ``make test``.

Where a test tries many of a kind, its number differs: :func:`examples` and :func:`points`. Of tests and cases that
are many of a kind themselves, ``make soak`` runs those with the mark ``soak``, and ``make test`` at least one that stands
for them; docs/how-to/run-the-tests.md lists them. What is left out is said at the end of the run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import settings

SOAK = os.environ.get("SOAK") == "1"
"""Whether all is tried."""

SHARE = 16
"""One in how many examples of a property a sample tries."""


def examples(promised: int, parent: settings | None = None, **more: Any) -> settings:
    """Settings of a property, for as many examples as are promised or as a sample has.

    :param promised: what ``make soak`` tries
    :param parent: settings to begin with; hypothesis' own profile by default
    :param more: other settings of hypothesis
    """
    return settings(parent, max_examples=promised if SOAK else max(1, promised // SHARE), **more)


def points(kinds: Sequence[str]) -> list[int]:
    """Which of a work's steps are tried: all, or the first, the last, and the middle one of each kind.

    :param kinds: the kind of each step, in order
    :returns: numbers of steps, ascending
    """
    if SOAK:
        return list(range(len(kinds)))
    by_kind: dict[str, list[int]] = {}
    for number, kind in enumerate(kinds):
        by_kind.setdefault(kind, []).append(number)
    middle = {numbers[len(numbers) // 2] for numbers in by_kind.values()}
    return sorted(middle | {0, len(kinds) - 1})


def sampled(cases: Iterable[str], *kept: str) -> list[Any]:
    """Cases of a test, for ``pytest.mark.parametrize``: a few for ``make test``, the others for ``make soak``.

    A file that has nothing deeper than this imports it by itself, so that ``make soak`` runs only these others of it.

    :param cases: names of all
    :param kept: names of those that stand for the others
    """
    names = list(cases)
    if not kept or not set(kept) <= set(names):
        raise ValueError(f"of {names} none stands for the others, or one is none of them: {kept}")
    left = pytest.mark.soak(instead=", ".join(kept))
    return [name if name in kept else pytest.param(name, marks=left) for name in names]


def tried(cases: Iterable[str], *kept: str) -> list[str]:
    """Which of these cases this run tries, for a fixture that prepares all of them at once; arguments as above."""
    return [name for name in cases if (name in kept) != SOAK]


def divide(items: list[pytest.Item]) -> list[pytest.Item]:
    """What of the collected tests is run.

    :param items: all; those that are left out of a sample are skipped, with the reason
    :returns: all, or with ``make soak`` those of which ``make test`` does not run as much
    """
    run = []
    for item in items:
        mark = item.get_closest_marker("soak")
        if not SOAK and mark:
            item.add_marker(pytest.mark.skip(reason=f"make soak runs it; make test: {mark.kwargs['instead']}"))
        if not SOAK or mark or getattr(getattr(item, "module", None), "depth", None) is sys.modules[__name__]:
            run.append(item)
    return run
