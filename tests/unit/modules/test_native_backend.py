# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around engines/native_component.py; test_links and test_crashes install with it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import Outcome
from ansible_collections.xen.pciback.plugins.modules import native_backend
from ansible_collections.xen.pciback.plugins.modules.native_backend import main
from tests.service_host import KINDS, SOURCES, ServiceHost
from tests.unit.module_call import call


def test_it_needs_its_action_plugin() -> None:
    result = call(main, {})
    assert result["failed"] and "call this module as xen.pciback.native_backend" in result["msg"]


@pytest.mark.parametrize("option", ["prefix", "state_directory", "record", "originals", "lock"])
def test_a_relative_path_is_refused(option: str) -> None:
    assert f"option '{option}' is 'db'" in call(main, {option: "db", "source_sha256": "a" * 64})["msg"]


def test_it_says_what_the_host_lacks(tmp_path: Path) -> None:
    result = call(main, {"prefix": str(tmp_path), "source_sha256": "a" * 64, "method": "cross", "target": "x"})
    assert (result["changed"], result["needs"], result["target"]) == (True, "binaries", "x")
    assert result["reason"].startswith("nothing of it is recorded in ")


def test_what_is_not_there_is_absent() -> None:
    result = call(main, {"state": "absent"})
    assert (result["changed"], result["removed"], result["diff"]) == (False, [], [])


def test_a_record_for_the_kernels_backend_leaves_pcibackd_alone(tmp_path: Path) -> None:
    record = {"backend": "kernel", "devices": ["0000:03:00.0,id=8086:10d3"]}
    options = {"prefix": str(tmp_path), "source_sha256": "a" * 64, "state_directory": str(tmp_path / "db")}
    with mock.patch.object(native_backend, "bring", return_value=Outcome({"changed": False})) as bring:
        # One of pcibackd goes with it; where it will be another one by then, check mode foresees nothing.
        call(main, {**options, "daemon": True, "attachments": {**record, "backend": "native"}})
        assert call(main, options, check=True)["changed"]
        assert not call(main, {**options, "after_reboot": True}, check=True)["changed"]
        done = call(main, {**options, "attachments": record})
        assert bring.call_args.args[-1].keeps_daemon and done["changed"]
        assert b"backend\tkernel\n" in (tmp_path / "db/attachments").read_bytes()
        # Of a record for both, pcibackd's part goes, of which check mode before the reboot knows nothing.
        call(main, {**options, "daemon": True, "attachments": {**record, "beside_native": True}})
        gone = call(main, {**options, "after_reboot": True})
        # The other way pcibackd waits for the boot, and the kernel's part stays.
        both = {**record, "backend": "native", "beside_kernel": True}
        call(main, {**options, "daemon": True, "start": False, "attachments": both})
        assert (bring.call_args.args[-1].start, bring.call_args.args[-1].keeps_daemon) == (False, False)
        assert (tmp_path / "db/attachments").read_bytes().count(b"device\t0000:03:00.0,id=8086:10d3\n") == 2
        call(main, {**options, "daemon": True, "attachments": {**both, "beside_kernel": False}})
    assert gone["changed"] and "diff" not in gone
    assert b"backend\tnative" not in (tmp_path / "db/attachments").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_pcibackd_comes_and_goes(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = ServiceHost(tmp_path / "root", kind)
    monkeypatch.setattr(native_backend, "run", host.run)
    prefix = host.root / "local"
    wanted = {
        "prefix": str(prefix),
        "state_directory": str(tmp_path / "db"),
        "source_sha256": "a" * 64,
        "method": "cross",
        "target": "x",
        "daemon": True,
        "_ansible_tmpdir": str(tmp_path),
    }
    archive = tmp_path / "native.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("sbin/pcibackctl", "sbin/pcibackd", "sbin/pcibackd-guests", f"share/xen-pciback/{SOURCES[kind]}"):
            member = tarfile.TarInfo(f"{prefix}/{name}".lstrip("/"))
            member.size = 64
            tar.addfile(member, io.BytesIO(b"a" * 64))
    with host.in_place():
        assert call(main, wanted)["needs"] == "binaries"
        done = call(main, {**wanted, "archive": str(archive), "archive_compiler": "zig"})
        assert (done["changed"], done["outdated"]) == (True, "") and host.running
        for check in (True, False):
            again = call(main, wanted, check=check)
            assert (again["changed"], again["needs"], again["outdated"]) == (False, "nothing", "")
        host.begin("b" * 64, guests=[3])
        outdated = call(main, wanted)
        assert outdated["changed"] is False and outdated["outdated"] in json.dumps(outdated["warnings"])
        assert call(main, {**wanted, "state": "absent"})["msg"].endswith("while domains have devices of it: 3")
        host.begin("b" * 64, taken=["0000:03:00.0"])
        gone = call(main, {**wanted, "state": "absent"})
    assert gone["changed"] and host.running is None
    assert "nobody can give these devices back to dom0 before it reboots" in json.dumps(gone["warnings"])
    assert [path for path in host.root.rglob("*") if not path.is_dir()] == []
