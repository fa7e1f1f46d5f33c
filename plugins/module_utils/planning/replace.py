# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Whether each file can be replaced that a plan replaces: one that fails halfway leaves a host that nobody wanted."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action, Step
from ansible_collections.xen.pciback.plugins.module_utils.refusals import NOT_REPLACEABLE


def refuse_not_replaceable(draft: Draft) -> None:
    """Refuse if a file of an action can't be replaced."""
    paths = dict.fromkeys(path for action in draft.actions for path in _files(draft, action))
    for path in paths:
        error = draft.observed.not_replaceable.get(path)
        if error is not None:
            draft.refuse_error(error, NOT_REPLACEABLE)


def _files(draft: Draft, action: Action) -> tuple[str, ...]:
    """The files that a step makes or replaces."""
    if action.kind is Step.CONFIGURE:
        guests = action.arguments["domains"]
    elif action.kind is Step.RESTORE:
        guests = action.arguments["guests"]
    else:
        guests = ()
    return (*draft.observed.written.get(action.kind, ()), *(guest["config"] for guest in guests))
