# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guards of DMA: whether Xen limits it at all (XSA-61), and what the IOMMU can't tell apart."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes
from ansible_collections.xen.pciback.plugins.module_utils.refusals import IOMMU_GROUP, NO_IOMMU

SAYS = {
    NO_IOMMU: "would be given away without an IOMMU, and Xen has none in use",
    IOMMU_GROUP: "can't be told by the IOMMU from a device that stays in dom0",
}


def absent(case: Case) -> Notes:
    """Refuse every device if Xen uses no IOMMU; warn if nobody can say."""
    if case.facts.iommu is None and case.chosen:
        yield "no toolstack says whether Xen uses an IOMMU: without one, a guest reaches all memory by DMA (XSA-61)"
    elif not case.facts.iommu:
        for address in case.chosen:
            yield Evidence(NO_IOMMU, address, "virt_caps of 'xl info' names no directio")


def groups(case: Case) -> Notes:
    """Refuse a part of a group.

    Functions of a group reach each other's memory. Bridges of a group carry their traffic and have none to lose.
    """
    staying = case.staying()
    for address in case.chosen:
        group = case.facts.iommu_groups.get(address)
        for other in staying if group is not None else ():
            if case.facts.iommu_groups.get(other.address) == group and not other.is_bridge:
                yield Evidence(IOMMU_GROUP, address, f"IOMMU group {group} holds {other.describe()} as well")
