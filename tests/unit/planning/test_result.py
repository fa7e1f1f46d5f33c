# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What module ``plan`` returns: plain values, under the documented names."""

from __future__ import annotations

import json

from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Move
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import (
    Action,
    Plan,
    PlannedDevice,
    Refusal,
    Step,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.result import as_result
from tests.unit.planning.hosts import BUS, host, predicted

CARD = BUS[2]
PLAN = Plan(
    actions=(Action(Step.SHUT_DOWN, "shut down firewall before the reboot", {"domains": []}),),
    refusals=(Refusal("bridge", "it is a bridge", "00:0d.0", "leave it to dom0"),),
    warnings=("a warning",),
    reasons=("why",),
    devices=(PlannedDevice(CARD, "firewall", (("permissive", True),), held=True, attached=False),),
    recovery=("choose the other entry",),
    moves=(Move(parse_address("00:06.0"), CARD.address, "firewall", "its MAC address"),),
)


def test_every_part_of_a_plan() -> None:
    observed = host(
        claims=(CARD.address,),
        prediction=predicted("registered", CARD.address),
        running=(RunningGuest("firewall", 3, (CARD.address,)),),
    )
    result = as_result(PLAN, observed)
    assert result == {
        "backend": "",
        "reboot_required": True,
        "reasons": ["why"],
        "pending": [],
        "actions": [
            {"action": "shut_down", "summary": "shut down firewall before the reboot", "arguments": {"domains": []}}
        ],
        "refusals": [
            {"code": "bridge", "message": "it is a bridge", "device": "00:0d.0", "remedy": "leave it to dom0"}
        ],
        "devices": [
            {
                "address": "0000:00:05.0",
                "pcictl": "000:05:0",
                "id": "8086:100e",
                "name": "Intel i82540EM",
                "driver": "wm1",
                "guest": "firewall",
                "held": True,
                "attached": False,
            }
        ],
        "moves": [{"from": "0000:00:06.0", "to": "0000:00:05.0", "guest": "firewall", "because": "its MAC address"}],
        "recovery": ["choose the other entry"],
        "trial": {
            "planned": None,
            "why_not": None,
            "state": "none",
            "has_failed": False,
            "remaining": 0,
            "message": "",
        },
        "boot_config": "/boot.cfg",
        "predictable": True,
        "boot_loader": "either",
        "claims": ["0000:00:05.0"],
        "predicted_claims": ["0000:00:05.0"],
        "running": [{"name": "firewall", "domid": 3, "devices": ["0000:00:05.0"]}],
    }
    assert json.loads(json.dumps(result)) == result
    assert not isinstance(result["actions"][0]["action"], Step), "a word, which every reader of YAML takes"


def test_no_backend_is_not_a_backend_without_devices() -> None:
    nothing = Plan((), (), (), (), ())
    result = as_result(nothing, host(claims=None))
    assert (result["claims"], result["predicted_claims"], result["reboot_required"]) == (None, None, False)
    assert as_result(nothing, host(claims=()))["claims"] == []
