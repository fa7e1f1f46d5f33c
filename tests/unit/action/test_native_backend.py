# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action asks the host first, and sends only what it lacks."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from ansible import constants
from ansible.plugins.action import ActionBase

from ansible_collections.xen.pciback.plugins.action import native_backend
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.plugin_utils.native_sources import read_sources, source_digest

Answer = dict[str, Any]
DONE = {"changed": True}


class Host:
    """A host that answers what a test wants, and keeps what it was asked and sent."""

    def __init__(self, answers: list[Answer], check: bool) -> None:
        self.answers = answers
        self.asked: list[Answer] = []
        self.archives: list[list[str]] = []
        self.modes: dict[str, int] = {}
        shell = SimpleNamespace(tmpdir="/tmp/remote", join_path=lambda *parts: "/".join(parts))
        self.action = native_backend.ActionModule.__new__(native_backend.ActionModule)
        self.action._task = SimpleNamespace(args={"prefix": "/usr/local"}, check_mode=check)
        self.action._connection = SimpleNamespace(_shell=shell)
        self.action._execute_module = self.execute
        self.action._transfer_file = self.transfer
        self.action._fixup_perms2 = lambda paths: None

    def execute(self, *, module_name: str, module_args: Answer, task_vars: Any) -> Answer:
        assert module_name == "xen.pciback.native_backend"
        self.asked.append(dict(module_args))
        return self.answers[len(self.asked) - 1]

    def transfer(self, local: str, remote: str) -> None:
        assert remote == "/tmp/remote/native.tar.gz"
        with tarfile.open(local) as tar:
            self.archives.append(tar.getnames())
            self.modes = {member.name: member.mode for member in tar}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Answer, Host]]:
    """Runs the action against a host with these answers."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))

    def call(*answers: Answer, check: bool = False, **arguments: Any) -> tuple[Answer, Host]:
        host = Host(list(answers), check)
        host.action._task.args.update(arguments)
        with mock.patch.object(ActionBase, "run", lambda self, tmp, task_vars: {}):
            return host.action.run(task_vars={"inventory_hostname": "dom0"}), host

    return call


@pytest.mark.parametrize("answer", [{"changed": False}, {"needs": "nothing"}, {"failed": True, "needs": "sources"}])
def test_a_host_that_lacks_nothing_is_asked_once(run: Callable[..., tuple[Answer, Host]], answer: Answer) -> None:
    result, host = run(answer)
    assert (result, host.archives) == (answer, [])
    assert host.asked == [{"prefix": "/usr/local", "source_sha256": source_digest(read_sources())}]


def test_check_mode_sends_nothing(run: Callable[..., tuple[Answer, Host]]) -> None:
    _result, host = run({"needs": "sources", "changed": True}, check=True)
    assert len(host.asked) == 1 and host.archives == []


def test_sources_are_sent_to_a_host_that_compiles(run: Callable[..., tuple[Answer, Host]]) -> None:
    result, host = run({"needs": "sources"}, DONE)
    assert result == DONE
    assert sorted(host.archives[0]) == sorted(read_sources())
    assert (host.asked[1]["archive"], host.asked[1]["archive_compiler"]) == ("/tmp/remote/native.tar.gz", "")


def test_binaries_are_built_for_a_host_that_can_not(
    run: Callable[..., tuple[Answer, Host]], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[Answer] = []

    def cross_build(_sources: Any, **options: Any) -> tuple[dict[str, bytes], str]:
        wanted.append(options)
        return {"usr/local/sbin/pcibackctl": b"binary"}, "zig 1"

    monkeypatch.setattr(native_backend, "cross_build", cross_build)
    result, host = run({"needs": "binaries", "target": "x86_64-netbsd", "prefix": "/usr/local"}, DONE)
    assert result == DONE and host.archives == [["usr/local/sbin/pcibackctl"]]
    assert (wanted[0]["target"], wanted[0]["prefix"], wanted[0]["flags"]) == ("x86_64-netbsd", "/usr/local", "")
    assert host.asked[1]["archive_compiler"] == "zig 1"
    assert wanted[0]["daemon"] is False


@pytest.mark.parametrize(("daemon", "built"), [(True, True), ("yes", True), (False, False), (None, False)])
def test_pcibackd_is_built_where_it_is_wanted(
    run: Callable[..., tuple[Answer, Host]], monkeypatch: pytest.MonkeyPatch, daemon: Any, built: bool
) -> None:
    wanted: list[Answer] = []

    def cross_build(_sources: Any, **options: Any) -> tuple[dict[str, bytes], str]:
        wanted.append(options)
        return {f"usr/local/sbin/{name}": b"x" for name in ("pcibackctl", "pcibackd", "pcibackd-guests")}, "zig 1"

    monkeypatch.setattr(native_backend, "cross_build", cross_build)
    _result, host = run({"needs": "binaries", "target": "x", "prefix": "/usr/local"}, DONE, daemon=daemon)
    assert wanted[0]["daemon"] is built
    assert host.modes == {f"usr/local/sbin/{name}": 0o755 for name in ("pcibackctl", "pcibackd", "pcibackd-guests")}


def test_a_build_that_fails_is_one_sentence_with_a_remedy(
    run: Callable[..., tuple[Answer, Host]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cross_build(*_arguments: Any, **_options: Any) -> None:
        raise PcibackError("no zig", remedy="install it")

    monkeypatch.setattr(native_backend, "cross_build", cross_build)
    result, host = run({"needs": "binaries", "target": "x", "prefix": "/usr/local"})
    assert result == {"failed": True, "msg": "no zig", "remedy": "install it"}
    assert len(host.asked) == 1
