# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engines' tests share."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_install
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.engines.native import ORIGIN


@pytest.fixture
def installed(tmp_path):
    """A host with an installed component; returns the prefix and the record."""
    prefix, record = tmp_path / "local", tmp_path / "db/native.json"
    native_install.install(
        {f"{prefix}/sbin/pcibackctl": b"binary", f"{prefix}/man/x.8": b"text"},
        StateDirectory(str(record.parent)),
        **ORIGIN,
    )
    return prefix, record
