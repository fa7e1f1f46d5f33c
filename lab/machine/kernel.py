# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which NetBSD the machine runs."""

from __future__ import annotations

KERNEL_RELEASE = "7.99.10"
_BUILT = "Sun Nov 22 17:04:00 UTC 2026"


def kernel_version(configname: str) -> str:
    """What ``kern.version`` begins with."""
    return f"NetBSD {KERNEL_RELEASE} ({configname}) #0: {_BUILT}"
