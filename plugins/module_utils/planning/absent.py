# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of a host on which everything is undone: files as they were before the first run, and nothing of us left.

Guests keep the state that is wanted of them, with the devices that their own files listed before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial
from typing import Mapping, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT, GUEST
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import PciEntry, XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import BootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.planning.choose import choose_devices
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.guests import (
    Rules,
    obstacle,
    other_options,
    way,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.hand_over import hand_over
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan, Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.replace import refuse_not_replaceable
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import put_back
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import RUNNING, WantedGuest
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID, DOMAIN_CONFIG_INVALID

_CODES = {BOOT: BOOT_CONFIG_INVALID, GUEST: DOMAIN_CONFIG_INVALID}

# The pci entries of the guests' own files, by the names of the guests.
_OwnLists = Mapping[str, Sequence[PciEntry]]


def plan_absent(draft: Draft, boot: BootPlanner) -> Plan:
    """Decide what has to be done to undo everything, and in which order."""
    choose_devices(draft)
    restored = _restored_files(draft)
    claims = boot.own_claims(draft, restored)
    lists = _own_lists(draft, restored)
    given = {planned.device.address for planned in draft.devices}
    _add_devices(draft, [address for address in claims if address not in given], None)
    if draft.backend.needs_reboot:
        draft.reasons += [
            f"{address.bdf} is held by pciback: dom0 gets it back" for address in draft.claims if address not in claims
        ]
    draft.refuse_problems()
    if draft.refusals:
        return draft.without_actions()
    installs = draft.reboots and draft.wanted.native and not draft.observed.native.ready
    if installs:
        kept = draft.observed.native.daemon.installed
        draft.act(
            Step.NATIVE,
            f"install pcibackctl, to predict the reboot: {draft.observed.native.reason}",
            {"daemon": kept},
        )
    _restore(draft, boot)
    offered = claims if draft.reboots else draft.claims
    rules = Rules(way=partial(_way, draft, lists), obstacle=partial(_obstacle, draft, offered))
    # A device that the owner's own files name and that pciback does not hold is the owner's affair, as before.
    hand_over(draft, rules, claims, ())
    # Guests that run on with devices of pcibackd need it.
    served = draft.pending and draft.observed.native.daemon.installed
    traces = draft.observed.traces.native or draft.observed.attachments is not None
    if installs or (traces and not served):
        what = "pcibackctl and pcibackd" if draft.observed.native.daemon.installed else "pcibackctl"
        draft.act(Step.REMOVE, f"remove {what} and what is recorded of it")
    refuse_not_replaceable(draft)
    return draft.finish()


def _restored_files(draft: Draft) -> Mapping[str, bytes | None]:
    """What each recorded file was, by its path."""
    traces = draft.observed.traces
    restored = {}
    for path in traces.originals.of_kind(BOOT, GUEST):
        original, current = traces.originals.files[path], traces.files.get(path)
        try:
            if isinstance(current, PcibackError):
                raise current
            found = put_back(path, original, current)
        except PcibackError as error:
            draft.refuse_error(error, _CODES[original.kind])
            continue
        draft.warnings += found.warnings
        restored[path] = found.data
    return restored


def _own_lists(draft: Draft, restored: Mapping[str, bytes | None]) -> _OwnLists:
    """What the guests' own files list; the devices are added to the draft."""
    lists: dict[str, Sequence[PciEntry]] = {}
    for guest in draft.wanted.guests:
        place = draft.observed.traces.places.get(guest.config, guest.config)
        data = restored[place] if place in restored else draft.observed.guest_configs.get(guest.config)
        try:
            if isinstance(data, PcibackError):
                raise data
            if data is None:
                raise PcibackError("it does not exist", file=guest.config)
            config = XlConfig.parse(data, guest.config)
        except PcibackError as error:
            # Nothing of it is to be changed, so it hinders nobody else.
            draft.warnings.append(f"guest {guest.name} is left alone: {error}")
            continue
        lists[guest.name], draft.files[guest.name] = config.pci, config
        _add_devices(draft, config.addresses, guest.name)
    return lists


def _add_devices(draft: Draft, addresses: Collection[Address], guest: str | None) -> None:
    for device in draft.observed.devices:
        if device.address in addresses:
            draft.add_device(device, guest)


def _restore(draft: Draft, boot: BootPlanner) -> None:
    guests = draft.observed.traces.originals.of_kind(GUEST)
    paths, shown = boot.to_restore(draft)
    if paths or guests:
        draft.act(
            Step.RESTORE,
            f"put back what was before the first run: {', '.join([*guests, *shown])}",
            {"boot": list(paths), "guests": [{"config": path} for path in guests]},
        )


def _way(draft: Draft, lists: _OwnLists, guest: WantedGuest, now: RunningGuest | None) -> str:
    if guest.name not in lists:
        return ""
    # A device that its own file lists and that it does not have is its owner's affair, as it was before.
    as_before = now is not None and not _surplus(lists[guest.name], now) and not other_options(draft, guest, now)
    if guest.state == RUNNING and as_before:
        return ""
    return way(draft, guest, now)


def _surplus(entries: Sequence[PciEntry], now: RunningGuest) -> list[Address]:
    """The devices of a running guest that its own file does not list."""
    specs = [entry.spec for entry in entries]
    if any(spec.address is None for spec in specs):
        # xl knows what the name stands for.
        return []
    listed = {spec.address for spec in specs}
    whole = {spec.address for spec in specs if spec.all_functions}
    return [address for address in now.devices if address not in listed and replace(address, function=0) not in whole]


def _obstacle(
    draft: Draft,
    offered: Collection[Address],
    guest: WantedGuest,
    kept: Mapping[Address, str],
    rebooted: bool,
) -> str:
    for planned in draft.devices_of(guest.name):
        if planned.device.address not in offered:
            return f"its own file lists {planned.device.address.bdf}, which pciback does not hold"
    return obstacle(draft, guest, kept, rebooted)
