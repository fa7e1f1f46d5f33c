# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""route(8): the default route, which goes with its interface."""

from __future__ import annotations

import pytest

from tests.unit.lab.machine.conftest import Command


def test_the_default_route_names_its_interface(command: Command) -> None:
    status, out, _err = command("route", "-n", "get", "default")
    lines = dict(line.strip().split(": ") for line in out.splitlines() if ": " in line)
    assert status == 0 and lines["interface"] == "wm5" and lines["destination"] == "default"
    assert out.splitlines()[-2].split()[0] == "recvpipe"


def test_without_the_interface_there_is_none(command: Command) -> None:
    none = (1, "", "route: writing to routing socket: not in table\n")
    assert command("route", "-n", "get", "-inet6", "default") == none
    assert command("ifconfig", "wm5", "down")[0] == 0
    assert command("route", "-n", "get", "default") == none


@pytest.mark.parametrize("words", [[], ["add"], ["-x", "get", "default"], ["get", "10.0.0.1"]])
def test_other_uses_are_refused(command: Command, words: list[str]) -> None:
    status, out, err = command("route", *words)
    assert (status, out) == (1, "") and err.startswith("usage: route ")
