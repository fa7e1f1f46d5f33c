# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The files of a Linux dom0 that say what its next boot hides, and the commands that make menu and initramfs of them."""

from __future__ import annotations

import glob
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import (
    grub,
    grub_environment,
    grub_trial,
    hide_parameter,
    modalias,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.files import (
    make_directory,
    read_file,
    remove_file,
    replace_file,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot as linux_boot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import BootEdit, FileEdit, LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID

CODE = BOOT_CONFIG_INVALID
PENDING = "boot-pending"
"""In the directory of records: there while menu and initramfs may be older than our files."""

MENUS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")
MKCONFIG = ("/usr/sbin/grub-mkconfig", "/usr/sbin/grub2-mkconfig")
SCRIPT_CHECK = ("/usr/bin/grub-script-check", "/usr/bin/grub2-script-check")
UPDATE_INITRAMFS = "/usr/sbin/update-initramfs"
DRACUT = ("/usr/bin/dracut", "/usr/sbin/dracut")
LOCALES = ("/etc/default/locale", "/etc/locale.conf")
ENV = "/usr/bin/env"
MOST_BYTES = 1 << 20

_LANG = re.compile(r"""^LANG=["']?([A-Za-z0-9_.@-]+)["']?\s*$""", re.MULTILINE)


@dataclass(frozen=True)
class Host:
    """Where things are; ``root`` stands before every path, so that a tree in a folder can be worked on."""

    root: str = ""

    def path(self, name: str) -> str:
        """A path of the host, where it can be opened."""
        return self.root + name

    def name(self, path: str) -> str:
        """A path that can be opened, as the host calls it."""
        return path[len(self.root) :] if path.startswith(self.root) else path


HOST = Host()


def default_menu(host: Host = HOST) -> str:
    """GRUB's menu: the first of the usual places where there is one."""
    return next((path for path in MENUS if os.path.exists(host.path(path))), MENUS[0])


def environment_block(menu: str) -> str:
    """GRUB's environment block, which lies beside its menu."""
    return os.path.join(os.path.dirname(menu), grub_environment.BLOCK)


def read(menu: str, state_directory: str, host: Host = HOST, sys: str | None = None) -> LinuxBoot:
    """Read what the next boot does.

    :param menu: GRUB's menu; an error of reading it is kept
    :raises PcibackError: one of our files can't be read
    """
    try:
        found: bytes | PcibackError = read_file(host.path(menu), limit=grub.MAX_MENU)
    except PcibackError as error:
        error.code = CODE
        found = error
    return LinuxBoot(
        path=menu,
        menu=found,
        files={path: _content(host.path(path)) for path in linux_boot.MODES},
        early=_early(host),
        foreign=_foreign(host),
        modules=_modules(host, bus.SYS if sys is None else sys),
        pending=os.path.lexists(os.path.join(state_directory, PENDING)),
        variables=_variables(host.path(environment_block(menu))),
        running=_running(host),
    )


def commands(edit: BootEdit, boot: LinuxBoot, host: Host = HOST) -> list[list[str]]:
    """What has to be run, in order.

    :raises PcibackError: a tool is missing
    """
    found = []
    if edit.menu:
        found.append([_tool(MKCONFIG, "the menu can't be made", host)])
    if edit.initramfs and boot.early == linux_boot.INITRAMFS_TOOLS:
        found.append([UPDATE_INITRAMFS, "-u", "-k", "all"])
    elif edit.initramfs:
        found.append([_tool(DRACUT, "the initramfs can't be made", host), "--force", "--regenerate-all"])
    return found


def replaced(boot: LinuxBoot, edit: BootEdit) -> tuple[str, ...]:
    """The files that :func:`apply` makes, replaces or removes itself; tools make the initramfs."""
    return (*(each.path for each in edit.files), *([boot.path] if edit.menu else ()))


def apply(
    run: Run, boot: LinuxBoot, edit: BootEdit, state_directory: str, *, backup: bool = False, host: Host = HOST
) -> str:
    """Write the files, and make menu and initramfs of them. What a killed run leaves, the next one finishes.

    :returns: the path of the menu's backup, or ``""``
    :raises PcibackError: a file can't be written, or the new menu is not as wanted: our files are as before then
    """
    todo = commands(edit, boot, host)
    pending = os.path.join(state_directory, PENDING)
    if todo and not os.path.lexists(pending):
        make_directory(state_directory)
        replace_file(pending, b"", expected=None, mode=0o600)
    for each in edit.files:
        _write(each, host)
    saved = ""
    for argv in todo:
        if argv[0] in MKCONFIG:
            try:
                saved = _make_menu(run, argv, boot, edit, backup, host)
            except PcibackError:
                for each in reversed(edit.files):
                    _write(FileEdit(each.path, each.after, each.before), host)
                if not boot.pending:
                    remove_file(pending)
                raise
        else:
            _call(run, argv)
    if todo:
        remove_file(pending)
    return saved


def _make_menu(run: Run, argv: Sequence[str], boot: LinuxBoot, edit: BootEdit, backup: bool, host: Host) -> str:
    # Without -o it prints the menu, so that the old one stays until the new one was read.
    data = _call(run, [*_locale(host), *argv]).encode("utf-8", "surrogateescape")
    before = boot.read_menu()
    _check_script(run, data, host)
    linux_boot.check_menu(data, boot.path, edit.value, before.default)
    if edit.trial is not None:
        grub_trial.check(data, edit.trial.value, boot.variables, boot.path)
    path = host.path(boot.path)
    old = boot.menu if isinstance(boot.menu, bytes) else b""
    return "" if data == old else replace_file(path, data, expected=old, backup=backup)


def _check_script(run: Run, data: bytes, host: Host) -> None:
    """Let GRUB's own reader see the menu, as grub-mkconfig does for a file that it writes itself."""
    tool = next((place for place in SCRIPT_CHECK if os.access(host.path(place), os.X_OK)), None)
    if tool is not None:
        # Passwords of the menu are nobody's to read; the file is its owner's alone.
        with tempfile.NamedTemporaryFile(prefix="xen-pciback.") as candidate:
            candidate.write(data)
            candidate.flush()
            _call(run, [tool, candidate.name])


def _locale(host: Host) -> list[str]:
    """What lets a command speak the host's language, not that of this connection: titles of the menu depend on it."""
    for path in LOCALES:
        match = _LANG.search(bus.read_text(host.path(path)) or "")
        if match:
            return [ENV, "-u", "LC_ALL", "-u", "LC_MESSAGES", "-u", "LANGUAGE", f"LANG={match.group(1)}"]
    return []


def _write(edit: FileEdit, host: Host) -> None:
    path = host.path(edit.path)
    if edit.after is None:
        remove_file(path)
        return
    make_directory(os.path.dirname(path))
    replace_file(path, edit.after, expected=edit.before, mode=linux_boot.MODES[edit.path])


def _call(run: Run, argv: Sequence[str]) -> str:
    status, out, err = run(list(argv))
    if status != 0:
        said = (err or out).strip().splitlines()
        raise PcibackError(
            f"'{' '.join(argv)}' failed with status {status}: {said[-1] if said else 'it said nothing'}", code=CODE
        )
    return out


def _tool(places: Sequence[str], otherwise: str, host: Host) -> str:
    for place in places:
        if os.access(host.path(place), os.X_OK):
            return place
    raise PcibackError(f"{otherwise}: there is none of {', '.join(places)}", code=CODE)


def _content(path: str) -> bytes | None:
    return read_file(path, limit=MOST_BYTES) if os.path.lexists(path) else None


def _variables(block: str) -> dict[str, str]:
    """What a block holds; one that GRUB can't read holds nothing."""
    try:
        return dict(grub_environment.read(read_file(block, limit=grub_environment.SIZE)))
    except PcibackError:
        return {}


def _running(host: Host) -> str | None:
    """The hide list of the kernel that runs; the last one counts."""
    lists = hide_parameter.values(bus.read_text(host.path("/proc/cmdline")) or "")
    return lists[-1] if lists else None


def _early(host: Host) -> str:
    if os.access(host.path(UPDATE_INITRAMFS), os.X_OK):
        return linux_boot.INITRAMFS_TOOLS
    if any(os.access(host.path(place), os.X_OK) for place in DRACUT):
        return linux_boot.DRACUT
    return ""


def _foreign(host: Host) -> tuple[linux_boot.ForeignList, ...]:
    found: list[linux_boot.ForeignList] = []
    others = sorted(glob.glob(host.path("/etc/default/grub.d/*.cfg")))
    for path in [host.path("/etc/default/grub"), *others]:
        name = host.name(path)
        text = bus.read_text(path) if name != grub.SETTINGS else None
        found += linux_boot.find_lists(text or "", name)
    return tuple(found)


def _modules(host: Host, sys: str) -> dict[Address, tuple[str, ...]]:
    """The modules that the running kernel's depmod(8) lists for each function."""
    text = bus.read_text(host.path(f"/lib/modules/{os.uname().release}/modules.alias"))
    place = os.path.join(sys, bus.PCI_DEVICES)
    if text is None or not os.path.isdir(place):
        return {}
    aliases = modalias.parse_aliases(text)
    names = [name for name in os.listdir(place) if bus.is_function(name)]
    known = {name: bus.read_text(os.path.join(place, name, "modalias")) for name in names}
    return {parse_address(name): modalias.modules_for(alias, aliases) for name, alias in known.items() if alias}
