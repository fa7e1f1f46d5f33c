# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that read and change xenstore."""

from __future__ import annotations

import os
from unittest import mock

from machine.state import Machine

from tests.unit.lab.conftest import Host
from tests.unit.lab.machine.conftest import Command


def store(command: Command, name: str, *words: str) -> tuple[int, str, str]:
    return command(f"xenstore-{name}", *words, module="xenstore")


def test_nodes_are_shown_written_and_removed(machine: Machine, command: Command) -> None:
    assert store(command, "read", "/local/domain/0/name") == (0, "Domain-0\n", "")
    assert store(command, "write", "/a/b", "1", "/a/c", "2") == (0, "", "")
    assert store(command, "list", "/a") == (0, "b\nc\n", "")
    assert store(command, "ls", "-f", "/a") == (0, '/a/b = "1"\n/a/c = "2"\n', "")
    assert store(command, "ls")[1].endswith('a = ""\n b = "1"\n c = "2"\n')
    assert store(command, "rm", "/a/b") == (0, "", "")
    assert store(command, "list", "/a") == (0, "c\n", "")


def test_what_is_not_there_and_bad_usage(machine: Machine, command: Command) -> None:
    missing = "/local/domain/0/backend/pci"
    assert store(command, "ls", "-f", missing) == (
        1, "", f"xenstore-ls: xs_directory ({missing}): No such file or directory\n"
    )  # fmt: skip
    assert store(command, "read", "/none") == (1, "", "xenstore-read: couldn't read path /none\n")
    assert store(command, "list", "/none")[0] == 1
    assert store(command, "write", "/none")[0] == 1
    assert store(command, "rm")[0] == 1
    assert store(command, "ls", "-z")[0] == 1


def test_a_watch_tells_of_each_new_domain_until_it_has_told_enough(machine: Machine, command: Command) -> None:
    # The first event comes at once.
    assert store(command, "watch", "-n", "1", "@introduceDomain") == (0, "@introduceDomain\n", "")
    other = Machine(machine.directory, machine.root)

    def begin(_seconds: float) -> None:
        with other.changing():
            other.state["next_domid"] += 2

    with mock.patch("time.sleep", begin):
        assert store(command, "watch", "-n", "4", "@introduceDomain") == (0, "@introduceDomain\n" * 4, "")
    assert store(command, "watch", "/a") == (1, "", "Usage: xenstore-watch [-h] [-n NR] key [...]\n")


def test_a_watch_ends_with_the_boot_and_with_the_machine(machine: Machine, command: Command) -> None:
    other = Machine(machine.directory, machine.root)

    def boot(_seconds: float) -> None:
        with other.changing():
            other.state["boot"]["number"] += 1

    for end in (boot, lambda _seconds: os.unlink(machine.path("state.json"))):
        with mock.patch("time.sleep", end):
            assert store(command, "watch", "@introduceDomain") == (1, "@introduceDomain\n", "")


def test_without_xen_there_is_no_store(host: Host) -> None:
    host.create(boot_cfg="menu=NetBSD:boot netbsd\ntimeout=1\n")
    done = host.run("/usr/pkg/bin/xenstore-ls")
    assert (done.returncode, done.stderr) == (1, "xenstore-ls: xs_open: No such file or directory\n")
