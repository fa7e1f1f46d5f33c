# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state directory for modules that are called without one, and a Linux dom0 that they work on."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from tests.unit.linux_modules import Dom0, connect


@pytest.fixture(autouse=True)
def directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the default lock and records are, instead of the machine's own /var/db."""
    path = tmp_path_factory.mktemp("state") / "xen-pciback"
    monkeypatch.setattr(state_directory, "DIRECTORY", str(path))
    return path


@pytest.fixture
def dom0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dom0:
    return connect(Dom0(tmp_path), monkeypatch)
