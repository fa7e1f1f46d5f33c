# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of disks: what dom0 stands on, through RAID, encryption, wedges and volumes."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes, Trace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import ROOT_DEVICE, Facts
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import (
    base_of,
    disk_of,
    trace_disk,
    untraced,
    without_dev,
)
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_DISK

SAYS = {BOOT_DISK: "carries disks that dom0 stands on"}

# File systems in memory or made of kernel state; those that lie on another mounted one.
_WITHOUT_DISK = frozenset({"fdesc", "kernfs", "mfs", "mqueue", "procfs", "ptyfs", "tmpfs"})
_ON_ANOTHER = frozenset({"null", "overlay", "umap", "union"})
# Disks made of a file of a mounted file system, or of memory.
_DISKS_WITHOUT_CONTROLLER = frozenset({"md", "vnd"})


def disks_in_use(facts: Facts) -> list[tuple[str, str]]:
    """Devices that dom0 stands on, each with its use (``wd0a``, ``/``); what lies on no disk is left out.

    The name is what the host printed if it is no device of /dev.
    """
    uses = []
    for mount in facts.mounts:
        if mount.kind in _WITHOUT_DISK or mount.kind in _ON_ANOTHER:
            continue
        device = mount.device
        if device == ROOT_DEVICE and facts.root_device:
            device = facts.root_device
        uses.append((without_dev(device), mount.point))
    # A swap area that is no device is a file of a mounted file system.
    uses += [(without_dev(path), "swap") for path in facts.swap if path.startswith("/dev/")]
    if facts.root_device:
        uses.append((without_dev(facts.root_device), "the root device"))
    return [
        use
        for use in dict.fromkeys(uses)
        if use[0] in facts.layers or base_of(disk_of(use[0]) or "") not in _DISKS_WITHOUT_CONTROLLER
    ]


def in_use(case: Case) -> Notes:
    """Refuse controllers of disks that dom0 stands on; warn of uses that lead to none."""
    for name, use in disks_in_use(case.facts):
        traces = list(trace_disk(case, name))
        yield from case.evidence(
            BOOT_DISK, [Trace((f"{name} is {use}", *trace.steps), trace.address) for trace in traces]
        )
        for trace in traces:
            if trace.address is None:
                yield untraced(f"{name} ({use})", trace.steps)


def held(case: Case) -> Notes:
    """Warn of disks that something lies on which is not mounted in dom0, such as guests' volumes."""
    refused = {note.device for note in in_use(case) if isinstance(note, Evidence)}
    for name, above in case.facts.holders.items():
        for trace in trace_disk(case, name):
            device = case.chosen_of(trace)
            if device is not None and device.address not in refused:
                yield f"{device.describe()} is in use: {', '.join(above)} lies on {name}; {'; '.join(trace.steps)}"
