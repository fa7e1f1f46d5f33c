# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What a start of GRUB boots by itself, and what it leaves in its environment block for the start after it.

The menu is a script. Its commands outside of entries and functions are followed as far as they say which entry is the
default; a condition that nobody can know here is skipped, unless it decides on that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.formats.grub import MENU, Entry, choose, read_menu
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import BLOCK

_WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s;"'\\])+|;""")
_PART = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|((?:\\.|[^"'\\])+)""")
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}|\$([A-Za-z0-9_]+)")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z", re.DOTALL)
# Features that every GRUB 2 of the last ten years has.
_FEATURE = re.compile(r"feature_\w+\Z")
_DEFAULT = "default"

_RUNS, _SEARCHES, _OVER, _UNKNOWN = "runs", "searches", "over", "unknown"


class _NotKnownError(Exception):
    """What boots depends on something that is not known."""


@dataclass(frozen=True)
class Start:
    """One start of GRUB.

    :param entry: what boots if nobody comes to the menu; ``None``: that is not known
    :param variables: what the environment block holds then
    """

    entry: Entry | None
    variables: Mapping[str, str]


def start(menu: bytes, variables: Mapping[str, str], *, writable: bool = True, file: str = MENU) -> Start:
    """Follow one start of GRUB.

    :param menu: grub.cfg
    :param variables: what the environment block holds
    :param writable: whether GRUB can write the block
    :raises PcibackError: ``boot-config-invalid``: it is no menu that grub-mkconfig wrote
    """
    entries = read_menu(menu, file).entries
    follower = _Follower(dict(variables), writable)
    try:
        for words in _commands(menu.decode("utf-8", "surrogateescape")):
            follower.follow(words)
        # Without a value it is the first.
        entry = choose(entries, follower.known.get(_DEFAULT) or "0")
    except _NotKnownError:
        entry = None
    return Start(entry, follower.block)


class _Follower:
    """The variables of a menu that runs, and the conditions around the command that is next."""

    def __init__(self, block: dict[str, str], writable: bool) -> None:
        self.block = block
        self.known: dict[str, str] = {}
        self._writable = writable
        self._around: list[str] = []

    def follow(self, words: Sequence[str]) -> None:
        if words[0] == "if":
            outer = self._around[-1] if self._around else _RUNS
            self._around.append(self._judge(words[1:]) if outer == _RUNS else outer if outer == _UNKNOWN else _OVER)
        elif words[0] in ("elif", "else") and self._around:
            if self._around[-1] == _RUNS:
                self._around[-1] = _OVER
            elif self._around[-1] == _SEARCHES:
                self._around[-1] = _RUNS if words[0] == "else" else self._judge(words[1:])
        elif words[0] == "fi" and self._around:
            self._around.pop()
        elif words[0] == "then":
            if words[1:]:
                self.follow(words[1:])
        elif not self._around or self._around[-1] == _RUNS:
            self._run(words)
        elif self._around[-1] == _UNKNOWN:
            self._check_harmless(words)

    def _run(self, words: Sequence[str]) -> None:
        name, value = _assignment(words)
        if name:
            self.known[name] = self._expand(value)
        elif words[0] == "load_env":
            names = _names(words)
            self.known.update({each: self.block[each] for each in self.block if not names or each in names})
        elif words[0] == "save_env":
            self._save(words)

    def _save(self, words: Sequence[str]) -> bool:
        if self._writable:
            for name in _names(words):
                # A variable without a value stays in the block, as an empty one.
                self.block[name] = self.known.get(name, "")
        return self._writable

    def _check_harmless(self, words: Sequence[str]) -> None:
        """A command that may run or not."""
        name, _value = _assignment(words)
        if name == _DEFAULT or name in self.block or words[0] in ("load_env", "save_env"):
            raise _NotKnownError

    def _judge(self, words: Sequence[str]) -> str:
        truth = self._truth(words)
        return _UNKNOWN if truth is None else _RUNS if truth else _SEARCHES

    def _truth(self, words: Sequence[str]) -> bool | None:
        if words[0] == "save_env":
            return self._save(words)
        if words[0] != "[" or words[-1] != "]":
            return None
        test = [self._expand(word) for word in words[1:-1]]
        if len(test) == 1:
            return bool(test[0])
        if len(test) == 2 and test[0] in ("-n", "-z"):
            return bool(test[1]) == (test[0] == "-n")
        if len(test) == 2 and test[0] == "-s":
            return True if test[1].endswith(f"/{BLOCK}") else None
        if len(test) == 3 and test[1] in ("=", "=="):
            return test[0] == test[2]
        return None

    def _expand(self, word: str) -> str:
        """A word as a command gets it."""
        text = ""
        for quoted, double, bare in _PART.findall(word):
            text += quoted or re.sub(r"\\(.)", r"\1", _VARIABLE.sub(self._value, double or bare))
        return text

    def _value(self, match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        # A backslash of a value is no escape any more.
        return self.known.get(name, "y" if _FEATURE.match(name) else "").replace("\\", r"\\")


def _commands(text: str) -> Iterator[list[str]]:
    """The commands outside of entries and functions, as words with their quotes."""
    depth = 0
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.endswith("{"):
            depth += 1
        elif stripped == "}":
            depth = max(0, depth - 1)
        elif depth == 0 and stripped and not stripped.startswith("#"):
            words: list[str] = []
            for word in [*_WORD.findall(stripped), ";"]:
                if word != ";":
                    words.append(word)
                elif words:
                    yield words
                    words = []


def _assignment(words: Sequence[str]) -> tuple[str, str]:
    """The name and the word of what is set; empty if nothing is."""
    match = _ASSIGNMENT.match(words[-1]) if words[0] == "set" or len(words) == 1 else None
    return (match.group(1), match.group(2)) if match else ("", "")


def _names(words: Sequence[str]) -> list[str]:
    """The variables that load_env or save_env names."""
    names = []
    skip = False
    for word in words[1:]:
        if skip or word.startswith("-"):
            skip = word in ("-f", "--file")
        else:
            names.append(word)
    return names
