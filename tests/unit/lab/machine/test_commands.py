# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all commands share: which is which, options, complaints."""

from __future__ import annotations

import importlib

import pytest
from machine import commands
from machine.commands import OptionError, complain, main, split_options


def test_every_command_has_its_module() -> None:
    for module in set(commands.PATHS.values()):
        assert callable(importlib.import_module(f"machine.commands.{module}").main)


def test_the_name_says_which_command_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/sbin/mount"]) == 0
    assert capsys.readouterr().out.startswith("/dev/wd0a on / type ffs (local)\n")


@pytest.mark.parametrize(
    ("words", "options", "rest"),
    [
        (["-n", "x", "-a"], [("n", "")], ["x", "-a"]),
        (["-na", "value", "x"], [("n", ""), ("a", "value")], ["x"]),
        (["-avalue"], [("a", "value")], []),
        (["-n", "--", "-a"], [("n", "")], ["-a"]),
        (["-", "-n"], [], ["-", "-n"]),
    ],
)
def test_options_are_split_as_getopt_does(words: list[str], options: list[tuple[str, str]], rest: list[str]) -> None:
    assert split_options(words, "na:") == (options, rest)
    assert words != [] and split_options([], "na:") == ([], [])


@pytest.mark.parametrize(
    ("words", "message"), [(["-x"], "unknown option -- x"), (["-na"], "option requires an argument -- a")]
)
def test_options_that_are_wrong(words: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        split_options(words, "na:")


def test_a_complaint_looks_as_that_of_err(capsys: pytest.CaptureFixture[str]) -> None:
    complain("pcictl", "it is wrong")
    assert capsys.readouterr().err == "pcictl: it is wrong\n"
