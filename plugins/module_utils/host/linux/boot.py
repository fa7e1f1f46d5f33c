# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What makes a Linux dom0 hide devices at its next boot: files that are ours as a whole, and what is generated from them.

- GRUB's settings carry ``xen-pciback.hide=`` to every entry that starts Xen; the menu is made from them.
- xen-pciback is a module: without being loaded early its list does nothing. So it is put into the initramfs.
- udev(7) loads other drivers in the initramfs, too, and a device that has a driver is not taken from it. So these
  drivers are told to wait (``softdep`` of modprobe.d(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, grub_trial, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID, PREDICTION_MISMATCH

INITRAMFS_TOOLS = "/etc/initramfs-tools/hooks/xen-pciback"
DRACUT = "/etc/dracut.conf.d/xen-pciback.conf"
SOFTDEP = "/etc/modprobe.d/xen-pciback.conf"

# Each file that may be ours, with its mode: scripts are run. They are written in this order: a run that is killed once the
# settings are new must not leave the entry with the list from before undone, because the next run can't tell any more. And
# the list of a trial that was confirmed is in the settings before its own script goes.
MODES: Mapping[str, int] = {
    grub.PREVIOUS_SCRIPT: 0o755,
    grub.SETTINGS: 0o644,
    SOFTDEP: 0o644,
    INITRAMFS_TOOLS: 0o755,
    DRACUT: 0o644,
    grub_trial.SCRIPT: 0o755,
}

_HEADER = "# Written by xen.pciback; it goes with the last hidden device.\n"
_EARLY = {
    INITRAMFS_TOOLS: (
        f"#!/bin/sh\n{_HEADER}"
        '[ "$1" = prereqs ] && exit 0\n. /usr/share/initramfs-tools/hook-functions\nforce_load xen-pciback\n'
    ),
    DRACUT: f'{_HEADER}force_drivers+=" xen-pciback "\n',
}
# What the menu is made of.
_IN_MENU = {grub.SETTINGS, grub.PREVIOUS_SCRIPT, grub_trial.SCRIPT}
_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Z_]+)\+?=(.*)")
# What grub-mkconfig puts behind the list of our settings.
_LATER = ("GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT")


@dataclass(frozen=True)
class ForeignList:
    """A hide list that somebody else has set, where it stands (line from 1), and the variable that it is in."""

    file: str
    line: int
    variable: str
    value: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.variable} sets {hide_parameter.PARAMETER}={self.value}"


@dataclass(frozen=True)
class FileEdit:
    """One file as it is and as it is wanted; ``None``: it is not there."""

    path: str
    before: bytes | None
    after: bytes | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class BootEdit:
    """What has to change so that the next boot hides some devices.

    :param files: those that change
    :param value: the hide list that entries shall have, ``None`` for none of ours
    :param menu: whether the menu has to be made anew
    :param initramfs: whether the initramfs has to be made anew
    :param previous: the title of the entry with the list from before, empty if there is none
    :param reason: why there is none
    :param trial: what the menu shall try, ``None`` for nothing
    """

    files: tuple[FileEdit, ...]
    value: str | None
    menu: bool
    initramfs: bool
    previous: str = ""
    reason: str = ""
    trial: grub_trial.Trial | None = None

    @property
    def changed(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.files) or self.menu or self.initramfs


@dataclass(frozen=True)
class LinuxBoot:
    """What a Linux dom0 has for its next boot.

    :param path: GRUB's menu
    :param menu: its bytes, or why they can't be read
    :param files: what our files hold now, ``None`` where there is none
    :param early: the one of :data:`INITRAMFS_TOOLS` and :data:`DRACUT` that this host heeds, empty for none
    :param foreign: hide lists that somebody else has set
    :param modules: the modules that the kernel would load for each function
    :param pending: whether an earlier run was interrupted before menu and initramfs were made
    :param variables: what GRUB's environment block holds
    :param running: the hide list that this boot was started with, ``None`` for none
    """

    path: str
    menu: bytes | PcibackError
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    early: str = ""
    foreign: tuple[ForeignList, ...] = ()
    modules: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    pending: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    running: str | None = None
    # pcibackctl predicts what NetBSD boots.
    predictable: bool = False
    loader: str | None = None
    predicted_claims: tuple[Address, ...] | None = None

    def read_menu(self) -> grub.Menu:
        """The menu, if it starts Xen.

        :raises PcibackError: ``boot-config-invalid``
        """
        if isinstance(self.menu, PcibackError):
            raise self.menu
        menu = grub.read_menu(self.menu, self.path)
        if not xen_entries(menu):
            raise PcibackError(
                "no entry starts Xen",
                code=BOOT_CONFIG_INVALID,
                file=self.path,
                remedy="install Xen for this dom0, and make the menu anew with update-grub or grub-mkconfig",
            )
        return menu

    def edit(self, addresses: Sequence[Address], *, previous: bool = True) -> BootEdit:
        """Work out what has to change.

        :param addresses: what the next boot shall hide; nothing else
        :param previous: whether an entry with the list from before is kept
        :raises PcibackError: ``boot-config-invalid`` or ``list-too-long``
        """
        menu = self.read_menu()
        # Without ours, a list of somebody else counts; an empty one of ours comes later and hides nothing.
        ours = bool(addresses or self.foreign)
        value = hide_parameter.render(addresses) if ours else None
        self._refuse_later_lists(ours)
        entries = xen_entries(menu)
        usual = menu.default if menu.default in entries else entries[0]
        differs = any(entry.lists[-1:] != (value,) for entry in entries) if ours else False
        wanted: dict[str, bytes | None] = dict.fromkeys(MODES)
        if ours:
            wanted[grub.SETTINGS] = grub.settings(addresses)
        wanted.update(self._early_files(addresses))
        reason = "" if ours else "nothing is hidden"
        if ours and previous:
            kept = self.files.get(grub.PREVIOUS_SCRIPT)
            changes = wanted[grub.SETTINGS] != self.files.get(grub.SETTINGS)
            if kept is None or (changes and differs):
                kept = grub.previous_script(usual, usual.lists[-1] if usual.lists else None)
            wanted[grub.PREVIOUS_SCRIPT] = kept
        elif ours:
            reason = "none is wanted"
        edits = [FileEdit(path, self.files.get(path), wanted[path]) for path in MODES]
        changed = {edit.path: edit for edit in edits if edit.changed}
        return BootEdit(
            files=tuple(changed.values()),
            value=value,
            menu=self.pending or differs or bool(_IN_MENU & set(changed)),
            initramfs=self._initramfs(changed),
            previous="" if reason else usual.path[-1] + PREVIOUS_SUFFIX,
            reason=reason,
        )

    def tries(self, addresses: Sequence[Address]) -> BootEdit:
        """Work out what has to change so that the menu tries to hide some devices.

        Its entries stay as they are, or become what this boot was started as: that is what the host goes back to.

        :param addresses: what the boot that tries it shall hide; none: it has no list
        :raises PcibackError: ``boot-config-invalid`` or ``list-too-long``
        """
        menu = self.read_menu()
        entries = xen_entries(menu)
        usual = menu.default if menu.default in entries else entries[0]
        value = hide_parameter.render(addresses) if addresses else None
        settings = self._settings_of_this_boot(usual)
        own = () if settings is None else find_lists(settings.decode("latin-1"), grub.SETTINGS)
        listed = {each for each in self.modules for found in own if hide_parameter.read(found.value).hides(each)}
        wanted = {**self.files, **self._early_files([*addresses, *listed])}
        wanted[grub.SETTINGS] = settings
        wanted[grub_trial.SCRIPT] = grub_trial.script(usual, value)
        edits = [FileEdit(path, self.files.get(path), wanted.get(path)) for path in MODES]
        changed = {edit.path: edit for edit in edits if edit.changed}
        return BootEdit(
            files=tuple(changed.values()),
            value=own[-1].value if own else None,
            menu=self.pending or bool(_IN_MENU & set(changed)) or grub_trial.read(menu) is None,
            initramfs=self._initramfs(changed),
            reason="the entries stay as they are while a list is tried",
            trial=grub_trial.Trial(usual.path[-1] + grub_trial.SUFFIX, value),
        )

    def without(self, restored: Mapping[str, bytes | None]) -> BootEdit:
        """What has to change so that files are as they were before the first run.

        :param restored: what each of our files was
        """
        edits = [FileEdit(path, self.files.get(path), data) for path, data in restored.items()]
        changed = {edit.path: edit for edit in edits if edit.changed}
        return BootEdit(
            files=tuple(changed.values()),
            value=None,
            menu=self.pending or bool(_IN_MENU & set(changed)),
            initramfs=self._initramfs(changed),
            reason="the files are as they were before their first change",
        )

    def confirmed(self) -> tuple[Address, ...]:
        """What the next boot hides once what the menu tries is confirmed; of one that tries nothing, what it hides.

        :raises PcibackError: ``boot-config-invalid``
        """
        tried = self.tried()
        if tried is not None:
            return tried
        menu = self.read_menu()
        lists = menu.default.lists if menu.default is not None else xen_entries(menu)[0].lists
        return _addresses(lists[-1] if lists else None)

    def tried(self) -> tuple[Address, ...] | None:
        """What the menu tries to hide, ``None`` if it tries nothing.

        :raises PcibackError: ``boot-config-invalid``
        """
        trial = grub_trial.read(self.read_menu())
        return None if trial is None else _addresses(trial.value)

    def own_list(self) -> str | None:
        """The hide list that the default entry has without us, ``None`` if it has none."""
        default = self.read_menu().default
        lists = () if default is None else default.lists
        if lists and self.files.get(grub.SETTINGS) is not None:
            lists = lists[:-1]
        return lists[-1] if lists else None

    def _settings_of_this_boot(self, usual: grub.Entry) -> bytes | None:
        """The settings with which an entry boots as this boot was started; as they are, if that can't be written, and none if
        there are none: what was given back stays so.

        :param usual: the entry that boots by default
        """
        settings = self.files.get(grub.SETTINGS)
        value = usual.lists[-1] if usual.lists else ""
        addresses = _addresses(self.running)
        running = self.running or ""
        is_ours = hide_parameter.render(addresses) == running
        if settings is None or not is_ours or hide_parameter.read(value) == hide_parameter.read(running):
            return settings
        return grub.settings(addresses) if addresses or self.foreign else None

    def _early_files(self, addresses: Sequence[Address]) -> dict[str, bytes | None]:
        """What lets xen-pciback have these devices before their drivers do."""
        wanted: dict[str, bytes | None] = {}
        modules = sorted({module for address in addresses for module in self.modules.get(address, ())})
        if modules:
            wanted[SOFTDEP] = _softdep(modules)
        if addresses and self.early:
            wanted[self.early] = _EARLY[self.early].encode("ascii")
        return wanted

    def _initramfs(self, changed: Iterable[str]) -> bool:
        return bool(self.early) and (self.pending or bool({self.early, SOFTDEP} & set(changed)))

    def _refuse_later_lists(self, ours: bool) -> None:
        later = next((found for found in self.foreign if found.variable in _LATER), None)
        if ours and later is not None:
            raise PcibackError(
                f"{later.variable} sets {hide_parameter.PARAMETER}={later.value}, which comes after the list of this "
                "collection, and the last one counts",
                code=BOOT_CONFIG_INVALID,
                file=later.file,
                line=later.line,
                remedy="take it out, or move it to GRUB_CMDLINE_LINUX",
            )

    def warnings(self) -> tuple[str, ...]:
        """Lists of somebody else, which stand behind ours."""
        return tuple(
            f"{found}; the list of this collection comes later and counts"
            for found in self.foreign
            if found.variable not in _LATER
        )


def xen_entries(menu: grub.Menu) -> tuple[grub.Entry, ...]:
    """The entries that start Xen, without the one that keeps the list from before, and the one that tries a list."""
    ours = (grub.PREVIOUS_ID, grub_trial.ID)
    return tuple(entry for entry in menu.entries if entry.kind == grub.XEN and entry.ids[-1] not in ours)


def _addresses(value: str | None) -> tuple[Address, ...]:
    """The functions that a list names one by one, as ours do."""
    patterns = hide_parameter.read(value or "").patterns
    return tuple(
        Address(each.domain, each.bus, each.device, each.function)
        for each in patterns
        if each.device is not None and each.function is not None
    )


def find_lists(text: str, file: str) -> tuple[ForeignList, ...]:
    """Hide lists in a file of GRUB's settings (shell, /etc/default/grub)."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = _ASSIGNMENT.match(line)
        if match:
            words = match.group(2).replace('"', " ").replace("'", " ")
            found += [ForeignList(file, number, match.group(1), value) for value in hide_parameter.values(words)]
    return tuple(found)


def check_menu(data: bytes, file: str, value: str | None, default: grub.Entry | None) -> None:
    """Read a menu that was just made, before it takes the place of the old one.

    :param value: the list that every entry that starts Xen has to have in the last place, ``None`` for any
    :param default: what booted by itself before
    :raises PcibackError: ``prediction-mismatch``
    """
    menu = grub.read_menu(data, file)
    wrong = [entry for entry in xen_entries(menu) if value is not None and entry.lists[-1:] != (value,)]
    problem = ""
    if not xen_entries(menu):
        problem = "it has no entry that starts Xen any more"
    elif wrong:
        last = wrong[0].lists[-1] if wrong[0].lists else "nothing"
        problem = f"its entry '{wrong[0].title}' would hide {last or 'nothing'}, not {value or 'nothing'}"
    elif default is not None and menu.default is not None and menu.default.path != default.path:
        problem = f"it boots '{menu.default.title}' by default, not '{default.title}'"
    if problem:
        raise PcibackError(
            f"the menu that grub-mkconfig made is not as wanted: {problem}; nothing was changed",
            code=PREDICTION_MISMATCH,
            file=file,
            remedy=f"see where {hide_parameter.PARAMETER} or GRUB_DEFAULT are set: /etc/default/grub, "
            "/etc/default/grub.d, /etc/grub.d",
        )


def _softdep(modules: Iterable[str]) -> bytes:
    return (_HEADER + "".join(f"softdep {module} pre: xen-pciback\n" for module in modules)).encode("ascii")
