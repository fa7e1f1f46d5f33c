# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The documented form of a plan: what module ``plan`` returns."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.trial import came_back


def as_result(plan: Plan, observed: Observed) -> dict[str, Any]:
    """The return values of module ``plan``, but for ``changed`` and warnings."""
    return {
        "reboot_required": plan.reboot_required,
        "reasons": list(plan.reasons),
        "pending": list(plan.pending),
        "actions": [
            {"action": action.kind.value, "summary": action.summary, "arguments": dict(action.arguments)}
            for action in plan.actions
        ],
        "refusals": [vars(refusal) for refusal in plan.refusals],
        "devices": [
            {
                "address": str(planned.device.address),
                "pcictl": planned.device.address.pcictl,
                "id": planned.device.id,
                "name": planned.device.name,
                "driver": planned.device.driver,
                "guest": planned.guest,
                "held": planned.held,
                "attached": planned.attached,
            }
            for planned in plan.devices
        ],
        "moves": [
            {"from": str(move.old), "to": str(move.new), "guest": move.guest, "because": move.proof}
            for move in plan.moves
        ],
        "recovery": list(plan.recovery),
        "backend": plan.backend,
        "trial": {
            "planned": plan.trial,
            "why_not": None if plan.no_trial is None else vars(plan.no_trial),
            "state": observed.trial.state.state,
            "has_failed": observed.trial.state.has_failed,
            "remaining": observed.trial.state.remaining,
            "message": came_back(observed.trial) if observed.trial.state.has_failed else observed.trial.state.message,
        },
        "boot_config": observed.boot.path,
        "predictable": observed.boot.predictable,
        "boot_loader": observed.boot.loader,
        "claims": _texts(observed.claims),
        "predicted_claims": _texts(observed.boot.predicted_claims),
        "running": [
            {"name": guest.name, "domid": guest.domid, "devices": _texts(guest.devices)} for guest in observed.running
        ],
    }


def _texts(addresses: tuple[Address, ...] | None) -> list[str] | None:
    return None if addresses is None else [str(address) for address in addresses]
