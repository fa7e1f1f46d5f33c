# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What is refused of a boot.cfg: entries that don't boot as their writer thinks, and edits that don't read back."""

from __future__ import annotations

import re
from typing import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.lexer import (
    Span,
    first_word,
    lists_in_command,
    lists_in_module,
    words,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import LOAD_KEY
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import (
    TOP_LEVEL,
    HideList,
    MenuLine,
    decode,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import INVALID, BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.hide_list import COMPLETE, FAULT
from ansible_collections.xen.pciback.plugins.module_utils.refusals import LIST_TOO_LONG

TOO_LONG = LIST_TOO_LONG
"""Code of a refusal: there is no room for the hide list."""

# hd0a, NAME=root: what may stand before the ':' of a path.
_DEVICE = re.compile(rb"(?:[a-z]+[0-9]*[a-z]?|NAME=[^:]+)\Z")

# Commands of the BIOS and of the EFI loader, boot(8) and x86/boot(8); any other prints a help text.
_COMMANDS = frozenset(
    b"? boot consdev dev devpath efivar fs gop help load ls memmap menu modules multiboot pkboot quit "
    b"rndseed root splash text userconf version vesa".split()
)
_MODULE_COMMANDS = frozenset((b"fs", b"rndseed", b"splash"))


def refusal(document: BootCfg, message: str, span: Span | None = None) -> PcibackError:
    """The error ``boot-config-invalid`` at a place in the file, to be raised."""
    return PcibackError(
        message,
        code=INVALID,
        file=document.file,
        line=None if span is None else span.line + 1,
        column=None if span is None else span.start + 1,
    )


def name(document: BootCfg, index: int) -> str:
    """An entry in messages: ``1 'Xen'``."""
    return f"{index + 1} '{document.menu[index].title}'"


def check_bootable(document: BootCfg, index: int) -> None:
    """Check that an entry that starts Xen boots the way its writer thinks, with or without a list.

    :raises PcibackError: ``boot-config-invalid``
    """
    menu_line = document.menu[index]
    _check_top_level(document)
    _check_commands(document, menu_line)
    _check_xen(document, menu_line)
    modules = document.modules(index)
    if not modules:
        raise _no_kernel(document, index)
    _check_kernel(document, modules[0])
    _check_pciback(document, index)
    _check_dom0_words(document, index)
    _check_no_fault(document, index)


def holds_exactly(document: BootCfg, index: int, wanted: Sequence[Address]) -> bool:
    """The entry claims exactly what is wanted, and no other list that is its own says anything else."""
    hide = document.read_list(index)
    if hide is None or not hide.reading.clean or set(hide.claims) != set(wanted):
        return False
    own = sum(len(lists_in_command(command)) for command in document.menu[index].commands)
    if hide.place == TOP_LEVEL:
        return own == 0 and sum(len(lists_in_module(module)) for module in document.shared_loads) == 1
    return own == 1


def check_result(before: BootCfg, edited: BootCfg, selected: Sequence[int], wanted: Sequence[Address]) -> None:
    """Check that an edited file reads back as exactly what was wanted.

    :param selected: indexes of the entries that were given the list
    :raises PcibackError: ``list-too-long``: the file became too large; ``boot-config-invalid``: it reads otherwise
    """
    if len(edited.data) > MAX_FILE:
        raise PcibackError(
            f"with the hide list it would have {len(edited.data)} bytes, and the loader ignores "
            f"a boot.cfg of more than {MAX_FILE}",
            code=TOO_LONG,
            file=before.file,
            remedy="delete comments or entries",
        )
    for index in selected:
        check_bootable(edited, index)
        if not holds_exactly(edited, index, wanted) or edited.default_index != before.default_index:
            raise refusal(
                before,
                f"entry {name(before, index)} can't be given the hide list so that it is surely read; "
                "write its line in the plain form of boot.cfg(5)",
                before.menu[index].command_text,
            )


def _check_top_level(document: BootCfg) -> None:
    """Whichever loader the host has, what it loads first outside the menu is the same kernel, or nothing."""
    for line in document.top_level:
        kinds = {line.kind(loader) for loader in document.loaders}
        key = decode(line.key.text)
        if kinds == {LOAD_KEY}:
            return
        if LOAD_KEY in kinds:
            raise refusal(
                document,
                f"loaders before NetBSD 10 take '{key}=' for 'load=', newer ones ignore it, and which one this host "
                "has is not known; write 'load=', which all of them read, or delete the line",
                line.key,
            )
        raise refusal(
            document,
            f"loaders that know '{key}=' load this file before all others, so that Xen takes it for the dom0 kernel; "
            f"put '{key} FILE' behind load in the entries that are to have it",
            line.key,
        )


def _check_commands(document: BootCfg, menu_line: MenuLine) -> None:
    """The loader runs each command up to multiboot."""
    empty = False
    first_module = not document.loads
    for number, command in enumerate((*menu_line.before_multiboot, menu_line.multiboot)):
        if not command.whole.text:
            if number == 0 or empty:
                raise refusal(
                    document,
                    "there is no command here, and the loader may loop for ever; delete the ';'",
                    command.whole,
                )
            empty = True
            continue
        empty = False
        if not command.word:
            raise refusal(
                document,
                "the loader takes the blank or tab before this command for its end and finds no name; delete it",
                command.whole,
            )
        if command.word not in _COMMANDS:
            raise refusal(document, f"the loader has no command '{decode(command.word)}'; see boot(8)", command.whole)
        if command.word == b"load":
            first_module = False
        elif command.word in _MODULE_COMMANDS and first_module:
            raise refusal(
                document,
                f"what '{decode(command.word)}' loads would become the dom0 kernel, because Xen takes the "
                "first file; put it after load",
                command.whole,
            )


def _check_xen(document: BootCfg, menu_line: MenuLine) -> None:
    path = first_word(menu_line.multiboot.arguments)
    device, colon, file = path.text.rpartition(b":")
    if not file or (colon and not _DEVICE.match(device)):
        raise refusal(document, "multiboot names no file, such as /xen.gz", menu_line.multiboot.whole)
    _check_no_cr(document, path, "the path of Xen")


def _no_kernel(document: BootCfg, index: int) -> PcibackError:
    menu_line = document.menu[index]
    late = next((command for command in menu_line.commands if command.word == b"load"), None)
    if late is not None:
        return refusal(
            document,
            "this load comes after multiboot and is never reached, so Xen gets no dom0 kernel; put it before multiboot",
            late.whole,
        )
    return refusal(
        document,
        f"entry {name(document, index)} starts Xen without a dom0 kernel; "
        "a 'load /netbsd-XEN3_DOM0.gz' must come before multiboot",
        menu_line.multiboot.whole,
    )


def _check_kernel(document: BootCfg, module: Span) -> None:
    path = first_word(module)
    device, colon, rest = path.text.partition(b":")
    if not (rest if colon and _DEVICE.match(device) else path.text).startswith(b"/"):
        raise refusal(
            document,
            f"the loader takes '{decode(path.text)}' for the name of a kernel module; "
            "the path of the dom0 kernel must start with '/' or 'DEVICE:/'",
            path,
        )
    _check_no_cr(document, path, "the path of the dom0 kernel")


def _check_pciback(document: BootCfg, index: int) -> None:
    reason = document.without_pciback(index)
    if reason:
        raise PcibackError(
            f"entry {name(document, index)} can't hide anything: a kernel started with dom0=pvh has no pciback"
            if reason == "dom0=pvh"
            else f"entry {name(document, index)} can't hide anything: a GENERIC kernel has no pciback",
            code=INVALID,
            file=document.file,
            line=document.menu[index].line + 1,
            remedy="name the entries that start an XEN3_DOM0 kernel, or start one here, without dom0=pvh",
        )


def _check_no_cr(document: BootCfg, path: Span, what: str) -> None:
    if b"\r" in path.text:
        raise refusal(
            document,
            f"{what} ends with a carriage return, which the loader takes for a part of it; "
            "convert the file to LF line ends",
            path,
        )


def _check_dom0_words(document: BootCfg, index: int) -> None:
    """A boot flag ends where its writer sees its end."""
    for piece in document.kept_by_dom0(index):
        for word in words(piece):
            tab = word.text.find(b"\t")
            if word.text.startswith(b"-") and tab >= 0:
                raise refusal(
                    document,
                    "a tab ends no word of dom0's command line, so all that follows '-' up to the next "
                    "blank is taken for boot flags; put a blank here",
                    word.part(tab),
                )


def broken_list(document: BootCfg, index: int) -> PcibackError | None:
    """What is wrong with the list of an entry that stops the machine, ``None`` if it has none.

    Of the entry that boots by default, a list counts too that the kernel does not read to its end. In another entry that
    is its owner's affair: dom0 boots with it.
    """
    hide = document.read_list(index)
    if hide is None or hide.reading.outcome == COMPLETE:
        return None
    if hide.reading.outcome != FAULT and index != document.default_index:
        return None
    return _broken(document, index, hide)


def _broken(document: BootCfg, index: int, hide: HideList) -> PcibackError:
    problem = hide.reading.problems[-1]
    effect = "that stops the machine" if hide.reading.outcome == FAULT else "because of which no guest gets a device"
    return PcibackError(
        f"entry {name(document, index)} already has a list {effect}: {problem.message}",
        code=INVALID,
        file=document.file,
        line=hide.line,
        column=hide.column + problem.offset,
        remedy="mend or delete that list by hand, or let 'ansible HOST -m xen.pciback.boot_hide "
        f'-a "state=absent path={document.file}"\' remove every hide list of the file',
    )


def _check_no_fault(document: BootCfg, index: int) -> None:
    """The list that is there does not stop the machine; another one is replaced."""
    hide = document.read_list(index)
    if hide is not None and hide.reading.outcome == FAULT:
        raise _broken(document, index, hide)
