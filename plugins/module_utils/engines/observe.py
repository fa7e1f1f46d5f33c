# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads everything of a dom0 that a plan needs, once, and finds the wanted devices there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import PCIBACKD, Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Selection, resolve
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.guest_kernel import is_deaf_netbsd
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT, GUEST, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NOT_HERE, NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.guest_kernel import read_kernel
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import NATIVE as NATIVE_RECORD
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.toolstack import with_kernel_guests, with_served
from ansible_collections.xen.pciback.plugins.module_utils.host.writing import obstacles
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import Xl
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AT_BOOT, Backend
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import (
    NativeState,
    Observed,
    RunningGuest,
    Traces,
    TrialFacts,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, NEVER, WHEN_CHANGED, Wanted
from ansible_collections.xen.pciback.plugins.module_utils.refusals import (
    BOOT_CONFIG_INVALID,
    DOMAIN_CONFIG_INVALID,
    IDENTITY_CHANGED,
)

# Far more than xl or a loader reads; what is too large for them is theirs to say.
_MOST_BYTES = 1 << 20

_CODES = {BOOT: BOOT_CONFIG_INVALID, GUEST: DOMAIN_CONFIG_INVALID}


def observe(
    run: Run,
    host: Platform,
    wanted: Wanted,
    *,
    boot_path: str | None,
    state: StateDirectory,
    backend: Backend,
    native: NativeState,
    prefix: str,
    xl: str | None,
) -> tuple[Observed, Selection]:
    """Read the host, and find the wanted devices on it.

    A boot configuration or a guest's file that can't be read is kept as the error that says so: the plan refuses it.

    :param boot_path: the boot configuration, ``None`` for the one at its usual place
    :param backend: what gives devices to guests
    :param native: what there is of the native component
    :raises PcibackError: this is no dom0, or its tools can't be used
    """
    host.check_dom0()
    boot = host.read_boot(boot_path, state.path, os.path.join(prefix, CONTROL) if native.ready else None)
    traces = read_traces(wanted, boot.path, state)
    status = native.daemon.status
    served = None if status is None else status.claims
    claims, other_claims = (host.claims(), served) if backend.hides else (served, host.claims())
    # Who wants nothing but to be rid of a record need not be able to read it.
    pins = {} if wanted.state == ABSENT else state.pins()
    devices = host.devices_for([selector for _guest, selector in wanted.requests], claims or (), pins)
    devices = with_holder(devices, served or ())
    running, stale = _domains(
        run, host, wanted, xl, status, is_kernels=(claims if backend.hides else other_claims) is not None
    )
    files = host.boot_places(boot)
    records = {path: path for path in state.written}
    guest_configs = {guest.config: _read(guest.config, _CODES[GUEST]) for guest in wanted.guests}
    observed = Observed(
        devices=devices,
        claims=claims,
        boot=boot,
        guest_configs=guest_configs,
        deaf_kernels=_deaf_kernels(wanted, guest_configs),
        running=running,
        native=native,
        attachments=state.attachments().value,
        other_claims=other_claims,
        is_built_in=not backend.hides and other_claims is not None and host.is_backend_built_in(),
        pins=pins,
        traces=traces,
        stale=stale,
        trial=_trial_facts(host),
        written={
            Step.HIDE: (*files, *records),
            Step.CONFIGURE: tuple(records),
            Step.RESTORE: (*(files if wanted.state == ABSENT else ()), *records),
        },
        not_replaceable=obstacles(
            {**files, **records, **{path: path for path in (*(guest.config for guest in wanted.guests), *traces.files)}}
        ),
    )
    selection = resolve_wanted(wanted, observed, units=host.units)
    if _may_try(wanted, observed, selection, backend):
        observed = replace(observed, trial=_with_obstacle(host, wanted, observed.trial))
    states_interrupts = wanted.states_interrupts or (status is not None and status.irqs)
    if not (selection.unclaimed or selection.is_returning or states_interrupts):
        return observed, selection
    devices = with_holder(host.complete(devices), served or ())
    return replace(observed, devices=devices, facts=host.facts(devices, xl)), selection.with_devices(devices)


def _trial_facts(host: Platform) -> TrialFacts:
    """What became of the last trial."""
    trials = host.trials()
    if trials is None:
        return TrialFacts(obstacle=NoTrial(NOT_HERE, "this system starts in no way that undoes itself"))
    state = trials.look()
    return TrialFacts(state, trials.boot_time() if state.has_failed else None)


def _may_try(wanted: Wanted, observed: Observed, selection: Selection, backend: Backend) -> bool:
    """Whether a plan could make a trial; a host that is as it is wanted is not asked whether it could."""
    if NEVER in (wanted.trials.trial, wanted.reboot) or wanted.state == ABSENT:
        return False
    if AT_BOOT not in (backend.takes, backend.follows):
        return wanted.reboot == WHEN_CHANGED
    found = {device.address for answer in selection.answers for device in answer.devices}
    return found != set(observed.claims or ()) or observed.other_claims is not None


def _with_obstacle(host: Platform, wanted: Wanted, facts: TrialFacts) -> TrialFacts:
    trials = host.trials()
    if trials is None:
        return facts
    obstacle = trials.obstacle(may_install=wanted.native)
    return replace(facts, obstacle=obstacle, starts=trials.starts(), used=trials.used_names())


def with_holder(devices: Iterable[Device], served: Collection[Address]) -> tuple[Device, ...]:
    """The devices, those that pcibackd holds with it for their driver.

    :param served: what pcibackd holds; a driver of the kernel that has one nevertheless is what counts
    """
    return tuple(
        replace(device, driver=PCIBACKD) if device.address in served and device.driver is None else device
        for device in devices
    )


def resolve_wanted(wanted: Wanted, observed: Observed, *, units: bool) -> Selection:
    """What the owner's selectors mean on this host."""
    return resolve(
        wanted.requests,
        observed.devices,
        observed.pins,
        observed.claims or (),
        follow=wanted.follow_moves,
        accepted=[address for code, address in wanted.allow if code == IDENTITY_CHANGED and address is not None],
        units=units,
    )


def read_traces(wanted: Wanted, boot_path: str, state: StateDirectory) -> Traces:
    """What is left of us on the host. Recorded files are read only if they are to be put back.

    :raises PcibackError: the record of originals can't be read or understood
    """
    record = state.originals()
    originals = record.originals
    places = {path: os.path.realpath(path) for path in (boot_path, *(guest.config for guest in wanted.guests))}
    if wanted.state != ABSENT:
        return Traces(originals, places=places)
    return Traces(
        originals,
        files={
            path: _read(path, _CODES[original.kind]) if os.path.lexists(path) else None
            for path, original in originals.files.items()
            if original.kind in _CODES
        },
        places=places,
        devices=state.has_pins,
        native=os.path.lexists(state.place(NATIVE_RECORD))
        or bool(originals.of_kind(NATIVE) or originals.directories)
        or (record.exists and originals.empty),
    )


def _domains(
    run: Run, host: Platform, wanted: Wanted, xl: str | None, status: PcibackdStatus | None, *, is_kernels: bool
) -> tuple[tuple[RunningGuest, ...], Mapping[int, tuple[Address, ...]]]:
    """The guests that run, and the devices of domains that are gone, which xl takes for given away.

    :param is_kernels: whether the kernel's backend is up
    """
    try:
        toolstack = Xl(run, xl=xl)
    except PcibackError:
        # A host that only hides devices needs no toolstack, and without one no guest runs.
        if wanted.guests:
            raise
        return (), {}
    domains = with_served(toolstack.domains(), status)
    if is_kernels:
        domains = with_kernel_guests(domains, host)
    held_back = {} if status is None else status.held_back
    alive = tuple(
        RunningGuest(
            domain.name,
            domain.domid,
            domain.devices,
            domain.passthrough or bool(domain.devices),
            domain.options,
            tuple(address for address, domid in held_back.items() if domid == domain.domid),
            domain.irqs,
        )
        for domain in domains
        if domain.alive
    )
    known = {domain.domid for domain in domains}
    left = {domid: devices for domid, devices in host.listed_backends().items() if domid not in known}
    return alive, left


def _deaf_kernels(wanted: Wanted, configs: Mapping[str, bytes | PcibackError]) -> dict[str, str]:
    """The kernels that can't use the devices that their guests are to have, by the guests' files."""
    found = {}
    for guest in wanted.guests:
        data = configs[guest.config]
        if not guest.devices or isinstance(data, PcibackError):
            continue
        try:
            kernel = XlConfig.parse(data, guest.config).kernel
        except PcibackError:
            # The plan says what is wrong with it.
            continue
        # xl takes another path from its own directory.
        content = read_kernel(kernel) if kernel is not None and os.path.isabs(kernel) else None
        if kernel is not None and content is not None and is_deaf_netbsd(content):
            found[guest.config] = kernel
    return found


def _read(path: str, code: str) -> bytes | PcibackError:
    try:
        return read_file(path, limit=_MOST_BYTES)
    except PcibackError as error:
        error.code = code
        return error
