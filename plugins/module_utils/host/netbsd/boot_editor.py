# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Edits boot.cfg(5) of a NetBSD dom0: read, check, edit, judge, write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import trial as boot_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import Edit, hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import Loaders
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import XEN
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.previous import Previous
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import menu_entries
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NONE, NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import (
    CONFIRMED,
    MOST_BYTES,
    ORIGINAL,
    BootRequest,
    BootResult,
    save_pins,
    texts,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file, replace_file
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_loader import possible_loaders
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.bus import claims
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.trial import NetbsdTrials
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.trial_edit import Trying
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import loader_root, predict
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import OriginalsFile
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import RECORD
from ansible_collections.xen.pciback.plugins.module_utils.host.writing import check
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import ABSENT
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import Prediction, disagreement
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, Noted, note, put_back
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID, PREDICTION_MISMATCH


def edit_boot(run: Run, path: str, request: BootRequest) -> BootResult:
    """Do what is wanted.

    :param path: the boot configuration
    :raises PcibackError: it is refused; nothing was changed then
    """
    loaders = possible_loaders(path)
    before = _read(path, loaders)
    trials = NetbsdTrials(run, os.path.dirname(path).rstrip("/"))
    if request.state == CONFIRMED and not request.check_mode and trials.look().state != NONE:
        trials.confirm()
    state = trials.look()
    tried = boot_trial.read(before)
    if request.state == ORIGINAL:
        return _restore(path, before, request, Trying(trials, state, tried, None))
    entries = menu_entries(request.entries, "entries")
    if request.state == CONFIRMED:
        wanted = list(_confirmed(before, tried))
    else:
        wanted = [] if request.state == ABSENT else [parse_address(text, max_domain=0) for text in request.devices]
    base = boot_trial.plain(before, state.state, wanted)
    edit = hide(base, wanted, entries, previous=request.previous)
    after, trying = edit.boot_cfg, Trying(trials, state, tried, None)
    values: dict[str, Any] = {
        "claims": texts(wanted),
        "entries": [vars(placement) for placement in edit.entries],
        "previous": vars(edit.previous),
    }
    if request.trial is not None:
        armed = _armed(base, wanted, entries, trials, (state.link, None if tried is None else tried.link))
        after, trying = armed.boot_cfg, Trying(trials, state, tried, armed.trial, request.trial)
        values["previous"] = vars(Previous(None, "", "the list is on trial"))
        values["trial"] = {"link": armed.trial.link, "seconds": request.trial}
    trying.check()
    if request.predictor is not None:
        judged = _judge(run, request.predictor, path, edit, wanted, request.scratch)
        if trying.after is not None:
            judged = _judge_trial(run, request.predictor, path, after, trying.after, request.scratch)
        values["prediction"] = [
            {
                "entry": prediction.entry,
                "outcome": prediction.outcome,
                "claims": [str(address) for address in prediction.claims],
            }
            for prediction in judged
        ]
    record = request.records.originals()
    writing = _Writing(path, before.render(), after.render(), record, request, trying)
    writing.check()
    shown = [*save_pins(request, request.pins), *writing.differences]
    backup = writing.write()
    writing.settle()
    if backup:
        values["backup_file"] = backup
    return BootResult(bool(shown) or not trying.is_done, shown, values, writing.noted.warnings)


def _confirmed(boot_cfg: BootCfg, tried: boot_trial.Trial | None) -> Sequence[Address]:
    """What is hidden once the trial of this file is confirmed; of one without a trial, what it hides."""
    if tried is not None:
        return tried.claims
    default = boot_cfg.default
    return () if default is None or default.hide is None else default.hide.claims


def _armed(
    base: BootCfg,
    wanted: Sequence[Address],
    entries: str | Sequence[str],
    trials: NetbsdTrials,
    own: Sequence[str | None],
) -> boot_trial.Armed:
    """The file that tries the list.

    :param own: links of an earlier trial, whose names are free for this one
    :raises PcibackError: none can be made
    """
    used = [name for name in trials.used_names() if f"/{name}" not in own]
    obstacle = trials.obstacle()
    armed = obstacle or boot_trial.arm_beside(base, wanted, entries, claims() or (), used=used)
    if isinstance(armed, NoTrial):
        raise PcibackError(
            f"no trial can be made ({armed.code}): {armed.reason}; nothing was changed",
            remedy="have a plain reboot with pciback_trial: never",
        )
    return armed


def _read(path: str, loaders: Loaders) -> BootCfg:
    """Read the boot configuration; every refusal has the code of a bad one."""
    try:
        return BootCfg.parse(read_file(path, limit=MOST_BYTES), path, loaders)
    except PcibackError as error:
        error.code = BOOT_CONFIG_INVALID
        raise


def _judge(
    run: Run, predictor: str, path: str, edit: Edit, wanted: Sequence[Address], scratch: str | None
) -> list[Prediction]:
    """Have every edited entry predicted, and refuse if the model reads it in another way."""
    numbers = [placement.number for placement in edit.entries]
    if not wanted:
        numbers = [entry.number for entry in edit.boot_cfg.entries if entry.kind == XEN]
    default = edit.boot_cfg.default
    predictions = []
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="boot.cfg.") as candidate:
        candidate.write(edit.boot_cfg.render())
        candidate.flush()
        for number in numbers:
            # An entry that somebody may choose one day can miss its kernel today; the one that boots must not.
            boots = default is not None and number == default.number
            files = loader_root(path) if boots else None
            prediction = predict(predictor, candidate.name, number, files=files, loaders=edit.boot_cfg.loaders, run=run)
            problem = disagreement(prediction, wanted)
            if not wanted and not prediction.claims:
                # An entry that doesn't boot for another reason is no reason to keep a list in it.
                problem = None
            if problem is None and default is not None and prediction.default != default.number:
                problem = f"entry {prediction.default} is predicted to boot by default, not {default.number}"
            if problem is not None:
                raise PcibackError(
                    f"{problem}; nothing was changed",
                    code=PREDICTION_MISMATCH,
                    file=path,
                    remedy="look at the file with 'pcibackctl boot --config FILE'",
                )
            predictions.append(prediction)
    return predictions


def _judge_trial(
    run: Run, predictor: str, path: str, armed: BootCfg, trial: boot_trial.Trial, scratch: str | None
) -> list[Prediction]:
    """Have both halves of each entry predicted that tries a list, with the link and without it."""
    before = boot_trial.settle(armed, boot_trial.PREVIOUS).boot_cfg
    predictions = []
    with tempfile.NamedTemporaryFile(dir=scratch, prefix="boot.cfg.") as candidate:
        candidate.write(armed.render())
        candidate.flush()
        for number in trial.entries:
            for without in (None, trial.link):
                listed = before.entries[number - 1].hide
                wanted = trial.claims if without is None else () if listed is None else listed.claims
                prediction = predict(predictor, candidate.name, number, without=without, loaders=armed.loaders, run=run)
                problem = disagreement(prediction, wanted)
                if problem is not None:
                    half = "with the link" if without is None else "without the link"
                    raise PcibackError(
                        f"{half} of the trial, {problem}; nothing was changed",
                        code=PREDICTION_MISMATCH,
                        file=path,
                        remedy="have a plain reboot with pciback_trial: never",
                    )
                if without is None:
                    predictions.append(prediction)
    return predictions


def _restore(path: str, boot_cfg: BootCfg, request: BootRequest, trying: Trying) -> BootResult:
    """Put the boot configuration back as it was."""
    before = boot_cfg.render()
    record = request.records.originals()
    restored = put_back(path, record.originals.files.get(os.path.realpath(path)), before)
    after = before if restored.data is None else restored.data
    writing = _Writing(path, before, after, record, request, trying)
    writing.check()
    backup = writing.write()
    shown = [*writing.differences, *save_pins(request, {})]
    writing.settle()
    default = BootCfg.parse(after, path, boot_cfg.loaders).default
    values: dict[str, Any] = {
        "claims": texts(() if default is None or default.hide is None else default.hide.claims),
        "entries": [],
        "previous": vars(Previous(None, "", "the file is as it was before its first change")),
    }
    if backup:
        values["backup_file"] = backup
    return BootResult(bool(shown) or not trying.is_done, shown, values, restored.warnings)


class _Writing:
    """A change of the boot configuration, and what has to be recorded of it: decided first, written later."""

    def __init__(
        self, path: str, before: bytes, after: bytes, record: OriginalsFile, request: BootRequest, trying: Trying
    ) -> None:
        self._path, self._before, self._after = path, before, after
        self._record, self._request, self._trying = record, request, trying
        self.noted: Noted = note(record.originals, [Change(os.path.realpath(path), BOOT, before, after)])
        self.differences = [difference(path, before, after)] if before != after else []
        self.differences += record.difference(self.noted.after)

    def check(self) -> None:
        """Make sure that everything can be written, before anything is.

        :raises PcibackError: ``not-replaceable``
        """
        trial = [] if self._trying.is_done else [RECORD]
        check([*self._request.records.written, *([self._path] if self._before != self._after else ()), *trial])

    def write(self) -> str:
        """Write what has to be recorded, and then the boot configuration; returns the backup's path."""
        if self._request.check_mode:
            return ""
        self._record.save(self.noted.before)
        if not self._trying.is_done:
            self._trying.before_writing()
        backup = ""
        if self._before != self._after:
            backup = replace_file(self._path, self._after, expected=self._before, backup=self._request.backup)
        if not self._trying.is_done:
            self._trying.after_writing()
        return backup

    def settle(self) -> None:
        """Drop from the record what has been put back."""
        if not self._request.check_mode:
            self._record.save(self.noted.after)
