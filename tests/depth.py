# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried: all that is promised with ``make soak``, a sample of it with ``make test``.

The tests are the same; only their numbers differ. What a sample leaves out is said at the end of the run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hypothesis import settings

SOAK = os.environ.get("SOAK") == "1"
"""Whether all is tried."""

SHARE = 8
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
