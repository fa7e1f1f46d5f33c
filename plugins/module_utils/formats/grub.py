# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""GRUB 2 as Linux distributions set it up: the settings file that is ours, and the menu that grub-mkconfig makes.

The menu (grub.cfg) is read, never written. What is read are the lines that grub-mkconfig's own scripts write:
``menuentry`` and ``submenu`` at the start of a line, a block that ends with ``}`` alone on its line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID

SETTINGS = "/etc/default/grub.d/xen-pciback.cfg"
PREVIOUS_SCRIPT = "/etc/grub.d/42_xen_pciback"
MENU = "/boot/grub/grub.cfg"
PREVIOUS_ID = "xen-pciback-previous"
MAX_MENU = 1 << 22
"""Bytes; the menu of a machine with a hundred kernels has a tenth of that."""

XEN, LINUX, OTHER = "xen", "linux", "other"

_HEADER = "# Written by xen.pciback; it goes with the last hidden device.\n"
_BLOCK = re.compile(r"\s*(menuentry|submenu)\s+(.*)\{\s*\Z")
_END = re.compile(r"\s*\}\s*\Z")
_COMMAND = re.compile(r"\s*(multiboot2?|module2?|xen_hypervisor|xen_module|linux(?:efi|16)?)\s+(.*?)\s*\Z")
_DEFAULT = re.compile(r"""\s*set\s+default=(?:"([^"]*)"|'([^']*)'|(\S+))\s*\Z""")
_HYPERVISOR = ("multiboot", "multiboot2", "xen_hypervisor")
_MODULE = ("module", "module2", "xen_module")
_ID_OPTION = ("$menuentry_id_option", "${menuentry_id_option}", "--id")


@dataclass(frozen=True)
class Entry:
    """One entry of the menu.

    :param path: titles of the submenus around it, and its own
    :param ids: the ids of the same
    :param line: where it starts in the file, from 1
    :param kind: ``xen``, ``linux``, or ``other``
    :param command_line: what the dom0 (or bare) kernel gets
    :param text: its lines, as they are in the file
    """

    path: tuple[str, ...]
    ids: tuple[str, ...]
    line: int
    kind: str
    command_line: str
    text: str

    @property
    def title(self) -> str:
        """What the menu shows, with the submenus before it."""
        return " > ".join(self.path)

    @property
    def lists(self) -> tuple[str, ...]:
        """The hide lists on its command line; the last one counts."""
        return hide_parameter.values(self.command_line)


@dataclass(frozen=True)
class Menu:
    """What GRUB shows: its entries in their order, and the one that boots by itself (``None`` if that is not known)."""

    entries: tuple[Entry, ...]
    default: Entry | None
    default_value: str


def settings(addresses: Sequence[Address]) -> bytes:
    """The settings file: shell, read by grub-mkconfig after /etc/default/grub.

    The variable replaces GRUB_CMDLINE_LINUX in the entries that start Xen (20_linux_xen), so no other entry changes.

    :raises PcibackError: ``list-too-long``
    """
    argument = f"{hide_parameter.PARAMETER}={hide_parameter.render(addresses)}"
    name = "GRUB_CMDLINE_LINUX_XEN_REPLACE"
    return f'{_HEADER}{name}="${{{name}:-$GRUB_CMDLINE_LINUX}} {argument}"\n'.encode("ascii")


def read_menu(data: bytes, file: str = MENU) -> Menu:
    """Read a menu.

    :raises PcibackError: ``boot-config-invalid``: it is no menu that grub-mkconfig wrote
    """
    if len(data) > MAX_MENU:
        raise _invalid(f"it has {len(data)} bytes, and a menu of GRUB never has more than {MAX_MENU}", file)
    text = data.decode("utf-8", "surrogateescape")
    lines = text.splitlines(keepends=True)
    entries = tuple(_entries(lines, file))
    value = ""
    for line in lines:
        match = _DEFAULT.match(line)
        if match:
            # The first branch of 00_header is the next_entry of grub-reboot; the owner's choice comes last.
            value = next(group for group in match.groups() if group is not None)
    return Menu(entries, choose(entries, value), value)


def previous_script(entry: Entry, value: str | None) -> bytes:
    """A script for /etc/grub.d that adds a copy of an entry with another hide list, ``None`` for no list.

    Its title and its id tell it from the original, so the default entry stays the same.
    """
    return script(_HEADER + entry_copy(entry, value, suffix=PREVIOUS_SUFFIX, identity=PREVIOUS_ID))


def entry_copy(entry: Entry, value: str | None, *, suffix: str, identity: str, words: Sequence[str] = ()) -> str:
    """The text of an entry that boots the same with another hide list, ``None`` for no list.

    :param suffix: what its title ends with
    :param words: what its kernel is told besides
    """
    lines = entry.text.splitlines(keepends=True)
    indent = len(lines[0]) - len(lines[0].lstrip())
    lines = [line[indent:] if not line[:indent].strip() else line for line in lines]
    lines[0] = f"menuentry {_quoted(entry.path[-1] + suffix)} --class xen --id {identity} {{\n"
    return "".join(_with_list(line, value, words) for line in lines)


def script(text: str) -> bytes:
    """A script for /etc/grub.d that puts a text into the menu."""
    return f"#!/bin/sh\nexec tail -n +3 $0\n{text}".encode("utf-8", "surrogateescape")


def _entries(lines: Sequence[str], file: str) -> Iterator[Entry]:
    around: list[tuple[str, str, str]] = []
    start = 0
    for index, line in enumerate(lines):
        block = _BLOCK.match(line)
        if block is not None:
            if around and around[-1][0] == "menuentry":
                raise _invalid("an entry begins inside another one", file, index + 1)
            title, identity = _title(block.group(2), file, index + 1)
            around.append((block.group(1), title, identity))
            start = index
        elif _END.match(line) and around and (around[-1][0] == "submenu" or _depth(lines[start + 1 : index]) == 0):
            if around[-1][0] == "menuentry":
                kind, command_line = _boots(lines[start + 1 : index])
                yield Entry(
                    path=tuple(title for _kind, title, _id in around),
                    ids=tuple(identity for _kind, _title, identity in around),
                    line=start + 1,
                    kind=kind,
                    command_line=command_line,
                    text="".join(lines[start : index + 1]),
                )
            around.pop()
    if around:
        raise _invalid(f"'{around[-1][1]}' does not end", file, start + 1)


def _depth(lines: Sequence[str]) -> int:
    """Blocks of shell functions that are open."""
    return sum(line.rstrip().endswith("{") - bool(_END.match(line)) for line in lines)


def _title(rest: str, file: str, line: int) -> tuple[str, str]:
    try:
        words = shlex.split(rest, posix=True)
    except ValueError as error:
        raise _invalid("the title of an entry has an open quote", file, line) from error
    if not words:
        raise _invalid("an entry has no title", file, line)
    for index, word in enumerate(words[:-1]):
        if word in _ID_OPTION:
            return words[0], words[index + 1]
    return words[0], next((word[len("--id=") :] for word in words if word.startswith("--id=")), "")


def _boots(lines: Sequence[str]) -> tuple[str, str]:
    """What an entry starts, and its kernel's command line."""
    hypervisor = False
    for line in lines:
        match = _COMMAND.match(line)
        if match is None:
            continue
        command, rest = match.group(1), match.group(2)
        if command in _HYPERVISOR:
            hypervisor = True
        elif command in _MODULE and hypervisor:
            # The first module is dom0's kernel; what follows are ramdisks.
            return XEN, rest.strip().partition(" ")[2].strip()
        elif command not in _MODULE:
            return LINUX, rest.strip().partition(" ")[2].strip()
    return OTHER, ""


def choose(entries: Sequence[Entry], value: str) -> Entry | None:
    """The entry that ``default`` names: numbers, titles or ids, with ``>`` between a submenu and its entry."""
    if "$" in value:
        return None
    # A title may hold a ">" itself, which is then doubled.
    parts = [part.replace("\0", ">") for part in value.replace(">>", "\0").split(">")]
    here, depth = list(entries), 0
    for part in parts:
        part = part.strip()
        groups: list[tuple[str, list[Entry]]] = []
        for entry in here:
            # Entries of one submenu stand together, and share the title and the id of that level.
            key = f"{entry.path[depth]}\0{entry.ids[depth]}" if len(entry.path) > depth else ""
            if not groups or groups[-1][0] != key or len(entry.path) == depth + 1:
                groups.append((key, []))
            groups[-1][1].append(entry)
        found = None
        for number, (key, members) in enumerate(groups):
            if part in key.split("\0") or _is_number(part, number):
                found = members
                break
        if found is None:
            # GRUB falls back to the first.
            found = groups[0][1] if groups else []
        here, depth = found, depth + 1
        if len(here) == 1 and len(here[0].path) == depth:
            return here[0]
    return None


def _is_number(part: str, number: int) -> bool:
    """Whether a part of a default names an entry by its number; it may have more digits than Python converts."""
    return part.isascii() and part.isdigit() and part.lstrip("0") == str(number).lstrip("0")


def _with_list(line: str, value: str | None, words: Sequence[str]) -> str:
    """A line of an entry with another hide list, and these words, on the command line of its kernel."""
    match = _COMMAND.match(line)
    if match is None or match.group(1) not in (*_MODULE, "linux", "linuxefi", "linux16"):
        return line
    path, blank, arguments = match.group(2).rstrip().partition(" ")
    if not blank or path.startswith("-"):
        return line
    kept = [word for word in arguments.split() if not hide_parameter.values(word)]
    if value is not None:
        kept.append(f"{hide_parameter.PARAMETER}={value}")
    names = {word.partition("=")[0] for word in kept}
    kept += [word for word in words if word.partition("=")[0] not in names]
    start = line[: match.start(2)]
    return f"{start}{path} {' '.join(kept)}\n"


def _quoted(title: str) -> str:
    return "'" + title.replace("'", "'\\''") + "'"


def _invalid(message: str, file: str, line: int | None = None) -> PcibackError:
    return PcibackError(
        message,
        code=BOOT_CONFIG_INVALID,
        file=file,
        line=line,
        remedy="make the menu anew with update-grub or grub-mkconfig",
    )
