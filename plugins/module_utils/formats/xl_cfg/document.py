# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""An xl configuration file (xl.cfg(5)) as xl reads it, and the PCI devices that it gives to a guest.

The last ``pci =`` wins, ``pci +=`` appends; the list is read up to the first item that is itself a list. Facts: Xen's
``libxlu_cfg_y.y`` and ``libxlu_cfg.c``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.errors import error_at, place, printable
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.lexer import Token, tokenize, unquote
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import LONG_MAX, OPTIONS, PciSpec, decimal

_STRTOL = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")


# --- statements


@dataclass(frozen=True)
class Scalar:
    """A string or number where it stands; ``misread`` if it has a numeric escape, which xl takes for another text."""

    text: bytes
    start: int
    end: int
    misread: bool = False


@dataclass(frozen=True)
class ItemList:
    """A list where it stands.

    :ivar items: its strings and numbers, ``None`` for a list within
    :ivar spans: where each item starts and ends
    :ivar tokens: all between its brackets
    """

    start: int
    end: int
    items: tuple[Scalar | None, ...]
    spans: tuple[tuple[int, int], ...]
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Statement:
    """``NAME = VALUE``, or with ``appends`` ``NAME += VALUE``, where it stands."""

    name: str
    appends: bool
    start: int
    end: int
    value: Scalar | ItemList


class _Parser:
    """Turns the tokens of a file into statements."""

    def __init__(self, data: bytes, file: str) -> None:
        self.data = data
        self.file = file
        self.tokens = list(tokenize(data, file))
        self._next = 0

    def statements(self) -> Iterator[Statement]:
        while True:
            token = self._take()
            if token.kind == "end":
                return
            if token.kind == "newline" or self._is_sign(token, b";"):
                continue
            name = self._text(token)
            if token.kind != "ident":
                self._fail(token.start, f"{self._say(token)} where a name belongs; a line is NAME = VALUE")
            operator = self._take()
            if operator.kind != "append" and not self._is_sign(operator, b"="):
                self._fail(operator.start, f"{self._say(operator)} after '{name}'; '=' or '+=' belongs there")
            value = self._value()
            after = self._peek()
            if after.kind not in ("newline", "end") and not self._is_sign(after, b";"):
                self._fail(after.start, f"{self._say(after)} after a value; the line ends there, or ';' comes first")
            yield Statement(name, operator.kind == "append", token.start, value.end, value)

    def _value(self) -> Scalar | ItemList:
        token = self._take()
        if token.kind in ("string", "number"):
            return self._scalar(token)
        if self._is_sign(token, b"["):
            return self._list(token)
        return self._fail(token.start, f"{self._say(token)} where a string in quotes, a number or a list belongs")

    def _scalar(self, token: Token) -> Scalar:
        if token.kind == "number":
            return Scalar(self.data[token.start : token.end], token.start, token.end)
        text, numeric_escape = unquote(self.data, self.file, token)
        return Scalar(text, token.start, token.end, numeric_escape)

    def _list(self, opening: Token) -> ItemList:
        first = self._next
        items: list[Scalar | None] = []
        spans: list[tuple[int, int]] = []
        # An explicit stack: brackets nested a million deep are an input, too.
        open_at = [opening.start]
        value_may_come = True
        while True:
            token = self._take()
            if token.kind == "newline":
                continue
            if self._is_sign(token, b"]"):
                began = open_at.pop()
                if not open_at:
                    within = tuple(self.tokens[first : self._next - 1])
                    return ItemList(opening.start, token.end, tuple(items), tuple(spans), within)
                if len(open_at) == 1:
                    items.append(None)
                    spans.append((began, token.end))
                value_may_come = False
            elif value_may_come and self._is_sign(token, b"["):
                open_at.append(token.start)
            elif value_may_come and token.kind in ("string", "number"):
                scalar = self._scalar(token)
                if len(open_at) == 1:
                    items.append(scalar)
                    spans.append((token.start, token.end))
                value_may_come = False
            elif not value_may_come and self._is_sign(token, b","):
                value_may_come = True
            else:
                self._fail_in_list(token, open_at[-1], value_may_come)

    def _fail_in_list(self, token: Token, opened: int, value_may_come: bool) -> NoReturn:
        if token.kind == "end":
            self._fail(opened, "this list has no end; close it with ']'")
        wanted = "a string in quotes, a number, a list or ']'" if value_may_come else "',' or ']'"
        self._fail(token.start, f"{self._say(token)} in a list where {wanted} belongs")

    def _fail(self, offset: int, message: str) -> NoReturn:
        raise error_at(self.data, self.file, offset, message)

    def _peek(self) -> Token:
        while self.tokens[self._next].kind in ("blank", "comment"):
            self._next += 1
        return self.tokens[self._next]

    def _take(self) -> Token:
        token = self._peek()
        if token.kind != "end":
            self._next += 1
        return token

    def _text(self, token: Token) -> str:
        return self.data[token.start : token.end].decode("utf-8", "backslashreplace")

    def _is_sign(self, token: Token, sign: bytes) -> bool:
        return token.kind == "sign" and self.data[token.start : token.end] == sign

    def _say(self, token: Token) -> str:
        if token.kind == "end":
            return "the end of the file"
        if token.kind == "newline":
            return "the end of the line"
        return repr(self._text(token))


# --- what the file says


@dataclass(frozen=True)
class PciEntry:
    """An item of the effective pci list: what it says, how it is spelled, and where (from 1).

    ``misread``: xl takes its text for another one.
    """

    spec: PciSpec
    text: str
    line: int
    column: int
    misread: bool = False


@dataclass(frozen=True)
class XlConfig:
    """An xl configuration file.

    :ivar name: the guest's name; ``None`` if the file gives none
    :ivar kernel: the file that xl boots it with; ``None`` if the file gives none, or if the guest is an emulated machine,
        which needs no driver of Xen's for its devices
    :ivar type: ``pv``, ``pvh`` or ``hvm``
    :ivar pci: the entries that xl reads, in their order; duplicates of a device are not merged
    :ivar globals: the ``pci_...`` defaults of this file, such as ``{"permissive": True}``
    :ivar rdm_policy: the default of ``rdm_policy``; ``None`` where only xl knows it
    :ivar warnings: sentences about what xl reads otherwise than it looks
    :ivar comment_ends: the offsets at which comments end
    """

    data: bytes
    file: str
    name: str | None
    kernel: str | None
    pci: tuple[PciEntry, ...]
    globals: Mapping[str, bool]
    rdm_policy: str | None
    type: str
    warnings: tuple[str, ...]
    statements: tuple[Statement, ...] = field(repr=False)
    comment_ends: frozenset[int] = field(repr=False)

    @classmethod
    def parse(cls, data: bytes, file: str) -> XlConfig:
        """Read the bytes of a file.

        :param file: its path, for errors
        :raises PcibackError: xl would refuse the file, or it says of the PCI devices what xl would ignore;
            the code is ``domain-config-invalid``
        """
        parser = _Parser(data, file)
        statements = tuple(parser.statements())
        values = _final_values(statements, data, file)
        entries, warnings = _read_entries(effective_pci(statements), data, file)
        last = {statement.name: statement for statement in statements}
        flags = {}
        for option in (name for name, option in OPTIONS.items() if option.in_file):
            setting = last.get(f"pci_{option}")
            if setting is None:
                continue
            # xl takes no number that was ever added to, not even if '+=' is all there is.
            number = None if setting.appends else _long(values.get(setting.name))
            if number is not None:
                flags[option] = bool(number)
                continue
            message = f"xl ignores this {setting.name}; write {setting.name} = 1 or {setting.name} = 0"
            warnings.append(str(error_at(data, file, setting.start, message)))
        name, kernel = values.get("name"), values.get("kernel")
        emulated = b"hvm" in (values.get("type"), values.get("builder"))
        return cls(
            data=data,
            file=file,
            name=None if name is None else _as_text(name),
            kernel=None if kernel is None or emulated else _as_text(kernel),
            pci=tuple(entries),
            globals=flags,
            # What `rdm` says is xl's to interpret.
            rdm_policy=None if "rdm" in values else OPTIONS["rdm_policy"].default,
            type=_type(values),
            warnings=tuple(warnings),
            statements=statements,
            comment_ends=frozenset(token.end for token in parser.tokens if token.kind == "comment"),
        )

    def render(self) -> bytes:
        """The bytes of the file."""
        return self.data

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The devices that the file gives by address, in its order; all functions count as function 0."""
        return tuple(entry.spec.address for entry in self.pci if entry.spec.address is not None)

    @property
    def twice(self) -> PciEntry | None:
        """The first entry for a device that an earlier one gives already: xl starts the guest, fails, and tears it down."""
        seen: list[PciSpec] = []
        for entry in self.pci:
            spec = entry.spec
            for other in seen:
                same = other.key == spec.key
                inside = (spec.address is not None and other.covers(spec.address)) or (
                    other.address is not None and spec.covers(other.address)
                )
                if same or inside:
                    return entry
            seen.append(spec)
        return None

    def with_defaults(self, spec: PciSpec) -> PciSpec:
        """A device with the ``pci_...`` defaults of this file spelled out, for who reads no file: ``xl pci-attach``."""
        missing: dict[str, Any] = {key: value for key, value in self.globals.items() if getattr(spec, key) is None}
        return replace(spec, **missing)

    def satisfies(self, entry: PciEntry, wanted: PciSpec) -> bool:
        """Whether xl reads from an entry the wanted device with each wanted option."""
        return entry.spec.key == wanted.key and not entry.misread and not self.differences(entry.spec, wanted)

    def differences(self, spec: PciSpec, wanted: PciSpec) -> dict[str, Any]:
        """The wanted options that xl would take otherwise from ``spec`` in this file."""
        have = self.effective(spec)
        return {name: value for name, value in wanted.options.items() if have[name] != value}

    def effective(self, spec: PciSpec) -> dict[str, Any]:
        """Each option of a device as xl takes it from this file, given or not."""
        defaults = {name: self.globals.get(name, option.default) for name, option in OPTIONS.items()}
        return {**defaults, "rdm_policy": self.rdm_policy, **spec.options}


def effective_pci(statements: Sequence[Statement]) -> list[Statement]:
    """The assignments of ``pci`` that count: the last ``=`` and what is appended after it."""
    effective: list[Statement] = []
    for statement in statements:
        if statement.name == "pci":
            if not statement.appends:
                effective = []
            effective.append(statement)
    return effective


def read_entry(item: Scalar, data: bytes, file: str) -> PciEntry:
    """An item of a pci list.

    :raises PcibackError: xl would refuse it
    """
    text = _as_text(item.text)
    try:
        spec = PciSpec.parse(text)
    except PcibackError as error:
        raise error_at(data, file, item.start, printable(error.message)) from None
    return PciEntry(spec, text, *place(data, item.start), misread=item.misread)


def _read_entries(statements: Sequence[Statement], data: bytes, file: str) -> tuple[list[PciEntry], list[str]]:
    entries: list[PciEntry] = []
    warnings: list[str] = []
    for statement in statements:
        if not isinstance(statement.value, ItemList):
            message = "pci is a single value, which xl ignores; it is a list such as pci = [ '03:00.0' ]"
            raise error_at(data, file, statement.value.start, message)
        for item, (start, _end) in zip(statement.value.items, statement.value.spans):
            if item is None:
                message = "xl ignores this list within pci and all that follows"
                warnings.append(str(error_at(data, file, start, message)))
                return entries, warnings
            entry = read_entry(item, data, file)
            warnings.extend(str(error_at(data, file, start, printable(doubt))) for doubt in entry.spec.doubts)
            entries.append(entry)
    return entries, warnings


def _final_values(statements: Sequence[Statement], data: bytes, file: str) -> dict[str, bytes]:
    """Each name's string or number as xl has it in the end; names that hold lists are left out."""
    values: dict[str, bytes | None] = {}
    for statement in statements:
        now = statement.value.text if isinstance(statement.value, Scalar) else None
        if statement.appends and statement.name in values:
            before = values[statement.name]
            if (before is None) != (now is None):
                have, add = ("a list", "a single value") if before is None else ("a single value", "a list")
                message = f"'+=' adds {add} to '{statement.name}', which is {have}; both must be of one kind"
                raise error_at(data, file, statement.start, message)
            if before is not None and now is not None:
                now = before + now
        values[statement.name] = now
    return {name: value for name, value in values.items() if value is not None}


def _type(values: Mapping[str, bytes]) -> str:
    """What kind of domain xl makes; what it knows no name for, it refuses itself."""
    if "type" in values:
        return _as_text(values["type"])
    return "hvm" if values.get("builder") == b"hvm" else "pv"


def _long(raw: bytes | None) -> int | None:
    """A number as strtol reads it in base 0; ``None`` where xl would say that it is none."""
    match = None if raw is None else _STRTOL.match(_as_text(raw))
    if match is None:
        return None
    digits = match.group(2)
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[0] == "0" else 10
    value = decimal(digits) if base == 10 else int(digits, base)
    return None if value > LONG_MAX else -value if match.group(1) == "-" else value


def _as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
