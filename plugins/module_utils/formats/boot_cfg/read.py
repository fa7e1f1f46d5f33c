# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""boot.cfg(5) as a lossless document, read as NetBSD's x86 loaders, Xen and the dom0 kernel read it.

The path of a hide list: the loader cuts each module's string, Xen drops the path from it and appends what
follows `` -- `` on its own command line, the dom0 kernel keeps the first 255 characters of the result, and in
those the last word that starts with ``pciback.hide=`` wins. :meth:`BootCfg.read_list` follows that path for a
menu entry.

The files of this package, each using only those before it: limits, loader (what they read otherwise), lexer, menu, read,
check (what is refused), selection (which entries are meant), place (where a list is put), previous (the entry that
keeps the list from before), edit, trial (a list that is booted once).
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.lexer import (
    Span,
    after_image_name,
    after_path,
    after_separator,
    first_word,
    split_commands,
    words,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import (
    MAX_DIGIT,
    MAX_DOM0_LINE,
    MAX_ENTRIES,
    MAX_FILE,
    MAX_MODULE_STRING,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import (
    EITHER,
    LOAD_KEY,
    Loaders,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import (
    LOAD,
    MULTIBOOT,
    TOP_LEVEL,
    XEN,
    Entry,
    HideList,
    MenuLine,
    TopLevelModule,
    decode,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID

INVALID = BOOT_CONFIG_INVALID
"""Code of a refusal: the file, or what is asked of it, does not boot the way its writer thinks."""

# In the order in which the loader tries them; each matches by prefix, whatever the loader.
_KEYS = (b"menu", b"banner", b"timeout", b"default", b"consdev", b"root", b"format", b"clear")


@dataclass(frozen=True)
class BootCfg:
    """A boot.cfg. The bytes that the loader skips are kept.

    Outside this package :meth:`parse`, :meth:`render`, :attr:`entries` and :attr:`default` are of use. Inside it an
    entry is named by its index in ``menu``, from 0, because that is the same before and after an edit.

    :param data: the bytes of the file
    :param file: its name in messages
    :param lines: its lines without their ``\\n``
    :param menu: the ``menu=`` lines that the loader keeps
    :param ignored: how many it does not keep
    :param loaders: those that the host may have; where they differ, this is what the newest reads, and
        :func:`.check.check_bootable` refuses the entry
    :param top_level: lines outside the menu that at least one of them takes for a file to load
    :param loads: path and arguments of each ``load=`` line; they come before the ``load`` commands of every entry
    :param letters: letters choose an entry, not digits
    :param shown: how many entries the menu shows
    :param default_index: the entry that boots when nobody touches the keyboard; 0 without a menu
    """

    data: bytes
    file: str
    lines: tuple[bytes, ...]
    menu: tuple[MenuLine, ...]
    ignored: int
    loaders: Loaders
    top_level: tuple[TopLevelModule, ...]
    loads: tuple[Span, ...]
    letters: bool
    shown: int
    default_index: int

    @classmethod
    def parse(cls, data: bytes, file: str = "/boot.cfg", loaders: Loaders = EITHER) -> BootCfg:
        """Read a boot.cfg.

        :param file: its name in messages
        :param loaders: those that the host may have
        :raises PcibackError: ``boot-config-invalid``: the loader would ignore it or see only a part of it
        """
        if len(data) > MAX_FILE:
            raise PcibackError(
                f"it has {len(data)} bytes, and the loader ignores a boot.cfg of more than {MAX_FILE}",
                code=INVALID,
                file=file,
                remedy="delete comments or entries",
            )
        if data.startswith(codecs.BOM_UTF8):
            raise PcibackError(
                "it begins with a byte order mark (EF BB BF), and the loader then knows no word of its first line",
                code=INVALID,
                file=file,
                line=1,
                column=1,
                remedy=f"save it as UTF-8 without that, or: tail -c +4 {file} > {file}.new && cp {file}.new {file}",
            )
        nul = data.find(b"\0")
        if nul >= 0:
            raise PcibackError(
                "there is a NUL byte, and the loader reads no further; delete it",
                code=INVALID,
                file=file,
                line=data.count(b"\n", 0, nul) + 1,
                column=nul - data.rfind(b"\n", 0, nul),
            )
        return _read(data, file, loaders)

    def render(self) -> bytes:
        """The bytes of the file."""
        return self.data

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The menu, as the loader shows it: at most 20 entries, with numbers at most 9 if it waits."""
        return tuple(self._entry(index) for index in range(self.shown))

    @property
    def default(self) -> Entry | None:
        """The entry that boots when nobody touches the keyboard; ``None`` without a menu."""
        return self._entry(self.default_index) if self.shown else None

    def with_lines(self, lines: list[bytes]) -> BootCfg:
        """The document that these lines are; a file that became too large is read all the same."""
        return _read(b"\n".join(lines), self.file, self.loaders)

    def is_xen(self, index: int) -> bool:
        return self.menu[index].kind == XEN

    def is_previous(self, index: int) -> bool:
        """It is an entry that keeps a previous list; once it is the default, it is an entry like any other."""
        return index != self.default_index and self.is_xen(index) and self.menu[index].title.endswith(PREVIOUS_SUFFIX)

    def modules(self, index: int) -> list[Span]:
        """What is loaded when the entry's multiboot runs; the first is the dom0 kernel."""
        before = self.menu[index].before_multiboot
        return [*self.loads, *(command.arguments for command in before if command.word == b"load")]

    @property
    def shared_loads(self) -> list[Span]:
        """What any of the possible loaders takes for a ``load=`` line."""
        return [line.value for line in self.top_level if any(kind == LOAD_KEY for _loader, kind in line.kinds)]

    def without_pciback(self, index: int) -> str:
        """Why the dom0 kernel of an entry that starts Xen has no pciback(4): ``dom0=pvh``, ``GENERIC``; else empty."""
        arguments = after_path(self.menu[index].multiboot.arguments)
        separated = after_separator(arguments)
        pvh = False
        for word in words(arguments.part(0, None if separated is None else separated.start - arguments.start)):
            name, _equals, value = word.text.partition(b"=")
            for item in value.split(b",") if name == b"dom0" else ():
                # Of several the last counts.
                pvh = {b"pvh": True, b"pv": False}.get(item, pvh)
        if pvh:
            return "dom0=pvh"
        kernel = first_word(self.modules(index)[0]).text if self.modules(index) else b""
        return "GENERIC" if b"generic" in kernel.rpartition(b"/")[2].lower() else ""

    def passed_to_dom0(self, index: int) -> list[Span]:
        """The pieces of dom0's command line, as Xen puts them together."""
        pieces = [after_image_name(module.part(0, MAX_MODULE_STRING)) for module in self.modules(index)[:1]]
        separated = after_separator(after_path(self.menu[index].multiboot.arguments))
        return pieces if separated is None else [*pieces, separated]

    def kept_by_dom0(self, index: int) -> list[Span]:
        """The pieces of dom0's command line that the kernel looks at; none in an entry that does not start Xen."""
        if not self.is_xen(index):
            return []
        room = MAX_DOM0_LINE
        kept = []
        for piece in self.passed_to_dom0(index):
            kept.append(piece.part(0, room))
            room -= len(kept[-1].text)
        return kept

    def read_list(self, index: int) -> HideList | None:
        """The list that the kernel reads when the entry boots: the last on its command line."""
        if not self.is_xen(index) or self.without_pciback(index):
            return None
        found = None
        for piece in self.kept_by_dom0(index):
            for word in words(piece):
                if word.text.lower().startswith(hide_list.OPTION.encode()):
                    found = word.part(len(hide_list.OPTION))
        if found is None:
            return None
        menu_line = self.menu[index]
        if found.line != menu_line.line:
            place = TOP_LEVEL
        elif found.start >= menu_line.multiboot.whole.start:
            place = MULTIBOOT
        else:
            place = LOAD
        return HideList(hide_list.read(found.text), place, found.line + 1, found.start + 1)

    def _entry(self, index: int) -> Entry:
        menu_line = self.menu[index]
        return Entry(
            number=index + 1,
            title=menu_line.title,
            kind=menu_line.kind,
            line=menu_line.line + 1,
            default=index == self.default_index,
            dom0_line=b"".join(piece.text for piece in self.kept_by_dom0(index)),
            hide=self.read_list(index),
            commands=tuple(decode(command.whole.text) for command in menu_line.commands),
        )


def _read(data: bytes, file: str, loaders: Loaders) -> BootCfg:
    lines = tuple(data.split(b"\n"))
    menu: list[MenuLine] = []
    top_level: list[TopLevelModule] = []
    default = 0
    timeout = 10
    letters_or_numbers = b"a"
    for index, line in enumerate(lines):
        # A comment may begin anywhere.
        key, equals, value = line.partition(b"#")[0].partition(b"=")
        if not equals:
            continue
        span = Span(index, len(key) + 1, value)
        known = next((known for known in _KEYS if key.startswith(known)), b"")
        if known == b"menu":
            menu_line = _menu_line(span)
            if menu_line is not None:
                menu.append(menu_line)
        elif known == b"timeout":
            timeout = _atoi(value) if value[:1].isdigit() else -1
        elif known == b"default":
            default = _atoi(value) - 1
        elif known == b"format" and value[:1].lower() in (b"a", b"n", b"d", b"l"):
            letters_or_numbers = value[:1].lower()
        elif not known:
            kinds = tuple((loader, loader.loads(key)) for loader in loaders)
            if any(kind for _loader, kind in kinds):
                top_level.append(TopLevelModule(Span(index, 0, key), span.lstrip(b" \t"), kinds))
    kept = tuple(menu[:MAX_ENTRIES])
    many = len(kept) > MAX_DIGIT and timeout > 0
    letters = letters_or_numbers == b"l" or (letters_or_numbers == b"a" and many)
    shown = MAX_DIGIT if many and not letters else len(kept)
    return BootCfg(
        data=data,
        file=file,
        lines=lines,
        menu=kept,
        ignored=len(menu) - len(kept),
        loaders=loaders,
        top_level=tuple(top_level),
        loads=tuple(line.value for line in top_level if line.kind(loaders[-1]) == LOAD_KEY),
        letters=letters,
        shown=shown,
        default_index=max(0, min(default, shown - 1)),
    )


# An edit reads the whole file after each step, and all lines but one are as before.
@lru_cache(maxsize=256)
def _menu_line(value: Span) -> MenuLine | None:
    """What follows ``menu=``; without a ``:`` the loader ignores the line."""
    colon = value.text.find(b":")
    if colon < 0:
        return None
    text = value.part(colon + 1)
    return MenuLine(value.line, value.part(0, colon), text, tuple(split_commands(text)))


def _atoi(text: bytes) -> int:
    """The loader's own atoi: no blanks, 32 bits."""
    match = re.match(rb"(-?)([0-9]*)", text)
    sign, digits = match.groups() if match else (b"", b"")
    # Of more digits than Python converts the last 32 count: 10 to the 32nd is a multiple of 2 to the 32nd.
    number = int(sign + (digits[-32:] or b"0"))
    return (number + 0x80000000) % 0x100000000 - 0x80000000
