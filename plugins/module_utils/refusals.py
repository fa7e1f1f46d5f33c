# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Every refusal code, once: what it means, what helps, and whether the owner may allow it.

A new refusal is a row here, the place that raises it, its row and section in docs/reference/refusal-codes.md, which
tests/unit/test_refusals.py holds against this file, and its case in tests/safety/test_refusals.py. Everything else imports
the constants: argument choices are :data:`ALLOWABLE`, and what the guards say is :data:`GUARDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class RefusalCode:
    """One reason to refuse.

    :ivar code: how plans, modules and documentation call it
    :ivar meaning: when it is refused
    :ivar remedy: what helps in general; the place that raises it may know better
    :ivar allowable: whether the owner can override it, for one device or for the host; of the rest, the host would not
        survive it or nothing could be done
    :ivar whole_host: whether it is about the host and not about one device, so that an override has no address
    :ivar accepting: what the owner accepts who allows it, where the meaning does not say it already
    :ivar guard: whether it is judged by what the host uses, so that it only counts while a device has not left dom0
    """

    code: str
    meaning: str
    remedy: str
    allowable: bool = False
    accepting: str = ""
    guard: bool = False
    whole_host: bool = False


_rows: dict[str, RefusalCode] = {}


def _refusal(
    code: str,
    meaning: str,
    *,
    remedy: str,
    allowable: bool = False,
    accepting: str = "",
    guard: bool = False,
    whole_host: bool = False,
) -> str:
    _rows[code] = RefusalCode(code, meaning, remedy, allowable, accepting, guard, whole_host)
    return code


INVENTORY_INVALID = _refusal(
    "inventory-invalid",
    "a variable can't be meant as it is written",
    remedy="correct it in the inventory",
)
NOTHING_WANTED = _refusal(
    "nothing-wanted",
    "no device is wanted of a host that gives some away",
    remedy="say which devices its guests own, or give everything back with pciback_state: absent",
    allowable=True,
    accepting="its guests lose their devices, and dom0 gets them back",
    whole_host=True,
)
FOREIGN_HIDE_LIST = _refusal(
    "foreign-hide-list",
    "the boot configuration has a hide list of somebody else, with devices that nobody wants",
    remedy="want its devices, too",
    allowable=True,
    accepting="the list is replaced",
    whole_host=True,
)


NO_SUCH_DEVICE = _refusal(
    "no-such-device",
    "no function matches a selector",
    remedy="correct the selector, or look at the host with xen.pciback.device_info",
)
AMBIGUOUS_SELECTOR = _refusal(
    "ambiguous-selector",
    "several functions match a selector that does not say all",
    remedy="add a criterion, such as the address, or say 'all: true' if every one is meant",
)
IDENTITY_CHANGED = _refusal(
    "identity-changed",
    "another device is where one was given away, or that one is elsewhere",
    remedy="follow the device, or allow the one that is there now",
    allowable=True,
    accepting="the one that is there now is taken",
)
ASSIGNED_TWICE = _refusal(
    "assigned-twice",
    "one device is in two guests, twice in one, or in a guest and the extra devices",
    remedy="leave it in one list, or make the selectors more exact",
)
BRIDGE = _refusal(
    "bridge",
    "the device is a bridge",
    remedy="leave it to dom0",
    allowable=True,
    accepting="the machine loses a bridge of its own; never for a PCI-PCI bridge",
)
BOOT_DISK = _refusal(
    "boot-disk",
    "a mounted file system, a swap area or the root device lies on the device",
    remedy="leave it to dom0",
    allowable=True,
    guard=True,
)
MANAGEMENT_NIC = _refusal(
    "management-nic",
    "the default route or this connection goes through the device",
    remedy="leave it to dom0 or manage the host through another card",
    allowable=True,
    guard=True,
)
USE_UNKNOWN = _refusal(
    "use-unknown",
    "the host does not say what dom0 uses, and the device could carry its disks or its network",
    remedy="see on the host why the command that is named fails",
    allowable=True,
    accepting="dom0 may lose its disks or its network",
    guard=True,
)
CONSOLE = _refusal(
    "console",
    "dom0's display or its serial console hangs on the device",
    remedy="leave it to dom0",
    allowable=True,
    guard=True,
)
SHARED_IRQ = _refusal(
    "shared-irq",
    "a device that dom0 uses has the same interrupt line",
    remedy="take a device of another line, or give the other one away too",
    allowable=True,
    accepting="a guest that holds the line stops the other device, too (XSA-461)",
    guard=True,
)
SHARED_BAR_PAGE = _refusal(
    "shared-bar-page",
    "registers of a device that stays in dom0 lie in the same page of memory",
    remedy="give the other one to the same guest",
    allowable=True,
    accepting="its guest can then read and write registers of the other device, too (XSA-461)",
    guard=True,
)
INTERRUPT_UNKNOWN = _refusal(
    "interrupt-unknown",
    "nobody can tell which interrupt the device has",
    remedy="say with irq of the device which one it is, or take a device that dom0 has a driver for, which makes the kernel find its interrupt",
    allowable=True,
    accepting="its guest gets the firmware's number, and with it no interrupt or another device's",
    guard=True,
)
NO_IOMMU = _refusal(
    "no-iommu",
    "Xen has no IOMMU in use",
    remedy="switch VT-d or AMD-Vi on in the machine's firmware",
    allowable=True,
    accepting=(
        "its guest can then read and write all memory of the machine by DMA, that of Xen and dom0 included (XSA-61), "
        "so it has to be trusted like dom0"
    ),
    guard=True,
)
NO_RESET = _refusal(
    "no-reset",
    "the device can't be reset, and pcibackd is to give it to a guest",
    remedy="take a device that can be reset",
    allowable=True,
    accepting="its next owner finds what the last one left in it",
    guard=True,
)
KEPT_MAPPINGS = _refusal(
    "kept-mappings",
    "a guest that runs on may still reach a device that is to go to another owner",
    remedy="restart that guest",
    allowable=True,
    accepting="that guest can read and write the device's registers until it ends",
)
IOMMU_GROUP = _refusal(
    "iommu-group",
    "the IOMMU can't tell the device from one that stays in dom0; on Linux",
    remedy="give every function of the group to the same guest",
    allowable=True,
    accepting="its guest can then reach what the other device reaches",
    guard=True,
)
LIST_TOO_LONG = _refusal(
    "list-too-long",
    "the list does not fit into the boot chain",
    remedy="hide fewer devices",
)
NOT_REPLACEABLE = _refusal(
    "not-replaceable",
    "a file that has to be changed can't be",
    remedy="mend what the sentence names",
)
BOOT_CONFIG_INVALID = _refusal(
    "boot-config-invalid",
    "the boot configuration can't be edited so that it surely boots",
    remedy="mend what the sentence names",
)
DOMAIN_CONFIG_INVALID = _refusal(
    "domain-config-invalid",
    "a guest's file is missing or xl can't read it",
    remedy="mend what the sentence names",
)
BACKEND_BUSY = _refusal(
    "backend-busy",
    "the other backend holds devices and can't let go of them now",
    remedy="shut down the guests that have them, or stay with that backend",
)
TRIAL_UNDONE = _refusal(
    "trial-undone",
    "the host has tried just that, and came back by itself",
    remedy="find the cause, then try once more with pciback_retry_failed: true",
)
TRIAL_RUNNING = _refusal(
    "trial-running",
    "this boot is a trial of something else, and nobody has confirmed it",
    remedy="let it be undone, or confirm it on the host with 'pcibackctl confirm'",
)
PREDICTION_MISMATCH = _refusal(
    "prediction-mismatch",
    "editor and model disagree about the next boot",
    remedy="run 'pcibackctl boot' on the host to see why",
)

REFUSALS: Mapping[str, RefusalCode] = MappingProxyType(_rows)
ALLOWABLE = tuple(sorted(code for code, row in REFUSALS.items() if row.allowable))
CONSENTS = tuple(sorted((KEPT_MAPPINGS, NO_IOMMU, NO_RESET, SHARED_BAR_PAGE, SHARED_IRQ)))
"""What pcibackd and pcibackctl themselves refuse, and by the same codes let an owner allow."""
WHOLE_HOST = tuple(sorted(code for code, row in REFUSALS.items() if row.whole_host))
GUARDS = tuple(sorted(code for code, row in REFUSALS.items() if row.guard))
