# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example that a reader can copy: the YAML and JSON of all pages, and EXAMPLES of all modules and plugins."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.yml)\n")

PLAYBOOK = "playbook"
"""Plays."""
TASKS = "tasks"
"""Tasks of a play."""
INVENTORY = "inventory"
"""An inventory, or variables of one of its hosts or groups."""
DATA = "data"
"""What a program of ours writes or prints."""


@dataclass(frozen=True)
class Block:
    """One example.

    :ivar source: the file, from the collection's directory
    :ivar line: where it begins there, from 1
    :ivar language: ``yaml`` or ``json``
    """

    source: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"

    @property
    def content(self) -> Any:
        """What it says."""
        return yaml.safe_load(self.text)

    @property
    def file_name(self) -> str | None:
        """The file that it is to be written to, if its first line says so."""
        found = FILE_NAME.match(self.text)
        return found.group(1) if found else None

    @property
    def kind(self) -> str:
        """What Ansible would take it for.

        :raises ValueError: nothing that a test runs
        """
        content = self.content
        if self.language == "json":
            return DATA
        if isinstance(content, list) and all(isinstance(each, dict) for each in content):
            return PLAYBOOK if all("hosts" in each for each in content) else TASKS
        if isinstance(content, dict) and ("all" in content or all(_is_variable(name) for name in content)):
            return INVENTORY
        raise ValueError(f"{self}: neither plays, nor tasks, nor an inventory, nor variables of a host")


def _is_variable(name: str) -> bool:
    return name.startswith(("pciback_", "ansible_"))


def tracked(*patterns: str) -> list[str]:
    """Files of the collection, those that are to be added too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    return sorted(name for name in set(listed) if (ROOT / name).exists())


def on_page(source: str, text: str) -> Iterator[Block]:
    """The blocks of a page of Markdown."""
    for found in FENCE.finditer(text):
        indent, language, body = found.groups()
        if language in ("yaml", "yml", "json"):
            lines = [line.removeprefix(indent) for line in body.splitlines()]
            line = text.count("\n", 0, found.start()) + 2
            yield Block(source, line, language.replace("yml", "yaml"), "\n".join(lines) + "\n")


def in_plugin(source: str, text: str) -> Iterator[Block]:
    """EXAMPLES of a module or plugin."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES":
            assert isinstance(node.value, ast.Constant)
            yield Block(source, node.lineno + 1, "yaml", str(node.value.value).lstrip("\n"))


def blocks() -> list[Block]:
    """All of them."""
    found: list[Block] = []
    for source in tracked("*.md"):
        found += on_page(source, (ROOT / source).read_text(encoding="utf-8"))
    for source in tracked("plugins/*.py"):
        found += in_plugin(source, (ROOT / source).read_text(encoding="utf-8"))
    return found


def inventories(found: list[Block]) -> dict[str, dict[str, str]]:
    """The inventories of pages: the files of each, by the page and the line of the first.

    Files that stand on one page belong together if the first of them is an inventory; other variables are one each.
    """
    result: dict[str, dict[str, str]] = {}
    open_page, key = "", ""
    for block in found:
        if block.kind != INVENTORY:
            continue
        hosts = "all" in block.content
        if not (block.source == open_page and not hosts and block.file_name):
            key, open_page = str(block), block.source if hosts else ""
            result[key] = {}
        name = block.file_name or ("hosts.yml" if hosts else "group_vars/all.yml")
        result[key][name.removeprefix("inventory/")] = block.text
    return result
