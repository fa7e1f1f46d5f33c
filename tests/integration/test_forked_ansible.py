# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is forked from a process with Ansible is what the program does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.conftest import Dom0, Run, guest

REFUSED = {"pciback_guests": [guest("firewall", {"address": "00:1f.0"})]}


def seen(run: Run) -> tuple[int, list[Mapping[str, Any]], int, str]:
    """What a test looks at."""
    return run.status, run.results, run.module_calls, run.output


def test_a_forked_run_is_what_the_program_does(dom0: Dom0) -> None:
    host = dom0.create()
    forked = [host.playbook(REFUSED) for _run in range(2)]
    program = host.playbook(REFUSED, environment={})
    assert program.status == 2 and "no-such-device" in program.failures()[0]
    assert [seen(run) for run in forked] == [seen(program)] * 2
