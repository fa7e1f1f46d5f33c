# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of refusals, and that whatever names a refusal agrees with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.xen.pciback.plugins.module_utils import refusals
from ansible_collections.xen.pciback.plugins.module_utils.arguments import ALLOW
from ansible_collections.xen.pciback.plugins.module_utils.refusals import (
    ALLOWABLE,
    CONSENTS,
    GUARDS,
    REFUSALS,
    RefusalCode,
)
from tests.conftest import ROOT

REGISTRY = ROOT / "plugins/module_utils/refusals.py"
REFERENCE = ROOT / "docs/reference/refusal-codes.md"
SOURCES = sorted(path for path in (ROOT / "plugins").rglob("*.py") if path != REGISTRY)
CONSTANTS = {value: name for name, value in vars(refusals).items() if name.isupper() and isinstance(value, str)}


def row(refusal: RefusalCode) -> str:
    """A line of the reference's table."""
    accepting = f": {refusal.accepting}" if refusal.accepting else ""
    allowed = f"yes{accepting}" if refusal.allowable else "no"
    return f"| [`{refusal.code}`](#{refusal.code}) | {refusal.meaning} | {allowed} |"


def test_every_code_has_a_constant_of_its_name():
    assert {code: code.upper().replace("-", "_") for code in REFUSALS} == CONSTANTS


def test_every_row_says_what_it_means_and_what_helps():
    for code, refusal in REFUSALS.items():
        assert refusal.code == code and refusal.meaning and refusal.remedy
        assert refusal.allowable or not (refusal.accepting or refusal.guard)
    assert set(GUARDS) < set(ALLOWABLE) < set(REFUSALS)


def test_the_reference_lists_each_code_once_as_the_registry_has_it():
    rows = re.findall(r"^\| \[`.*$", REFERENCE.read_text(), flags=re.MULTILINE)
    assert rows == [row(refusal) for refusal in REFUSALS.values()]


def test_the_reference_has_a_section_for_each_code_and_for_no_other():
    sections = re.findall(r"^## ([a-z-]+)$", REFERENCE.read_text(), flags=re.MULTILINE)
    assert sorted(sections) == sorted(REFUSALS)


def test_no_other_document_has_a_table_of_refusals():
    """A row that begins with a code and nothing else repeats what the reference says."""
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "roles").rglob("*.md")]
    for document in documents:
        if document != REFERENCE:
            rows = re.findall(r"^\| \[?`([a-z-]+)`(?:\]\([^)]*\))? \|", document.read_text(), flags=re.MULTILINE)
            assert not set(rows) & set(REFUSALS), document


def options(node: Any) -> Iterator[dict[str, Any]]:
    """Every option with choices of a document."""
    if isinstance(node, dict):
        if isinstance(node.get("choices"), list):
            yield node
        for value in node.values():
            yield from options(value)
    elif isinstance(node, list):
        for value in node:
            yield from options(value)


def documentation(path: Path) -> Any:
    """The DOCUMENTATION of a module or a fragment."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return yaml.safe_load(ast.literal_eval(node.value))
    return {}


def choices_of_codes(document: Any) -> list[list[str]]:
    """The lists of choices in which there is a refusal code."""
    return [option["choices"] for option in options(document) if set(option["choices"]) & set(REFUSALS)]


def test_what_can_be_allowed_is_the_same_in_the_role_and_the_modules():
    role = yaml.safe_load((ROOT / "roles/pciback/meta/argument_specs.yml").read_text())
    assert choices_of_codes(role) == [list(ALLOWABLE)]
    fragment = documentation(ROOT / "plugins/doc_fragments/allow.py")
    assert choices_of_codes(fragment) == [list(ALLOWABLE)]
    assert ALLOW["options"]["code"]["choices"] == list(ALLOWABLE)
    modules = sorted((ROOT / "plugins/modules").glob("*.py"))
    told = {path.name: choices_of_codes(documentation(path)) for path in modules}
    # What pcibackctl is told of the devices of one guest.
    assert {name: choices for name, choices in told.items() if choices} == {"domain.py": [list(CONSENTS)]}


def test_modules_that_let_the_owner_override_say_so():
    for path in (ROOT / "plugins/modules").glob("*.py"):
        says = "xen.pciback.allow" in documentation(path).get("extends_documentation_fragment", [])
        assert says == ('"allow": dict(ALLOW)' in path.read_text()), path


def names_of(tree: ast.AST) -> set[str]:
    """The names that a source reads."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_every_code_is_raised_by_its_constant():
    used = set().union(*(names_of(ast.parse(path.read_text())) for path in SOURCES))
    assert set(CONSTANTS.values()) <= used


def spelt(path: Path) -> list[str]:
    """The places where a source has a code as a text of its own."""
    tree = ast.parse(path.read_text())
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in REFUSALS]
    coded = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "code"]
    # 'bridge' and 'console' are words of other things, too.
    return [f"{path}:{node.lineno}" for node in texts if "-" in node.value or node in coded]


def test_no_source_spells_a_code_by_itself():
    assert [place for path in SOURCES for place in spelt(path)] == []
