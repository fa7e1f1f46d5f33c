# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of random lives takes for a leak of the pcibackd that it runs."""

from __future__ import annotations

import pytest

from tests.simulator.books import Violation
from tests.simulator.lives import Footprint, must_not_grow


def test_memory_that_was_taken_at_the_start_may_be_used_late() -> None:
    """As seen: 300 lives of seed 12, where it never took more than at its start."""
    must_not_grow([Footprint(9, 32780, touched) for touched in (*range(3196, 4896, 90), *range(4896, 5172, 12))])


def test_a_sanitizer_keeps_what_was_freed() -> None:
    """As seen: 1,160 lives of seed 1, with AddressSanitizer."""
    must_not_grow([Footprint(9, 15032465784, 11800)] * 20 + [Footprint(9, 15032466168, 12352)])
    with pytest.raises(Violation, match="memory grew"):
        must_not_grow([Footprint(9, 15032465784, 11800)] * 20 + [Footprint(9, 15032468784, 14800)])


def test_what_is_lost_is_noticed() -> None:
    with pytest.raises(Violation, match="memory grew from 4000 to 4304 KiB, of 32780 and 33040 taken"):
        must_not_grow([Footprint(9, 32780, 4000)] * 20 + [Footprint(9, 33040, 4304)])
    with pytest.raises(Violation, match="open files"):
        must_not_grow([Footprint(9, 32780, 4000)] * 20 + [Footprint(21, 32780, 4000)])
