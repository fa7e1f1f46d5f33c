# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sentence that the product can print: refusals, warnings, remedies, what the report and the boot model say.

They are found by their form, not by the functions that they are given to, so that none is left out. A sentence is known
in a test by a *mark*: words of it that stand in no other sentence.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs/reference/refusal-codes.md"

# Documentation has tests of its own: test_examples.py, ansible-doc and antsibull-docs.
DOCUMENTS = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
WORD = re.compile(r"[('\"]*[A-Za-z][\w'-]*['\"]?[),.:;]*")
FEWEST_WORDS = 4
MARK = 3
"""How many words in a row are a mark."""

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
C_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\]|\\.)+'|\s+|\w+|.", re.DOTALL)
C_VALUE = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?[diouxXcspn]")
C_SOURCES = ("native/core", "native/daemon", "native/os", "native/model", "native/cli", "native/trial")


@dataclass(frozen=True)
class Sentence:
    """A sentence as the source has it.

    :ivar place: file and line
    :ivar parts: what stands between its values, in order
    """

    place: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.place}: {'...'.join(self.parts)}"

    @property
    def text(self) -> str:
        """The same for each place that has the same words."""
        return "\0".join(self.parts)

    def runs(self, length: int) -> set[str]:
        """All words in a row, so many at a time; with a blank where another word of the sentence comes before or after."""
        found = set()
        for part in self.parts:
            words = part.split()
            for at in range(len(words) - length + 1):
                run = " ".join(words[at : at + length])
                found.add(" " * (at > 0) + run + " " * (at + length < len(words)))
        return found


def is_sentence(parts: Iterable[str]) -> bool:
    """Whether a person is to read it: enough words in it, no expression, no path, no code."""
    text = " \0 ".join(parts)
    words = sum(WORD.fullmatch(token) is not None for token in text.split())
    return words >= FEWEST_WORDS and "(?" not in text and "\\s" not in text and not text.startswith("#!")


def plain(text: str) -> str:
    """A text with one blank between words, as it is compared."""
    return " ".join(text.split())


# --- Python


def literal(node: ast.AST) -> list[str | None] | None:
    """What a string expression is made of, ``None`` for each of its values; ``None`` if it is no string."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return [str(part.value) if isinstance(part, ast.Constant) else None for part in node.values]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = literal(node.left), literal(node.right)
        return None if sides == (None, None) else [*(sides[0] or [None]), *(sides[1] or [None])]
    return None


def joined(pieces: list[str | None]) -> tuple[str, ...]:
    """Pieces without a value between them as one."""
    found = [""]
    for piece in pieces:
        if piece is None:
            found.append("")
        else:
            found[-1] += piece
    return tuple(plain(part) for part in found)


def strings(tree: ast.AST) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Every string expression but documentation, with its line."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or (
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) in DOCUMENTS
        ):
            skipped.add(node.value)

    def walk(node: ast.AST) -> Iterator[tuple[int, tuple[str, ...]]]:
        if isinstance(node, ast.Constant) and node in skipped:
            return
        pieces = literal(node)
        if pieces is None:
            for child in ast.iter_child_nodes(node):
                yield from walk(child)
            return
        yield getattr(node, "lineno", 0), joined(pieces)
        # A value may be a choice between two sentences.
        for child in ast.walk(node):
            if isinstance(child, ast.FormattedValue):
                yield from walk(child.value)

    yield from walk(tree)


def in_python(path: Path) -> Iterator[Sentence]:
    """The sentences of a source in Python."""
    for line, parts in strings(ast.parse(path.read_text(encoding="utf-8"))):
        if is_sentence(parts):
            yield Sentence(f"{path.relative_to(ROOT)}:{line}", parts)


# --- the role


def scalars(node: Any) -> Iterator[str]:
    """Every text that tasks print."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("msg", "fail_msg", "success_msg"):
                yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))
            else:
                yield from scalars(value)
    elif isinstance(node, list):
        for value in node:
            yield from scalars(value)


def in_role(path: Path) -> Iterator[Sentence]:
    """The sentences of a file of tasks, or of a template: what stands around the expressions, and the texts in these."""
    content = path.read_text(encoding="utf-8")
    texts = list(scalars(yaml.safe_load(content))) if path.suffix == ".yml" else content.splitlines()
    for text in texts:
        candidates = [tuple(plain(part) for part in JINJA.split(text))]
        for expression in JINJA.findall(text):
            candidates += [(plain(quoted),) for quoted in re.findall(r"'([^']*)'", expression)]
        for parts in candidates:
            if is_sentence(parts):
                yield Sentence(str(path.relative_to(ROOT)), parts)


# --- C


def c_strings(source: str) -> Iterator[tuple[int, str]]:
    """Every string of a source in C, neighbours joined, with its line."""
    line, begin, text = 1, 0, None
    # What a compiler would say is no sentence of the product.
    is_assertion = False
    for token in C_TOKEN.finditer(source):
        word = token.group()
        is_assertion = word == "_Static_assert" or (is_assertion and word != ";")
        if word.startswith('"') and not is_assertion:
            begin, text = (line, "") if text is None else (begin, text)
            text += word[1:-1].replace('\\"', '"').replace("\\n", " ").replace("\\t", " ")
        elif text is not None and word.startswith("PRI"):
            text += "s"
        elif text is not None and not word.isspace() and not word.startswith(("//", "/*")):
            yield begin, text
            text = None
        line += word.count("\n")


def in_c(path: Path) -> Iterator[Sentence]:
    """The sentences of a source in C."""
    for line, text in c_strings(path.read_text(encoding="utf-8")):
        parts = tuple(plain(part) for part in C_VALUE.split(text))
        if is_sentence(parts):
            yield Sentence(f"{path.relative_to(ROOT)}:{line}", parts)


# --- all of it


def sentences() -> list[Sentence]:
    """Every sentence of the product."""
    found: list[Sentence] = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        if "doc_fragments" not in path.parts:
            found += in_python(path)
    for path in sorted((ROOT / "roles").rglob("*")):
        if path.suffix == ".j2" or (path.suffix == ".yml" and "tasks" in path.parts):
            found += in_role(path)
    for folder in C_SOURCES:
        for path in sorted((ROOT / folder).rglob("*.c")):
            # Which names the cases of selftest.
            found += () if path.name == "vectors.c" else in_c(path)
    return found


def shown() -> str:
    """All that tests compare with, each text on a line, with one blank between words, before the first and after the last."""
    texts = []
    # The exceptions of that test are sentences without a case.
    for path in sorted({*(ROOT / "tests").rglob("*.py")} - {ROOT / "tests/unit/test_sentences.py"}):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        texts += [" \0 ".join(parts).replace("\\", "") for _line, parts in strings(tree)]
        constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        texts += [plain(value.decode("utf-8", "replace")) for value in constants if isinstance(value, bytes)]
    for path in sorted((ROOT / "native/tests").rglob("*.[ch]")):
        texts += [plain(text) for _line, text in c_strings(path.read_text(encoding="utf-8"))]
    # test_refusals.py holds the rows of the reference against the registry.
    texts += [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| [`")]
    return "\n".join(f" {plain(text)} " for text in texts)


def marks(found: Iterable[Sentence]) -> dict[str, set[str]]:
    """What each sentence is known by, by its text: the words that no other has, or all if there are none."""
    found = list(found)
    owners: dict[str, set[str]] = defaultdict(set)
    for sentence in found:
        for run in sentence.runs(MARK):
            owners[run.strip()].add(sentence.text)
    result = {}
    for sentence in found:
        runs = sentence.runs(MARK) or sentence.runs(MARK - 1) or sentence.runs(1)
        result[sentence.text] = {run for run in runs if len(owners.get(run.strip(), ())) == 1} or runs
    return result


def without_case() -> list[Sentence]:
    """The sentences that no test compares with."""
    found, compared = sentences(), shown()
    known = marks(found)
    return [each for each in found if not any(mark in compared for mark in known[each.text])]
