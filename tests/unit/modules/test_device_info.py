# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around engines/device_report.py."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.modules import device_info
from tests.unit.linux_modules import CARD, Dom0
from tests.unit.module_call import call


def test_it_changes_nothing_and_returns_what_is_selected(dom0: Dom0) -> None:
    before = dom0.tree()
    result = call(device_info.main, {"devices": [{"address": "00:05.0"}]})
    assert (result["changed"], [each["address"] for each in result["devices"]]) == (False, [CARD])
    assert (dom0.tree(), dom0.calls) == (before, [])


def test_a_selector_that_names_nothing_is_refused(dom0: Dom0) -> None:
    result = call(device_info.main, {"devices": [{"address": "00:1e.7"}]})
    assert (result["failed"], result["code"]) == (True, "no-such-device")
