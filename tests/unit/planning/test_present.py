# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of hosts whose devices are to go to guests: from what is wanted and seen to steps and refusals."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedDevice
from tests.unit.planning.hosts import BUS, ONE, codes, converged, device, guest, host, kinds, nic
from tests.unit.plans import make_plan


def test_from_nothing_everything_in_order():
    plan = make_plan(ONE, host(native=NativeState(False, "nothing is recorded")))
    assert kinds(plan) == ["native", "hide", "configure", "start_up", "reboot", "run"]
    assert plan.reboot_required and not plan.refusals and plan.changed
    hide = plan.actions[1].arguments
    assert hide["devices"] == ["0000:00:05.0"]
    assert hide["pins"]["0000:00:05.0"]["driver"] == "wm1"
    assert plan.actions[2].arguments["domains"] == [
        {"config": "/etc/xen/firewall", "devices": [{"address": "0000:00:05.0"}]}
    ]
    assert plan.actions[3].arguments == {
        "backend": "kernel",
        "devices": ["0000:00:05.0,id=8086:100e,allow=no-reset+shared-irq"],
        "guests": [{"name": "firewall", "config": "/etc/xen/firewall", "devices": ["0000:00:05.0"]}],
    }
    assert plan.actions[5].arguments["domains"][0]["name"] == "firewall"
    assert "00:05.0 (pcictl 000:05:0)" in plan.reasons[0] and "wm1 holds it now" in plan.reasons[0]


def test_converged_host_has_nothing_to_do():
    plan = make_plan(ONE, converged())
    assert (kinds(plan), codes(plan), plan.reasons, plan.warnings, plan.changed) == ([], [], (), (), False)
    assert plan.devices[0].held and plan.devices[0].attached


REFUSED = {
    "no-such-device": Wanted(guests=(guest(device(address="00:1f.0")),)),
    "ambiguous-selector": Wanted(guests=(guest(device(id="8086:100e")),)),
    "assigned-twice": Wanted(guests=(guest(device(address="00:05.0")), guest(device(driver="wm1"), name="storage"))),
    "bridge": Wanted(guests=(guest(device(address="00:0d.0")),)),
    "list-too-long": Wanted(
        extra_devices=tuple(
            WantedDevice(parse_selector({"address": f"00:{n:02x}.{f}"})) for n in range(16, 21) for f in (0, 1)
        )
    ),
}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_refusals_stop_everything(code):
    many = tuple(nic(f"00:{n:02x}.{f}", None) for n in range(16, 21) for f in (0, 1))
    plan = make_plan(REFUSED[code], host(devices=BUS + many) if code == "list-too-long" else host())
    assert codes(plan) == [code]
    assert plan.actions == () and not plan.changed
    assert plan.refusals[0].message and plan.refusals[0].remedy
