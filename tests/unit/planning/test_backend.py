# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backends as values."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AT_BOOT, AT_RUN_TIME, Backend


@pytest.mark.parametrize(("takes", "reboot"), [(AT_BOOT, True), (AT_RUN_TIME, False)])
def test_only_what_takes_devices_at_boot_needs_one(takes: str, reboot: bool) -> None:
    assert Backend("kernel", takes, hot_plug=False, bridge_loss="").needs_reboot is reboot
