# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "it is wrong"),
        ({"file": "/boot.cfg"}, "/boot.cfg: it is wrong"),
        ({"file": "/boot.cfg", "line": 3}, "/boot.cfg, line 3: it is wrong"),
        ({"file": "/boot.cfg", "line": 3, "column": 7}, "/boot.cfg, line 3, column 7: it is wrong"),
        ({"line": 3}, "line 3: it is wrong"),
    ],
)
def test_one_sentence_with_its_place(place: dict[str, object], text: str) -> None:
    error = PcibackError("it is wrong", code="bridge", remedy="mend it", **place)  # type: ignore[arg-type]
    assert str(error) == text
    assert (error.message, error.code, error.remedy) == ("it is wrong", "bridge", "mend it")
