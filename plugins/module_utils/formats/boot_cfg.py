# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""boot.cfg(5) as a lossless document, read as NetBSD's x86 loaders, Xen and the dom0 kernel read it.

The way of a hide list: the loader cuts each module's string, Xen drops the path from it and appends what
follows `` -- `` on its own command line, the dom0 kernel keeps the first 255 characters of the result, and in
those the last word that starts with ``pciback.hide=`` wins. :class:`BootCfg` follows that way for every menu
entry and changes the file so that its end is exactly the wanted list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterable, Iterator, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.hide_list import FAULT, MAX_VALUE, OPTION, Reading
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID, LIST_TOO_LONG

MAX_FILE = 32768
"""Bytes of a boot.cfg that the loader accepts; it ignores a larger file (BOOTCFG_MAXSZ in its sources)."""

MAX_ENTRIES = 20
"""Menu entries that the loader keeps (BOOTCFG_MAXMENU in libsa's bootcfg.h)."""

_MAX_DIGIT = 9
"""Entries that the loader can number when one key chooses; with more it takes letters or drops the rest."""

MAX_MODULE_STRING = 79
"""Characters of a ``load``'s path and arguments that reach Xen (``bi_modulelist_entry`` in bootinfo.h)."""

MAX_XEN_LINE = 1023
"""Characters of a command line that Xen hands to a PV dom0 (MAX_GUEST_CMDLINE, less the terminator)."""

MAX_DOM0_LINE = 255
"""Characters of its command line that the dom0 kernel looks at (``xen_parse_cmdline``)."""

PREVIOUS_SUFFIX = " (previous pciback)"
"""What the title of the entry that keeps the previous list ends with."""

XEN = "xen"
KERNEL = "kernel"
PROMPT = "prompt"
OTHER = "other"

LOAD = "load"
MULTIBOOT = "multiboot"
TOP_LEVEL = "top-level"

LONG = "long"
SHORT = "short"

_INVALID = BOOT_CONFIG_INVALID
_TOO_LONG = LIST_TOO_LONG

# Xen drops the first word of its command line, the image name, before it looks for " -- ", so without any
# argument " -- " would begin its line and not be seen. Xen ignores this one.
_PLACEHOLDER = b" placeholder=pciback"
_SEPARATOR = b" -- "

# hd0a, NAME=root: what may stand before the ':' of a path.
_DEVICE = re.compile(rb"(?:[a-z]+[0-9]*[a-z]?|NAME=[^:]+)\Z")

# In the order in which the loader tries them; each matches by prefix.
_KEYS = (b"menu", b"banner", b"timeout", b"default", b"consdev", b"root", b"load", b"format", b"clear")

# Commands of the BIOS and of the EFI loader, boot(8) and x86/boot(8); any other prints a help text.
_COMMANDS = frozenset(
    b"? boot consdev dev devpath efivar fs gop help load ls memmap menu modules multiboot pkboot quit "
    b"rndseed root splash text userconf version vesa".split()
)
_MODULE_COMMANDS = frozenset((b"fs", b"rndseed", b"splash"))
# Commands after which no later one of an entry runs, and what they make of it.
_FINAL = {b"multiboot": XEN, b"boot": KERNEL, b"pkboot": KERNEL, b"menu": OTHER, b"quit": OTHER}

# A word with a hide list and the one blank or tab before it; a tab inside parentheses belongs to the list.
_LIST = re.compile(rb"[ \t](pciback\.hide=(?:\([^) ]*\)|[^ \t])*)", re.IGNORECASE)


@dataclass(frozen=True)
class HideList:
    """The hide list that the dom0 kernel reads when an entry boots.

    :param reading: what the kernel makes of it
    :param place: ``load``, ``multiboot`` or ``top-level`` (a ``load=`` line outside the menu)
    :param line: where it is in the file, from 1
    :param column: column of the value in bytes, from 1
    """

    reading: Reading
    place: str
    line: int
    column: int

    @property
    def claims(self) -> tuple[Address, ...]:
        return self.reading.claims


@dataclass(frozen=True)
class Entry:
    """A menu entry, as the loader shows it.

    :param number: from 1, as in ``default=``
    :param title: its text in the menu
    :param kind: ``xen``, ``kernel``, ``prompt`` or ``other``
    :param line: where it is in the file, from 1
    :param default: it boots when nobody touches the keyboard
    :param dom0_line: what the dom0 kernel gets as its command line; empty unless ``kind`` is ``xen``
    :param hide: the list that the kernel reads; ``None`` if there is none
    :param commands: the loader's commands, as they would be typed at its prompt
    """

    number: int
    title: str
    kind: str
    line: int
    default: bool
    dom0_line: bytes
    hide: HideList | None
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Placement:
    """Where an entry's list is after an edit.

    :param place: ``load``, ``multiboot`` or ``top-level``
    :param value: the hide list
    :param form: ``long`` or ``short``, with or without leading zeros
    :param changed: the edit changed what the entry boots
    """

    number: int
    title: str
    line: int
    place: str
    value: str
    form: str
    changed: bool


@dataclass(frozen=True)
class Previous:
    """The entry that boots with the list from before the edit.

    :param number: its number in the menu, ``None`` if there is none
    :param title: its title, empty if there is none
    :param reason: why there is none, or why it was left as it was; empty otherwise
    """

    number: int | None
    title: str
    reason: str


@dataclass(frozen=True)
class Edit:
    """The result of :meth:`BootCfg.hide` and :meth:`BootCfg.unhide`."""

    boot_cfg: BootCfg
    entries: tuple[Placement, ...]
    previous: Previous
    changed: bool


@dataclass(frozen=True)
class _Span:
    """A piece of a line: its bytes, and where they begin in the line, from 0."""

    line: int
    start: int
    text: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def part(self, start: int, end: int | None = None) -> _Span:
        return _Span(self.line, self.start + start, self.text[start:end])

    def lstrip(self, blanks: bytes) -> _Span:
        return self.part(len(self.text) - len(self.text.lstrip(blanks)))


@dataclass(frozen=True)
class _Command:
    """One command: the whole of it, its word, and what the loader hands to it."""

    whole: _Span
    word: bytes
    arguments: _Span


@dataclass(frozen=True)
class _MenuLine:
    """One valid ``menu=`` line."""

    line: int
    title_span: _Span
    command_text: _Span
    commands: tuple[_Command, ...]

    @property
    def title(self) -> bytes:
        """What the menu shows; without a title the commands."""
        return self.title_span.text or self.command_text.text

    @property
    def kind(self) -> str:
        """``xen``, ``kernel``, ``prompt`` or ``other``."""
        if self.command_text.text == b"prompt":
            return PROMPT
        return next((_FINAL[command.word] for command in self.commands if command.word in _FINAL), OTHER)

    @property
    def multiboot(self) -> int:
        """Index of the command that starts Xen, in an entry whose kind is ``xen``."""
        return next(index for index, command in enumerate(self.commands) if command.word == b"multiboot")


class BootCfg:
    """A boot.cfg. Bytes that the loader skips stay as they are."""

    def __init__(self, data: bytes, file: str = "/boot.cfg") -> None:
        """:meth:`parse` is the way to make one from bytes that nobody looked at yet."""
        self._data = data
        self._file = file
        self._lines = data.split(b"\n")
        self._menu: list[_MenuLine] = []
        self._ignored = 0
        self._loads: list[_Span] = []
        default = 0
        timeout = 10
        letters_or_numbers = b"a"
        for index in range(len(self._lines)):
            text = self._effective(index)
            key, equals, value = text.partition(b"=")
            if not equals:
                continue
            span = _Span(index, len(key) + 1, value)
            known = next((known for known in _KEYS if key.startswith(known)), b"")
            if known == b"menu":
                menu_line = _menu_line(span)
                if menu_line is not None and len(self._menu) < MAX_ENTRIES:
                    self._menu.append(menu_line)
                elif menu_line is not None:
                    self._ignored += 1
            elif known == b"timeout":
                timeout = _atoi(value) if value[:1].isdigit() else -1
            elif known == b"default":
                default = _atoi(value) - 1
            elif known == b"load":
                self._loads.append(span.lstrip(b" \t"))
            elif known == b"format" and value[:1].lower() in (b"a", b"n", b"d", b"l"):
                letters_or_numbers = value[:1].lower()
        many = len(self._menu) > _MAX_DIGIT and timeout > 0
        self._letters = letters_or_numbers == b"l" or (letters_or_numbers == b"a" and many)
        self._shown = _MAX_DIGIT if many and not self._letters else len(self._menu)
        self._default = max(0, min(default, self._shown - 1))

    @classmethod
    def parse(cls, data: bytes, file: str = "/boot.cfg") -> BootCfg:
        """Read a boot.cfg.

        :param file: its name in messages
        :raises PcibackError: the loader would ignore it or see only a part of it
        """
        if len(data) > MAX_FILE:
            raise PcibackError(
                f"it has {len(data)} bytes, and the loader ignores a boot.cfg of more than {MAX_FILE}",
                code=_INVALID,
                file=file,
                remedy="delete comments or entries",
            )
        nul = data.find(b"\0")
        if nul >= 0:
            raise PcibackError(
                "there is a NUL byte, and the loader reads no further; delete it",
                code=_INVALID,
                file=file,
                line=data.count(b"\n", 0, nul) + 1,
                column=nul - data.rfind(b"\n", 0, nul),
            )
        return cls(data, file)

    def render(self) -> bytes:
        """The bytes of the file."""
        return self._data

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The menu, as the loader shows it: at most 20 entries, with numbers at most 9 if it waits."""
        return tuple(self._entry(index) for index in range(self._shown))

    @property
    def default(self) -> Entry | None:
        """The entry that boots when nobody touches the keyboard; ``None`` without a menu."""
        return self._entry(self._default) if self._shown else None

    def hide(
        self, addresses: Iterable[Address], entries: str | Sequence[str] = "xen", *, previous: bool = True
    ) -> Edit:
        """Write a hide list into menu entries.

        :param addresses: what the dom0 kernel shall leave to the backend; none means :meth:`unhide`
        :param entries: ``xen`` (every entry that starts Xen), ``default``, or titles
        :param previous: keep an entry that boots with the list from before
        :raises PcibackError: nothing fits (``list-too-long``), or the file would not boot that way
            (``boot-config-invalid``)
        """
        wanted = tuple(dict.fromkeys(addresses))
        hide_list.render(wanted)
        if not wanted:
            return self.unhide()
        selected = self._select(entries)
        for index in selected:
            self._check_bootable(index)
        edited = self._with_list(selected, wanted)
        changed = [index for index in selected if not self._boots_alike(index, edited)]
        edited, kept = self._with_previous(edited, changed, previous)
        self._check_result(edited, selected, wanted)
        placements = tuple(edited._placement(index, index in changed) for index in selected)
        return Edit(edited, placements, kept, edited._data != self._data)

    def unhide(self) -> Edit:
        """Remove every hide list from the entries that start Xen, and the entry with the previous list."""
        edited = self._without_previous()
        xen = [index for index in range(len(edited._menu)) if edited._is_xen(index)]
        edited = edited._without_lists(xen, shared=bool(xen))
        return Edit(edited, (), Previous(None, "", "no list is left"), edited._data != self._data)

    # How the loader, Xen and the kernel read it

    def _effective(self, index: int) -> bytes:
        """A line up to its comment, which may begin anywhere."""
        return self._lines[index].partition(b"#")[0]

    def _is_xen(self, index: int) -> bool:
        return self._menu[index].kind == XEN

    def _is_previous(self, index: int) -> bool:
        return (
            index != self._default
            and self._is_xen(index)
            and self._menu[index].title.endswith(PREVIOUS_SUFFIX.encode())
        )

    def _modules(self, index: int) -> list[_Span]:
        """What is loaded when the entry's multiboot runs; the first is the dom0 kernel."""
        menu_line = self._menu[index]
        before = menu_line.commands[: menu_line.multiboot]
        return self._loads + [command.arguments for command in before if command.word == b"load"]

    def _passed_to_dom0(self, index: int) -> list[_Span]:
        """The pieces of dom0's command line, as Xen puts them together."""
        menu_line = self._menu[index]
        pieces = [_after_first_word(module.part(0, MAX_MODULE_STRING)) for module in self._modules(index)[:1]]
        separated = _after_separator(_after_path(menu_line.commands[menu_line.multiboot].arguments))
        return pieces if separated is None else [*pieces, separated]

    def _kept_by_dom0(self, index: int) -> list[_Span]:
        """The pieces of dom0's command line that the kernel looks at."""
        if not self._is_xen(index):
            return []
        room = MAX_DOM0_LINE
        kept = []
        for piece in self._passed_to_dom0(index):
            kept.append(piece.part(0, room))
            room -= len(kept[-1].text)
        return kept

    def _hide_list(self, index: int) -> HideList | None:
        found = None
        for piece in self._kept_by_dom0(index):
            for word in _words(piece):
                if word.text.lower().startswith(OPTION.encode()):
                    found = word.part(len(OPTION))
        if found is None:
            return None
        menu_line = self._menu[index]
        if found.line != menu_line.line:
            place = TOP_LEVEL
        elif found.start >= menu_line.commands[menu_line.multiboot].whole.start:
            place = MULTIBOOT
        else:
            place = LOAD
        return HideList(hide_list.read(found.text), place, found.line + 1, found.start + 1)

    def _entry(self, index: int) -> Entry:
        menu_line = self._menu[index]
        return Entry(
            number=index + 1,
            title=_text(menu_line.title),
            kind=menu_line.kind,
            line=menu_line.line + 1,
            default=index == self._default,
            dom0_line=b"".join(piece.text for piece in self._kept_by_dom0(index)),
            hide=self._hide_list(index),
            commands=tuple(_text(command.whole.text) for command in menu_line.commands),
        )

    # What is asked for, and whether it can be given

    def _refuse(self, message: str, span: _Span | None = None, remedy: str | None = None) -> PcibackError:
        return PcibackError(
            message,
            code=_INVALID,
            file=self._file,
            line=None if span is None else span.line + 1,
            column=None if span is None else span.start + 1,
            remedy=remedy,
        )

    def _select(self, entries: str | Sequence[str]) -> list[int]:
        if isinstance(entries, str) and entries not in ("xen", "default"):
            entries = [entries]
        xen = [index for index in range(self._shown) if self._is_xen(index)]
        if not xen:
            raise self._refuse(
                "no menu entry starts Xen; "
                "one looks like 'menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M'"
            )
        if entries == "default":
            if self._default not in xen:
                span = self._menu[self._default].command_text
                raise self._refuse(f"the default entry {self._name(self._default)} does not start Xen", span)
            return [self._default]
        if entries == "xen":
            ours = [index for index in xen if not self._is_previous(index)]
            if not ours:
                raise self._refuse(f"every menu entry that starts Xen is titled '...{PREVIOUS_SUFFIX}'")
            return ours
        selected = [self._by_title(title) for title in entries]
        if not selected:
            raise self._refuse("no entry was asked for; name a title, 'xen' or 'default'")
        return sorted(set(selected))

    def _by_title(self, title: str) -> int:
        titles = [_text(menu_line.title) for menu_line in self._menu[: self._shown]]
        found = [index for index, shown in enumerate(titles) if shown == title]
        found = found or [index for index, shown in enumerate(titles) if shown.strip() == title.strip()]
        if not found:
            shown = ", ".join(f"'{shown}'" for shown in titles)
            raise self._refuse(f"no menu entry is titled '{title}'; the titles are {shown}")
        if len(found) > 1:
            numbers = " and ".join(str(index + 1) for index in found)
            raise self._refuse(
                f"the title '{title}' is ambiguous, entries {numbers} have it; give each its own",
                self._menu[found[1]].command_text,
            )
        (index,) = found
        if not self._menu[index].title_span.text:
            raise self._refuse(
                f"entry {index + 1} has no title, so the menu shows its commands, which an edit changes; "
                "give it a title before the ':'",
                self._menu[index].title_span,
            )
        if not self._is_xen(index):
            raise self._refuse(f"entry '{title}' does not start Xen", self._menu[index].command_text)
        if self._is_previous(index):
            raise self._refuse(
                f"entry '{title}' keeps the previous list and is never edited", self._menu[index].command_text
            )
        return index

    def _name(self, index: int) -> str:
        return f"{index + 1} '{_text(self._menu[index].title)}'"

    def _check_bootable(self, index: int) -> None:
        """Refuse an entry that does not boot the way its writer thinks, list or no list."""
        menu_line = self._menu[index]
        multiboot = menu_line.multiboot
        self._check_commands(menu_line, multiboot)
        xen = menu_line.commands[multiboot].arguments
        path = _first_word(xen)
        device, colon, file = path.text.rpartition(b":")
        if not file or (colon and not _DEVICE.match(device)):
            raise self._refuse("multiboot names no file, such as /xen.gz", menu_line.commands[multiboot].whole)
        self._check_no_cr(path, "the path of Xen")
        modules = self._modules(index)
        if not modules:
            late = next((command for command in menu_line.commands if command.word == b"load"), None)
            if late is not None:
                raise self._refuse(
                    "this load comes after multiboot and is never reached, so Xen gets no dom0 kernel; "
                    "put it before multiboot",
                    late.whole,
                )
            raise self._refuse(
                f"entry {self._name(index)} starts Xen without a dom0 kernel; "
                "a 'load /netbsd-XEN3_DOM0.gz' must come before multiboot",
                menu_line.commands[multiboot].whole,
            )
        self._check_kernel(modules[0])
        for piece in self._kept_by_dom0(index):
            for word in _words(piece):
                tab = word.text.find(b"\t")
                if word.text.startswith(b"-") and tab >= 0:
                    raise self._refuse(
                        "a tab ends no word of dom0's command line, so all that follows '-' up to the next "
                        "blank is taken for boot flags; put a blank here",
                        word.part(tab),
                    )
        hide = self._hide_list(index)
        if hide is not None and hide.reading.outcome == FAULT:
            problem = hide.reading.problems[-1]
            raise PcibackError(
                f"entry {self._name(index)} already has a list that stops the machine: {problem.message}",
                code=_INVALID,
                file=self._file,
                line=hide.line,
                column=hide.column + problem.offset,
                remedy="mend or delete that list by hand, or run once with state: absent, which removes it",
            )

    def _check_commands(self, menu_line: _MenuLine, multiboot: int) -> None:
        empty = False
        first_module = not self._loads
        for number, command in enumerate(menu_line.commands[: multiboot + 1]):
            if not command.whole.text:
                if number == 0 or empty:
                    raise self._refuse(
                        "there is no command here, and the loader may loop for ever; delete the ';'",
                        command.whole,
                    )
                empty = True
                continue
            empty = False
            if not command.word:
                raise self._refuse(
                    "the loader takes the blank or tab before this command for its end and finds no name; delete it",
                    command.whole,
                )
            if command.word not in _COMMANDS:
                raise self._refuse(f"the loader has no command '{_text(command.word)}'; see boot(8)", command.whole)
            if command.word == b"load":
                first_module = False
            elif command.word in _MODULE_COMMANDS and first_module:
                raise self._refuse(
                    f"what '{_text(command.word)}' loads would become the dom0 kernel, because Xen takes the "
                    "first file; put it after load",
                    command.whole,
                )

    def _check_kernel(self, module: _Span) -> None:
        path = _first_word(module)
        device, colon, rest = path.text.partition(b":")
        if not (rest if colon and _DEVICE.match(device) else path.text).startswith(b"/"):
            raise self._refuse(
                f"the loader takes '{_text(path.text)}' for the name of a kernel module; "
                "the path of the dom0 kernel must start with '/' or 'DEVICE:/'",
                path,
            )
        self._check_no_cr(path, "the path of the dom0 kernel")

    def _check_no_cr(self, path: _Span, what: str) -> None:
        if b"\r" in path.text:
            raise self._refuse(
                f"{what} ends with a carriage return, which the loader takes for a part of it; "
                "convert the file to LF line ends",
                path,
            )

    # Where a list goes

    def _replace_line(self, index: int, text: bytes) -> BootCfg:
        lines = list(self._lines)
        lines[index] = text
        return BootCfg(b"\n".join(lines), self._file)

    def _boots_alike(self, index: int, other: BootCfg) -> bool:
        """An entry says the same in both, and so do the loads that all entries share."""
        mine, its = self._menu[index], other._menu[index]
        return self._lines[mine.line] == other._lines[its.line] and [load.text for load in self._loads] == [
            load.text for load in other._loads
        ]

    def _is_right(self, index: int, wanted: Sequence[Address]) -> bool:
        """The entry claims exactly what is wanted, and no other list that is its own says anything else."""
        hide = self._hide_list(index)
        if hide is None or not hide.reading.clean or set(hide.reading.claims) != set(wanted):
            return False
        own = sum(len(_lists_in_command(command)) for command in self._menu[index].commands)
        if hide.place == TOP_LEVEL:
            return own == 0 and sum(len(_lists_in_module(module)) for module in self._loads) == 1
        return own == 1

    def _with_list(self, selected: Sequence[int], wanted: Sequence[Address]) -> BootCfg:
        """The file with the list in every selected entry, each where it fits."""
        missing = [index for index in selected if not self._is_right(index, wanted)]
        if not missing:
            return self
        sharing = [i for i in range(len(self._menu)) if self._is_xen(i) and not self._is_previous(i)]
        if self._loads and set(sharing) <= set(selected):
            # One line serves them all, so they are decided on together.
            return self._place(selected, wanted, shared=True)
        edited = self
        for index in missing:
            edited = edited._place([index], wanted, shared=False)
        return edited

    def _place(self, group: Sequence[int], wanted: Sequence[Address], *, shared: bool) -> BootCfg:
        stripped = self._without_lists(group, shared=shared)
        for short in (False, True):
            placed = stripped._try(group, hide_list.render(wanted, short), shared=shared)
            if placed is not None:
                return placed
        raise stripped._no_room(group, wanted, shared=shared)

    def _try(self, group: Sequence[int], value: str, *, shared: bool) -> BootCfg | None:
        """The file with ``value`` in each entry of the group, ``None`` if it does not fit."""
        if len(value) > MAX_VALUE:
            return None
        placed = None
        if shared or not self._loads:
            placed = self._on_load(group, value)
        return self._on_multiboot(group, value) if placed is None else placed

    def _on_load(self, group: Sequence[int], value: str) -> BootCfg | None:
        """With several entries in the group, their dom0 kernel comes from one top-level load."""
        placed = self._append(self._modules(group[0])[0], _option(value))
        if placed is None or not all(placed._holds(index, value) for index in group):
            return None
        return placed

    def _on_multiboot(self, group: Sequence[int], value: str) -> BootCfg | None:
        placed = self
        for index in group:
            multiboot = placed._menu[index].commands[placed._menu[index].multiboot]
            appended = placed._append(multiboot.whole, _behind_separator(multiboot, value))
            if appended is None or not appended._holds(index, value):
                return None
            placed = appended
        return placed

    def _append(self, span: _Span, text: bytes) -> BootCfg | None:
        """Write behind the last byte of a command that is no blank; ``None`` if that is a carriage return."""
        stripped = span.text.rstrip(b" ")
        if stripped.endswith(b"\r"):
            return None
        line = self._lines[span.line]
        at = span.start + len(stripped)
        return self._replace_line(span.line, line[:at] + text + line[at:])

    def _holds(self, index: int, value: str) -> bool:
        """The entry's list reaches the kernel whole, and so do all of dom0's other arguments."""
        hide = self._hide_list(index)
        menu_line = self._menu[index]
        return (
            hide is not None
            and hide.reading.value == value.encode()
            and self._dom0_length(index) <= MAX_DOM0_LINE
            and len(menu_line.commands[menu_line.multiboot].arguments.text) <= MAX_XEN_LINE
        )

    def _dom0_length(self, index: int) -> int:
        return sum(len(piece.text) for piece in self._passed_to_dom0(index))

    def _no_room(self, group: Sequence[int], wanted: Sequence[Address], *, shared: bool) -> PcibackError:
        """Say which limit is in the way, how many devices fit and what would help; the file holds no list."""
        value = hide_list.render(wanted, short=True)
        what = f"the hide list of {len(wanted)} device{'s' if len(wanted) > 1 else ''}"
        remedy = "hide fewer devices"
        if len(value) > MAX_VALUE:
            message = f"{what} has {len(value)} characters in its short form, and the kernel keeps {MAX_VALUE}"
        else:
            index = next(index for index in group if self._on_multiboot([index], value) is None)
            menu_line = self._menu[index]
            multiboot = menu_line.commands[menu_line.multiboot]
            kernel = self._modules(index)[0]
            option = len(_option(value))
            on_load = len(kernel.text) + option
            if multiboot.whole.text.endswith(b"\r"):
                return self._refuse(
                    f"{what} would end this line, and the carriage return there would become a part of it; "
                    "convert the file to LF line ends",
                    multiboot.whole.part(len(multiboot.whole.text) - 1),
                )
            xen_line = len(multiboot.arguments.text) + len(_behind_separator(multiboot, value))
            message = f"{what} does not fit into entry {self._name(index)}: "
            if on_load > MAX_MODULE_STRING and (shared or not self._loads):
                message += (
                    f"path and arguments of load would have {on_load} characters, and the loader keeps "
                    f"{MAX_MODULE_STRING}; behind ' -- ' "
                )
            if xen_line > MAX_XEN_LINE:
                message += f"Xen's command line would have {xen_line}, and Xen keeps {MAX_XEN_LINE}"
            else:
                message += (
                    f"dom0's command line would have {self._dom0_length(index) + option}, "
                    f"and the kernel keeps {MAX_DOM0_LINE}"
                )
            remedy += ", delete other arguments"
            if on_load > MAX_MODULE_STRING and not self._loads:
                remedy += ", or give the kernel a shorter path, such as a hard link /xen0"
        fit = next(
            (
                count
                for count in range(len(wanted) - 1, 0, -1)
                for short in (False, True)
                if self._try(group, hide_list.render(wanted[:count], short), shared=shared) is not None
            ),
            0,
        )
        return PcibackError(
            f"{message}; {fit if fit else 'none'} of the {len(wanted)} fit{'' if fit > 1 else 's'}",
            code=_TOO_LONG,
            file=self._file,
            line=self._menu[group[0]].line + 1,
            remedy=remedy,
        )

    def _without_lists(self, indexes: Sequence[int], *, shared: bool) -> BootCfg:
        """Take every list out of entries, and if ``shared`` out of the loads that all entries have."""
        lines = list(self._lines)
        for index in indexes:
            # From the right to the left, so that the places of what is still to come stay as they are.
            for command in reversed(self._menu[index].commands):
                lists = _lists_in_command(command)
                self._take_out(lines, command.whole, lists, command.word == b"multiboot")
        for module in self._loads if shared else []:
            self._take_out(lines, module, _lists_in_module(module), False)
        return self if lines == self._lines else BootCfg(b"\n".join(lines), self._file)

    def _take_out(self, lines: list[bytes], whole: _Span, lists: Sequence[_Span], is_multiboot: bool) -> None:
        """Take lists, the one blank before each, and a separator that served only them out of a command."""
        if not lists:
            return
        line = lines[whole.line]
        # A carriage return at the end of a line is nobody's list, however the kernel reads it.
        ending = b"\r" if whole.text.endswith(b"\r") else b""
        text = whole.text[: len(whole.text) - len(ending)]
        for found in reversed(lists):
            start, stop = found.start - whole.start, min(found.end - whole.start, len(text))
            before, after = text[:start], text[stop:]
            if after[:1] not in (b"", b" "):
                raise self._refuse(
                    "a tab ends no word of dom0's command line, so the end of this list is uncertain; "
                    "put a blank behind it",
                    found.part(1),
                )
            if is_multiboot and not after and before.endswith(b" --"):
                before = before[: -len(b" --")]
                if before.endswith(_PLACEHOLDER) and len(before.split()) == 3:
                    before = before[: -len(_PLACEHOLDER)]
            text = before + after
        lines[whole.line] = line[: whole.start] + text + ending + line[whole.end :]

    def _placement(self, index: int, changed: bool) -> Placement:
        hide = self._hide_list(index)
        if hide is None:
            raise ValueError(f"entry {index + 1} has no list")
        value = hide.reading.value.decode("ascii")
        short = value == hide_list.render(hide.reading.claims, short=True)
        menu_line = self._menu[index]
        return Placement(
            number=index + 1,
            title=_text(menu_line.title),
            line=menu_line.line + 1,
            place=hide.place,
            value=value,
            form=SHORT if short and value != hide_list.render(hide.reading.claims) else LONG,
            changed=changed,
        )

    def _check_result(self, edited: BootCfg, selected: Sequence[int], wanted: Sequence[Address]) -> None:
        """Refuse what does not read back as exactly what was wanted."""
        if len(edited._data) > MAX_FILE:
            raise PcibackError(
                f"with the hide list it would have {len(edited._data)} bytes, and the loader ignores "
                f"a boot.cfg of more than {MAX_FILE}",
                code=_TOO_LONG,
                file=self._file,
                remedy="delete comments or entries",
            )
        for index in selected:
            edited._check_bootable(index)
            if not edited._is_right(index, wanted) or edited._default != self._default:
                raise self._refuse(
                    f"entry {self._name(index)} can't be given the hide list so that it is surely read; "
                    "write its line in the plain form of boot.cfg(5)",
                    self._menu[index].command_text,
                )

    # The entry with the previous list

    def _with_previous(self, edited: BootCfg, changed: Sequence[int], wanted: bool) -> tuple[BootCfg, Previous]:
        """``edited`` with an entry that boots as this file did."""
        if not wanted:
            return edited._without_previous(), Previous(None, "", "it was not asked for")
        kept = next((i for i in reversed(range(edited._shown)) if edited._is_previous(i)), None)
        if not changed:
            return edited, edited._described(kept, "" if kept is not None else "no entry was changed")
        try:
            with_it = self._put_previous(edited, self._source_of_previous(changed), kept)
        except _NoPreviousError as reason:
            return edited, edited._described(kept, str(reason))
        return with_it, with_it._described(len(with_it._menu) - 1 if kept is None else kept, "")

    def _described(self, index: int | None, reason: str) -> Previous:
        if index is None:
            return Previous(None, "", reason)
        return Previous(index + 1, _text(self._menu[index].title), reason)

    def _source_of_previous(self, changed: Sequence[int]) -> int:
        if self._default in changed:
            return self._default
        others = [i for i in range(len(self._menu)) if self._is_xen(i) and not self._is_previous(i)]
        if len(others) > 1:
            raise _NoPreviousError("the entry that boots by default was not changed")
        return others[0]

    def _put_previous(self, edited: BootCfg, source: int, kept: int | None) -> BootCfg:
        old = self._hide_list(source)
        line = self._previous_line(source, old)
        if kept is not None:
            with_it = edited._replace_line(edited._menu[kept].line, line)
            index = kept
        else:
            with_it = edited._with_last_entry(line)
            index = len(edited._menu)
        new = with_it._hide_list(index)
        if (old.reading if old else hide_list.read(b"")) != (new.reading if new else hide_list.read(b"")):
            raise _NoPreviousError("the arguments from before can't be kept in an entry of its own")
        return with_it

    def _previous_line(self, source: int, old: HideList | None) -> bytes:
        menu_line = self._menu[source]
        title = menu_line.title_span
        if title.text.endswith(PREVIOUS_SUFFIX.encode()):
            raise _NoPreviousError("the changed entry is such an entry itself")
        line = self._lines[menu_line.line]
        name = title.text or b"Entry %d" % (source + 1)
        line = line[: title.start] + name + PREVIOUS_SUFFIX.encode() + line[title.end :]
        if not self._loads or (old is not None and old.place == MULTIBOOT):
            return line
        # The load that all entries share gets a new list, so the one from before must win over it.
        renamed = self._replace_line(menu_line.line, line)
        multiboot = renamed._menu[source].commands[menu_line.multiboot]
        overridden = renamed._append(
            multiboot.whole, _behind_separator(multiboot, b"" if old is None else old.reading.value)
        )
        if overridden is None:
            raise _NoPreviousError("its line ends with a carriage return, and the list would take it in")
        return overridden._lines[menu_line.line]

    def _with_last_entry(self, line: bytes) -> BootCfg:
        lines = list(self._lines)
        lines.insert(self._menu[-1].line + 1, line)
        longer = BootCfg(b"\n".join(lines), self._file)
        if longer._ignored:
            raise _NoPreviousError(f"the loader shows {MAX_ENTRIES} entries at most")
        if longer._default != self._default:
            raise _NoPreviousError("it would become the entry that default= picks")
        if longer._letters != self._letters:
            raise _NoPreviousError("with a tenth entry the loader would show letters instead of digits")
        if longer._shown != self._shown + 1:
            raise _NoPreviousError("with format=number the loader drops all entries past the ninth")
        if len(longer._data) > MAX_FILE:
            raise _NoPreviousError(f"the file would have more than {MAX_FILE} bytes, and the loader ignore it")
        return longer

    def _without_previous(self) -> BootCfg:
        """Remove what keeps a previous list at the end of the menu; elsewhere it would shift other entries."""
        index = len(self._menu) - 1
        if index < 0 or self._ignored or not self._is_previous(index):
            return self
        lines = list(self._lines)
        del lines[self._menu[index].line]
        return BootCfg(b"\n".join(lines), self._file)._without_previous()


class _NoPreviousError(Exception):
    """Why no entry can keep the previous list."""


# An edit reads the whole file after each step, and all lines but one are as before.
@lru_cache(maxsize=256)
def _menu_line(value: _Span) -> _MenuLine | None:
    """What follows ``menu=``; without a ``:`` the loader ignores the line."""
    colon = value.text.find(b":")
    if colon < 0:
        return None
    title = value.part(0, colon)
    text = value.part(colon + 1)
    return _MenuLine(value.line, title, text, tuple(_commands(text)))


def _commands(text: _Span) -> Iterator[_Command]:
    """Split at ``;`` as the loader does: blanks go behind each and, except for the first, before it."""
    position = 0
    while True:
        end = text.text.find(b";", position)
        stop = len(text.text) if end < 0 else end
        whole = text.part(position, stop)
        whole = whole.part(0, len(whole.text.rstrip(b" ")))
        word = _first_word(whole)
        yield _Command(whole, word.text, whole.part(len(word.text)).lstrip(b" \t"))
        if end < 0:
            return
        position = end + 1
        while text.text[position : position + 1] == b" ":
            position += 1
        if position == len(text.text):
            return


def _first_word(span: _Span) -> _Span:
    """Up to the first blank or tab, which is where the loader ends commands and paths."""
    return span.part(0, len(re.split(rb"[ \t]", span.text, maxsplit=1)[0]))


def _after_first_word(span: _Span) -> _Span:
    """What Xen passes on of a string: all but the first word, which for Xen ends at a blank only."""
    word = span.text.partition(b" ")[0]
    return span.part(len(word)).lstrip(b" ")


def _after_path(module: _Span) -> _Span:
    """The arguments behind a path."""
    return module.part(len(_first_word(module).text)).lstrip(b" \t")


def _after_separator(arguments: _Span) -> _Span | None:
    """What Xen passes to dom0 of its own arguments, with exactly one blank at its start."""
    found = arguments.text.find(_SEPARATOR)
    if found < 0:
        return None
    rest = arguments.part(found + len(_SEPARATOR)).lstrip(b" ")
    return _Span(rest.line, rest.start - 1, b" " + rest.text)


def _words(span: _Span) -> Iterator[_Span]:
    """The words of dom0's command line; only a blank ends one."""
    for match in re.finditer(rb"[^ ]+", span.text):
        yield span.part(match.start(), match.end())


def _lists_in_command(command: _Command) -> list[_Span]:
    """Words that look like a hide list, whether the kernel gets to read them or not."""
    if command.word in (b"load", b"multiboot"):
        return _lists_in_module(command.arguments)
    return _lists_behind(command.whole, len(command.word))


def _lists_in_module(module: _Span) -> list[_Span]:
    return _lists_behind(module, len(_first_word(module).text))


def _lists_behind(span: _Span, position: int) -> list[_Span]:
    """Each with the blank or tab before it."""
    return [span.part(match.start(), match.end()) for match in _LIST.finditer(span.text, position)]


def _option(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return b" " + OPTION.encode() + data


def _behind_separator(multiboot: _Command, value: str | bytes) -> bytes:
    """What to append to a multiboot command so that dom0 gets a list."""
    arguments = _after_path(multiboot.arguments)
    # One that ends the command stays the owner's: taking the list out again must not take it along.
    if _SEPARATOR in arguments.text and not arguments.text.endswith(b" --"):
        return _option(value)
    return (b"" if arguments.text else _PLACEHOLDER) + _SEPARATOR.rstrip() + _option(value)


def _atoi(text: bytes) -> int:
    """The loader's own atoi: no blanks, 32 bits."""
    match = re.match(rb"-?[0-9]*", text)
    digits = match.group() if match else b""
    number = int(digits) if digits.strip(b"-") else 0
    return (number + 0x80000000) % 0x100000000 - 0x80000000


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
