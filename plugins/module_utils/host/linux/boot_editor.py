# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Edits what a Linux dom0 has for its next boot: read, check, edit, write, make menu and initramfs, judge the menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import SETTING
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NONE
from ansible_collections.xen.pciback.plugins.module_utils.host import trial as host_trial
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import (
    CONFIRMED,
    ORIGINAL,
    BootRequest,
    BootResult,
    save_pins,
    texts,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import BootEdit, LinuxBoot, xen_entries
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.trial import GRUB, LinuxTrials
from ansible_collections.xen.pciback.plugins.module_utils.host.writing import check
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import ABSENT
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, note, restore


def edit_boot(run: Run, path: str, request: BootRequest) -> BootResult:
    """Do what is wanted.

    :param path: GRUB's menu
    :raises PcibackError: it is refused; nothing was changed then
    """
    if request.entries != "xen":
        raise PcibackError("on Linux every entry that starts Xen gets the list; option 'entries' can only be 'xen'")
    if request.predictor:
        raise PcibackError("pcibackctl predicts what NetBSD boots; leave option 'predictor' out on Linux")
    host = boot_files.HOST
    directory = request.records.path
    record = request.records.originals()
    trials = LinuxTrials(run, boot_files.environment_block(path), host.root)
    if request.state == CONFIRMED and not request.check_mode and trials.look().state != NONE:
        trials.confirm()
    state = trials.look()
    if request.state != CONFIRMED or request.trial is not None:
        trials.check(state, request.trial)
    boot = boot_files.read(path, directory, host)
    wanted = [parse_address(text, max_domain=0) for text in request.devices]
    if request.state in (ABSENT, ORIGINAL):
        wanted = []
    elif request.state == CONFIRMED:
        wanted = list(boot.confirmed())
    if request.state == ORIGINAL:
        mine = [each for each in record.originals.of_kind(SETTING) if each in boot.files]
        restored = {each: restore(each, record.originals.files[each], boot.files[each]) for each in mine}
        warnings = [warning for each in restored.values() for warning in each.warnings]
        edit = boot.without({name: each.data for name, each in restored.items()})
    elif request.trial is not None:
        edit = boot.tries(wanted)
        warnings = []
    else:
        edit = boot.edit(wanted, previous=request.previous)
        warnings = list(boot.warnings())
    is_done = trials.is_done(state, request.trial) and (request.trial is None or not edit.changed)
    todo = boot_files.commands(edit, boot, host)
    # What an interrupted run has put back already has to be noted, too.
    after = {**boot.files, **{each.path: each.after for each in edit.files}}
    noted = note(record.originals, [Change(each, SETTING, boot.files[each], after[each]) for each in boot.files])
    shown = [difference(each.path, each.before, each.after) for each in edit.files]
    shown += record.difference(noted.after)
    written = [*boot_files.replaced(boot, edit), *(() if is_done else (trials.block,))]
    check(
        [*request.records.written, *(host.path(name) for name in written), *(() if is_done else (host_trial.RECORD,))]
    )
    shown += save_pins(request, {} if request.state == ORIGINAL else request.pins)
    values: dict[str, Any] = {"commands": [" ".join(argv) for argv in todo]}
    if not request.check_mode:
        record.save(noted.before)
        backup = ""
        if not is_done:
            trials.before_writing(state, request.trial)
        if edit.changed:
            backup = boot_files.apply(run, boot, edit, directory, backup=request.backup, host=host)
        if backup:
            values["backup_file"] = backup
        if not is_done:
            trials.after_writing(request.trial)
        record.save(noted.after)
        boot = boot_files.read(path, directory, host)
    values.update(_entries(boot, edit, wanted))
    if request.trial is not None:
        values.update(claims=texts(wanted), trial={"link": GRUB, "seconds": request.trial})
    changed = bool(shown or todo) or not is_done
    return BootResult(changed, shown, values, tuple(dict.fromkeys([*warnings, *noted.warnings])))


def _entries(boot: LinuxBoot, edit: BootEdit, wanted: Sequence[Address]) -> dict[str, Any]:
    """The part of the result that tells of entries. Check mode names the entries of the menu that is there."""
    menu = boot.read_menu()
    numbers = {id(entry): number for number, entry in enumerate(menu.entries, 1)}
    entries = [
        {
            "number": numbers[id(entry)],
            "title": entry.title,
            "line": entry.line,
            "place": "kernel",
            "value": edit.value,
            "form": "long",
            "changed": edit.menu,
        }
        for entry in xen_entries(menu)
        if edit.value is not None
    ]
    own = boot.own_list() if edit.value is None else None
    reading = hide_parameter.read(own or "")
    hidden = wanted or [address for address in boot.modules if reading.hides(address)]
    kept = next((entry for entry in menu.entries if entry.ids[-1] == grub.PREVIOUS_ID), None)
    number = numbers[id(kept)] if kept is not None and edit.previous else None
    return {
        "claims": texts(hidden),
        "entries": entries,
        "previous": {"number": number, "title": edit.previous, "reason": edit.reason},
    }
