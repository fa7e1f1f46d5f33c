# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded dom0s of the lab's own tests."""

from __future__ import annotations

from tests.unit.lab.conftest import firmware, host

__all__ = ("firmware", "host")
