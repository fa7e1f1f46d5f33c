# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole numbers that an option can be."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.ranges import FRONTEND_TIME, Range


@pytest.mark.parametrize("value", [1, 2, 5])
def test_the_ends_are_in_the_range(value: int) -> None:
    Range(1, 5, "hosts").check(value, "throttle")


@pytest.mark.parametrize("value", [0, 6, -1])
def test_a_number_outside_is_refused_with_the_range(value: int) -> None:
    with pytest.raises(PcibackError) as caught:
        Range(1, 5, "hosts").check(value, "throttle")
    assert str(caught.value) == f"'throttle' is {value}, and has to be from 1 to 5 hosts"


def test_a_frontend_may_be_given_no_time() -> None:
    FRONTEND_TIME.check(0, "frontend_timeout")
