# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Where a hide list is put into a boot.cfg, and how lists are taken out.

A list goes behind the arguments of the dom0 kernel: of the entry's own ``load``, or of a top-level ``load=`` line if
every entry that has it is edited. Where that is too long it goes behind `` -- `` of ``multiboot``. If neither place
holds it, both are tried with the short form of the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check import (
    TOO_LONG,
    holds_exactly,
    name,
    refusal,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.lexer import (
    SEPARATOR,
    Command,
    Span,
    after_path,
    lists_in_command,
    lists_in_module,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import (
    MAX_DOM0_LINE,
    MAX_MODULE_STRING,
    MAX_XEN_LINE,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg

LONG = "long"
SHORT = "short"

# Xen drops the first word of its command line, the image name, before it looks for " -- ", so without any
# argument " -- " would begin its line and not be seen. Xen ignores this one.
_PLACEHOLDER = b" placeholder=pciback"


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


def with_list(document: BootCfg, selected: Sequence[int], wanted: Sequence[Address]) -> BootCfg:
    """The file with the list in every selected entry, each where it fits; what holds it already is left alone.

    :param selected: indexes of bootable entries
    :raises PcibackError: ``list-too-long``, or ``boot-config-invalid`` where an old list can't be taken out
    """
    missing = [index for index in selected if not holds_exactly(document, index, wanted)]
    if not missing:
        return document
    sharing = [i for i in range(len(document.menu)) if document.is_xen(i) and not document.is_previous(i)]
    if document.loads and set(sharing) <= set(selected):
        # One line serves them all, so they are decided on together.
        return _put(document, selected, wanted, shared=True)
    for index in missing:
        document = _put(document, [index], wanted, shared=False)
    return document


def without_lists(document: BootCfg, indexes: Sequence[int], *, shared: bool) -> BootCfg:
    """The file without any list in these entries, and if ``shared`` in the loads that all entries have.

    :raises PcibackError: ``boot-config-invalid``: it is not certain where a list ends
    """
    lines = list(document.lines)
    for index in indexes:
        # From the right to the left, so that the places of what is still to come stay as they are.
        for command in reversed(document.menu[index].commands):
            _take_out(document, lines, command.whole, lists_in_command(command), command.word == b"multiboot")
    for module in document.shared_loads if shared else []:
        _take_out(document, lines, module, lists_in_module(module), False)
    return document if tuple(lines) == document.lines else document.with_lines(lines)


def placement(document: BootCfg, index: int, changed: bool) -> Placement:
    """Where the list of an entry is; it must have one that is in order."""
    hide = document.read_list(index)
    if hide is None:
        raise ValueError(f"entry {index + 1} has no list")
    value = hide.reading.value.decode("ascii")
    short = value == hide_list.render(hide.claims, short=True)
    menu_line = document.menu[index]
    return Placement(
        number=index + 1,
        title=menu_line.title,
        line=menu_line.line + 1,
        place=hide.place,
        value=value,
        form=SHORT if short and value != hide_list.render(hide.claims) else LONG,
        changed=changed,
    )


def with_line(document: BootCfg, index: int, text: bytes) -> BootCfg:
    """The file with another line at an index, from 0."""
    lines = list(document.lines)
    lines[index] = text
    return document.with_lines(lines)


def append_to_multiboot(document: BootCfg, index: int, value: bytes) -> BootCfg | None:
    """Pass a list to dom0 behind the other arguments of an entry's Xen; ``None`` if the line can't be made longer."""
    multiboot = document.menu[index].multiboot
    return _append(document, multiboot.whole, _behind_separator(multiboot, value))


def _put(document: BootCfg, group: Sequence[int], wanted: Sequence[Address], *, shared: bool) -> BootCfg:
    stripped = without_lists(document, group, shared=shared)
    for short in (False, True):
        put = _try(stripped, group, _value(wanted, short), shared=shared)
        if put is not None:
            return put
    raise _no_room(stripped, group, wanted, shared=shared)


def _try(document: BootCfg, group: Sequence[int], value: bytes, *, shared: bool) -> BootCfg | None:
    """The file with ``value`` in each entry of the group, ``None`` if it does not fit."""
    if len(value) > hide_list.MAX_VALUE:
        return None
    put = None
    if shared or not document.loads:
        put = _on_load(document, group, value)
    return _on_multiboot(document, group, value) if put is None else put


def _on_load(document: BootCfg, group: Sequence[int], value: bytes) -> BootCfg | None:
    """With several entries in the group, their dom0 kernel comes from one top-level load."""
    put = _append(document, document.modules(group[0])[0], _option(value))
    return put if put is not None and all(_holds(put, index, value) for index in group) else None


def _on_multiboot(document: BootCfg, group: Sequence[int], value: bytes) -> BootCfg | None:
    for index in group:
        put = append_to_multiboot(document, index, value)
        if put is None or not _holds(put, index, value):
            return None
        document = put
    return document


def _holds(document: BootCfg, index: int, value: bytes) -> bool:
    """The entry's list reaches the kernel whole, and so do all of dom0's other arguments."""
    hide = document.read_list(index)
    return (
        hide is not None
        and hide.reading.value == value
        and _dom0_length(document, index) <= MAX_DOM0_LINE
        and len(document.menu[index].multiboot.arguments.text) <= MAX_XEN_LINE
    )


def _dom0_length(document: BootCfg, index: int) -> int:
    return sum(len(piece.text) for piece in document.passed_to_dom0(index))


def _append(document: BootCfg, span: Span, text: bytes) -> BootCfg | None:
    """Write behind the last byte of a command that is no blank; ``None`` if that is a carriage return."""
    stripped = span.text.rstrip(b" ")
    if stripped.endswith(b"\r"):
        return None
    line = document.lines[span.line]
    at = span.start + len(stripped)
    return with_line(document, span.line, line[:at] + text + line[at:])


def _value(wanted: Sequence[Address], short: bool) -> bytes:
    return hide_list.render(wanted, short).encode()


def _option(value: bytes) -> bytes:
    return b" " + hide_list.OPTION.encode() + value


def _behind_separator(multiboot: Command, value: bytes) -> bytes:
    """What to append to a multiboot command so that dom0 gets a list."""
    arguments = after_path(multiboot.arguments)
    # One that ends the command stays the owner's: taking the list out again must not take it along.
    if SEPARATOR in arguments.text and not arguments.text.endswith(b" --"):
        return _option(value)
    return (b"" if arguments.text else _PLACEHOLDER) + SEPARATOR.rstrip() + _option(value)


def _take_out(document: BootCfg, lines: list[bytes], whole: Span, lists: Sequence[Span], is_multiboot: bool) -> None:
    """Take lists, the one blank before each, and a separator that served only them out of a command."""
    if not lists:
        return
    line = lines[whole.line]
    # A carriage return that ends the line stays, even where the kernel reads it as a part of the list.
    ending = b"\r" if whole.text.endswith(b"\r") else b""
    text = whole.text[: len(whole.text) - len(ending)]
    for found in reversed(lists):
        start, stop = found.start - whole.start, min(found.end - whole.start, len(text))
        before, after = text[:start], text[stop:]
        if after[:1] not in (b"", b" "):
            raise refusal(
                document,
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


def _no_room(document: BootCfg, group: Sequence[int], wanted: Sequence[Address], *, shared: bool) -> PcibackError:
    """Say which limit is in the way, how many devices fit and what would help; the file holds no list."""
    value = _value(wanted, short=True)
    what = f"the hide list of {len(wanted)} device{'s' if len(wanted) > 1 else ''}"
    fit = _most_that_fit(document, group, wanted, shared=shared)
    ways = ["hide fewer devices"] if fit else []
    if len(value) > hide_list.MAX_VALUE:
        message = f"{what} has {len(value)} characters in its short form, and the kernel keeps {hide_list.MAX_VALUE}"
    else:
        index = next(index for index in group if _on_multiboot(document, [index], value) is None)
        multiboot = document.menu[index].multiboot
        option = len(_option(value))
        on_load = len(document.modules(index)[0].text) + option
        if multiboot.whole.text.endswith(b"\r"):
            return refusal(
                document,
                f"{what} would end this line, and the carriage return there would become a part of it; "
                "convert the file to LF line ends",
                multiboot.whole.part(len(multiboot.whole.text) - 1),
            )
        xen_line = len(multiboot.arguments.text) + len(_behind_separator(multiboot, value))
        message = f"{what} does not fit into entry {name(document, index)}: "
        if on_load > MAX_MODULE_STRING and (shared or not document.loads):
            message += (
                f"path and arguments of load would have {on_load} characters, and the loader keeps "
                f"{MAX_MODULE_STRING}; behind ' -- ' "
            )
        if xen_line > MAX_XEN_LINE:
            message += f"Xen's command line would have {xen_line}, and Xen keeps {MAX_XEN_LINE}"
        else:
            message += (
                f"dom0's command line would have {_dom0_length(document, index) + option}, "
                f"and the kernel keeps {MAX_DOM0_LINE}"
            )
        ways.append("delete other arguments")
        if on_load > MAX_MODULE_STRING and not document.loads and len(multiboot.arguments.text) <= MAX_XEN_LINE:
            ways.append("give the kernel a shorter path, such as a hard link /xen0")
    return PcibackError(
        f"{message}; {fit if fit else 'none'} of the {len(wanted)} fit{'' if fit > 1 else 's'}",
        code=TOO_LONG,
        file=document.file,
        line=document.menu[group[0]].line + 1,
        remedy=", or ".join(ways or ["delete other arguments"]),
    )


def _most_that_fit(document: BootCfg, group: Sequence[int], wanted: Sequence[Address], *, shared: bool) -> int:
    """How many of the devices, from the first, have room."""
    for count in range(len(wanted) - 1, 0, -1):
        for short in (False, True):
            if _try(document, group, _value(wanted[:count], short), shared=shared) is not None:
                return count
    return 0
