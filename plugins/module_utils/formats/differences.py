# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What Ansible shows in diff mode."""

from __future__ import annotations

from collections.abc import Mapping

Difference = Mapping[str, str]


def difference(path: str, before: bytes | None, after: bytes | None) -> Difference:
    """How a file changes; ``None`` stands for no file. What is no UTF-8 is shown with replacement characters."""
    return {
        "before_header": path,
        "after_header": path,
        "before": (before or b"").decode("utf-8", "replace"),
        "after": (after or b"").decode("utf-8", "replace"),
    }
