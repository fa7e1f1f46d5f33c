# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a boot.cfg is made of: lines of the menu, lines outside it that load a file, and what an entry comes to."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.lexer import Command, Span
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import Loader

XEN = "xen"
KERNEL = "kernel"
PROMPT = "prompt"
OTHER = "other"

LOAD = "load"
MULTIBOOT = "multiboot"
TOP_LEVEL = "top-level"

# Commands after which no later one of an entry runs, and what they make of it.
_FINAL = {b"multiboot": XEN, b"boot": KERNEL, b"pkboot": KERNEL, b"menu": OTHER, b"quit": OTHER}


@dataclass(frozen=True)
class HideList:
    """The hide list that the dom0 kernel reads when an entry boots.

    :param reading: what the kernel makes of it
    :param place: ``load``, ``multiboot`` or ``top-level`` (a ``load=`` line outside the menu)
    :param line: where it is in the file, from 1
    :param column: column of the value in bytes, from 1
    """

    reading: hide_list.Reading
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
class MenuLine:
    """One valid ``menu=`` line; ``line`` is its index in the file, from 0."""

    line: int
    title_span: Span
    command_text: Span
    commands: tuple[Command, ...]

    @property
    def title(self) -> str:
        """What the menu shows; without a title the commands."""
        return decode(self.title_span.text or self.command_text.text)

    @property
    def kind(self) -> str:
        """``xen``, ``kernel``, ``prompt`` or ``other``."""
        if self.command_text.text == b"prompt":
            return PROMPT
        return next((_FINAL[command.word] for command in self.commands if command.word in _FINAL), OTHER)

    @property
    def before_multiboot(self) -> tuple[Command, ...]:
        """What runs before Xen starts, in an entry whose kind is ``xen``."""
        return self.commands[: self.commands.index(self.multiboot)]

    @property
    def multiboot(self) -> Command:
        """The command that starts Xen, in an entry whose kind is ``xen``."""
        return next(command for command in self.commands if command.word == b"multiboot")


@dataclass(frozen=True)
class TopLevelModule:
    """A line outside the menu that loads a file before the commands of every entry, at least with some loaders.

    :param key: its key, as it is
    :param value: path and arguments
    :param kinds: what each loader that the host may have makes of it: see :meth:`.loader.Loader.loads`
    """

    key: Span
    value: Span
    kinds: tuple[tuple[Loader, bytes], ...]

    def kind(self, loader: Loader) -> bytes:
        return dict(self.kinds)[loader]


def decode(data: bytes) -> str:
    """Text for a person, in the encoding that its bytes allow."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
