# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads everything of a NetBSD dom0 that a plan needs, once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.atomic_file import read_file
from ansible_collections.xen.pciback.plugins.module_utils.device import Device, pin_of
from ansible_collections.xen.pciback.plugins.module_utils.dom0 import native_install, netbsd, netbsd_facts, records
from ansible_collections.xen.pciback.plugins.module_utils.dom0.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.dom0.originals_file import OriginalsFile
from ansible_collections.xen.pciback.plugins.module_utils.dom0.records import read_pins
from ansible_collections.xen.pciback.plugins.module_utils.dom0.xl import Xl, has_iommu
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.native import boot_files, predict
from ansible_collections.xen.pciback.plugins.module_utils.originals import BOOT, GUEST, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.pins import Pin, fits
from ansible_collections.xen.pciback.plugins.module_utils.plan import (
    ABSENT,
    NativeState,
    Observed,
    RunningGuest,
    Wanted,
    takes_devices,
)
from ansible_collections.xen.pciback.plugins.module_utils.undo import Traces

# Far more than a loader or xl reads; what is too large for them is theirs to say.
_MOST_BYTES = 1 << 20


def observe(
    run: Run,
    wanted: Wanted,
    *,
    boot_path: str,
    pins_path: str,
    state_directory: str,
    native: NativeState,
    prefix: str,
    xl: str | None,
) -> Observed:
    """Read the host.

    A boot configuration or a guest's file that can't be read is kept as the error that says so: the plan refuses it.

    :raises PcibackError: this is no NetBSD dom0, or its tools can't be used
    """
    netbsd.check_dom0(run)
    traces = read_traces(wanted, boot_path, state_directory)
    boot_config = _read(boot_path, _MOST_BYTES, "boot-config-invalid")
    prediction = None
    if native.ready and isinstance(boot_config, bytes):
        control = os.path.join(prefix, native_install.CONTROL)
        prediction = predict(control, boot_path, files=boot_files(boot_path), run=run)
    claims = netbsd.claims()
    # Who wants nothing but to be rid of a record need not be able to read it.
    pins = {} if wanted.state == ABSENT else read_pins(pins_path)
    devices = _devices(run, wanted, claims or (), pins)
    facts = None
    if takes_devices(wanted, devices, claims, pins):
        devices = netbsd.with_configuration(run, devices)
        facts = replace(netbsd_facts.read_facts(run, os.environ.get("SSH_CONNECTION")), iommu=has_iommu(run, xl))
    return Observed(
        devices=devices,
        claims=claims,
        boot_path=boot_path,
        boot_config=boot_config,
        guest_configs={
            guest.config: _read(guest.config, _MOST_BYTES, "domain-config-invalid") for guest in wanted.guests
        },
        running=_running(run, wanted, xl),
        native=native,
        prediction=prediction,
        pins=pins,
        facts=facts,
        traces=traces,
    )


def read_traces(wanted: Wanted, boot_path: str, state_directory: str) -> Traces:
    """What is left of us on the host. Recorded files are read only if they are to be put back.

    :raises PcibackError: the record of originals can't be read or understood
    """
    record = OriginalsFile(os.path.join(state_directory, records.ORIGINALS))
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
        devices=os.path.lexists(os.path.join(state_directory, records.DEVICES)),
        native=os.path.lexists(os.path.join(state_directory, records.NATIVE))
        or bool(originals.of_kind(NATIVE) or originals.directories)
        or (record.exists and originals.empty),
    )


def _devices(run: Run, wanted: Wanted, claims: Sequence[Address], pins: Mapping[Address, Pin]) -> tuple[Device, ...]:
    """The functions of the host. A call for each configuration space adds up, so only those are read that count:
    what is held or pinned and what a selector asks for; but all if a pinned device is not surely where it was.
    """
    # Bridges alone, so that a selector can ask for a slot.
    devices = netbsd.with_configuration(run, netbsd_facts.with_macs(run, netbsd.devices(run)), ())
    asked = {
        device.address
        for device in devices
        for _guest, selector in wanted.requests
        if selector.asks_configuration_of(device, pins.get(device.address))
    }
    devices = netbsd.with_configuration(run, devices, asked.union(claims, pins))
    present = {device.address: device for device in devices}
    if all(address in present and fits(pin, pin_of(present[address])) for address, pin in pins.items()):
        return devices
    return netbsd.with_configuration(run, devices)


def _running(run: Run, wanted: Wanted, xl: str | None) -> tuple[RunningGuest, ...]:
    try:
        toolstack = Xl(run, xl=xl)
    except PcibackError:
        # A host that only hides devices needs no toolstack, and without one no guest runs.
        if wanted.guests:
            raise
        return ()
    return tuple(
        RunningGuest(domain.name, domain.domid, domain.devices) for domain in toolstack.domains() if domain.alive
    )


def _read(path: str, limit: int, code: str) -> bytes | PcibackError:
    try:
        return read_file(path, limit=limit)
    except PcibackError as error:
        error.code = code
        return error
