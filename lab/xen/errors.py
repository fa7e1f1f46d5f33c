# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong, for the person at the terminal."""

from __future__ import annotations


class LabError(Exception):
    """One sentence: what is wrong, and what would be right."""
