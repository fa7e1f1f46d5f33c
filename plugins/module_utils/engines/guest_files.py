# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Writes which devices the guests have into their xl configuration files, or puts these files back.

All files are read and checked before any is changed, and what they were is recorded before and after that, so that a
run that was killed can be repeated or undone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference, difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import GUEST, Originals
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.writing import check
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, note, restore
from ansible_collections.xen.pciback.plugins.module_utils.refusals import ASSIGNED_TWICE, DOMAIN_CONFIG_INVALID

MOST_BYTES = 1 << 20
"""Of a guest's file; what is larger is no configuration."""


@dataclass(frozen=True)
class GuestFile:
    """What became of one file.

    :ivar config: its path
    :ivar name: the guest's name in it; ``None`` if it gives none or is gone
    :ivar devices: the addresses that xl reads from it now, in its order
    :ivar backup_file: where it is kept as it was; empty if nothing was kept
    """

    config: str
    name: str | None
    changed: bool
    devices: tuple[str, ...]
    backup_file: str


@dataclass(frozen=True)
class Result:
    """What was changed, or in check mode would be.

    :ivar files: one for each of the given files, in their order
    :ivar differences: for diff mode: the changed files, then the record of originals
    :ivar warnings: sentences about what xl reads otherwise than it looks, and what could not be put back
    """

    files: tuple[GuestFile, ...]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.differences)


@dataclass(frozen=True)
class _Edit:
    """A guest's file as it is and as it is wanted; ``None`` if it is gone."""

    config: str
    before: bytes | None
    after: XlConfig | None
    warnings: tuple[str, ...] = ()

    @property
    def data(self) -> bytes | None:
        """The bytes that are wanted."""
        return None if self.after is None else self.after.data

    @property
    def changed(self) -> bool:
        return self.before != self.data


def write_guest_files(
    domains: Sequence[Mapping[str, Any]],
    *,
    put_back: bool = False,
    backup: bool = False,
    records: StateDirectory,
    who: str,
    check_mode: bool = False,
) -> Result:
    """Make the ``pci`` list of each file hold exactly the given devices, or put the files back.

    :param domains: each with ``config``, the path of its file; ``devices``, a list of what :meth:`PciSpec.from_options`
        takes; and if need be ``moves``, the new addresses by the old ones of devices that are at another address than
        when the file was written. To put files back, only ``config`` counts.
    :param put_back: make the files what they were before their first change
    :param backup: keep each changed file as it was beside the new one
    :param records: what is remembered of the host; its lock is not taken in check mode
    :param who: what others are told while they wait for the lock
    :raises PcibackError: something is refused, and no file was changed; or a file could not be replaced, and the message
        says which were before that
    """
    _check_places(domains)
    wanted = [] if put_back else _check_owners(domains)
    with records.lock(who, check_mode=check_mode):
        record = records.originals()
        if put_back:
            edits = [_plan_return(domain["config"], record.originals) for domain in domains]
        else:
            edits = [_plan_devices(domain, specs) for domain, specs in zip(domains, wanted)]
        noted = note(
            record.originals, [Change(os.path.realpath(edit.config), GUEST, edit.before, edit.data) for edit in edits]
        )
        differences = [
            difference(edit.config, edit.before, edit.data, errors="backslashreplace") for edit in edits if edit.changed
        ]
        differences += record.difference(noted.after)
        backups = [""] * len(edits)
        if not check_mode:
            check([*records.written, *(edit.config for edit in edits if edit.changed and edit.data is not None)])
            record.save(noted.before)
            backups = _write(edits, backup)
            record.save(noted.after)
    warnings = [*(warning for edit in edits for warning in edit.warnings), *noted.warnings]
    return Result(
        files=tuple(_describe(edit, backup_file) for edit, backup_file in zip(edits, backups)),
        differences=tuple(differences),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _check_places(domains: Sequence[Mapping[str, Any]]) -> None:
    """Make sure that no file is given twice."""
    places: set[str] = set()
    for domain in domains:
        place = os.path.realpath(domain["config"])
        if place in places:
            raise PcibackError(f"{domain['config']} is given twice; list all of its devices in one place")
        places.add(place)


def _check_owners(domains: Sequence[Mapping[str, Any]]) -> list[list[PciSpec]]:
    """Each guest's devices, if no device belongs to two guests."""
    owners: dict[Any, str] = {}
    wanted = []
    for domain in domains:
        config = domain["config"]
        if domain.get("devices") is None:
            raise PcibackError(f"{config} has no 'devices'; an empty list takes all of them out of it")
        specs = [PciSpec.from_options(device) for device in domain["devices"]]
        for spec in specs:
            owner = owners.setdefault(spec.key, config)
            if owner != config:
                raise PcibackError(
                    f"{spec.device} is given to {owner} and to {config}; a device belongs to one guest",
                    code=ASSIGNED_TWICE,
                )
        wanted.append(specs)
    return wanted


def _plan_devices(domain: Mapping[str, Any], specs: Sequence[PciSpec]) -> _Edit:
    """Read a file and work out what it has to be."""
    config = domain["config"]
    moves = {parse_address(str(old)): parse_address(str(new)) for old, new in domain.get("moves", {}).items()}
    data = _read(config)
    after = with_pci(XlConfig.parse(data, config), specs, moves)
    return _Edit(config, data, after, after.warnings)


def _plan_return(config: str, originals: Originals) -> _Edit:
    """Read a file and work out what it was."""
    data = _read(config) if os.path.lexists(config) else None
    restored = restore(config, originals.files.get(os.path.realpath(config)), data)
    after = None if restored.data is None else XlConfig.parse(restored.data, config)
    return _Edit(config, data, after, restored.warnings)


def _read(config: str) -> bytes:
    try:
        return read_file(config, limit=MOST_BYTES)
    except PcibackError as error:
        error.code = DOMAIN_CONFIG_INVALID
        raise


def _write(edits: Sequence[_Edit], backup: bool) -> list[str]:
    """Write what has changed; the paths of the backups, empty where none was made."""
    backups: list[str] = []
    for edit in edits:
        if not edit.changed or edit.data is None:
            backups.append("")
            continue
        backups.append(replace_file(edit.config, edit.data, expected=edit.before, backup=backup))
    return backups


def _describe(edit: _Edit, backup_file: str) -> GuestFile:
    if edit.after is None:
        return GuestFile(edit.config, None, edit.changed, (), backup_file)
    devices = tuple(str(address) for address in edit.after.addresses)
    return GuestFile(edit.config, edit.after.name, edit.changed, devices, backup_file)
