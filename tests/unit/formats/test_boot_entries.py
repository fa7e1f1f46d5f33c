# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which menu entries an owner can mean."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import menu_entries


@pytest.mark.parametrize("value", ["xen", "default", ["Xen"], ["Xen", "Xen, verbose"]])
def test_a_word_or_titles(value: Any) -> None:
    assert menu_entries(value, "entries") == value


@pytest.mark.parametrize("value", ["Xen", "", None, 5, [], [2024], ["Xen", None], {"Xen": 1}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(PcibackError) as refused:
        menu_entries(value, "entries")
    assert str(refused.value) == (
        "option 'entries' must be 'xen', 'default' or a list of titles; quote a title that YAML takes for a number"
    )
