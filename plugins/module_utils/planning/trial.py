# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a reboot undoes itself, and what to do about one that did, that runs, or that waits.

A platform says here what its boot configuration tries (:func:`judge`), and asks whether the next reboot can be one.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import (
    ARMED,
    CONFIRMED,
    NONE,
    NOTHING_TO_TRY,
    RUNNING,
    NoTrial,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import TrialFacts
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import MANUAL, WHEN_POSSIBLE
from ansible_collections.xen.pciback.plugins.module_utils.refusals import REFUSALS, TRIAL_RUNNING, TRIAL_UNDONE

NOT_INSTALLED = "not-installed"


def judge(draft: Draft, tried: Collection[Address] | None, *, is_new: bool) -> bool:
    """Judge the trial that a boot configuration is written for.

    :param tried: what it tries, ``None`` if it tries nothing
    :param is_new: whether what is wanted is something else than what this boot has
    :returns: whether the boot configuration is as wanted with its trial; else a new edit ends that
    """
    state = draft.observed.trial.state
    is_wanted = tried is not None and set(tried) == set(draft.listed)
    if state.state == RUNNING and not (is_wanted and not is_new):
        draft.refuse(
            TRIAL_RUNNING,
            f"this boot tries to hide {_listed(tried or ())}, which is not what is wanted, or not all of it: {state.message}",
            remedy=REFUSALS[TRIAL_RUNNING].remedy,
        )
        return True
    if state.state == CONFIRMED or state.state == RUNNING:
        draft.to_confirm = is_wanted or tried is None
        return draft.to_confirm
    if state.has_failed and is_wanted and is_new and not draft.wanted.trials.retry_failed:
        draft.refuse(
            TRIAL_UNDONE,
            f"this host has tried to hide {_listed(tried or ())} and {came_back(draft.observed.trial)}",
            remedy=REFUSALS[TRIAL_UNDONE].remedy,
        )
        return True
    if state.state == ARMED and is_wanted and not draft.reboots:
        draft.warnings.append(f"the boot configuration is ready for a trial: {state.message}")
        return True
    if state.state == ARMED and is_wanted and _wants(draft) and state.seconds == draft.wanted.trials.within:
        draft.trial = state.seconds
        return True
    return state.state == NONE and tried is None


def obstacle(draft: Draft) -> NoTrial | None:
    """Why the host makes no trial of a reboot that could be one, whatever is tried."""
    if draft.observed.trial.obstacle is None and not draft.wanted.native:
        return NoTrial(NOT_INSTALLED, "a trial needs pciback-trial on the host, and the native component is not wanted")
    return draft.observed.trial.obstacle


def is_asked(draft: Draft) -> bool:
    """Whether the plan has a reboot that has to be a trial if it can."""
    return draft.reboots and _wants(draft)


def came_back(facts: TrialFacts) -> str:
    """What became of a trial that the host has undone, for a sentence."""
    at = "" if facts.began is None else time.strftime(" at %H:%M on %Y-%m-%d", time.localtime(facts.began))
    return f"came back with the previous list by itself{at}, because nobody confirmed before it started again"


def explain(draft: Draft) -> None:
    """Say why a reboot is no trial, where one is wanted."""
    if draft.trial is not None or not draft.reboots:
        return
    if draft.no_trial is not None:
        draft.warnings.append(f"the reboot is no trial ({draft.no_trial.code}): {draft.no_trial.reason}")
    elif is_asked(draft):
        # Nobody can change that: the plan's result says it, and not each run.
        nothing = NoTrial(NOTHING_TO_TRY, "the boot configuration stays as it is, so there is nothing to take back")
        draft.no_trial = draft.observed.trial.obstacle or nothing


def confirm(draft: Draft) -> None:
    """Confirm what this boot tries, or the next one, once all is done."""
    if draft.trial is None and not draft.to_confirm:
        return
    state = draft.observed.trial.state
    if draft.wanted.trials.confirm == MANUAL and state.state != CONFIRMED:
        if draft.to_confirm:
            draft.pend(f"{state.message}: by 'pcibackctl confirm' on the host, or a run with pciback_confirm: now")
        return
    pins = draft.selection.record(keep_held=False)
    draft.act(Step.CONFIRM, "confirm the trial, and hide from now on what it has hidden", {"pins": to_mapping(pins)})


def _wants(draft: Draft) -> bool:
    return draft.wanted.trials.trial == WHEN_POSSIBLE


def _listed(addresses: Collection[Address]) -> str:
    return listed(sorted(addresses)) or "nothing"
