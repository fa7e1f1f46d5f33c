# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What it takes that pcibackctl gives devices to a guest, and not xl: whom it can serve, and what that can cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.native import consents
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import WantedGuest
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID

_XL_ONLY = ("msitranslate", "power_mgmt", "vslot")
"""Options of a device that only xl and Linux's backend know. ``seize`` is another word for what is done in any case."""


def refuse_guests(draft: Draft) -> None:
    """Refuse guests that can't be served."""
    for guest in draft.wanted.guests:
        config = draft.files.get(guest.name)
        if config is None or not draft.devices_of(guest.name):
            continue
        if config.type != "pv":
            draft.refuse(
                DOMAIN_CONFIG_INVALID,
                f"{guest.config} makes a guest of type {config.type}, and {draft.backend.holder} serves PV guests only",
                remedy='set type = "pv" in the file'
                if draft.backend.is_fragile
                else 'set type = "pv" in the file, or use pciback_backend: kernel where xl serves such guests',
            )
        if draft.backend.is_fragile:
            _refuse_permissive(draft, guest)


def _refuse_permissive(draft: Draft, guest: WantedGuest) -> None:
    config = draft.files[guest.name]
    for entry in config.pci:
        if config.with_defaults(entry.spec).permissive:
            draft.refuse(
                DOMAIN_CONFIG_INVALID,
                f"{guest.config} wants {entry.spec.device} permissive, which NetBSD's kernel backend does not know: it "
                "passes each write to a register on as it is",
                remedy="take permissive out of it, or use pciback_backend: native",
            )


def name_ignored_options(draft: Draft) -> None:
    """Warn of what the guests' files say of devices and who serves them can't do."""
    for guest in draft.wanted.guests:
        config = draft.files.get(guest.name)
        if config is None:
            continue
        for entry in config.pci:
            options = config.effective(entry.spec)
            ignored = [name for name in _XL_ONLY if options[name]]
            if ignored:
                draft.warnings.append(
                    f"{guest.config} says {' and '.join(ignored)} for {entry.spec.device}, which has no effect with {draft.backend.holder}"
                )


def allowed(draft: Draft, guest: WantedGuest) -> Mapping[str, Any]:
    """What the owner allows for a guest's devices, where that has to be said when it starts: for module domain."""
    if not draft.backend.is_fragile:
        return {}
    codes = {
        code for each in draft.devices_of(guest.name) for code in consents(draft.wanted.allow, each.device.address)
    }
    return {"allow": sorted(codes)} if codes else {}


def stated(draft: Draft, guest: WantedGuest) -> Mapping[str, Any]:
    """The interrupts that the owner states of a guest's devices, where that has to be said when it starts: for module domain."""
    if not draft.backend.is_fragile:
        return {}
    irqs = {str(each.device.address): each.irq for each in draft.devices_of(guest.name) if each.irq is not None}
    return {"irq": irqs} if irqs else {}


def warn_of_start(draft: Draft, starting: Collection[str]) -> None:
    """Say what a guest that fails can cost.

    :param starting: the names of the guests that start
    """
    names = [guest.name for guest in draft.wanted.guests if guest.name in starting and draft.devices_of(guest.name)]
    if names and draft.backend.is_fragile:
        draft.warnings.append(
            f"dom0's kernel panics, and the machine reboots, if {' or '.join(names)} ends before its PCI frontend has "
            "connected, as with a wrong kernel or initrd; pciback_backend: native has no such risk"
        )
