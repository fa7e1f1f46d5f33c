# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands are run as argument lists, and one that can't be started is told like one that failed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, runner


class Module:
    """What of an AnsibleModule a runner uses."""

    def __init__(self, answer: tuple[int, str, str] | OSError) -> None:
        self.answer = answer
        self.called: list[Any] = []

    def run_command(self, argv: list[str], **options: Any) -> tuple[int, str, str]:
        self.called.append((argv, options))
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("cwd", [None, "/tmp"])
def test_nothing_of_a_command_is_interpreted(cwd: str | None) -> None:
    module = Module((3, "out", "err"))
    assert runner(module)(["/usr/sbin/xl", "list", "$HOME", "~"], cwd=cwd) == (3, "out", "err")
    options = {"cwd": cwd, "handle_exceptions": False, "expand_user_and_vars": False}
    assert module.called == [(["/usr/sbin/xl", "list", "$HOME", "~"], options)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory"), "/nowhere/xl: No such file or directory"),
        (PermissionError(13, "Permission denied"), "/nowhere/xl: Permission denied"),
    ],
)
def test_a_command_that_can_not_be_started(error: OSError, said: str) -> None:
    assert runner(Module(error))(["/nowhere/xl"]) == (NOT_FOUND, "", said)
