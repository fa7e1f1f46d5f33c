# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the processes of a run know of each other's reboots."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from ansible import constants

from ansible_collections.xen.pciback.plugins.plugin_utils import reboots
from ansible_collections.xen.pciback.plugins.plugin_utils.reboots import LostHost, add_lost_host, lost_hosts, turn


class Waited(Exception):
    """Raised where a process would wait."""


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of its own, in which nobody waits."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr(reboots, "time", mock.Mock(sleep=mock.Mock(side_effect=Waited)))


def test_lost_hosts_are_kept_in_order() -> None:
    assert lost_hosts() == []
    alpha, beta = LostHost("alpha", "alpha did not\ncome back."), LostHost("beta", "nor did beta")
    add_lost_host(alpha)
    add_lost_host(beta)
    assert lost_hosts() == [alpha, beta]


def test_so_many_are_in_their_turn() -> None:
    with turn(2):
        with turn(2), pytest.raises(Waited), turn(2):
            pass
        with turn(2):
            pass


def test_a_turn_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="x"), turn(1):
        raise ValueError("x")
    with turn(1):
        pass
