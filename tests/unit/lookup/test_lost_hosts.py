# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup says which hosts this run has lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import constants
from ansible.errors import AnsibleLookupError

from ansible_collections.xen.pciback.plugins.lookup.lost_hosts import LookupModule
from ansible_collections.xen.pciback.plugins.plugin_utils.reboots import LostHost, add_lost_host


def test_each_lost_host_with_its_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    assert LookupModule().run([]) == []
    add_lost_host(LostHost("alpha", "alpha did not come back"))
    assert LookupModule().run([]) == [{"host": "alpha", "message": "alpha did not come back"}]


def test_terms_are_refused() -> None:
    with pytest.raises(AnsibleLookupError, match="lost_hosts takes no terms"):
        LookupModule().run(["x"])
