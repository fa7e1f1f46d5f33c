# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Planning the next boot of a Linux dom0, so that it keeps what was done at run time. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, grub_trial, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import GUEST, SETTING
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import CONFIRMED, NONE, TRIAL_ALREADY, NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import BootEdit, LinuxBoot, find_lists
from ansible_collections.xen.pciback.plugins.module_utils.planning import trial
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import Listed, hide_action
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import WHEN_CHANGED
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID

_CODE = BOOT_CONFIG_INVALID


@dataclass(frozen=True)
class LinuxBootPlanner:
    """See :class:`BootPlanner`."""

    boot: LinuxBoot

    def hide(self, draft: Draft) -> Sequence[Action]:
        """See :class:`BootPlanner`."""
        _name_stale_backends(draft)
        is_tried = draft.observed.trial.state.state != NONE
        if not draft.is_settled or (not draft.backend.hides and not self.lists(draft) and not is_tried):
            return []
        if draft.wanted.boot_entries != "xen":
            draft.refuse(
                _CODE,
                "on Linux every entry that starts Xen gets the hide list",
                remedy="set pciback_boot_entries to xen",
            )
            return []
        try:
            tried = self.boot.tried()
            edit = self.boot.edit(draft.listed, previous=draft.wanted.keep_previous)
        except PcibackError as error:
            draft.refuse_error(error, _CODE)
            return []
        draft.warnings += self.boot.warnings()
        self._check_default(draft)
        draft.recovery = _recovery(edit)
        is_new = set(self._hidden_by(draft, self.boot.running or "")) != set(draft.listed)
        if is_new and draft.backend.hides and draft.wanted.reboot == WHEN_CHANGED:
            draft.reasons.append(self._difference(draft))
        is_right = trial.judge(draft, tried, is_new=is_new)
        if is_right and (tried is not None or draft.to_confirm):
            return []
        if trial.is_asked(draft):
            self._plan_trial(draft)
        return hide_action(
            draft,
            "the next boot",
            changed=edit.changed or not is_right or draft.trial is not None,
            keep_held=draft.trial is not None,
            trial=draft.trial,
        )

    def _plan_trial(self, draft: Draft) -> None:
        """Let the reboot of the plan be a trial if it can."""
        draft.no_trial = trial.obstacle(draft)
        if draft.no_trial is None and draft.observed.trial.state.state == CONFIRMED:
            draft.no_trial = NoTrial(
                TRIAL_ALREADY, "another list was confirmed and is not in all entries yet, so it can't come back"
            )
        if draft.no_trial is None:
            draft.trial = draft.wanted.trials.within
            draft.recovery = (_CHOOSE_ANOTHER, *_recovery(self.boot.tries(draft.listed)))

    def _difference(self, draft: Draft) -> str:
        """What the next boot hides and this one did not, for a sentence."""
        booted = listed(self._hidden_by(draft, self.boot.running or "")) or "nothing"
        wanted = listed(draft.listed) or "nothing"
        return f"the next boot hides {wanted}, this one has hidden {booted}, and only a reboot shows whether that works"

    def lists(self, draft: Draft) -> Sequence[Listed]:
        """See :class:`BootPlanner`. Once our settings are there, a list of somebody else counts no longer."""
        settings = self.boot.files.get(grub.SETTINGS)
        written = settings is not None
        lists = self.boot.foreign if settings is None else find_lists(settings.decode("latin-1"), grub.SETTINGS)
        return [
            Listed(f"{found.file}, line {found.line}", found.value, self._hidden_by(draft, found.value), written)
            for found in lists
            if found.value
        ]

    def own_claims(self, draft: Draft, restored: Mapping[str, bytes | None]) -> tuple[Address, ...]:
        """See :class:`BootPlanner`."""
        try:
            own = self.boot.own_list()
        except PcibackError as error:
            # Where nothing of it is ours, it hinders nobody.
            if draft.observed.traces.originals.of_kind(SETTING):
                draft.refuse_error(error, _CODE)
            return ()
        return self._hidden_by(draft, own or "")

    def to_restore(self, draft: Draft) -> tuple[Sequence[str], Sequence[str]]:
        """See :class:`BootPlanner`. One call puts all of our settings back, and makes the menu anew."""
        traces = draft.observed.traces
        settings = traces.originals.of_kind(SETTING)
        paths = [self.boot.path] if settings or traces.devices or self.boot.pending else []
        # The menu alone is named if nothing else is put back.
        return paths, settings or ([] if traces.originals.of_kind(GUEST) else paths)

    def _hidden_by(self, draft: Draft, value: str) -> tuple[Address, ...]:
        """The devices that a list hides; it may have patterns."""
        reading = hide_parameter.read(value)
        return tuple(device.address for device in draft.observed.devices if reading.hides(device.address))

    def _check_default(self, draft: Draft) -> None:
        default = self.boot.read_menu().default
        if draft.listed and default is not None and default.kind != grub.XEN:
            draft.warnings.append(
                f"{self.boot.path} boots '{default.title}' by default, which does not start Xen; "
                "set GRUB_DEFAULT to an entry that does"
            )


_CHOOSE_ANOTHER = f"In GRUB's menu, choose any entry but the one whose title ends with '{grub_trial.SUFFIX.strip()}': it boots as before."


def _recovery(edit: BootEdit) -> tuple[str, ...]:
    lines = [
        "In GRUB's menu, press 'e' at the entry that starts Xen, take the word that begins with "
        f"{hide_parameter.PARAMETER} out of its line and boot it with Ctrl-x: dom0 then keeps its devices."
    ]
    if edit.previous:
        lines.insert(0, f"In GRUB's menu, choose '{edit.previous}': it boots with the list from before.")
    return tuple(lines)


def _name_stale_backends(draft: Draft) -> None:
    for domid, addresses in draft.observed.stale.items():
        names = listed(addresses)
        draft.warnings.append(
            f"xenstore still lists {names} for domain {domid}, which is gone: xl leaves that behind when a guest "
            f"shuts itself down, and it hinders nobody; 'xenstore-rm /local/domain/0/backend/pci/{domid}' removes it"
        )
