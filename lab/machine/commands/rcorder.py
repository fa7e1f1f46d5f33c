# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rcorder(8): the order in which scripts of /etc/rc.d run, by the comments at their beginning."""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from ..state import Machine
from . import OptionError, complain, split_options

_LINE = re.compile(r"#\s*(PROVIDE|REQUIRE|BEFORE|KEYWORD)S?:(.*)")


def main(program: str, arguments: list[str], machine: Machine | None = None) -> int:
    machine = machine or Machine.inside()
    try:
        options, paths = split_options(arguments, "k:s:")
    except OptionError as error:
        complain(program, str(error))
        return 1
    keep = {value for letter, value in options if letter == "k"}
    skip = {value for letter, value in options if letter == "s"}
    scripts = {path: read(machine.file(path)) for path in paths}
    for path in order(program, scripts):
        words = scripts[path]["KEYWORD"]
        if not words & skip and (not keep or words & keep):
            sys.stdout.write(path + "\n")
    return 0


def read(path: str) -> dict[str, set[str]]:
    """The words of a script's comments; they end at the first other line behind them."""
    found: dict[str, set[str]] = defaultdict(set)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                match = _LINE.match(line)
                if match:
                    found[match.group(1)] |= set(match.group(2).split())
                elif found:
                    break
    except OSError:
        pass
    return found


def order(program: str, scripts: dict[str, dict[str, set[str]]]) -> list[str]:
    """Each script behind those that it requires and those that want to be before it; else as they were named."""
    providers: dict[str, set[str]] = defaultdict(set)
    for path, words in scripts.items():
        for word in words["PROVIDE"]:
            providers[word].add(path)
    needed = {path: {each for word in words["REQUIRE"] for each in providers[word]} for path, words in scripts.items()}
    for path, words in scripts.items():
        for word in words["BEFORE"]:
            for each in providers[word]:
                needed[each].add(path)
    done: list[str] = []

    def visit(path: str, above: tuple[str, ...]) -> None:
        if path in above:
            complain(program, f"Circular dependency on file `{path}'.")
        elif path not in done:
            for each in scripts:
                if each in needed[path]:
                    visit(each, (*above, path))
            done.append(path)

    for path in scripts:
        visit(path, ())
    return done
