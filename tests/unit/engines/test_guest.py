# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one guest needs to come into its state, without a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.guest import Guest
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import RunningDomain

A, B = parse_address("00:05.0"), parse_address("01:00.0")


def guest(state: str, now: str | None, *, restart: bool = False, config: str = "") -> Guest:
    domain = None if now is None else RunningDomain(3, "a", now)
    return Guest("a", config, state, restart, now=domain)


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "a.cfg"
    path.write_text("name = 'a'\npci = [ '00:05.0' ]\n")
    return str(path)


@pytest.mark.parametrize(
    ("state", "now", "restart", "planned"),
    [
        ("running", None, False, ["created"]),
        ("running", "running", False, []),
        ("running", "paused", False, []),
        ("running", "running", True, ["shut down", "created"]),
        ("running", "crashed", False, ["destroyed", "created"]),
        ("running", "never_ran", False, ["destroyed", "created"]),
        ("stopped", "never_ran", False, ["destroyed"]),
        ("stopped", None, False, []),
        ("stopped", "running", False, ["shut down"]),
        ("stopped", "shut_down", False, []),
        ("absent", None, False, []),
        ("absent", "running", False, ["shut down"]),
        ("absent", "crashed", False, ["destroyed"]),
    ],
)
def test_what_leads_to_a_state(config: str, state: str, now: str | None, restart: bool, planned: list[str]) -> None:
    it = guest(state, now, restart=restart, config=config)
    it.plan()
    assert (it.planned, it.before) == (planned, now or "absent")
    assert it.gets == ((A,) if "created" in planned else ())


def test_devices_change_while_it_runs(config: str) -> None:
    it = Guest("a", config, "running", restart=True, hot_plug=True, now=RunningDomain(3, "a", devices=(B,)))
    it.plan()
    assert it.planned == ["detached 01:00.0", "attached 00:05.0"]
    assert (it.gets, it.shown) == ((A,), "running\n01:00.0\n")
    it.foresee()
    assert it.difference()["after"] == "running\n00:05.0\n"
    assert not it.restarts_to_change
    it.failure = PcibackError("it does not follow")
    assert it.restarts_to_change


def test_an_attempt_is_noted_or_its_failure(config: str) -> None:
    def fail(_argument: str) -> None:
        raise PcibackError("no")

    it = guest("running", None, config=config)
    assert it.attempt("created", lambda _argument: None, "x") and it.actions == ["created"]
    assert not it.attempt("destroyed", fail, "x") and it.actions == ["created"]
    assert it.describe()["failure"] == "no"
