# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of which nothing is known."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import guard
from tests.unit.guards.cases import DEVICES, choose


def test_a_host_that_says_nothing_is_no_reason_to_refuse_but_said():
    verdict = guard(Facts(iommu=True), DEVICES, choose("00:05.0"))
    assert verdict.findings == ()
    (warning,) = verdict.warnings
    assert warning.startswith("this host has no default route")
