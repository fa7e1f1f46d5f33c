# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads everything of a dom0 that a plan needs, once."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_install
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT, GUEST, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.host import platform
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import loader_root, predict
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import NATIVE as NATIVE_RECORD
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import Xl
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import (
    ABSENT,
    NativeState,
    Observed,
    RunningGuest,
    Wanted,
    takes_devices,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Traces

# Far more than a loader or xl reads; what is too large for them is theirs to say.
_MOST_BYTES = 1 << 20

BOOT_CFG = "/boot.cfg"


def observe(
    run: Run,
    wanted: Wanted,
    *,
    boot_path: str | None,
    state: StateDirectory,
    native: NativeState,
    prefix: str,
    xl: str | None,
) -> Observed:
    """Read the host.

    A boot configuration or a guest's file that can't be read is kept as the error that says so: the plan refuses it.

    :param boot_path: the boot configuration, ``None`` for the one at its usual place
    :raises PcibackError: this is no dom0, or its tools can't be used
    """
    host = platform.here(run)
    host.check_dom0()
    linux = None
    prediction = None
    boot_config: bytes | PcibackError
    if host.name == platform.LINUX:
        boot_path = boot_path or boot_files.default_menu(boot_files.HOST)
        linux = boot_files.read(boot_path, state.path, boot_files.HOST)
        boot_config = linux.menu
    else:
        boot_path = boot_path or BOOT_CFG
        boot_config = _read(boot_path, _MOST_BYTES, "boot-config-invalid")
        if native.ready and isinstance(boot_config, bytes):
            control = os.path.join(prefix, native_install.CONTROL)
            prediction = predict(control, boot_path, files=loader_root(boot_path), run=run)
    traces = read_traces(wanted, boot_path, state)
    claims = host.claims()
    # Who wants nothing but to be rid of a record need not be able to read it.
    pins = {} if wanted.state == ABSENT else state.pins()
    devices = host.devices_for([selector for _guest, selector in wanted.requests], claims or (), pins)
    facts = None
    if takes_devices(wanted, devices, claims, pins, units=host.units):
        devices = host.complete(devices)
        facts = host.facts(devices, xl)
    running, stale = _domains(run, host, wanted, xl)
    return Observed(
        devices=devices,
        claims=claims,
        boot_path=boot_path,
        boot_config=boot_config,
        guest_configs={
            guest.config: _read(guest.config, _MOST_BYTES, "domain-config-invalid") for guest in wanted.guests
        },
        running=running,
        native=native,
        prediction=prediction,
        pins=pins,
        facts=facts,
        traces=traces,
        linux=linux,
        stale=stale,
    )


def read_traces(wanted: Wanted, boot_path: str, state: StateDirectory) -> Traces:
    """What is left of us on the host. Recorded files are read only if they are to be put back.

    :raises PcibackError: the record of originals can't be read or understood
    """
    record = state.originals()
    originals = record.originals
    if wanted.state != ABSENT:
        return Traces(originals)
    codes = {BOOT: "boot-config-invalid", GUEST: "domain-config-invalid"}
    return Traces(
        originals,
        files={
            path: _read(path, _MOST_BYTES, codes[original.kind]) if os.path.lexists(path) else None
            for path, original in originals.files.items()
            if original.kind in codes
        },
        places={path: os.path.realpath(path) for path in (boot_path, *(guest.config for guest in wanted.guests))},
        devices=state.has_pins,
        native=os.path.lexists(state.place(NATIVE_RECORD))
        or bool(originals.of_kind(NATIVE) or originals.directories)
        or (record.exists and originals.empty),
    )


def _domains(
    run: Run, host: platform.Platform, wanted: Wanted, xl: str | None
) -> tuple[tuple[RunningGuest, ...], Mapping[int, tuple[Address, ...]]]:
    """The guests that run, and the devices of domains that are gone, which xl takes for given away."""
    try:
        toolstack = Xl(run, xl=xl)
    except PcibackError:
        # A host that only hides devices needs no toolstack, and without one no guest runs.
        if wanted.guests:
            raise
        return (), {}
    domains = toolstack.domains()
    alive = tuple(
        RunningGuest(domain.name, domain.domid, domain.devices, domain.passthrough or bool(domain.devices))
        for domain in domains
        if domain.alive
    )
    known = {domain.domid for domain in domains}
    left = {domid: devices for domid, devices in host.backends().items() if domid not in known}
    return alive, left


def _read(path: str, limit: int, code: str) -> bytes | PcibackError:
    try:
        return read_file(path, limit=limit)
    except PcibackError as error:
        error.code = code
        return error
