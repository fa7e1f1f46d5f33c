# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A boot.cfg that tries a hide list: it boots the new one while a file is there, and without it as before.

The loader goes on with the next command of an entry when a ``multiboot`` can't open its file. So the only edit is one
more command before the entry's own ``multiboot``: the same, but for the path, which is a hard link to the same Xen, and
for the list behind `` -- ``, which wins over one on ``load``. Without the link that command fails and the entry is what
it was; who takes it out again has the file as it was, byte for byte. The file is the same before and after the link is
made or removed, so that either is one step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Collection, Iterable, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check import check_bootable, name, refusal
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import Edit, hide, hide_at, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.lexer import (
    Command,
    first_word,
    lists_in_command,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_COMMAND, MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import decode
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.place import (
    append_to_multiboot,
    with_line,
    without_lists,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.previous import Previous
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.selection import select
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import (
    CONFIRMED,
    NOTHING_TO_TRY,
    TRIAL_ALREADY,
    NoTrial,
)

NEW = "new"
PREVIOUS = "previous"

LINKS = ("/t", *(f"/t{digit}" for digit in range(10)))
"""Names that a link may have: short, because the command that holds it has room for 79 characters."""

COMMAND_TOO_LONG = "command-too-long"
FILE_TOO_LARGE = "file-too-large"
CARRIAGE_RETURN = "carriage-return"
SEVERAL_XENS = "several-xens"
XEN_ON_DEVICE = "xen-on-device"
NO_LINK_NAME = "no-link-name"


@dataclass(frozen=True)
class Trial:
    """What a file tries.

    :param link: path of the link, below the root of the boot device
    :param xen: path of the Xen that it has to be a hard link to
    :param claims: the new list; empty if no list is what is tried
    :param entries: numbers of the entries, from 1
    """

    link: str
    xen: str
    claims: tuple[Address, ...]
    entries: tuple[int, ...]


@dataclass(frozen=True)
class Armed:
    """A file that tries a list as soon as the link is there."""

    boot_cfg: BootCfg
    trial: Trial


def arm(
    boot_cfg: BootCfg,
    addresses: Iterable[Address],
    entries: str | Sequence[str] = "xen",
    *,
    used: Collection[str] = (),
) -> Armed | NoTrial:
    """Make the file try a list.

    :param addresses: what the dom0 kernel shall leave to the backend; none means that every entry that starts Xen
        tries to boot without a list, as :func:`.edit.hide` does it
    :param entries: as for :func:`.edit.hide`
    :param used: names in the root directory of the boot device
    :raises PcibackError: the list could not be written plainly either; :func:`.edit.hide` says why
    """
    wanted = tuple(dict.fromkeys(addresses))
    if read(boot_cfg) is not None:
        return NoTrial(TRIAL_ALREADY, "the file tries a list already, and that trial has to be settled first")
    edit = hide(boot_cfg, wanted, entries, previous=False)
    selected = select(boot_cfg, entries if wanted else "xen")
    if wanted and not any(placement.changed for placement in edit.entries):
        return NoTrial(NOTHING_TO_TRY, "each of these entries boots with that list already")
    if not wanted and all(boot_cfg.read_list(index) is None for index in selected):
        return NoTrial(NOTHING_TO_TRY, "none of the entries boots with a list, so there is none to take out on trial")
    for index in selected:
        check_bootable(boot_cfg, index)
    xen = _common_xen(boot_cfg, selected)
    if isinstance(xen, NoTrial):
        return xen
    link = next((link for link in LINKS if link[1:] not in used and not _mentions(boot_cfg, link)), None)
    if link is None:
        return NoTrial(NO_LINK_NAME, f"all the short names for the link are in use: {' '.join(LINKS)}")
    armed = _with_commands(boot_cfg, selected, link, hide_list.render(wanted).encode())
    if isinstance(armed, NoTrial):
        armed = _with_commands(boot_cfg, selected, link, hide_list.render(wanted, short=True).encode())
    if isinstance(armed, NoTrial):
        return armed
    return Armed(armed, _certain(boot_cfg, armed, Trial(link, xen, wanted, tuple(i + 1 for i in selected))))


def read(boot_cfg: BootCfg) -> Trial | None:
    """What a file tries that :func:`arm` has written; ``None`` if that is nothing.

    A command that was edited since is its editor's own, and no trial.

    :raises PcibackError: ``boot-config-invalid``: its entries do not all try the same
    """
    found = {}
    for index in range(len(boot_cfg.menu)):
        tried = _tried(boot_cfg, index)
        if tried is not None:
            found[index] = tried
    if not found:
        return None
    if len(set(found.values())) > 1:
        raise refusal(
            boot_cfg,
            "the entries do not all try the same list; take out the commands that start "
            f"'multiboot {found[min(found)][0]}' by hand",
            boot_cfg.menu[min(found)].command_text,
        )
    link, xen, claims = found[min(found)]
    return Trial(link, xen, claims, tuple(index + 1 for index in found))


def settle(boot_cfg: BootCfg, keep: str, *, previous: bool = True) -> Edit:
    """End a trial; a file without one stays as it is.

    :param keep: ``new``: the file that :func:`.edit.hide` would have written; ``previous``: the file as it was
    :param previous: with ``new``, keep an entry that boots with the list from before
    :raises PcibackError: as for :func:`read` and :func:`.edit.hide`
    """
    trial = read(boot_cfg)
    if trial is None:
        return Edit(boot_cfg, (), Previous(None, "", "nothing is tried"), False)
    indexes = [number - 1 for number in trial.entries]
    plain = boot_cfg
    for index in indexes:
        plain = _without_command(plain, index)
    if keep == PREVIOUS:
        return Edit(plain, (), Previous(None, "", "the trial was taken out"), True)
    edit = hide_at(plain, trial.claims, indexes, previous=previous) if trial.claims else unhide(plain)
    return Edit(edit.boot_cfg, edit.entries, edit.previous, True)


def plain(boot_cfg: BootCfg, state: str, wanted: Collection[Address]) -> BootCfg:
    """The file without the trial that it may have: with the list from before, or with the one that was confirmed.

    :param state: of the trial, in pciback-trial's words
    :param wanted: what is to be hidden; a file that tries just that becomes the one from before, so that an edit of it
        keeps the entry that boots as before
    :raises PcibackError: as for :func:`read`
    """
    tried = read(boot_cfg)
    if tried is None:
        return boot_cfg
    keeps_new = state == CONFIRMED and set(tried.claims) != set(wanted)
    return settle(boot_cfg, NEW if keeps_new else PREVIOUS).boot_cfg


def arm_beside(
    base: BootCfg,
    addresses: Iterable[Address],
    entries: str | Sequence[str],
    running: Collection[Address],
    *,
    used: Collection[str] = (),
) -> Armed | NoTrial:
    """:func:`arm`, where the file boots without the link what runs now, even if it has something else by now.

    :param running: what pciback(4) holds in this boot
    """
    default = base.default
    listed: Collection[Address] = () if default is None or default.hide is None else default.hide.claims
    if set(listed) != set(running):
        base = hide(base, sorted(running), entries, previous=False).boot_cfg
    return arm(base, addresses, entries, used=used)


def _common_xen(document: BootCfg, selected: Sequence[int]) -> str | NoTrial:
    """The path of the Xen that all of them start, below the root of the boot device."""
    found = set()
    for index in selected:
        path = decode(first_word(document.menu[index].multiboot.arguments).text)
        if ":" in path:
            return NoTrial(
                XEN_ON_DEVICE,
                f"entry {name(document, index)} names Xen with its device, '{path}', and it is not certain that a link "
                "beside it is on the root file system",
            )
        found.add("/" + path.lstrip("/"))
    if len(found) > 1:
        return NoTrial(
            SEVERAL_XENS, f"the entries start {' and '.join(sorted(found))}, and one link can be only one of them"
        )
    return found.pop()


def _mentions(document: BootCfg, link: str) -> bool:
    """Any word of the file is this name, or may be."""
    pattern = re.compile(rb"(?:^|[ \t:=/])" + re.escape(link[1:].encode()) + rb"(?=[ \t;#\r]|$)")
    return any(pattern.search(line) for line in document.lines)


def _with_commands(document: BootCfg, selected: Sequence[int], link: str, value: bytes) -> BootCfg | NoTrial:
    armed = document
    for index in selected:
        command = _command(armed, index, link.encode(), value)
        if command is None:
            return NoTrial(
                CARRIAGE_RETURN,
                f"entry {name(document, index)} ends with a carriage return, which would become a part of the list; "
                "in a file with LF line ends it could be tried",
            )
        line, at = armed.menu[index].line, armed.menu[index].multiboot.whole.start
        text = armed.lines[line]
        armed = with_line(armed, line, text[:at] + command + b";" + text[at:])
        length = _longest(armed, index)
        if length > MAX_COMMAND:
            return NoTrial(
                COMMAND_TOO_LONG,
                f"a command of entry {name(document, index)} would have {length} characters on trial, and the loader "
                f"goes on safely after one of {MAX_COMMAND} at most; fewer arguments of Xen, or fewer devices, would do",
            )
    if len(armed.data) > MAX_FILE:
        return NoTrial(
            FILE_TOO_LARGE,
            f"on trial the file would have {len(armed.data)} bytes, and the loader reads {MAX_FILE} at most",
        )
    return armed


def _command(document: BootCfg, index: int, link: bytes, value: bytes) -> bytes | None:
    """The command that tries a list in a plain entry; ``None`` if a carriage return is in the way."""
    longer = append_to_multiboot(without_lists(document, [index], shared=False), index, value)
    if longer is None:
        return None
    multiboot = longer.menu[index].multiboot
    path = first_word(multiboot.arguments)
    at = path.start - multiboot.whole.start
    return multiboot.whole.text[:at] + link + multiboot.whole.text[at + len(path.text) :]


def _longest(document: BootCfg, index: int) -> int:
    """Characters of the longest command up to the entry's own multiboot, with the blanks behind it, as it is copied."""
    menu_line = document.menu[index]
    line = document.lines[menu_line.line][: menu_line.command_text.end]
    own = menu_line.commands.index(menu_line.multiboot) + 1
    ends = [(command.whole.start, line.find(b";", command.whole.start)) for command in menu_line.commands[: own + 1]]
    return max((len(line) if end < 0 else end) - start for start, end in ends)


def _pair(document: BootCfg, index: int) -> tuple[Command, Command] | None:
    """A first multiboot that has the name of a link, and the one right behind it."""
    if not document.is_xen(index):
        return None
    menu_line = document.menu[index]
    at = menu_line.commands.index(menu_line.multiboot)
    first, *rest = menu_line.commands[at : at + 2]
    if not rest or rest[0].word != first.word or decode(first_word(first.arguments).text) not in LINKS:
        return None
    between = document.lines[menu_line.line][first.whole.start : rest[0].whole.start]
    return (first, rest[0]) if between == first.whole.text + b";" else None


def _without_command(document: BootCfg, index: int) -> BootCfg:
    """The entry without the first multiboot of its pair, if it has one."""
    pair = _pair(document, index)
    if pair is None:
        return document
    line = document.menu[index].line
    text = document.lines[line]
    return with_line(document, line, text[: pair[0].whole.start] + text[pair[1].whole.start :])


def _tried(document: BootCfg, index: int) -> tuple[str, str, tuple[Address, ...]] | None:
    """Link, Xen and list of an entry whose first multiboot is exactly what :func:`arm` writes before its second."""
    pair = _pair(document, index)
    lists = lists_in_command(pair[0]) if pair else []
    if pair is None or not lists:
        return None
    link = first_word(pair[0].arguments).text
    value = lists[-1].text[1 + len(hide_list.OPTION) :]
    reading = hide_list.read(value)
    try:
        expected = _command(_without_command(document, index), index, link, value)
    except PcibackError:
        return None
    if not reading.clean or expected != pair[0].whole.text:
        return None
    xen = decode(first_word(pair[1].arguments).text)
    return decode(link), "/" + xen.lstrip("/"), reading.claims


def _certain(before: BootCfg, armed: BootCfg, trial: Trial) -> Trial:
    """Check that an armed file reads back as this trial and is otherwise what it was.

    :raises PcibackError: ``boot-config-invalid``: it is not
    """
    for number in trial.entries:
        check_bootable(armed, number - 1)
        hide_now = armed.read_list(number - 1)
        claims = hide_now.reading.claims if hide_now is not None and hide_now.reading.clean else None
        certain = claims == trial.claims and armed.default_index == before.default_index
        if not certain or read(armed) != trial or settle(armed, PREVIOUS).boot_cfg.data != before.data:
            raise refusal(
                before,
                f"entry {name(before, number - 1)} can't be made a trial so that both of its lists are surely read; "
                "write its line in the plain form of boot.cfg(5)",
                before.menu[number - 1].command_text,
            )
    return trial
