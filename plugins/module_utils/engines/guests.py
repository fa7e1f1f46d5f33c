# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Brings guests into their states through xl: all are planned before one is touched, and shut down together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines.guest import (
    CREATED,
    DESTROYED,
    SHUT_DOWN,
    STOPPED,
    UNPAUSED,
    Guest,
    attached,
    detached,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.inventory import read_irqs
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host.toolstack import XlToolstack
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import (
    ABSENT,
    ALIVE,
    RUNNING,
    RunningDomain,
    check_name,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import Backend
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID


@dataclass(frozen=True)
class Outcome:
    """What became of the guests.

    :ivar values: the documented result
    :ivar failure: why some of them are not in their states, all of it; ``None`` if all are
    """

    values: Mapping[str, Any]
    warnings: Sequence[str]
    failure: PcibackError | None


def read_guests(domains: Sequence[Mapping[str, Any]], backend: Backend) -> list[Guest]:
    """The wanted guests, from the module's argument.

    :param backend: what gives devices to them
    :raises PcibackError: a name is none or given twice, an interrupt is none, or the host can't do what is wanted
    """
    guests: list[Guest] = []
    for domain in domains:
        check_name(domain["name"])
        if domain["name"] in [guest.name for guest in guests]:
            raise PcibackError(f"guest {domain['name']} is given twice; give each guest one state")
        if domain["hot_plug"] and not backend.hot_plug:
            raise PcibackError(
                "'hot_plug' is not for NetBSD's kernel backend, which looks at a guest's devices only once"
            )
        guests.append(
            Guest(
                domain["name"],
                domain["config"] or "",
                domain["state"],
                domain["restart"],
                domain["hot_plug"],
                tuple(domain.get("allow", ())),
                read_irqs(domain.get("irq", {})),
            )
        )
    return guests


def bring_into_states(
    guests: Sequence[Guest],
    toolstack: XlToolstack,
    *,
    timeout: int,
    frontend_timeout: int,
    check_mode: bool,
    after_reboot: bool = False,
    after_shut_down: Collection[str] = (),
) -> Outcome:
    """Start, stop and restart the guests, and change their devices.

    :param toolstack: what runs them, and gives devices to them
    :param timeout: seconds that they have to shut down, together, and each to notice a device that comes or goes
    :param frontend_timeout: seconds that each has to connect its PCI frontend after it was started; 0: nobody waits
    :param check_mode: only say what would be done
    :param after_reboot: whether dom0 was rebooted before, or will have been, which check mode can't see
    :param after_shut_down: the names of guests that were shut down before, or will have been, which check mode can't see
    :raises PcibackError: a file is refused, a guest can't get a device, or xl does not answer; no guest was touched
    """
    if after_reboot and not check_mode:
        toolstack.wait_for_start_up(timeout)
    domains = [] if check_mode and after_reboot else toolstack.domains()
    _look(guests, [domain for domain in domains if not (check_mode and domain.name in after_shut_down)])
    for guest in guests:
        guest.plan()
    problems = [f"guest {guest.name}: {problem}" for guest in guests for problem in toolstack.obstacles(guest.gets)]
    if check_mode:
        # A task before this one may hand devices over.
        for guest in guests:
            guest.foresee()
    elif problems:
        raise PcibackError(
            "; ".join(problems),
            code=DOMAIN_CONFIG_INVALID,
            remedy="hand devices to pciback with xen.pciback.assignable, or take them out of the guest's file",
        )
    elif any(guest.planned for guest in guests):
        _apply(guests, toolstack, timeout)
        _wait_for_frontends(guests, toolstack, frontend_timeout)
    return _outcome(guests, problems)


def _look(guests: Sequence[Guest], domains: Sequence[RunningDomain]) -> None:
    """Note which domain each guest has."""
    by_name = {domain.name: domain for domain in domains}
    for guest in guests:
        guest.now = by_name.get(guest.name)


def _apply(guests: Sequence[Guest], toolstack: XlToolstack, timeout: int) -> None:
    _shut_down(guests, toolstack, timeout)
    _destroy_left(guests, toolstack)
    _change_devices(guests, toolstack, timeout)
    for guest in guests:
        if guest.failure is None and UNPAUSED in guest.planned:
            guest.attempt(UNPAUSED, toolstack.xl.unpause, guest.now)
    for guest in guests:
        if guest.failure is None and guest.state == RUNNING and guest.now is None:
            create = partial(toolstack.create, allow=guest.allow, irqs=guest.irqs)
            guest.attempt(CREATED, create, guest.config or guest.read_config())
    _look(guests, toolstack.domains())
    for guest in guests:
        if guest.failure is None:
            guest.failure = guest.check()


def _shut_down(guests: Sequence[Guest], toolstack: XlToolstack, timeout: int) -> None:
    """Shut guests down together, so that nothing stays of those that go."""
    waiting = []
    for guest in guests:
        if SHUT_DOWN in guest.planned:
            if guest.attempt(SHUT_DOWN, toolstack.shutdown, guest.now):
                waiting.append(guest)
            elif guest.state == ABSENT:
                # It can't be asked, so there is nothing to wait for.
                guest.failure = None
    left = toolstack.xl.wait([guest.now.domid for guest in waiting if guest.now], timeout) if waiting else {}
    for guest in waiting:
        state = left.get(guest.now.domid) if guest.now else None
        if state not in ALIVE:
            continue
        guest.actions.remove(SHUT_DOWN)
        if guest.state != ABSENT:
            guest.failure = PcibackError(
                f"guest {guest.name} was asked to shut down and still runs after {timeout} s",
                remedy="look at its console, allow more time with 'timeout', or destroy it with 'state: absent'",
            )
    domains = toolstack.domains()
    for guest in waiting:
        if guest.now and guest.now.devices and guest.now.domid not in [domain.domid for domain in domains]:
            toolstack.forget(guest.now.domid)
    _look(guests, domains)


def _destroy_left(guests: Sequence[Guest], toolstack: XlToolstack) -> None:
    """Destroy what is left of guests that are to be absent or to start anew."""
    for guest in guests:
        if guest.failure is not None or guest.now is None or UNPAUSED in guest.planned:
            continue
        if guest.state == STOPPED and DESTROYED not in guest.planned:
            continue
        unwanted = guest.state == ABSENT or not guest.now.alive
        if unwanted and guest.attempt(DESTROYED, toolstack.destroy, guest.now):
            guest.now = None


def _change_devices(guests: Sequence[Guest], toolstack: XlToolstack, timeout: int) -> None:
    """Take devices from guests that run, and then give others to them; restart those that don't follow, if they may be."""
    changing = [guest for guest in guests if guest.failure is None and (guest.detach or guest.attach)]
    for guest in changing:
        for address in guest.detach:
            if guest.failure is None:
                guest.attempt(detached(address), partial(_detach, guest, toolstack, timeout), address)
    for guest in changing:
        for spec in guest.attach:
            if guest.failure is None:
                guest.attempt(attached(spec), partial(_attach, guest, toolstack, timeout), spec)
    restarting = [guest for guest in changing if guest.restarts_to_change]
    for guest in restarting:
        guest.restart_cause, guest.failure = guest.failure, None
        guest.planned = [SHUT_DOWN, CREATED]
        guest.attach = guest.detach = ()
    if restarting:
        _shut_down(restarting, toolstack, timeout)
        _destroy_left(restarting, toolstack)


def _detach(guest: Guest, toolstack: XlToolstack, timeout: int, address: Address) -> None:
    if guest.now is not None:
        toolstack.detach(guest.now, address)
        toolstack.wait_connected(guest.now, timeout)


def _attach(guest: Guest, toolstack: XlToolstack, timeout: int, spec: PciSpec) -> None:
    if guest.now is not None:
        toolstack.attach(guest.now, spec)
        toolstack.wait_connected(guest.now, timeout)


def _wait_for_frontends(guests: Sequence[Guest], toolstack: XlToolstack, timeout: int) -> None:
    """Wait until guests that were started have found their devices."""
    for guest in guests:
        if (
            timeout
            and guest.failure is None
            and guest.now
            and guest.now.devices
            and {CREATED, UNPAUSED} & set(guest.actions)
        ):
            try:
                toolstack.wait_connected(guest.now, timeout)
            except PcibackError as error:
                guest.failure = error


def _outcome(guests: Sequence[Guest], problems: Sequence[str]) -> Outcome:
    failures = [guest.failure for guest in guests if guest.failure is not None]
    failure = None
    if failures:
        remedies = [failure.remedy for failure in failures if failure.remedy is not None]
        failure = PcibackError(
            "; ".join(map(str, failures)),
            code=next((failure.code for failure in failures if failure.code), None),
            remedy="; ".join(dict.fromkeys(remedies)) or None,
        )
    values = {
        "changed": any(guest.actions for guest in guests),
        "domains": [guest.describe() for guest in guests],
        "diff": [guest.difference() for guest in guests if guest.actions],
    }
    return Outcome(values, (*problems, *(warning for guest in guests for warning in guest.warnings)), failure)
