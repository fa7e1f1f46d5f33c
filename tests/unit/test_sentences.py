# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every sentence of the product has a test that shows it: refusals, warnings, remedies, reports, findings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests import sentences
from tests.sentences import Sentence
from tests.unit.product import none

# What no test can show, and why. An entry that isn't needed fails.
EXCEPTIONS = {
    "where a real kernel gives": "only a pcibackctl with a fault in its model says so; that selftest passes is tested",
}


def test_every_sentence_is_compared_with_in_a_test() -> None:
    found = sentences.without_case()
    unseen = [sentence for sentence in found if not any(words in str(sentence) for words in EXCEPTIONS)]
    none(f"{sentence}\n    no test has words of it that no other sentence has" for sentence in unseen)
    none(f"'{words}' is no longer needed" for words in EXCEPTIONS if not any(words in str(each) for each in found))


def test_what_is_looked_through() -> None:
    found = sentences.sentences()
    places = {sentence.place.partition(":")[0] for sentence in found}
    assert {
        "plugins/module_utils/planning/choose.py",
        "plugins/action/native_backend.py",
        "plugins/connection/lab.py",
        "roles/pciback/tasks/reboot.yml",
        "roles/pciback/templates/report.j2",
        "native/model/kernel.c",
        "native/cli/boot.c",
        "native/core/guest/slot.c",
        "native/daemon/options.c",
        "native/os/xen.c",
    } <= places
    assert len(found) > 400


def of_python(source: str) -> list[tuple[str, ...]]:
    return [parts for _line, parts in sentences.strings(ast.parse(source)) if sentences.is_sentence(parts)]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("fail('no device is at ' + place + ' now')", ("no device is at", "now")),
        ("fail(f'{a} is no PCI {b}address at all')", ("", "is no PCI", "address at all")),
        ("fail(f'it is {\"not what you want here\" if a else b} now')", ("not what you want here",)),
        ("x = 'one two three four ' 'five'", ("one two three four five",)),
    ],
)
def test_strings_of_python(source: str, parts: tuple[str, ...]) -> None:
    assert parts in of_python(source)


@pytest.mark.parametrize(
    "source",
    [
        "'a docstring of some more words'",
        "DOCUMENTATION = 'what a module is there for'",
        "x = '/a/path of/some/files and/so on'",
        "x = '(?:some words and more)'",
        "x = 'three words only'",
    ],
)
def test_what_is_no_sentence(source: str) -> None:
    assert of_python(source) == []


def test_strings_of_c() -> None:
    source = '/* "no" */ f("the first %s of " PRIu32 " words", x); // "nor this"\nchar c = \'"\'; g("a second one");'
    source += '\n_Static_assert(1 > 0, "what a compiler says");'
    assert list(sentences.c_strings(source)) == [(1, "the first %s of s words"), (2, "a second one")]
    assert sentences.C_VALUE.split("a %-3zu of %s %%") == ["a ", " of ", " %%"]


def test_texts_of_a_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "ROOT", tmp_path)
    (tmp_path / "tasks.yml").write_text(
        "- name: Not this one of all\n  block:\n    - ansible.builtin.fail:\n        msg: no {{ what }} is on this host\n"
    )
    (tmp_path / "report.j2").write_text("{{ 'nothing is there to do' if x else 'short' }} for this host and {{ y }}\n")
    assert [each.parts for each in sentences.in_role(tmp_path / "tasks.yml")] == [("no", "is on this host")]
    assert [each.parts for each in sentences.in_role(tmp_path / "report.j2")] == [
        ("", "for this host and", ""),
        ("nothing is there to do",),
    ]


def test_a_mark_is_of_one_sentence() -> None:
    first, second = Sentence("a", ("the file can't be read now",)), Sentence("b", ("the file can't be written now",))
    known = sentences.marks([first, second])
    assert known[first.text] == {" can't be read ", " be read now"}
    assert known[second.text] == {" can't be written ", " be written now"}
    short = Sentence("c", ("one", "two", "three", "four"))
    assert sentences.marks([short])[short.text] == {"one", "two", "three", "four"}
