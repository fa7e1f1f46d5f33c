# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xl's configuration language, read as xl reads it (xl.cfg(5), libxlu's grammar).

Numbers are kept as the strings they were written as: xl, too, turns them into numbers only where
it needs one. Complaints are worded as xl's are.
"""

from __future__ import annotations

import re
from typing import List, NamedTuple, Union

Value = Union[str, List["Value"]]

_TOKENS = re.compile(
    r"(?P<blank>[ \t]+)"
    r"|(?P<comment>#[^\n]*\n)"
    r"|(?P<NEWLINE>\n)"
    r"|(?P<IDENT>[a-z][._0-9a-z]*)"
    r"|(?P<NUMBER>[0-9][0-9a-fx]*)"
    r"|(?P<STRING>\"(?:[^\"\\\n]|\\[^\n])*\"|'(?:[^'\\\n]|\\[^\n])*')"
    r"|(?P<sign>\+=|[=;,\[\]])"
    r"|(?P<junk>[^ \t\n=;,\[\]\"'#]+|.)",
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}


class ConfigError(Exception):
    """xl can't read the file; the lines it prints."""


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


class Config:
    """What a file sets: names to values, with the line of the last assignment."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.values: dict[str, Value] = {}
        self.lines: dict[str, int] = {}

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str, default: int) -> int:
        value = self.text(name)
        try:
            return default if value is None else int(value, 0)
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        return self.number(name, 0) != 0

    def strings(self, name: str) -> list[str]:
        """A list's strings; reading ends at the first item that is none."""
        value = self.values.get(name)
        found: list[str] = []
        for item in value if isinstance(value, list) else []:
            if not isinstance(item, str):
                break
            found.append(item)
        return found

    def warnings(self, lists: tuple[str, ...]) -> list[str]:
        """What xl says about a parameter that should be a list and is not, before it ignores it."""
        return [
            f"{self.source}:{self.lines[name]}: warning: parameter `{name}' is a single value but should be a list"
            for name in lists
            if isinstance(self.values.get(name), str)
        ]


class _Parser:
    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.tokens = self._split(text)
        self.place = 0
        self.config = Config(source)

    def _complain(self, line: int, text: str, words: str) -> ConfigError:
        near = "<newline>" if text == "\n" else "`{}'".format(text.rstrip(" \t\n")) if text else ""
        return ConfigError(f"{self.source}:{line}: config parsing error near {near}: {words}")

    def _split(self, text: str) -> list[_Token]:
        tokens = []
        line = 1
        place = 0
        while place < len(text):
            found = _TOKENS.match(text, place)
            assert found is not None and found.lastgroup is not None
            kind, word = found.lastgroup, found.group()
            if kind == "junk":
                raise ConfigError(
                    str(self._complain(line, word, "lexical error"))
                    + "\nwarning: Config file looks like it contains Python code."
                    + "\nwarning:  Arbitrary Python is no longer supported."
                    + "\nwarning:  See https://wiki.xen.org/wiki/PythonInXlConfig"
                )
            if kind == "comment":
                kind, word = "NEWLINE", "\n"
            if kind == "STRING":
                word = self._unescape(word[1:-1], line)
            if kind != "blank":
                tokens.append(_Token(word if kind == "sign" else kind, word, line))
            line += found.group().count("\n")
            place = found.end()
        return [*tokens, _Token("$end", "", line)]

    def _unescape(self, text: str, line: int) -> str:
        def replace(found: re.Match[str]) -> str:
            escape = found.group(1)
            if escape[0] == "x" and len(escape) > 1:
                return chr(int(escape[1:], 16))
            if escape[0] in "01234567":
                return chr(int(escape, 8) & 0xFF)
            if escape not in _ESCAPES:
                raise self._complain(line, "\\" + escape, "invalid character after backslash in string")
            return _ESCAPES[escape]

        return re.sub(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", replace, text)

    def _peek(self) -> _Token:
        return self.tokens[self.place]

    def _take(self, *kinds: str) -> _Token:
        token = self._peek()
        if token.kind not in kinds:
            names = [kind if kind.isalpha() or kind == "$end" else f"'{kind}'" for kind in (token.kind, *kinds)]
            words = "syntax error, unexpected {}, expecting {}".format(names[0], " or ".join(names[1:]))
            raise self._complain(token.line, token.text, words)
        self.place += 1
        return token

    def _skip_newlines(self) -> None:
        while self._peek().kind == "NEWLINE":
            self.place += 1

    def parse(self) -> Config:
        while True:
            while self._peek().kind in ("NEWLINE", ";"):
                self.place += 1
            if self._peek().kind == "$end":
                return self.config
            name = self._take("IDENT")
            sign = self._take("=", "+=")
            value = self._value()
            if self._peek().kind != "$end":
                self._take("NEWLINE", ";")
            self._store(name, sign.kind, value)

    def _value(self) -> Value:
        token = self._take("STRING", "NUMBER", "[")
        if token.kind != "[":
            return token.text
        items: list[Value] = []
        self._skip_newlines()
        while self._peek().kind != "]":
            items.append(self._value())
            self._skip_newlines()
            if self._peek().kind != "]":
                self._take(",", "]")
                self._skip_newlines()
        self._take("]")
        return items

    def _store(self, name: _Token, sign: str, value: Value) -> None:
        before = self.config.values.get(name.text)
        if sign == "+=" and before is not None:
            if isinstance(before, str) != isinstance(value, str):
                raise ConfigError(f"{self.source}:{name.line}: can't add [not] a list to `{name.text}'")
            value = before + value  # type: ignore[operator]
        self.config.values[name.text] = value
        self.config.lines[name.text] = name.line


def parse(text: str, source: str) -> Config:
    """Read a configuration file's text; raises ConfigError with what xl prints."""
    return _Parser(text, source).parse()


# -- PCI_SPEC_STRING -----------------------------------------------------------------------------


class SpecError(Exception):
    """A PCI_SPEC_STRING that xl refuses; ``note`` is what it prints before its complaint."""

    def __init__(self, note: str = "") -> None:
        super().__init__(note)
        self.note = note


class Crash(Exception):
    """A PCI_SPEC_STRING at which xl 4.17 dies of a segmentation fault."""


class PciSpec(NamedTuple):
    """One entry of ``pci = [...]``. ``function`` is None for all functions, ``slot`` the virtual
    slot, None for any."""

    domain: int
    bus: int
    device: int
    function: int | None
    slot: int | None
    options: dict[str, int]
    strict: bool

    @property
    def words(self) -> str:
        """The device as libxl's messages name it."""
        return f"{self.domain:x}:{self.bus:x}:{self.device:x}.{self.function or 0:x}"

    @property
    def address(self) -> str:
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}.{self.function or 0:x}"


_BDF = re.compile(r"(?:([0-9a-fA-F]{1,4}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7]|\*)")
_FLAGS = ("permissive", "msitranslate", "seize", "power_mgmt")


def parse_pci_spec(text: str, defaults: dict[str, int] | None = None) -> PciSpec:
    """Read a PCI_SPEC_STRING (xl-pci-configuration(5)). ``defaults`` are the values of the global
    pci_permissive, pci_msitranslate, pci_seize and pci_power_mgmt."""
    keys: dict[str, str] = {}
    rest = text
    place = _BDF.match(text)
    if place and text[place.end() : place.end() + 1] in ("", ",", "@"):
        keys["bdf"] = place.group()
        rest = text[place.end() :]
        if rest.startswith("@"):
            keys["vslot"], _comma, rest = rest[1:].partition(",")
        else:
            rest = rest[1:]
    elif re.fullmatch(r"[0-9a-fA-F]+:[0-9a-fA-F]+", text):
        raise Crash
    words = rest.split(",")
    if words and words[-1] == "":
        words.pop()
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise SpecError
        if key not in ("bdf", "vslot", "rdm_policy", "name", *_FLAGS):
            raise SpecError(f"Unknown PCI_SPEC_STRING option: {key}")
        keys[key] = value
    return _from_keys(keys, defaults or {})


def _from_keys(keys: dict[str, str], defaults: dict[str, int]) -> PciSpec:
    # A name stands for a device that pci-assignable-add gave it, and nothing here can do that.
    place = _BDF.fullmatch(keys.get("bdf", ""))
    if not place or "name" in keys or int(place.group(3), 16) > 0x1F:
        raise SpecError
    slot: int | None = None
    if "vslot" in keys:
        if not re.fullmatch(r"(?:0[xX])?[0-9a-fA-F]{1,2}", keys["vslot"]) or int(keys["vslot"], 16) > 0x1F:
            raise SpecError
        slot = int(keys["vslot"], 16)
    policy = keys.get("rdm_policy", "strict")
    if policy not in ("strict", "relaxed"):
        raise SpecError(f"{policy} is not an valid PCI RDM property policy")
    options = dict(defaults)
    for flag in _FLAGS:
        if flag in keys:
            # xl uses atoi(3): "yes" is 0.
            number = re.match(r"\s*[+-]?[0-9]+", keys[flag])
            options[flag] = int(bool(int(number.group()))) if number else 0
    function = None if place.group(4) == "*" else int(place.group(4))
    return PciSpec(
        int(place.group(1) or "0", 16), int(place.group(2), 16), int(place.group(3), 16), function, slot, options,
        policy == "strict",
    )  # fmt: skip
