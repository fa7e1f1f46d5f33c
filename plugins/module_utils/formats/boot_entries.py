# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The entries of a boot menu: how an owner says which are meant, and how ours is called."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError

PREVIOUS_SUFFIX = " (previous pciback)"
"""What the title of the entry that keeps the previous list ends with."""


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
