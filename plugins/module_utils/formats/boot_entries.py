# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How an owner says which entries of a boot menu are meant."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


def menu_entries(value: Any, option: str) -> str | list[str]:
    """The menu entries that get the list: a word or titles.

    :raises PcibackError: it is neither
    """
    if value in ("xen", "default"):
        return str(value)
    if isinstance(value, list) and value and all(isinstance(title, str) for title in value):
        return value
    raise PcibackError(
        f"option '{option}' must be 'xen', 'default' or a list of titles; quote a title that YAML takes for a number"
    )
