# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Planning the next boot of a NetBSD dom0: boot.cfg(5) hides devices, and the C model says whether it does. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import trial as boot_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check import broken_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, NAMES, Loaders
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import XEN, decode
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.selection import select
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX
from ansible_collections.xen.pciback.plugins.module_utils.formats.hide_list import FAULT, OPTION
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NONE, NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.planning import trial
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import Listed, hide_action
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import Prediction, disagreement
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import NEVER
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID, PREDICTION_MISMATCH

_CODE = BOOT_CONFIG_INVALID
_HIDE_OPTION = re.compile(rf"(?: --)? {re.escape(OPTION)}\S*", re.IGNORECASE)


@dataclass(frozen=True)
class NetbsdBoot:
    """What a NetBSD dom0 has for its next boot.

    :ivar data: the bytes of boot.cfg(5), or why they can't be read
    :ivar prediction: what the C model says that the next boot will do if nobody chooses another entry, ``None`` if it
        can't be asked
    :ivar loaders: those that may read it
    """

    path: str
    data: bytes | PcibackError
    prediction: Prediction | None = None
    predictable: bool = True
    loaders: Loaders = EITHER

    @property
    def loader(self) -> str:
        """See :class:`BootState`."""
        return NAMES[self.loaders]

    @property
    def predicted_claims(self) -> tuple[Address, ...] | None:
        """See :class:`BootState`."""
        return None if self.prediction is None else self.prediction.claims

    def read(self, instead: bytes | None = None) -> BootCfg:
        """The boot configuration, or what it will be.

        :param instead: the bytes that it will have, ``None``: as they are
        :raises PcibackError: ``boot-config-invalid``
        """
        if isinstance(self.data, PcibackError):
            raise self.data
        return BootCfg.parse(self.data if instead is None else instead, self.path, self.loaders)


@dataclass(frozen=True)
class NetbsdBootPlanner:
    """See :class:`BootPlanner`."""

    boot: NetbsdBoot

    def hide(self, draft: Draft) -> Sequence[Action]:
        """See :class:`BootPlanner`."""
        if not draft.backend.hides and not self.lists(draft):
            return []
        if isinstance(self.boot.data, PcibackError):
            draft.refuse_error(self.boot.data, _CODE)
            return []
        if not draft.is_settled:
            return []
        addresses = draft.listed
        try:
            config = self.boot.read()
            tried = boot_trial.read(config)
            base = boot_trial.plain(config, draft.observed.trial.state.state, addresses)
            edit = hide(base, addresses, entries=draft.wanted.boot_entries, previous=draft.wanted.keep_previous)
        except PcibackError as error:
            draft.refuse_error(error, _CODE)
            return []
        draft.recovery = recovery(edit.boot_cfg)
        edited = [placement.number for placement in edit.entries]
        self._check_default_entry(draft, base, edited)
        is_right = trial.judge(draft, None if tried is None else tried.claims, is_new=bool(draft.reasons))
        if tried is None and is_right and not edit.changed:
            self._check_prediction(draft, config, edited)
        if is_right and (tried is not None or draft.to_confirm):
            if draft.trial is not None:
                draft.recovery = recovery(base, tries=True)
            return []
        self._plan_trial(draft, base)
        if draft.trial is not None:
            draft.recovery = recovery(base, tries=True)
        return hide_action(
            draft,
            self.boot.path,
            changed=edit.changed or not is_right or draft.trial is not None,
            keep_held=not draft.reboots or draft.trial is not None,
            trial=draft.trial,
        )

    def _plan_trial(self, draft: Draft, base: BootCfg) -> None:
        """Let the reboot of the plan be a trial if it can."""
        if not trial.is_asked(draft):
            return
        draft.no_trial = trial.obstacle(draft)
        if draft.no_trial is not None:
            return
        facts = draft.observed.trial
        running = draft.observed.claims if draft.backend.hides else draft.observed.other_claims
        used = [name for name in facts.used if f"/{name}" != facts.state.link]
        armed = boot_trial.arm_beside(base, draft.listed, draft.wanted.boot_entries, running or (), used=used)
        if isinstance(armed, NoTrial):
            draft.no_trial = armed
        else:
            draft.trial = draft.wanted.trials.within

    def lists(self, draft: Draft) -> Sequence[Listed]:
        """See :class:`BootPlanner`."""
        path = self.boot.path
        try:
            read = self.boot.read()
            # What is tried is nobody else's.
            config = boot_trial.plain(read, draft.observed.trial.state.state, draft.listed)
            indexes = select(config, draft.wanted.boot_entries if draft.listed else XEN)
        except PcibackError:
            return []
        original = draft.observed.traces.originals.files.get(draft.observed.traces.places.get(path, path))
        written = original is not None and original.wrote(read.data)
        before = None if original is None or original.data is None else self.boot.read(original.data)
        own = [] if before is None else [entry.hide.reading.value for entry in before.entries if entry.hide is not None]
        found = []
        for index in indexes:
            listed = config.read_list(index)
            if listed is None or listed.reading.empty:
                continue
            # Of one that stops the machine, hide() says more.
            if draft.listed and listed.reading.outcome == FAULT:
                continue
            value = listed.reading.value
            found.append(
                Listed(f"{path}, line {listed.line}", decode(value), listed.claims, written and value not in own)
            )
        return found

    def own_claims(self, draft: Draft, restored: Mapping[str, bytes | None]) -> tuple[Address, ...]:
        """See :class:`BootPlanner`."""
        path = self.boot.path
        try:
            config = self.boot.read(restored.get(draft.observed.traces.places.get(path, path)))
        except PcibackError as error:
            draft.refuse_error(error, _CODE)
            return ()
        for index in range(len(config.menu)):
            broken = broken_list(config, index)
            if broken is not None:
                draft.refuse_error(broken, _CODE)
        draft.recovery = recovery(config)
        default = config.default
        claims: tuple[Address, ...] = ()
        if default is not None and default.kind == XEN and default.hide is not None:
            claims = tuple(sorted(set(default.hide.claims)))
        if config.render() != self.boot.data:
            self._warn_of_own_list(draft, claims)
        return claims

    def to_restore(self, draft: Draft) -> tuple[Sequence[str], Sequence[str]]:
        """See :class:`BootPlanner`. The pins go with the boot configuration, whether that was changed or not."""
        traces = draft.observed.traces
        is_left = traces.devices or draft.observed.trial.state.state != NONE
        paths = traces.originals.of_kind(BOOT) or ((self.boot.path,) if is_left else ())
        return paths, paths

    def _warn_of_own_list(self, draft: Draft, claims: Sequence[Address]) -> None:
        """Name what the next boot takes from dom0: the owner's list may be older than the hardware."""
        for device in draft.observed.devices:
            if device.address in claims and device.address not in draft.claims:
                draft.warnings.append(
                    f"{self.boot.path} hid {device.describe()} before the first run and does so again: "
                    "the next boot takes it from dom0"
                )

    def _check_default_entry(self, draft: Draft, config: BootCfg, edited: Sequence[int]) -> None:
        default = config.default
        if not draft.listed or default is None or default.number in edited:
            return
        sentence = (
            f"{self.boot.path} boots entry {default.number} '{default.title}' by default, "
            "which hides nothing, so a reboot would not give the devices away"
        )
        if draft.wanted.reboot != NEVER and draft.missing:
            draft.refuse(
                _CODE,
                sentence,
                remedy="set default= to an entry that starts Xen, or include that entry in pciback_boot_entries",
            )
        else:
            draft.warnings.append(sentence)

    def _check_prediction(self, draft: Draft, config: BootCfg, edited: Sequence[int]) -> None:
        prediction, default = self.boot.prediction, config.default
        if prediction is None or default is None or default.kind != XEN:
            return
        # The model was asked about the default entry only; one that is not to hide anything is no disagreement.
        if draft.listed and default.number not in edited:
            return
        doubt = disagreement(prediction, draft.listed)
        if doubt is not None:
            draft.refuse(
                PREDICTION_MISMATCH,
                f"{self.boot.path} reads as wanted, but the model of the boot disagrees: {doubt}",
                remedy=f"run 'pcibackctl boot --config {self.boot.path}' on the host to see why",
            )


def recovery(config: BootCfg, *, tries: bool = False) -> tuple[str, ...]:
    """What a person at the console does if the host does not come back, in the order of trying.

    :param tries: whether a trial of it is booted; that has no entry of its own with the list from before
    """
    lines = []
    if tries:
        lines.append(
            "It goes back to the list from before by itself, or by a reset, unless its kernel has stopped before the first of "
            "the host's own scripts; then a reset tries once more, and only the console helps."
        )
    lines += [
        f"At its console, choose entry {entry.number} '{entry.title}' in the loader's menu: it boots with the list from before."
        for entry in config.entries
        if entry.title.endswith(PREVIOUS_SUFFIX)
    ]
    default = config.default
    if default is not None and default.kind == XEN:
        typed = [_HIDE_OPTION.sub("", command).strip() for command in default.commands]
        lines.append(
            "At the loader's prompt (choose it in the menu), these lines boot dom0 with nothing hidden: "
            + " | ".join(typed)
        )
    return tuple(lines)
