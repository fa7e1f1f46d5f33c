# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of what one owner of a device leaves to the next: it has to be reset in between. Only pcibackd insists."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes
from ansible_collections.xen.pciback.plugins.module_utils.refusals import NO_RESET

SAYS = {NO_RESET: "can't be reset before it goes to a guest"}


def unresettable(case: Case) -> Notes:
    """Refuse a device that neither the kernel nor its own registers offer a way to reset."""
    for address, device in case.chosen.items():
        if device.reset_methods is not None:
            if not device.reset_methods:
                yield Evidence(NO_RESET, address, "the kernel knows no way for it")
        elif device.config is not None and not device.config.is_resettable:
            yield Evidence(
                NO_RESET, address, "it has no function-level reset, and keeps its state in the power state D3hot"
            )
