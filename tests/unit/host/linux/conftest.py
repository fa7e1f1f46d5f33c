# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0 for the tests of its adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.linux_host import LinuxHost, usual_host


@pytest.fixture
def host(tmp_path: Path) -> LinuxHost:
    """A captured bus, and what stands on it in most tests."""
    return usual_host(tmp_path)
