# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What becomes of the guests: their files, and how each gets into its state with its devices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import OPTIONS
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.given import allowed, stated, warn_of_start
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action, Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import (
    RUNNING,
    STOPPED,
    UNMANAGED,
    WHEN_NEEDED,
    WantedGuest,
)
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID, KEPT_MAPPINGS

SHUT_DOWN = "shut down"
START = "start"
RESTART = "restart"
CHANGE = "change the devices of"

# Ways of a guest to its devices, and what is said of one that is not gone.
_UNTIL = "until it is restarted; allow that with pciback_restart_guests: when_needed"
_LEFT = {START: "is not started", RESTART: "is not restarted", CHANGE: "keeps the devices that it has"}


@dataclass(frozen=True)
class Rules:
    """How guests get into their states.

    :ivar way: what brings a guest there, empty if it is there or has to be left alone
    :ivar obstacle: why a guest can't get its devices, empty if it can; ``kept`` are devices of guests that run on
    """

    way: Callable[[WantedGuest, RunningGuest | None], str]
    obstacle: Callable[[WantedGuest, Mapping[Address, str], bool], str]


def configure(draft: Draft) -> list[Action]:
    """List the devices in the guests' files."""
    names, domains = [], []
    for guest in draft.wanted.guests:
        data = draft.observed.guest_configs.get(guest.config)
        if data is None or isinstance(data, PcibackError):
            draft.refuse_error(
                data or PcibackError(f"guest {guest.name} has no configuration file", file=guest.config),
                DOMAIN_CONFIG_INVALID,
            )
            continue
        specs = [
            {"address": str(planned.device.address), **dict(planned.options)}
            for planned in draft.devices_of(guest.name)
        ]
        moves = {move.old: move.new for move in draft.selection.moves if move.guest == guest.name}
        try:
            config = XlConfig.parse(data, guest.config)
            draft.files[guest.name] = with_pci(config, specs, moves)
            changed = draft.files[guest.name].render() != data
        except PcibackError as error:
            draft.refuse_error(error, DOMAIN_CONFIG_INVALID)
            continue
        draft.warnings += config.warnings
        if specs and guest.config in draft.observed.deaf_kernels:
            draft.warnings.append(
                f"guest {guest.name} boots {draft.observed.deaf_kernels[guest.config]}, a NetBSD kernel without xpci(4): it "
                "will not see its devices; Linux kernels have a driver for them"
            )
        if config.name != guest.name:
            described = "no guest by name" if config.name is None else f"a guest named '{config.name}'"
            draft.refuse(
                DOMAIN_CONFIG_INVALID,
                f"{guest.config} describes {described}, not '{guest.name}'",
                remedy="correct the name in the inventory or in the file",
            )
        if changed:
            names.append(guest.name)
            domain: dict[str, Any] = {"config": guest.config, "devices": specs}
            if moves:
                domain["moves"] = {str(old): str(new) for old, new in moves.items()}
            domains.append(domain)
    if not domains:
        return []
    summary = f"list the devices in the configuration of {', '.join(names)}"
    return [Action(Step.CONFIGURE, summary, {"domains": domains})]


def shut_down_all(draft: Draft) -> None:
    """Shut the guests down before a reboot, and name those that nobody here starts again."""
    managed = {guest.name for guest in draft.wanted.guests if guest.state != UNMANAGED}
    for guest in draft.observed.running:
        if guest.name not in managed:
            draft.warnings.append(
                f"guest {guest.name} is running and not managed here: the reboot shuts it down, "
                "and only the host's own start-up brings it back"
            )
    if draft.observed.running:
        shut_down(draft, sorted(guest.name for guest in draft.observed.running), "before the reboot")


def shut_down(draft: Draft, names: Collection[str], why: str, backend: str = "") -> None:
    """Shut guests down.

    :param why: for a sentence
    :param backend: the name of the one that serves them, if it is another one than they are to have
    """
    arguments: dict[str, Any] = {"domains": [{"name": name, "state": STOPPED} for name in names]}
    if backend:
        arguments["backend"] = backend
    draft.act(Step.SHUT_DOWN, f"shut down {', '.join(names)} {why}", arguments)


def run_guests(draft: Draft, rules: Rules, *, rebooted: bool, down: Collection[str] = ()) -> None:
    """Bring the guests into their states.

    :param rebooted: whether dom0 is rebooted before
    :param down: guests that are shut down before
    """
    running = {} if rebooted else {guest.name: guest for guest in draft.observed.running if guest.name not in down}
    ways = {guest.name: rules.way(guest, running.get(guest.name)) for guest in draft.wanted.guests}
    _leave_alone_what_would_fail(draft, rules, ways, running, rebooted)
    domains: list[dict[str, Any]] = []
    for guest in draft.wanted.guests:
        domain = {
            "name": guest.name,
            "config": guest.config,
            "state": guest.state,
            **allowed(draft, guest),
            **stated(draft, guest),
        }
        way = ways[guest.name]
        if way == SHUT_DOWN:
            domains.insert(0, domain)
        elif way == CHANGE:
            may_restart = draft.wanted.restart_guests == WHEN_NEEDED
            domains.append({**domain, "hot_plug": draft.backend.hot_plug, "restart": may_restart})
        elif way:
            domains.append({**domain, "restart": True} if way == RESTART else domain)
    if domains:
        summary = "; ".join(f"{ways[domain['name']]} {domain['name']}" for domain in domains)
        draft.act(Step.RUN, summary, {"domains": domains})
        warn_of_start(draft, [name for name, way in ways.items() if way in (START, RESTART)])


def way(draft: Draft, guest: WantedGuest, now: RunningGuest | None) -> str:
    """What brings a guest into its state, empty if it is there already or has to be left alone."""
    if guest.state == STOPPED and now is not None:
        return SHUT_DOWN
    if now is None:
        return START if guest.state == RUNNING else ""
    options = other_options(draft, guest, now)
    same = set(now.devices) == {planned.device.address for planned in draft.devices_of(guest.name)}
    if guest.state != RUNNING:
        if options or not same:
            what = [options] if options else []
            what += [] if same else ["other devices than its configuration lists"]
            draft.warnings.append(f"guest {guest.name} runs with {' and '.join(what)}; its life is left to its owner")
        return ""
    reached = _reached(draft, guest, now)
    if reached and draft.wanted.restart_guests == WHEN_NEEDED:
        return RESTART
    if reached:
        shown = listed(reached)
        draft.pend(
            f"guest {guest.name} may still reach {shown} after it lets go of it, {_UNTIL}, or allow code "
            f"'{KEPT_MAPPINGS}' for that device"
        )
        return ""
    if same and not options:
        return ""
    # A device that it keeps gets other options only when it starts.
    if options and draft.wanted.restart_guests == WHEN_NEEDED:
        return RESTART
    if options:
        draft.pend(f"guest {guest.name} runs with {options}, {_UNTIL}")
    # Only what Xen does when it makes a domain lets it have devices.
    if not same and draft.backend.hot_plug and now.passthrough:
        return CHANGE
    if not same and draft.wanted.restart_guests == WHEN_NEEDED:
        return RESTART
    if not same:
        draft.pend(f"guest {guest.name} runs with other devices than its configuration lists, {_UNTIL}")
    return ""


def _reached(draft: Draft, guest: WantedGuest, now: RunningGuest) -> list[Address]:
    """The devices that are to go from a guest that runs to others, and that it could still reach.

    Xen takes the right to map memory from a PV domain, and never what it has mapped.
    """
    mine = {planned.device.address for planned in draft.devices_of(guest.name)}
    return [
        address
        for address in (*now.devices, *now.reaches)
        if draft.backend.keeps_apart and address not in mine and (KEPT_MAPPINGS, address) not in draft.wanted.allow
    ]


def other_options(draft: Draft, guest: WantedGuest, now: RunningGuest) -> str:
    """The options of devices that a running guest has, and that its file says otherwise; empty if there are none.

    So is an interrupt that is another one than the owner states.

    ``seize`` tells only how xl gets a device. A slot that the file leaves to xl may be any, and so may be what ``rdm``
    in the file makes of a device.
    """
    config = draft.files.get(guest.name)
    found = []
    for entry in config.pci if config is not None else ():
        for address in sorted(filter(entry.spec.covers, now.options)):
            have, wanted = now.options[address], config.effective(entry.spec) if config is not None else {}
            for name, option in OPTIONS.items():
                if name not in have or have[name] == wanted[name] or wanted[name] is None:
                    continue
                if name == "vslot" and not wanted[name]:
                    continue
                texts = option.write(have[name]), option.write(wanted[name])
                found.append(f"{name}={texts[0]} for {address.bdf} where its configuration says {name}={texts[1]}")
    status = draft.observed.native.daemon.status
    served = None if status is None or draft.backend.hides else status.guests.get(now.domid)
    lines = now.irqs if served is None else served.lines
    for planned in draft.devices_of(guest.name):
        line = lines.get(planned.device.address)
        if line is not None and planned.irq not in (None, line):
            found.append(f"interrupt {line} for {planned.device.address.bdf} where the inventory says {planned.irq}")
    return ", ".join(found)


def obstacle(draft: Draft, guest: WantedGuest, kept: Mapping[Address, str], rebooted: bool) -> str:
    """Why a guest can't get its devices, empty if it can."""
    for planned in draft.devices_of(guest.name):
        # What is taken at run time is taken by then.
        waits = draft.backend.needs_reboot or draft.waits
        if waits and not planned.held and not rebooted:
            return "its devices wait for the reboot"
        owner = kept.get(planned.device.address, guest.name)
        if owner != guest.name:
            return f"{planned.device.address.bdf} is still with guest {owner}, which runs on; shut that down first"
    return ""


def _leave_alone_what_would_fail(
    draft: Draft, rules: Rules, ways: dict[str, str], running: Mapping[str, RunningGuest], rebooted: bool
) -> None:
    """Take back starts that xl would refuse: a guest that was shut down for one would stay down."""
    refused = True
    while refused:
        # One that is left alone keeps its devices from others, so look again.
        kept = {
            address: name
            for name, now in running.items()
            if not ways.get(name)
            for address in (*now.devices, *now.reaches)
        }
        refused = False
        for guest in draft.wanted.guests:
            reason = rules.obstacle(guest, kept, rebooted)
            if ways[guest.name] in _LEFT and reason:
                draft.pend(f"guest {guest.name} {_LEFT[ways[guest.name]]}: {reason}")
                ways[guest.name] = ""
                refused = True
