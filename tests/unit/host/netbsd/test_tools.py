# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tool that fails, hangs or says nothing is noted, with what is not known without it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Unseen
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.tools import Tools


def hanging(argv: Any) -> Any:
    raise PcibackError(f"'{argv[0]}' did not end within 120 s and was killed; it said nothing")


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (lambda argv: (1, "", "no\nreally\n"), "'/sbin/mount -v' failed (no): it is not known"),
        (lambda argv: (1, "no", ""), "'/sbin/mount -v' failed (no): it is not known"),
        (lambda argv: (3, "", ""), "'/sbin/mount -v' failed (status 3): it is not known"),
        (lambda argv: (0, " \n", "warning\n"), "'/sbin/mount -v' prints nothing, which tells nothing: it is not known"),
        (
            hanging,
            "'/sbin/mount -v' failed ('/sbin/mount' did not end within 120 s and was killed; it said nothing): it is not known",
        ),
    ],
)
def test_what_is_not_known_is_noted_once(run: Any, why: str) -> None:
    tools = Tools(run)
    assert tools.ask(["/sbin/mount", "-v"], "it is not known", use=["disks"]).strip() == ""
    assert (tools.unseen, tools.unchecked) == ([Unseen("disks", why)], [])
    tools = Tools(run)
    tools.ask(["/sbin/mount", "-v"], "it is not known")
    assert (tools.unseen, tools.unchecked) == ([], [why])


def test_what_tells_enough_is_an_answer() -> None:
    tools = Tools(lambda argv: (0, "x", ""))
    assert tools.ask(["/sbin/mount"], "it is not known", use=["disks"], tells=lambda text: text == "x") == "x"
    assert (tools.unseen, tools.unchecked) == ([], [])
