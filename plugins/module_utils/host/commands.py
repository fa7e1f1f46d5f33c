# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How adapters run a host's commands: an argument list in, status and output back, never a shell."""

from __future__ import annotations

from typing import Any, Callable, Tuple

Run = Callable[..., Tuple[int, str, str]]

NOT_FOUND = 127


def runner(module: Any) -> Run:
    """``run(argv, cwd=None)`` of an AnsibleModule; a command that can't be started has status 127."""

    def run(argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        try:
            result: tuple[int, str, str] = module.run_command(
                argv, cwd=cwd, handle_exceptions=False, expand_user_and_vars=False
            )
        except OSError as error:
            return NOT_FOUND, "", f"{argv[0]}: {error.strerror}"
        return result

    return run
