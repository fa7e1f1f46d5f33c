# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a host would lose by a slip of the inventory: a wish that is empty, or one that forgets an owner's own list."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import GUEST
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import BootPlanner, Listed
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.refusals import FOREIGN_HIDE_LIST, NOTHING_WANTED

_NAMES = "pciback_guests or pciback_extra_devices"


def refuse_loss(draft: Draft, boot: BootPlanner) -> None:
    """Refuse to take away what nobody said is to be taken away."""
    # With a selector that names nothing yet, nobody knows what the wish leaves out.
    if not draft.is_settled:
        return
    lists = boot.lists(draft)
    foreign = [found for found in lists if _is_foreign(draft, found)]
    if foreign:
        _refuse_foreign_lists(draft, foreign)
    if not draft.wanted.requests:
        _refuse_nothing_wanted(draft, [found for found in lists if found not in foreign], foreign)


def _is_foreign(draft: Draft, found: Listed) -> bool:
    """Whether somebody else wrote a list that says what is not wanted. One that says nothing readable is so, too."""
    if found.written:
        return False
    return not found.addresses or bool(_unknown(draft, found))


def _unknown(draft: Draft, found: Listed) -> Sequence[Address]:
    """What of a list is neither wanted nor known to be given away by an earlier run."""
    known = {*draft.hidden, *draft.observed.pins}
    return [address for address in found.addresses if address not in known]


def _refuse_foreign_lists(draft: Draft, foreign: Sequence[Listed]) -> None:
    present = {device.address: device.describe() for device in draft.observed.devices}
    said: dict[str, list[str]] = {}
    for found in foreign:
        unknown = [present.get(address, address.bdf) for address in _unknown(draft, found)]
        what = f"hides {', '.join(unknown)}" if unknown else f"has the hide list '{found.value}', which hides nothing"
        said.setdefault(what, []).append(found.where)
    lists = "; ".join(f"{' and '.join(places)} {what}" for what, places in said.items())
    draft.refuse(
        FOREIGN_HIDE_LIST,
        f"{lists}: that is wanted by nobody and written by somebody else, and it would be replaced",
        remedy=f"name what is to stay hidden in {_NAMES}; to replace the rest of the list, "
        f"allow code '{FOREIGN_HIDE_LIST}', without an address",
    )


def _refuse_nothing_wanted(draft: Draft, ours: Sequence[Listed], foreign: Sequence[Listed]) -> None:
    """Refuse an empty wish of a host that gives devices away."""
    lost: dict[Address, list[str]] = {}
    for address in sorted(draft.observed.pins):
        lost.setdefault(address, []).append("pinned")
    for address in sorted({address for found in ours for address in found.addresses}):
        lost.setdefault(address, []).append("hidden at the next boot")
    # What somebody else's list hides is held because of that.
    theirs = {address for found in foreign for address in found.addresses}
    for address in draft.claims:
        if address not in theirs:
            lost.setdefault(address, []).append("held by pciback")
    for guest in draft.observed.running:
        for address in guest.devices:
            if address in lost:
                lost[address].append(f"with guest {guest.name}")
    for config, addresses in _written_lists(draft):
        for address in addresses:
            lost.setdefault(address, []).append(f"listed in {config}")
    if not lost:
        return
    devices = ", ".join(f"{address.bdf} ({', '.join(facts)})" for address, facts in sorted(lost.items()))
    draft.refuse(
        NOTHING_WANTED,
        f"neither pciback_guests nor pciback_extra_devices names a device, so this host would lose {devices}",
        remedy="name the devices, or give everything back with pciback_state: absent; to take the devices away and keep "
        f"the rest, allow code '{NOTHING_WANTED}', without an address",
    )


def _written_lists(draft: Draft) -> Sequence[tuple[str, Sequence[Address]]]:
    """The lists in guests' files that were changed by an earlier run, and would be emptied."""
    traces, found = draft.observed.traces, []
    recorded = traces.originals.of_kind(GUEST)
    for guest in draft.wanted.guests:
        data = draft.observed.guest_configs.get(guest.config)
        if traces.places.get(guest.config, guest.config) not in recorded or not isinstance(data, bytes):
            continue
        try:
            found.append((guest.config, sorted(XlConfig.parse(data, guest.config).addresses)))
        except PcibackError:
            # That is refused elsewhere.
            continue
    return found
