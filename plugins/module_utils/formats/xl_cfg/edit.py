# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Changes which devices an xl configuration file gives to its guest, and no other byte of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import (
    ItemList,
    PciEntry,
    Scalar,
    Statement,
    XlConfig,
    effective_pci,
    read_entry,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.lexer import quote
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import (
    PciSpec,
    with_address,
    with_options,
)


def with_pci(
    config: XlConfig, wanted: Sequence[PciSpec | Mapping[str, Any]], moves: Mapping[Address, Address] | None = None
) -> XlConfig:
    """The file with exactly the wanted devices, at the cost of as few bytes as possible.

    An entry that already says what is wanted keeps its spelling and its place. Comments always stay.

    :param wanted: devices with only the options that matter, or what :meth:`PciSpec.from_options` takes
    :param moves: devices that are at another address than before: their entries keep their places and options
    :raises PcibackError: a device is wanted more than once or is none
    """
    specs = [item if isinstance(item, PciSpec) else PciSpec.from_options(item) for item in wanted]
    by_key = {spec.key: spec for spec in specs}
    if len(by_key) != len(specs):
        keys = [spec.key for spec in specs]
        twice = next(spec for spec in specs if keys.count(spec.key) > 1)
        raise PcibackError(
            f"{twice.device} is wanted {keys.count(twice.key)} times; list each device once", file=config.file
        )
    if _has_exactly(config, by_key):
        return config
    if not specs:
        data = _without_statements(config)
    elif not effective_pci(config.statements):
        data = _with_new_statement(config.data, specs)
    else:
        data = _with_edited_lists(config, by_key, moves or {})
    return XlConfig.parse(data, config.file)


def _has_exactly(config: XlConfig, by_key: Mapping[Any, PciSpec]) -> bool:
    return (
        len(config.pci) == len(by_key)
        and {entry.spec.key for entry in config.pci} == set(by_key)
        and all(config.satisfies(entry, by_key[entry.spec.key]) for entry in config.pci)
    )


# --- statements


def _with_new_statement(data: bytes, specs: Sequence[PciSpec]) -> bytes:
    line = b"pci = [ " + b", ".join(quote(spec.render(), b"'") for spec in specs) + b" ]"
    if data and not data.endswith(b"\n"):
        # The file goes on without a last newline, so that removing the line again restores it.
        return data + b"\n" + line
    return data + line + b"\n"


def _without_statements(config: XlConfig) -> bytes:
    data = config.data
    for statement in reversed(config.statements):
        if statement.name == "pci":
            data = _cut_statement(data, statement, config.comment_ends)
    return data


def _cut_statement(data: bytes, statement: Statement, comment_ends: frozenset[int]) -> bytes:
    """The file without a statement and the line, or the ';', that was its own; comments stay.

    :param comment_ends: where the comments before the statement end
    """
    start, end = statement.start, statement.end
    comments = b""
    if isinstance(statement.value, ItemList):
        found = [data[token.start : token.end] for token in statement.value.tokens if token.kind == "comment"]
        comments = b"".join(comment + b"\n" for comment in found)
    while data[start - 1 : start] in (b" ", b"\t"):
        start -= 1
    while data[end : end + 1] in (b" ", b"\t"):
        end += 1
    begins_line = start == 0 or data[start - 1 : start] == b"\n"
    separated = data[end : end + 1] == b";"
    if separated:
        end += 1
        while data[end : end + 1] in (b" ", b"\t"):
            end += 1
    if begins_line and data[end : end + 1] == b"\n":
        end += 1
    elif begins_line and end == len(data):
        # The last line has no newline, so the one before it goes: the file ends as the line before it did.
        # A comment can't do without its newline, though.
        if start and not comments and start - 1 not in comment_ends:
            start -= 1
    elif begins_line or separated:
        start = statement.start
    elif data[start - 1 : start] == b";":
        start -= 1
    return data[:start] + comments + data[end:]


# --- which entries stay, and which come


def _with_edited_lists(config: XlConfig, by_key: Mapping[Any, PciSpec], moves: Mapping[Address, Address]) -> bytes:
    lists = [
        (statement, _ListEdit(config.data, statement.value))
        for statement in effective_pci(config.statements)
        if isinstance(statement.value, ItemList)
    ]
    edits = [edit for _statement, edit in lists]
    places: dict[Any, list[tuple[_ListEdit, int, PciEntry]]] = {}
    for edit in edits:
        for index, entry in enumerate(edit.entries):
            key = None if entry is None else _key_after(entry.spec, moves)
            if entry is not None and key in by_key:
                places.setdefault(key, []).append((edit, index, entry))
    for key, found in places.items():
        good = [each for each in found if each[2].spec.key == key and config.satisfies(each[2], by_key[key])]
        edit, index, entry = (good or found)[0]
        edit.kept[index] = None if good else _corrected(config, entry, by_key[key])
    holders = [edit for edit in edits if edit.kept]
    target = holders[-1] if holders else edits[0]
    target.added.extend(spec for key, spec in by_key.items() if key not in places)
    data = config.data
    for statement, edit in reversed(lists):
        if statement.appends and not edit.kept and not edit.added and edit.entries:
            data = _cut_statement(data, statement, config.comment_ends)
        else:
            data = data[: edit.start] + edit.render() + data[edit.end :]
    return data


def _key_after(spec: PciSpec, moves: Mapping[Address, Address]) -> Any:
    """What tells the device of an entry once it has moved."""
    if spec.address is None or spec.all_functions:
        return spec.key
    return replace(spec, address=moves.get(spec.address, spec.address)).key


def _corrected(config: XlConfig, entry: PciEntry, wanted: PciSpec) -> str:
    text = entry.text
    if wanted.address is not None and entry.spec.address != wanted.address:
        text = with_address(text, wanted.address)
    changes = config.differences(entry.spec, wanted)
    return with_options(text, changes) if changes else text


# --- a list's bytes


@dataclass
class _Piece:
    """Bytes between a list's brackets: an item, a comma, a comment, a newline or blanks."""

    kind: str
    text: bytes


class _ListEdit:
    """A list that is being changed.

    :ivar entries: its items, ``None`` for one that xl does not read
    :ivar kept: the indexes of the items that stay, with another text or ``None`` for their own
    :ivar added: the devices that come behind the last item
    """

    def __init__(self, data: bytes, value: ItemList) -> None:
        self.start = value.start + 1
        self.end = value.end - 1
        self.kept: dict[int, str | None] = {}
        self.added: list[PciSpec] = []
        self.pieces = _pieces(data, value)
        self.entries = [_entry_or_none(item, data) for item in value.items]
        raws = [data[start:end] for start, end in value.spans]
        marks = [raw[:1] for raw in raws if raw[:1] in (b"'", b'"')]
        self.mark = marks[-1] if marks else b"'"
        texts = [entry.text for entry in self.entries if entry is not None and entry.spec.address is not None]
        self.domain = bool(texts) and all(text.count(":") == 2 for text in texts)

    def render(self) -> bytes:
        """The bytes between the brackets."""
        pieces = list(self.pieces)
        # New ones come before old ones go, so that they find the list's own style.
        for spec in self.added:
            _insert(pieces, quote(spec.render(domain=self.domain), self.mark))
        places = [index for index, piece in enumerate(pieces) if piece.kind == "item"]
        for number in reversed(range(len(self.entries))):
            if number not in self.kept:
                _remove(pieces, places[number])
            elif self.kept[number] is not None:
                old = pieces[places[number]].text
                mark = old[:1] if old[:1] in (b"'", b'"') else self.mark
                pieces[places[number]] = _Piece("item", quote(self.kept[number] or "", mark))
        return b"".join(piece.text for piece in pieces)


def _entry_or_none(item: Scalar | None, data: bytes) -> PciEntry | None:
    """An item as an entry; ``None`` for one that xl does not read, behind a list within the list."""
    if item is None:
        return None
    try:
        return read_entry(item, data, "")
    except PcibackError:
        return None


def _pieces(data: bytes, value: ItemList) -> list[_Piece]:
    pieces: list[_Piece] = []
    spans = iter(value.spans)
    span = next(spans, None)
    for token in value.tokens:
        if span is not None and token.start >= span[1]:
            span = next(spans, None)
        if span is not None and span[0] <= token.start:
            if token.start == span[0]:
                pieces.append(_Piece("item", data[span[0] : span[1]]))
            continue
        kind = "comma" if token.kind == "sign" else token.kind
        pieces.append(_Piece(kind, data[token.start : token.end]))
    return pieces


def _skip(pieces: Sequence[_Piece], index: int, step: int, kinds: Sequence[str]) -> int:
    """The nearest index from ``index`` on whose piece is of none of the kinds, or past an end."""
    while 0 <= index < len(pieces) and pieces[index].kind in kinds:
        index += step
    return index


def _kind(pieces: Sequence[_Piece], index: int) -> str:
    return pieces[index].kind if 0 <= index < len(pieces) else "bracket"


_SPACE = ("blank", "comment", "newline")


def _insert(pieces: list[_Piece], text: bytes) -> None:
    """Put an item behind the last one, in the style of the list."""
    item = _Piece("item", text)
    items = [index for index, piece in enumerate(pieces) if piece.kind == "item"]
    if not items:
        newlines = [index for index, piece in enumerate(pieces) if piece.kind == "newline"]
        if newlines:
            at = newlines[-1] + 1
            pieces[at:at] = [_Piece("blank", b"    "), item, _Piece("newline", b"\n")]
        else:
            pieces.extend([item, _Piece("blank", b" ")] if pieces else [item])
        return
    last = items[-1]
    comma = _skip(pieces, last + 1, 1, _SPACE)
    trailing = _kind(pieces, comma) == "comma"
    indent = _skip(pieces, last - 1, -1, ("blank",)) + 1
    own_line = _kind(pieces, indent - 1) == "newline"
    at = (comma if trailing else last) + 1
    new = [item, _Piece("comma", b",")] if trailing else [item]
    if own_line:
        rest = _skip(pieces, at, 1, ("blank",))
        if _kind(pieces, rest) == "comment":
            at = rest + 1
        elif _kind(pieces, rest) == "newline":
            at = rest
        new[:0] = [_Piece("newline", b"\n"), *pieces[indent:last]]
    else:
        gap = _gap(pieces)
        if gap:
            new.insert(0, _Piece("blank", gap))
    pieces[at:at] = new
    if not trailing:
        pieces.insert(last + 1, _Piece("comma", b","))


def _gap(pieces: Sequence[_Piece]) -> bytes:
    """What the list has between a comma and the next item on the same line; a blank if it shows none."""
    for index, piece in enumerate(pieces):
        if piece.kind == "comma":
            after = _skip(pieces, index + 1, 1, ("blank",))
            if _kind(pieces, after) == "item":
                return b"".join(blank.text for blank in pieces[index + 1 : after])
    return b" "


def _remove(pieces: list[_Piece], index: int) -> None:
    """Take an item out with its comma and the blanks that were its own; comments stay."""
    following = _skip(pieces, index + 1, 1, _SPACE)
    previous = _skip(pieces, index - 1, -1, _SPACE)
    cut = {index}
    tail = index
    if _kind(pieces, following) == "comma":
        cut.add(following)
        if _skip(pieces, index + 1, 1, ("blank",)) == following:
            cut.update(range(index + 1, following))
            tail = following
    elif _kind(pieces, previous) == "comma":
        cut.add(previous)
    before = _skip(pieces, index - 1, -1, ("blank",)) + 1
    after = _skip(pieces, tail + 1, 1, ("blank",))
    leading = set(range(before, index))
    ending = set(range(tail + 1, after))
    own_line = _kind(pieces, before - 1) == "newline"
    next_item = _kind(pieces, _skip(pieces, following + 1, 1, _SPACE)) == "item"
    if own_line and _kind(pieces, after) == "newline":
        cut |= leading | ending | {after}
    elif own_line and _kind(pieces, after) == "bracket":
        cut |= leading
        if _kind(pieces, before - 2) != "comment":
            cut.add(before - 1)
    elif own_line or next_item or _kind(pieces, previous) not in ("comma", "item"):
        cut |= ending
    else:
        cut |= leading
    pieces[:] = [piece for number, piece in enumerate(pieces) if number not in cut]
