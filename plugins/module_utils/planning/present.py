# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of a host whose devices are to go to guests."""

from __future__ import annotations

from functools import partial

from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import BootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.planning.choose import (
    choose_devices,
    refuse_bridges,
    refuse_irqs,
    refuse_needed,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.given import name_ignored_options, refuse_guests
from ansible_collections.xen.pciback.plugins.module_utils.planning.guests import Rules, configure, obstacle, way
from ansible_collections.xen.pciback.plugins.module_utils.planning.hand_over import (
    explain_reboot,
    hand_over,
    record_for_boot,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.loss import refuse_loss
from ansible_collections.xen.pciback.plugins.module_utils.planning.native import prepare
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan, Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.release import refuse_busy_backend
from ansible_collections.xen.pciback.plugins.module_utils.planning.replace import refuse_not_replaceable
from ansible_collections.xen.pciback.plugins.module_utils.planning.trial import confirm, explain


def plan_present(draft: Draft, boot: BootPlanner) -> Plan:
    """Decide what has to be done so that guests get their devices, in which order, and what must not be done."""
    choose_devices(draft)
    refuse_bridges(draft, draft.backend.bridge_loss)
    refuse_irqs(draft)
    refuse_needed(draft)
    explain_reboot(draft)
    hide = boot.hide(draft)
    refuse_busy_backend(draft)
    listed = configure(draft)
    if not draft.backend.xl_gives:
        refuse_guests(draft)
        name_ignored_options(draft)
    refuse_loss(draft, boot)
    draft.refuse_problems()
    if draft.refusals:
        return draft.without_actions()
    explain(draft)
    predicts = (draft.backend.hides or hide or draft.reboots) and draft.observed.boot.predictable
    native = draft.observed.native
    tries = draft.trial is not None and not (native.trial and draft.observed.trial.starts)
    prepared = prepare(draft)
    if prepared or (draft.wanted.native and ((predicts and not native.ready) or tries)):
        what = (
            "install pcibackd and record what it gives to guests, for when the kernel's backend ends"
            if prepared
            else "install pciback-trial, for the trial"
            if native.ready or not predicts
            else f"install pcibackctl: {native.reason}"
        )
        arguments = {"daemon": native.daemon.installed, **({"trial": True} if tries else {}), **prepared}
        draft.act(Step.NATIVE, what, arguments)
    if native.daemon.installed:
        record_for_boot(draft)
    draft.actions += [*hide, *listed]
    rules = Rules(way=partial(way, draft), obstacle=partial(obstacle, draft))
    hand_over(draft, rules, draft.hidden, draft.missing)
    confirm(draft)
    refuse_not_replaceable(draft)
    return draft.finish()
