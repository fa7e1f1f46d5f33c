# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""xl.cfg(5) as a document that loses no byte, and the PCI devices that it gives to a guest.

The grammar is the one of libxlutil, with its corners: a carriage return is an error outside of strings and
comments, so is a comment that no newline ends; the last ``pci =`` wins, ``pci +=`` appends; the list is read
up to the first item that is itself a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID

CODE = DOMAIN_CONFIG_INVALID

FLAGS = ("permissive", "msitranslate", "seize", "power_mgmt")
RDM_POLICIES = ("strict", "relaxed")
MAX_VSLOT = 0x1F
MAX_NAME = 64

_KEYS = ("bdf", "vslot", *FLAGS, "rdm_policy", "name")
_ATOI = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_STRTOUL16 = re.compile(r"[ \t\n\v\f\r]*\+?(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)")
_STRTOL = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)\Z")
_LONG_MAX = (1 << 63) - 1


# --- one device


@dataclass(frozen=True)
class PciSpec:
    """One PCI_SPEC_STRING: a device and what xl is told of it.

    ``None`` stands for an option that is not given: xl then takes the guest's own default. ``address`` is
    ``None`` exactly when ``name`` (of ``xl pci-assignable-add``) says which device it is. With
    ``all_functions`` the function of ``address`` is 0 and every function of the device is meant. ``doubts``
    are sentences about values that xl takes otherwise than they look.
    """

    address: Address | None = None
    all_functions: bool = False
    name: str | None = None
    vslot: int | None = None
    permissive: bool | None = None
    msitranslate: bool | None = None
    seize: bool | None = None
    power_mgmt: bool | None = None
    rdm_policy: str | None = None
    doubts: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> tuple[Address | None, bool, str | None]:
        """What tells one device from another."""
        return (self.address, self.all_functions, self.name)

    @property
    def device(self) -> str:
        """The device for a person: ``03:00.0``, ``03:00.*`` or ``name=wifi``."""
        if self.address is None:
            return f"name={self.name}"
        return _bdf(self.address, self.all_functions, False)

    def covers(self, address: Address) -> bool:
        """Whether it stands for this function; of a name only xl knows."""
        if self.address is None:
            return False
        return self.address == (replace(address, function=0) if self.all_functions else address)

    @property
    def options(self) -> dict[str, Any]:
        """The options that are given, under xl's names."""
        return {key: getattr(self, key) for key in ("vslot", *FLAGS, "rdm_policy") if getattr(self, key) is not None}

    @classmethod
    def parse(cls, text: str) -> PciSpec:
        """Read a PCI_SPEC_STRING as xl does.

        :raises PcibackError: xl refuses it, crashes on it, or takes it for another device than it looks like
        """
        if not text:
            raise _bad_spec(text, "it is empty; it is a device such as '03:00.0'")
        spec = cls()
        rest = text
        head, _comma, options = text.partition(",")
        if "=" not in head:
            bdf, at, slot = head.partition("@")
            spec = spec._with_bdf(text, bdf)
            if at:
                spec = spec._with_positional_vslot(text, slot)
            rest = options
        if rest.endswith(","):
            rest = rest[:-1]
            if not rest:
                raise _bad_spec(text, "an option is missing between two commas; write one comma")
        for pair in rest.split(",") if rest else ():
            spec = spec._with_pair(text, pair)
        if spec.address is None and spec.name is None:
            raise _bad_spec(text, "it names no device; begin it with the address, such as '03:00.0'")
        if spec.address is not None and spec.name is not None:
            raise _bad_spec(text, "it has an address and a name; give one of them")
        return spec

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PciSpec:
        """A device as the modules take it: ``address`` and options; ``None`` means not given.

        ``vslot`` is a number, or text that is hexadecimal as xl has it; 0 leaves the slot to xl.

        :raises PcibackError: the address or the slot is none
        """
        given = {key: value for key, value in options.items() if value is not None}
        address = parse_address(given.pop("address", ""))
        if "vslot" in given:
            given["vslot"] = _parse_vslot(given["vslot"], address)
        return cls(address=address, **given)

    def render(self, *, domain: bool = False) -> str:
        """The text for the list: the address first, then the options that are given, in a fixed order.

        :param domain: write the PCI domain even where it is 0
        """
        head = f"name={self.name}" if self.address is None else _bdf(self.address, self.all_functions, domain)
        parts = [head]
        for key, value in self.options.items():
            if key != "vslot":
                parts.append(f"{key}={_say_option(key, value)}")
            elif value and self.address is None:
                parts.append(f"vslot={value:x}")
            elif value:
                parts[0] += f"@{value:x}"
        return ",".join(parts)

    def _with_bdf(self, text: str, bdf: str) -> PciSpec:
        if re.match(r"(?:[0-9a-f]{4}:)?[0-9a-f]+:[0-9a-f]+\Z", bdf, re.IGNORECASE):
            raise _bad_spec(text, f"the function is missing, and xl crashes on that; write '{bdf}.0'")
        every = bdf.endswith(".*")
        try:
            address = parse_address(bdf[:-1] + "0" if every else bdf)
        except PcibackError as error:
            raise _bad_spec(text, error.message) from None
        return replace(self, address=address, all_functions=every)

    def _with_positional_vslot(self, text: str, value: str) -> PciSpec:
        match = _STRTOUL16.match(value)
        if match is None or match.end() != len(value) or int(match.group(1), 16) > MAX_VSLOT:
            raise _bad_spec(text, f"'@{value}' is no slot; after '@' comes a hexadecimal number from 1 to 1f")
        return replace(self, vslot=int(match.group(1), 16))

    def _with_pair(self, text: str, pair: str) -> PciSpec:
        key, equals, value = pair.partition("=")
        if not pair:
            raise _bad_spec(text, "an option is missing between two commas; write one comma")
        if not equals:
            raise _bad_spec(text, f"'{pair}' has no value; an option is KEY=VALUE, such as 'permissive=1'")
        if key not in _KEYS:
            raise _bad_spec(text, _why_no_option(key))
        if key == "bdf":
            return self._with_bdf(text, value)
        if key == "name":
            if not 0 < len(value) <= MAX_NAME or not value.isprintable():
                raise _bad_spec(text, f"a name has 1 to {MAX_NAME} printable characters")
            return replace(self, name=value)
        if key == "rdm_policy":
            if value.lower() not in RDM_POLICIES:
                raise _bad_spec(text, f"rdm_policy is 'strict' or 'relaxed', not '{value}'")
            return replace(self, rdm_policy=value.lower())
        if key == "vslot":
            return self._with_vslot_option(text, pair, value)
        return self._with_flag(text, pair, key, value)

    def _with_vslot_option(self, text: str, pair: str, value: str) -> PciSpec:
        match = _STRTOUL16.match(value)
        if match is None or int(match.group(1), 16) > MAX_VSLOT:
            raise _bad_spec(text, f"'{pair}' is no slot; vslot is a hexadecimal number from 1 to 1f")
        number = int(match.group(1), 16)
        doubts = self.doubts
        if match.end() != len(value):
            doubts += (f"'{pair}' in '{text}' means slot {number:x} to xl; write 'vslot={number:x}'",)
        return replace(self, vslot=number, doubts=doubts)

    def _with_flag(self, text: str, pair: str, key: str, value: str) -> PciSpec:
        match = _ATOI.match(value)
        on = match is not None and int(match.group(1)) != 0
        doubts = self.doubts
        if match is None or match.end() != len(value):
            doubts += (
                f"'{pair}' in '{text}' means {int(on)} to xl, which reads a number; write '{key}=1' or '{key}=0'",
            )
        flag: dict[str, Any] = {key: on}
        return replace(self, doubts=doubts, **flag)


def _bdf(address: Address, all_functions: bool, domain: bool) -> str:
    text = str(address) if domain or address.domain else address.bdf
    return text[:-1] + "*" if all_functions else text


def _parse_vslot(value: Any, address: Address) -> int:
    slot = value if isinstance(value, int) else -1
    if isinstance(value, str):
        match = _STRTOUL16.match(value)
        if match is not None and match.end() == len(value):
            slot = int(match.group(1), 16)
    if not 0 <= slot <= MAX_VSLOT:
        raise PcibackError(f"vslot {value} of {address.bdf} does not exist; it is hexadecimal, from 0 to 1f")
    return slot


def _say_option(key: str, value: Any) -> str:
    if key in FLAGS:
        return str(int(value))
    return f"{value:x}" if key == "vslot" else str(value)


def _why_no_option(key: str) -> str:
    known = ", ".join(_KEYS)
    if key == "backend":
        return "xl takes no 'backend' for a PCI device; leave it out"
    if key.strip().lower() in _KEYS:
        return f"xl knows no option '{key}'; write '{key.strip().lower()}', in lower case and without blanks"
    return f"xl knows no option '{key}'; it knows {known}"


def _bad_spec(text: str, why: str) -> PcibackError:
    return PcibackError(f"xl can't take '{text}' for a PCI device: {why}", code=CODE)


def _respell(text: str, spec: PciSpec, changes: Mapping[str, Any]) -> str:
    """Change options of a spec that parses, and leave the rest as its owner spelled it."""
    parts = text.split(",")
    if not parts[-1]:
        parts.pop()
    positional = "=" not in parts[0]
    kept = [part for part in parts if part.partition("=")[0] not in changes or (positional and part is parts[0])]
    if "vslot" in changes:
        if positional:
            kept[0] = kept[0].partition("@")[0]
        if changes["vslot"]:
            slot = _say_option("vslot", changes["vslot"])
            if positional:
                kept[0] += f"@{slot}"
            else:
                kept.append(f"vslot={slot}")
    kept.extend(f"{key}={_say_option(key, value)}" for key, value in changes.items() if key != "vslot")
    if not kept:
        return spec.render()
    return ",".join(kept)


def _readdress(text: str, address: Address) -> str:
    """Change the address of a spec that parses, with or without the domain as before."""
    parts = text.split(",")
    for index, part in enumerate(parts):
        key, equals, value = part.rpartition("=")
        if key == "bdf" or (index == 0 and not equals):
            bdf, at, slot = value.partition("@")
            parts[index] = f"{key}{equals}{_bdf(address, False, bdf.count(':') == 2)}{at}{slot}"
    return ",".join(parts)


def _key_after(spec: PciSpec, moves: Mapping[Address, Address]) -> Any:
    """What tells the device of an entry once it has moved."""
    if spec.address is None or spec.all_functions:
        return spec.key
    return replace(spec, address=moves.get(spec.address, spec.address)).key


# --- the file: tokens


@dataclass(frozen=True)
class _Token:
    kind: str
    start: int
    end: int


_TOKEN = re.compile(
    rb"""(?P<blank>[ \t]+)
    | (?P<comment>\#[^\n]*(?=\n))
    | (?P<newline>\n)
    | (?P<ident>[a-z][._0-9a-z]*)
    | (?P<number>[0-9][0-9a-fx]*)
    | (?P<string>"(?:[^"\\\n\0]|\\[^\n\0])*"|'(?:[^'\\\n\0]|\\[^\n\0])*')
    | (?P<append>\+=)
    | (?P<sign>[=,;\[\]])""",
    re.VERBOSE,
)
_TRIVIA = ("blank", "comment")
_SIMPLE_ESCAPES = {
    ord("a"): 7, ord("b"): 8, ord("f"): 12, ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("v"): 11,
    ord("\\"): ord("\\"), ord("'"): ord("'"), ord('"'): ord('"'),
}  # fmt: skip
_NUMERIC_ESCAPE = re.compile(rb"x([0-9a-fA-F]{2})|([0-7]{3})")
_QUOTED_SPECIAL = re.compile(rb"['\"\\\a\b\f\n\r\t\v]")
_ESCAPE_OF = {value: bytes((92, letter)) for letter, value in _SIMPLE_ESCAPES.items()}


@dataclass(frozen=True)
class _Scalar:
    """A string or number where it stands; ``odd`` if it has a numeric escape, which xl itself misreads."""

    text: bytes
    start: int
    end: int
    odd: bool = False


@dataclass(frozen=True)
class _List:
    """A list where it stands; ``items`` are its strings and numbers, ``None`` for a list within."""

    start: int
    end: int
    items: tuple[_Scalar | None, ...]
    spans: tuple[tuple[int, int], ...]
    tokens: tuple[_Token, ...]


@dataclass(frozen=True)
class _Statement:
    name: str
    appends: bool
    start: int
    end: int
    value: _Scalar | _List


class _Reader:
    """Turns the bytes of a file into statements."""

    def __init__(self, data: bytes, file: str) -> None:
        self.data = data
        self.file = file
        self.tokens = list(self._scan())
        self.next = 0

    def fail(self, offset: int, message: str) -> NoReturn:
        raise _error_at(self.data, self.file, offset, message)

    def _scan(self) -> Iterator[_Token]:
        offset = 0
        while offset < len(self.data):
            match = _TOKEN.match(self.data, offset)
            if match is None:
                self.fail(*self._why_no_token(offset))
            yield _Token(match.lastgroup or "", offset, match.end())
            offset = match.end()
        yield _Token("end", offset, offset)

    def _why_no_token(self, offset: int) -> tuple[int, str]:
        byte = self.data[offset : offset + 1]
        if byte == b"\r":
            return offset, "a carriage return, which xl refuses; end the lines with a newline alone"
        if byte == b"#":
            return offset, "no newline ends this comment, and xl refuses that; add one at the end of the file"
        if byte in (b"'", b'"'):
            return offset, f"this string has no end on its line; close it with {byte.decode()}"
        if byte == b"\0":
            return offset, "a zero byte, which xl can't read; remove it"
        if self.data.startswith(b"\xef\xbb\xbf", offset):
            return offset, "a byte order mark, which xl refuses; save the file without it"
        if byte in (b"(", b")", b"{", b"}", b"+", b"-", b"*", b"%"):
            return offset, f"xl does not know '{byte.decode()}' here; it takes NAME = VALUE, no Python"
        if byte.isalpha():
            return offset, f"xl does not know '{byte.decode()}' here; names are in lower case, text in quotes"
        shown = f"'{byte.decode()}'" if b"!" <= byte <= b"~" else f"byte {byte.hex()}"
        return offset, f"xl does not know {shown} here; text belongs in quotes"

    def peek(self) -> _Token:
        while self.tokens[self.next].kind in _TRIVIA:
            self.next += 1
        return self.tokens[self.next]

    def take(self) -> _Token:
        token = self.peek()
        if token.kind != "end":
            self.next += 1
        return token

    def is_sign(self, token: _Token, sign: bytes) -> bool:
        return token.kind == "sign" and self.data[token.start : token.end] == sign

    def say(self, token: _Token) -> str:
        if token.kind == "end":
            return "the end of the file"
        if token.kind == "newline":
            return "the end of the line"
        return repr(self.data[token.start : token.end].decode("utf-8", "backslashreplace"))

    def statements(self) -> Iterator[_Statement]:
        while True:
            token = self.take()
            if token.kind == "end":
                return
            if token.kind == "newline" or self.is_sign(token, b";"):
                continue
            if token.kind != "ident":
                self.fail(token.start, f"{self.say(token)} where a name belongs; a line is NAME = VALUE")
            operator = self.take()
            if operator.kind != "append" and not self.is_sign(operator, b"="):
                name = self.data[token.start : token.end].decode()
                self.fail(operator.start, f"{self.say(operator)} after '{name}'; '=' or '+=' belongs there")
            value = self._value()
            after = self.peek()
            if after.kind not in ("newline", "end") and not self.is_sign(after, b";"):
                self.fail(after.start, f"{self.say(after)} after a value; the line ends there, or ';' comes first")
            name = self.data[token.start : token.end].decode()
            yield _Statement(name, operator.kind == "append", token.start, value.end, value)

    def _value(self) -> _Scalar | _List:
        token = self.take()
        if token.kind in ("string", "number"):
            return self._scalar(token)
        if self.is_sign(token, b"["):
            return self._list(token)
        return self.fail(token.start, f"{self.say(token)} where a string in quotes, a number or a list belongs")

    def _scalar(self, token: _Token) -> _Scalar:
        raw = self.data[token.start : token.end]
        if token.kind == "number":
            return _Scalar(raw, token.start, token.end)
        text, odd = self._unquote(raw, token.start)
        return _Scalar(text, token.start, token.end, odd)

    def _unquote(self, raw: bytes, start: int) -> tuple[bytes, bool]:
        if b"\\" not in raw:
            return raw[1:-1], False
        text = bytearray()
        odd = False
        at = 1
        while at < len(raw) - 1:
            if raw[at] != 0x5C:
                text.append(raw[at])
                at += 1
                continue
            simple = _SIMPLE_ESCAPES.get(raw[at + 1])
            if simple is not None:
                text.append(simple)
                at += 2
                continue
            numeric = _NUMERIC_ESCAPE.match(raw, at + 1)
            if numeric is None:
                self.fail(
                    start + at,
                    "xl knows no such escape; it knows \\\" \\' \\\\ \\a \\b \\f \\n \\r \\t \\v, "
                    "\\x with two hexadecimal digits and \\ with three octal ones",
                )
            text.append(int(numeric.group(1), 16) if numeric.group(1) else int(numeric.group(2), 8) & 0xFF)
            odd = True
            at = numeric.end()
        return bytes(text), odd

    def _list(self, opening: _Token) -> _List:
        first = self.next
        items: list[_Scalar | None] = []
        spans: list[tuple[int, int]] = []
        # An explicit stack: brackets nested a million deep are an input, too.
        open_at = [opening.start]
        value_may_come = True
        while True:
            token = self.take()
            if token.kind == "newline":
                continue
            if self.is_sign(token, b"]"):
                began = open_at.pop()
                if not open_at:
                    return _List(
                        opening.start, token.end, tuple(items), tuple(spans),
                        tuple(self.tokens[first : self.next - 1]),
                    )  # fmt: skip
                if len(open_at) == 1:
                    items.append(None)
                    spans.append((began, token.end))
                value_may_come = False
            elif value_may_come and self.is_sign(token, b"["):
                open_at.append(token.start)
            elif value_may_come and token.kind in ("string", "number"):
                scalar = self._scalar(token)
                if len(open_at) == 1:
                    items.append(scalar)
                    spans.append((token.start, token.end))
                value_may_come = False
            elif not value_may_come and self.is_sign(token, b","):
                value_may_come = True
            else:
                self._fail_in_list(token, open_at[-1], value_may_come)

    def _fail_in_list(self, token: _Token, opened: int, value_may_come: bool) -> NoReturn:
        if token.kind == "end":
            self.fail(opened, "this list has no end; close it with ']'")
        wanted = "a string in quotes, a number, a list or ']'" if value_may_come else "',' or ']'"
        self.fail(token.start, f"{self.say(token)} in a list where {wanted} belongs")


def _place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column of a byte, from 1."""
    return data.count(b"\n", 0, offset) + 1, offset - data.rfind(b"\n", 0, offset)


def _error_at(data: bytes, file: str, offset: int, message: str) -> PcibackError:
    line, column = _place(data, offset)
    return PcibackError(message, code=CODE, file=file, line=line, column=column)


def _as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _shown(text: str) -> str:
    """Text of a file in a form that every log can hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


# --- the file: what it says


@dataclass(frozen=True)
class PciEntry:
    """An item of the effective pci list: what it says, how it is spelled, and where (from 1)."""

    spec: PciSpec
    text: str
    line: int
    column: int
    odd: bool = False


@dataclass(frozen=True)
class XlConfig:
    """An xl configuration file.

    :ivar name: the guest's name; ``None`` if the file gives none
    :ivar pci: the entries that xl reads, in their order; duplicates of a device are not merged
    :ivar globals: the ``pci_...`` defaults of this file, such as ``{"permissive": True}``
    :ivar warnings: sentences about what xl reads otherwise than it looks
    """

    data: bytes
    file: str
    name: str | None
    pci: tuple[PciEntry, ...]
    globals: Mapping[str, bool]
    rdm_policy: str | None
    warnings: tuple[str, ...]
    statements: tuple[_Statement, ...] = field(repr=False)
    comment_ends: frozenset[int] = field(repr=False)

    @classmethod
    def parse(cls, data: bytes, file: str) -> XlConfig:
        """Read the bytes of a file.

        :param file: its path, for errors
        :raises PcibackError: xl would refuse the file, or it says of the PCI devices what xl would ignore;
            the code is ``domain-config-invalid``
        """
        reader = _Reader(data, file)
        statements = tuple(reader.statements())
        values = _final_values(statements, data, file)
        entries, warnings = _read_entries(_effective(statements), data, file)
        last = {statement.name: statement for statement in statements}
        flags = {}
        for flag in FLAGS:
            setting = last.get(f"pci_{flag}")
            if setting is None:
                continue
            # xl takes no number that was ever added to, not even if '+=' is all there is.
            number = None if setting.appends else _long(values.get(setting.name))
            if number is not None:
                flags[flag] = bool(number)
                continue
            message = f"xl ignores this {setting.name}; write {setting.name} = 1 or {setting.name} = 0"
            warnings.append(str(_error_at(data, file, setting.start, message)))
        name = values.get("name")
        return cls(
            data=data,
            file=file,
            name=None if name is None else _as_text(name),
            pci=tuple(entries),
            globals=flags,
            # What `rdm` says is xl's to interpret; without it the policy is strict.
            rdm_policy=None if "rdm" in values else "strict",
            warnings=tuple(warnings),
            statements=statements,
            comment_ends=frozenset(token.end for token in reader.tokens if token.kind == "comment"),
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
        return entry.spec.key == wanted.key and not entry.odd and not self._differences(entry.spec, wanted)

    def _differences(self, spec: PciSpec, wanted: PciSpec) -> dict[str, Any]:
        defaults: dict[str, Any] = {"vslot": 0, "rdm_policy": self.rdm_policy}
        defaults.update((flag, self.globals.get(flag, False)) for flag in FLAGS)
        return {key: value for key, value in wanted.options.items() if spec.options.get(key, defaults[key]) != value}

    def with_pci(
        self, wanted: Sequence[PciSpec | Mapping[str, Any]], moves: Mapping[Address, Address] | None = None
    ) -> XlConfig:
        """The file with exactly the wanted devices, at the cost of as few bytes as possible.

        An entry that already says what is wanted keeps its spelling and its place. Comments always stay.

        :param wanted: devices with only the options that matter, or what :meth:`PciSpec.from_options` takes
        :param moves: devices that are at another address than before: their entries keep their places and options
        :raises PcibackError: a device is wanted twice or is none
        """
        specs = [item if isinstance(item, PciSpec) else PciSpec.from_options(item) for item in wanted]
        by_key = {spec.key: spec for spec in specs}
        if len(by_key) != len(specs):
            keys = [spec.key for spec in specs]
            twice = next(spec for spec in specs if keys.count(spec.key) > 1)
            raise PcibackError(f"{twice.device} is wanted twice; list each device once", file=self.file)
        if self._has_exactly(by_key):
            return self
        if not specs:
            return self._without_pci()
        statements = _effective(self.statements)
        if not statements:
            return self._with_statement(specs)
        return self._edited(statements, by_key, moves or {})

    def _has_exactly(self, by_key: Mapping[Any, PciSpec]) -> bool:
        return (
            len(self.pci) == len(by_key)
            and {entry.spec.key for entry in self.pci} == set(by_key)
            and all(self.satisfies(entry, by_key[entry.spec.key]) for entry in self.pci)
        )

    def _replaced(self, data: bytes) -> XlConfig:
        return XlConfig.parse(data, self.file)

    def _with_statement(self, specs: Sequence[PciSpec]) -> XlConfig:
        line = b"pci = [ " + b", ".join(_quote(spec.render(), b"'") for spec in specs) + b" ]"
        if self.data and not self.data.endswith(b"\n"):
            # The file goes on without a last newline, so that removing the line again restores it.
            return self._replaced(self.data + b"\n" + line)
        return self._replaced(self.data + line + b"\n")

    def _without_pci(self) -> XlConfig:
        data = self.data
        for statement in reversed(self.statements):
            if statement.name == "pci":
                data = _cut_statement(data, statement, self.comment_ends)
        return self._replaced(data)

    def _edited(
        self, statements: Sequence[_Statement], by_key: Mapping[Any, PciSpec], moves: Mapping[Address, Address]
    ) -> XlConfig:
        plans = [_ListEdit(self.data, statement.value) for statement in statements]  # type: ignore[arg-type]
        places: dict[Any, list[tuple[_ListEdit, int, PciEntry]]] = {}
        for plan in plans:
            for index, entry in enumerate(plan.entries):
                key = None if entry is None else _key_after(entry.spec, moves)
                if entry is not None and key in by_key:
                    places.setdefault(key, []).append((plan, index, entry))
        for key, found in places.items():
            good = [each for each in found if each[2].spec.key == key and self.satisfies(each[2], by_key[key])]
            plan, index, entry = (good or found)[0]
            plan.keep(index, None if good else self._corrected(entry, by_key[key]))
        missing = [spec for key, spec in by_key.items() if key not in places]
        holders = [plan for plan in plans if plan.kept]
        target = holders[-1] if holders else plans[0]
        for spec in missing:
            target.append(spec)
        data = self.data
        for statement, plan in reversed(list(zip(statements, plans))):
            if statement.appends and not plan.kept and not plan.added and plan.entries:
                data = _cut_statement(data, statement, self.comment_ends)
            else:
                data = data[: plan.start] + plan.render() + data[plan.end :]
        return self._replaced(data)

    def _corrected(self, entry: PciEntry, wanted: PciSpec) -> str:
        text = entry.text
        if wanted.address is not None and entry.spec.address != wanted.address:
            text = _readdress(text, wanted.address)
        changes = self._differences(entry.spec, wanted)
        return _respell(text, entry.spec, changes) if changes else text


def _effective(statements: Sequence[_Statement]) -> list[_Statement]:
    """The assignments of ``pci`` that count: the last ``=`` and what is appended after it."""
    effective: list[_Statement] = []
    for statement in statements:
        if statement.name == "pci":
            if not statement.appends:
                effective = []
            effective.append(statement)
    return effective


def _final_values(statements: Sequence[_Statement], data: bytes, file: str) -> dict[str, bytes]:
    """Each name's string or number as xl has it in the end; names that hold lists are left out."""
    values: dict[str, bytes | None] = {}
    for statement in statements:
        now = statement.value.text if isinstance(statement.value, _Scalar) else None
        if statement.appends and statement.name in values:
            before = values[statement.name]
            if (before is None) != (now is None):
                have, add = ("a list", "a single value") if before is None else ("a single value", "a list")
                message = f"'+=' adds {add} to '{statement.name}', which is {have}; both must be of one kind"
                raise _error_at(data, file, statement.start, message)
            if before is not None and now is not None:
                now = before + now
        values[statement.name] = now
    return {name: value for name, value in values.items() if value is not None}


def _long(raw: bytes | None) -> int | None:
    """A number as strtol reads it in base 0; ``None`` where xl would say that it is none."""
    match = None if raw is None else _STRTOL.match(_as_text(raw))
    if match is None:
        return None
    digits = match.group(2)
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[0] == "0" else 10
    value = int(digits, base)
    return None if value > _LONG_MAX else -value if match.group(1) == "-" else value


def _read_entries(statements: Sequence[_Statement], data: bytes, file: str) -> tuple[list[PciEntry], list[str]]:
    entries: list[PciEntry] = []
    warnings: list[str] = []
    for statement in statements:
        if not isinstance(statement.value, _List):
            raise _error_at(
                data, file, statement.value.start,
                "pci is a single value, which xl ignores; it is a list such as pci = [ '03:00.0' ]",
            )  # fmt: skip
        for item, (start, _end) in zip(statement.value.items, statement.value.spans):
            if item is None:
                message = "xl ignores this list within pci and all that follows"
                warnings.append(str(_error_at(data, file, start, message)))
                return entries, warnings
            entry = _entry(item, data, file)
            warnings.extend(str(_error_at(data, file, start, _shown(doubt))) for doubt in entry.spec.doubts)
            entries.append(entry)
    return entries, warnings


def _entry(item: _Scalar, data: bytes, file: str) -> PciEntry:
    text = _as_text(item.text)
    try:
        spec = PciSpec.parse(text)
    except PcibackError as error:
        raise _error_at(data, file, item.start, _shown(error.message)) from None
    return PciEntry(spec, text, *_place(data, item.start), odd=item.odd)


# --- edits


def _quote(text: str, quote: bytes) -> bytes:
    def escape(match: re.Match[bytes]) -> bytes:
        found = match.group()
        return found if found in (b"'", b'"') and found != quote else _ESCAPE_OF[found[0]]

    return quote + _QUOTED_SPECIAL.sub(escape, text.encode("utf-8", "surrogateescape")) + quote


@dataclass
class _Piece:
    """Bytes between a list's brackets: an item, a comma, a comment, a newline or blanks."""

    kind: str
    text: bytes


class _ListEdit:
    """A list that is being changed: which items stay, which come."""

    def __init__(self, data: bytes, value: _List) -> None:
        self.start = value.start + 1
        self.end = value.end - 1
        self.kept: dict[int, str | None] = {}
        self.added: list[PciSpec] = []
        self.pieces = _pieces(data, value)
        self.entries = [_entry_or_none(item, data) for item in value.items]
        raws = [data[start:end] for start, end in value.spans]
        quotes = [raw[:1] for raw in raws if raw[:1] in (b"'", b'"')]
        self.quote = quotes[-1] if quotes else b"'"
        texts = [entry.text for entry in self.entries if entry is not None and entry.spec.address is not None]
        self.domain = bool(texts) and all(text.count(":") == 2 for text in texts)

    def keep(self, index: int, text: str | None) -> None:
        """Let an item stay, as it is or with another text."""
        self.kept[index] = text

    def append(self, spec: PciSpec) -> None:
        """Add a device after the last item."""
        self.added.append(spec)

    def render(self) -> bytes:
        """The bytes between the brackets."""
        pieces = list(self.pieces)
        places = [index for index, piece in enumerate(pieces) if piece.kind == "item"]
        # New ones come before old ones go, so that they find the list's own style.
        for spec in self.added:
            _insert(pieces, _quote(spec.render(domain=self.domain), self.quote))
        places = [index for index, piece in enumerate(pieces) if piece.kind == "item"]
        for number in reversed(range(len(self.entries))):
            if number not in self.kept:
                _remove(pieces, places[number])
            elif self.kept[number] is not None:
                old = pieces[places[number]].text
                quote = old[:1] if old[:1] in (b"'", b'"') else self.quote
                pieces[places[number]] = _Piece("item", _quote(self.kept[number] or "", quote))
        return b"".join(piece.text for piece in pieces)


def _entry_or_none(item: _Scalar | None, data: bytes) -> PciEntry | None:
    """An item as an entry; ``None`` for one that xl does not read, behind a list within the list."""
    if item is None:
        return None
    try:
        return _entry(item, data, "")
    except PcibackError:
        return None


def _pieces(data: bytes, value: _List) -> list[_Piece]:
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
    doomed = {index}
    tail = index
    if _kind(pieces, following) == "comma":
        doomed.add(following)
        if _skip(pieces, index + 1, 1, ("blank",)) == following:
            doomed.update(range(index + 1, following))
            tail = following
    elif _kind(pieces, previous) == "comma":
        doomed.add(previous)
    before = _skip(pieces, index - 1, -1, ("blank",)) + 1
    after = _skip(pieces, tail + 1, 1, ("blank",))
    leading = set(range(before, index))
    ending = set(range(tail + 1, after))
    own_line = _kind(pieces, before - 1) == "newline"
    next_item = _kind(pieces, _skip(pieces, following + 1, 1, _SPACE)) == "item"
    if own_line and _kind(pieces, after) == "newline":
        doomed |= leading | ending | {after}
    elif own_line and _kind(pieces, after) == "bracket":
        doomed |= leading
        if _kind(pieces, before - 2) != "comment":
            doomed.add(before - 1)
    elif own_line or next_item or _kind(pieces, previous) not in ("comma", "item"):
        doomed |= ending
    else:
        doomed |= leading
    pieces[:] = [piece for number, piece in enumerate(pieces) if number not in doomed]


def _cut_statement(data: bytes, statement: _Statement, comment_ends: frozenset[int]) -> bytes:
    """The file without a statement and the line, or the ';', that was its own; comments stay.

    :param comment_ends: where the comments before the statement end
    """
    start, end = statement.start, statement.end
    comments = b""
    if isinstance(statement.value, _List):
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
