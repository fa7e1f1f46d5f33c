# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host's commands are run."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, runner


class Module:
    """What is used of an AnsibleModule."""

    def __init__(self, error: OSError | None = None) -> None:
        self.error = error
        self.options: dict[str, Any] = {}

    def run_command(self, argv: list[str], **options: Any) -> tuple[int, str, str]:
        self.options = options
        if self.error is not None:
            raise self.error
        return 3, " ".join(argv), "err"


def test_an_answer_is_passed_on_and_nothing_is_expanded() -> None:
    module = Module()
    assert runner(module)(["/bin/x", "$HOME"], cwd="/src") == (3, "/bin/x $HOME", "err")
    assert (module.options["cwd"], module.options["expand_user_and_vars"]) == ("/src", False)


def test_a_command_that_can_not_be_started_has_a_status() -> None:
    module = Module(FileNotFoundError(2, "No such file or directory"))
    assert runner(module)(["/bin/x"]) == (NOT_FOUND, "", "/bin/x: No such file or directory")
