# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side asks the host first, and sends only what it lacks."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.action import native_backend
from ansible_collections.xen.pciback.plugins.action.native_backend import ActionModule
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


class Action(ActionModule):
    """The plugin with a host that answers what a test says."""

    def __init__(self, answers: list[dict[str, Any]], check: bool = False) -> None:
        shell = SimpleNamespace(join_path=os.path.join, tmpdir="/remote/tmp")
        self._connection = SimpleNamespace(_shell=shell)
        self._task = SimpleNamespace(args={"prefix": "/usr/local"}, check_mode=check)
        self.answers = answers
        self.asked: list[dict[str, Any]] = []
        self.sent: list[str] = []

    def _execute_module(self, **call: Any) -> dict[str, Any]:
        self.asked.append(call["module_args"].copy())
        return self.answers[len(self.asked) - 1]

    def _transfer_file(self, local: str, remote: str) -> str:
        with tarfile.open(local) as tar:
            self.sent = tar.getnames()
        return remote

    def _fixup_perms2(self, paths: Any, **more: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def controller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native_backend.ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(native_backend.C, "DEFAULT_LOCAL_TMP", str(tmp_path))


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        ({"changed": False, "needs": "nothing"}, False),
        ({"failed": True, "msg": "no", "needs": "sources"}, False),
        ({"changed": True, "needs": "sources"}, True),
    ],
)
def test_nothing_is_sent_where_nothing_is_to_be_done(answer: dict[str, Any], check: bool) -> None:
    action = Action([answer], check)
    assert action.run() == answer
    assert len(action.asked) == 1 and len(action.asked[0]["source_sha256"]) == 64


def test_sources_are_sent_to_a_host_that_can_build() -> None:
    action = Action([{"needs": "sources"}, {"changed": True, "needs": "nothing"}])
    assert action.run()["changed"]
    assert "Makefile" in action.sent
    assert action.asked[1]["archive"] == "/remote/tmp/native.tar.gz" and action.asked[1]["archive_compiler"] == ""


def test_binaries_are_built_for_a_host_that_can_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_sources: Any, **wanted: Any) -> tuple[dict[str, bytes], str]:
        assert (wanted["target"], wanted["prefix"], wanted["flags"]) == ("x86_64-netbsd", "/usr/local", "")
        return {"usr/local/sbin/pcibackctl": b"x"}, "zig 0.13"

    monkeypatch.setattr(native_backend, "cross_build", build)
    needs = {"needs": "binaries", "target": "x86_64-netbsd", "prefix": "/usr/local"}
    action = Action([needs, {"changed": True, "needs": "nothing"}])
    assert action.run()["changed"]
    assert (action.sent, action.asked[1]["archive_compiler"]) == (["usr/local/sbin/pcibackctl"], "zig 0.13")


def test_a_build_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_sources: Any, **_wanted: Any) -> Any:
        raise PcibackError("building failed", remedy="look")

    monkeypatch.setattr(native_backend, "cross_build", build)
    action = Action([{"needs": "binaries", "target": "x", "prefix": "/usr/local"}])
    assert action.run() == {"failed": True, "msg": "building failed", "remedy": "look"}
