# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of what could not be seen: a tool that fails or says nothing does not say that nothing is in use."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import DISKS, NETWORK
from ansible_collections.xen.pciback.plugins.module_utils.refusals import USE_UNKNOWN

SAYS = {USE_UNKNOWN: "may carry what dom0 stands on or is managed through, and the host does not say whether it does"}

# PCI's base classes: those from before there were classes, and those without one, can be anything. Disks and interfaces
# hang on controllers of serial buses (USB, Fibre Channel, InfiniBand) too.
_ANYTHING = frozenset({0x00, 0x0C, 0xFF})
_CARRIERS = {DISKS: _ANYTHING | {0x01}, NETWORK: _ANYTHING | {0x02, 0x0D}}


def unseen(case: Case) -> Notes:
    """Refuse what could carry what was not seen; of the rest, say what is not known."""
    for gap in case.facts.unseen:
        carriers = [device for device in case.chosen.values() if device.class_code >> 16 in _CARRIERS[gap.use]]
        for device in carriers:
            yield Evidence(USE_UNKNOWN, device.address, gap.why)
        if not carriers:
            yield gap.why
