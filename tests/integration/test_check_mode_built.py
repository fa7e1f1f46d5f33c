# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same on a host on which nothing has to be built. It is another one, so that both files go side by side."""

from __future__ import annotations

from typing import Any

import pytest

from tests.check_mode import ABSENT, REBOOT, Both, both, must_say_what_is_done, native_changes
from tests.conftest import Dom0, guest

# What is wanted, one after the other.
WAYS: dict[str, dict[str, Any]] = {
    "nothing to a guest": {"pciback_guests": [guest("firewall", {"address": "00:05.0"})], **REBOOT},
    "present to absent": {**ABSENT, **REBOOT},
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, native: Dom0) -> Both:
    workspace = tmp_path_factory.mktemp("built")
    return both(Dom0(workspace / "dom0", workspace).create().borrow_native(native), WAYS)


@pytest.mark.parametrize("name", WAYS)
def test_check_mode_says_what_the_run_does(runs: Both, name: str) -> None:
    must_say_what_is_done(*runs[name])


def test_the_ways_have_what_they_are_called_after(runs: Both) -> None:
    done = [run for _check, run in runs.values()]
    assert all("xen.pciback.reboot" in run.changed() for run in done)
    # The host is told what it gives to its guests when it starts.
    assert [native_changes(run) for run in done] == [1, 1]
