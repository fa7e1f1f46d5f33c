# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of scripts, by the words of their comments."""

from __future__ import annotations

import os

from machine.state import Machine

from tests.unit.lab.machine.conftest import Command


def write(machine: Machine, name: str, *comments: str) -> str:
    path = "/etc/rc.d/" + name
    with open(machine.file(path), "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n#\n" + "".join(f"# {comment}\n" for comment in comments) + "\necho\n# PROVIDE: late\n")
    return path


def test_scripts_come_behind_what_they_require(machine: Machine, command: Command) -> None:
    paths = [
        write(machine, "a", "PROVIDE: a", "REQUIRE: c late"),
        write(machine, "b", "PROVIDE: b", "BEFORE: c", "KEYWORD: nostart"),
        write(machine, "c", "PROVIDE: c"),
    ]
    assert command("rcorder", *paths) == (0, "/etc/rc.d/b\n/etc/rc.d/c\n/etc/rc.d/a\n", "")
    assert command("rcorder", "-s", "nostart", *paths)[1] == "/etc/rc.d/c\n/etc/rc.d/a\n"
    assert command("rcorder", "-k", "nostart", *paths)[1] == "/etc/rc.d/b\n"


def test_a_circle_is_said_and_nobody_is_left_out(machine: Machine, command: Command) -> None:
    paths = [write(machine, "a", "PROVIDE: a", "REQUIRE: b"), write(machine, "b", "PROVIDE: b", "REQUIRE: a")]
    status, out, err = command("rcorder", *paths)
    assert (status, sorted(out.split())) == (0, paths)
    assert err == "rcorder: Circular dependency on file `/etc/rc.d/a'.\n"


def test_a_script_that_is_not_there_and_a_bad_option(machine: Machine, command: Command) -> None:
    assert not os.path.exists(machine.file("/etc/rc.d/none"))
    assert command("rcorder", "/etc/rc.d/none") == (0, "/etc/rc.d/none\n", "")
    assert command("rcorder", "-x")[0] == 1
