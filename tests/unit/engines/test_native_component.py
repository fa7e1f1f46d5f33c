# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The native component comes to a host, in two calls, and goes."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import NativeRequest, bring, remove
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory


class Host:
    """A host with some tools, whose make makes pcibackctl."""

    def __init__(self, folder: Path, *tools: str) -> None:
        self.folder = folder
        self.tools = tools
        self.calls: list[list[str]] = []
        self.state = StateDirectory(str(folder / "db"))
        self.request = NativeRequest(
            prefix=str(folder / "local"),
            source_sha256="a" * 64,
            method="auto",
            target=None,
            flags="",
            archive=None,
            archive_compiler="",
            scratch=str(folder),
            who="test",
            check_mode=False,
        )

    def find(self, name: str, opt_dirs: object = None, required: bool = False) -> str | None:
        return f"/usr/bin/{name}" if name in self.tools or required else None

    def run(self, argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        self.calls.append(argv)
        if argv[-1] == "--version":
            return 0, "cc 12.2.0\n", ""
        if argv[-1] == "-sm":
            return 0, "NetBSD amd64\n", ""
        if argv[:2] == ["/usr/bin/make", "install"]:
            settings = dict(word.split("=", 1) for word in argv[2:])
            target = Path(settings["DESTDIR"] + settings["PREFIX"]) / "sbin/pcibackctl"
            target.parent.mkdir(parents=True)
            target.write_bytes(b"built")
        return 0, "", ""

    def archive(self, name: str, data: bytes) -> str:
        path = self.folder / "archive.tar"
        with tarfile.open(path, "w") as tar:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        return str(path)

    def bring(self, **changes: object) -> dict[str, object]:
        return dict(bring(self.run, self.find, self.state, replace(self.request, **changes)).values)  # type: ignore[arg-type]

    @property
    def control(self) -> Path:
        return self.folder / "local/sbin/pcibackctl"


def test_a_host_with_a_compiler_needs_sources_and_builds_them(tmp_path: Path) -> None:
    host = Host(tmp_path, "cc", "make")
    asked = host.bring()
    assert (asked["changed"], asked["needs"]) == (True, "sources")
    done = host.bring(archive=host.archive("core/a.c", b"int a;"))
    assert (done["changed"], done["needs"], done["method"], done["compiler"]) == (True, "nothing", "host", "cc 12.2.0")
    assert host.control.read_bytes() == b"built"
    steps = [call[1] for call in host.calls if call[0] == "/usr/bin/make"]
    assert steps == ["control", "check-control", "install"]
    assert host.calls[-2][1:] == ["selftest"]
    assert host.bring() == {"changed": False, "reason": "", "needs": "nothing"}
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar", "local", "db"] or len(
        list(tmp_path.iterdir())
    ) == 3


def test_a_host_without_one_needs_binaries(tmp_path: Path) -> None:
    host = Host(tmp_path)
    asked = host.bring()
    assert (asked["needs"], asked["target"], asked["prefix"]) == ("binaries", "x86_64-netbsd", f"{tmp_path}/local")
    assert host.bring(target="aarch64-netbsd")["target"] == "aarch64-netbsd"
    archive = host.archive(str(host.control).lstrip("/"), b"sent")
    done = host.bring(archive=archive, archive_compiler="zig 0.13")
    assert (done["method"], done["compiler"]) == ("cross", "zig 0.13")
    assert host.control.read_bytes() == b"sent"


@pytest.mark.parametrize(("tool", "lacks"), [("cc", "make"), ("make", "C compiler")])
def test_a_host_that_is_to_build_and_can_not(tmp_path: Path, tool: str, lacks: str) -> None:
    with pytest.raises(PcibackError, match=f"the host has no {lacks}"):
        Host(tmp_path, tool).bring(method="host")


def test_it_goes_without_a_trace(tmp_path: Path) -> None:
    host = Host(tmp_path, "cc", "make")
    host.bring(archive=host.archive("core/a.c", b"int a;"))
    foreseen = remove(host.state, who="test", check_mode=True)
    assert host.control.exists()
    done = remove(host.state, who="test", check_mode=False)
    assert dict(foreseen.values) == dict(done.values)
    assert str(host.control) in done.values["removed"] and done.values["changed"]
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar"]
    assert remove(host.state, who="test", check_mode=False).values["changed"] is False
