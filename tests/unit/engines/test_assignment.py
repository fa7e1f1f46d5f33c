# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices leave dom0 while it runs, and come back."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.modules import assignable
from tests.unit.linux_modules import CARD, FIREWALL, XL, Dom0
from tests.unit.module_call import call


def test_what_a_guest_has_is_not_returned(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    failed = call(assignable.main, {"devices": [{"address": "00:05.0"}], "state": "returned", "xl": XL})
    assert failed["msg"] == "00:05.0 is with guest firewall"
    assert dom0.driver(CARD) == "pciback"


def test_assignable_is_idempotent(dom0: Dom0) -> None:
    for state in ("assigned", "returned"):
        arguments = {"devices": [{"id": "1b36:0010"}, {"id": "10ec:8139"}], "state": state, "xl": XL}
        arguments["allow"] = [{"code": "iommu-group", "address": "00:06.0"}]
        predicted = call(assignable.main, arguments, check=True)
        assert predicted["diff"] == call(assignable.main, arguments)["diff"] != []
        again = call(assignable.main, {**arguments, "devices": [{"address": "01:00.0"}, {"address": "00:06.0"}]})
        assert (again["changed"], again["diff"]) == (False, [])
