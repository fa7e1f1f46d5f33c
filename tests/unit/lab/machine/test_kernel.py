# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which NetBSD the machine runs."""

from __future__ import annotations

from machine.kernel import KERNEL_RELEASE, kernel_version


def test_the_version_names_release_and_configuration() -> None:
    assert kernel_version("XEN3_DOM0").startswith(f"NetBSD {KERNEL_RELEASE} (XEN3_DOM0) #0: ")
