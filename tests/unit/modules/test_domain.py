# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around engines/guests.py: its arguments, its lock, and how it fails."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.modules import domain
from tests.unit.module_call import call
from tests.xl_double import XlDouble


class Host(Netbsd):
    """A host whose xl gives devices to guests, so that nothing but xl is asked."""

    backends: ClassVar = {"kernel": replace(Netbsd.backends["kernel"], xl_gives=True)}


@pytest.fixture
def xl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> XlDouble:
    double = XlDouble(tmp_path)
    monkeypatch.setattr(domain, "run", double.run)
    monkeypatch.setattr(platforms, "here", Host)
    (tmp_path / "a.cfg").write_text("name = 'a'\npci = [ '00:05.0,permissive=yes' ]\n")
    return double


def run(xl: XlDouble, *domains: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    return call(domain.main, {"domains": list(domains), "xl": str(xl.path), **more}, check=check)


def test_needs_a_file_to_start_one(xl: XlDouble) -> None:
    assert "state is running but all of the following are missing: config" in run(xl, {"name": "x"})["msg"]


def test_starts_a_guest_under_the_lock(xl: XlDouble, directory: Path) -> None:
    wish = {"name": "a", "config": f"{xl.home}/a.cfg"}
    foreseen = run(xl, wish, check=True)
    assert (foreseen["changed"], xl.deeds, directory.exists()) == (True, [], False)
    result = run(xl, wish)
    assert (result["changed"], xl.deeds) == (True, [f"create {xl.home}/a.cfg"])
    assert "means 0 to xl" in str(result["warnings"])
    assert run(xl, wish)["changed"] is False


def test_fails_with_what_was_done(xl: XlDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(time, "sleep", lambda _pause: None)
    xl.add("b", habit="ignores")
    result = run(xl, {"name": "b", "state": "stopped"}, timeout=1)
    assert result["failed"] and result["msg"] == "guest b was asked to shut down and still runs after 1 s"
    assert "destroy it with 'state: absent'" in result["remedy"] and result["code"] is None
    assert result["domains"][0]["failure"] == result["msg"]


def test_fails_without_xl(xl: XlDouble) -> None:
    xl.path = xl.home / "elsewhere"
    result = call(domain.main, {"domains": [{"name": "a", "state": "stopped"}], "xl": f"{xl.home}/xl"})
    assert (result["failed"], result["remedy"]) == (True, "give the right path as 'xl'")


def test_after_a_reboot_check_mode_takes_guests_for_absent_and_the_run_looks(xl: XlDouble) -> None:
    wish = {"name": "a", "config": f"{xl.home}/a.cfg"}
    run(xl, wish)
    assert run(xl, wish, check=True)["domains"][0]["actions"] == []
    foreseen = run(xl, wish, check=True, after_reboot=True)
    assert [foreseen["domains"][0][key] for key in ("before", "after", "actions")] == ["absent", "running", ["created"]]
    # The host has started it while it booted.
    assert run(xl, wish, after_reboot=True)["domains"][0]["actions"] == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"timeout": 0}, "'timeout' is 0, and has to be from 1 to 86400 seconds"),
        ({"timeout": 86401}, "'timeout' is 86401, and has to be from 1 to 86400 seconds"),
        ({"frontend_timeout": -1}, "'frontend_timeout' is -1, and has to be from 0 to 86400 seconds"),
    ],
)
def test_times_have_ranges_and_nothing_is_asked_before(xl: XlDouble, options: dict[str, int], sentence: str) -> None:
    xl.add("b")
    result = run(xl, {"name": "b", "state": "stopped"}, **options)
    assert (result["failed"], result["msg"], xl.deeds) == (True, sentence, [])
