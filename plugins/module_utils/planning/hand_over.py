# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How devices leave dom0 and come back: with a reboot, or at run time, as the backend can.

At boot, where the host's start-up has to know of guests to which xl gives nothing::

    shut_down -> start_up -> reboot -> run

At run time, where devices leave dom0 before guests want them, and come back after guests have let go of them::

    assign -> run -> return

pcibackd has to run before that, and the host's start-up has to know of it afterwards. Where the kernel's backend is up
that only a reboot ends, that comes first, and before it pcibackd is installed and the host's start-up comes to know both::

    native -> hide -> shut_down -> reboot -> service -> assign -> start_up -> run -> return

From pcibackd to the kernel's backend the host's start-up comes to know both before the boot configuration is changed, so that
whenever a boot comes, one of them gives guests their devices::

    start_up -> hide -> shut_down -> reboot -> service -> run

Where the other backend can be ended at run time, it lets go of its devices in the place of the reboot, and none of dom0's drivers
gets them before the wanted one has them::

    native -> hide -> shut_down -> release -> service -> assign -> start_up -> run -> return
    hide -> shut_down -> release -> service -> assign -> run -> return

A reboot that is only to show that the next boot does it has the order of those at boot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AT_BOOT
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.guests import Rules, run_guests, shut_down_all
from ansible_collections.xen.pciback.plugins.module_utils.planning.native import (
    forget_start_up,
    record_start_up,
    retire,
    serve,
    told_otherwise,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.release import release
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT


def explain_reboot(draft: Draft) -> None:
    """Say why a reboot is required: for devices that have to leave dom0, and for those that come back."""
    if not draft.backend.needs_reboot:
        other = draft.observed.other_claims
        if other is not None and draft.backend.follows == AT_BOOT:
            held = f"holds {listed(other)}" if other else "is up"
            draft.reasons.append(
                f"pciback(4) {held}, and pcibackd can't serve beside it: a boot without a list ends it"
            )
        return
    for device in draft.missing:
        holder = f"{device.driver or 'no driver'} holds it now"
        if device.held_by_backend:
            holder = f"{device.driver} holds it, but its backend is not up and offers nothing to guests"
        draft.reasons.append(f"{device.describe()} has to be taken by pciback: {holder}")
    hidden = set(draft.hidden)
    for address in draft.claims:
        if address not in hidden:
            draft.reasons.append(f"{address.bdf} is held by pciback and wanted by nobody: dom0 gets it back")


def hand_over(draft: Draft, rules: Rules, claims: Collection[Address], assigned: Sequence[Device]) -> None:
    """Let devices change hands, and see to the guests.

    :param claims: what the backend has to hold in the end
    :param assigned: what it takes from dom0 at run time, if it can
    """
    if draft.backend.needs_reboot:
        _reboot(draft, claims)
        if not draft.waits and draft.wanted.state != ABSENT:
            retire(draft)
        run_guests(draft, rules, rebooted=draft.reboots)
        return
    _reboot(draft, draft.listed)
    if draft.waits:
        run_guests(draft, rules, rebooted=False)
        return
    down = release(draft)
    if draft.wanted.state != ABSENT:
        (retire if draft.backend.hides else serve)(draft)
    if draft.reboots and draft.backend.hides:
        # The boot itself takes the devices, and gives back what it does not hide.
        run_guests(draft, rules, rebooted=True)
        return
    addresses = [device.address for device in assigned]
    if not draft.backend.hides and draft.wanted.state != ABSENT:
        addresses += told_otherwise(draft)
    pins = {} if draft.backend.hides or draft.wanted.state == ABSENT else _new_pins(draft)
    if addresses or pins:
        taken = f"hand {listed(addresses)} to {draft.backend.holder}" if addresses else f"pin {listed(draft.hidden)}"
        draft.act(Step.ASSIGN, taken, {**_selectors(addresses), **_irqs(draft, addresses), **pins})
    # Before guests start anew: what is recorded is what the host gives to one that comes up.
    if not draft.backend.hides:
        (forget_start_up if draft.wanted.state == ABSENT else record_start_up)(draft)
    run_guests(draft, rules, rebooted=draft.reboots, down=down)
    kept = _kept_by_guests(draft, down)
    held = sorted({*draft.claims, *(draft.released or ())})
    back = [address for address in held if address not in claims and address not in kept]
    if back:
        draft.act(Step.RETURN, f"give {listed(back)} back to dom0", _selectors(back))


def record_for_boot(draft: Draft) -> None:
    """Record what a start of the host gives to guests by the kernel's backend, where xl doesn't."""
    if draft.backend.is_fragile and draft.wanted.state != ABSENT and draft.wanted.native:
        record_start_up(draft)


def _reboot(draft: Draft, claims: Collection[Address]) -> None:
    """Reboot, if that is needed and allowed."""
    reboots = draft.reboots
    if draft.reasons and not reboots:
        draft.warnings.append("a reboot is pending; pciback_reboot: when_needed allows it")
    if reboots:
        shut_down_all(draft)
    # As the guests' files, for the boot that comes, whoever brings it.
    if not draft.observed.native.daemon.installed:
        record_for_boot(draft)
    if reboots:
        arguments: dict[str, Any] = {"reasons": list(draft.reasons), "claims": [str(address) for address in claims]}
        summary = "reboot dom0"
        if draft.trial is not None:
            summary += f" on trial: unless that is confirmed within {draft.trial} seconds, it goes back by itself"
            arguments["trial"] = draft.trial
        draft.act(Step.REBOOT, summary, arguments)


def _new_pins(draft: Draft) -> Mapping[str, Any]:
    """The pins, if they are not recorded like that, with the change of the boot configuration at the latest."""
    pins = draft.selection.record(keep_held=False)
    hidden = [action.arguments["pins"] for action in draft.actions if action.kind is Step.HIDE]
    return {} if pins == draft.observed.pins or to_mapping(pins) in hidden else {"pins": to_mapping(pins)}


def _kept_by_guests(draft: Draft, down: Collection[str]) -> Collection[Address]:
    """Devices of guests that run on with them.

    :param down: guests that are shut down
    """
    changing = {
        domain["name"] for action in draft.actions if action.kind is Step.RUN for domain in action.arguments["domains"]
    }
    kept = set()
    for guest in draft.observed.running:
        mine = {planned.device.address for planned in draft.devices_of(guest.name)}
        for address in (*guest.devices, *guest.reaches):
            if guest.name not in changing and guest.name not in down and address not in mine:
                kept.add(address)
                draft.pend(
                    f"{address.bdf} is with guest {guest.name}, which runs on and is not to have it: it stays there"
                )
    return kept


def _irqs(draft: Draft, addresses: Sequence[Address]) -> Mapping[str, Any]:
    """The interrupts that the owner states of devices, for pcibackd."""
    irqs = {} if draft.backend.hides else draft.irqs
    stated = {str(address): irqs[address] for address in addresses if address in irqs}
    return {"irq": stated} if stated else {}


def _selectors(addresses: Sequence[Address]) -> Mapping[str, Any]:
    """The arguments of the module ``assignable``."""
    return {"devices": [{"address": str(address)} for address in addresses]}
