# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the native component is built on a host, or checked there."""

from __future__ import annotations

import io
import tarfile

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_build
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


def archive(tmp_path, *members):
    path = tmp_path / "archive.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.size = 3 if kind == tarfile.REGTYPE else 0
            member.linkname = "/etc/passwd"
            tar.addfile(member, io.BytesIO(b"abc"))
    return str(path)


def test_unpack(tmp_path):
    target = tmp_path / "target"
    native_build.unpack(archive(tmp_path, ("core/a.c", tarfile.REGTYPE)), str(target))
    assert (target / "core/a.c").read_bytes() == b"abc"


@pytest.mark.parametrize(
    "member",
    [
        ("/etc/passwd", tarfile.REGTYPE),
        ("../x", tarfile.REGTYPE),
        ("a/../../x", tarfile.REGTYPE),
        ("x", tarfile.SYMTYPE),
    ],
)
def test_unpack_refuses_what_leaves_the_directory(tmp_path, member):
    with pytest.raises(PcibackError, match="not a plain file below it"):
        native_build.unpack(archive(tmp_path, member), str(tmp_path / "target"))
    assert not (tmp_path / "x").exists()


def test_a_failing_step_shows_its_last_lines():
    def run(argv, cwd=None):
        return (2, "one\ntwo\n", "core.c:3: error: no such thing\n") if "check-control" in argv else (0, "", "")

    with pytest.raises(PcibackError) as caught:
        native_build.build(
            run, "/src", "/stage", prefix="/usr/local", make="make", daemon=False, variables={"CC": "cc"}
        )
    assert str(caught.value).startswith(
        "'make check-control' of the native component failed: one | two | core.c:3: error"
    )


@pytest.mark.parametrize(("daemon", "targets"), [(False, ["control"]), (True, ["control", "build/pcibackd"])])
def test_steps_and_their_arguments(daemon, targets):
    steps = []

    def run(argv, cwd=None):
        steps.append((argv, cwd))
        return 0, "", ""

    variables = {"CFLAGS": "-O2 -g", "CC": "cc"}
    where = {"prefix": "/usr/local", "make": "make"}
    native_build.build(run, "/src", "/stage", **where, daemon=daemon, variables=variables)
    settings = ["CC=cc", "CFLAGS=-O2 -g"]
    assert steps == [
        (["make", *targets, *settings], "/src"),
        (["make", "check-control", *settings], "/src"),
        (["make", "install", "PREFIX=/usr/local", "DESTDIR=/stage", *settings], "/src"),
    ]


def test_selftest_that_does_not_run_here():
    with pytest.raises(PcibackError, match=r"selftest' failed with status 127: /x: Exec format error"):
        native_build.selftest(lambda argv: (127, "", "/x: Exec format error"), "/x")


def test_pcibackd_that_does_not_run_here():
    with pytest.raises(PcibackError, match="'/d --version' failed with status 127: /d: Exec format error"):
        native_build.selftest(lambda argv: (127 * (argv[0] == "/d"), "", "/d: Exec format error"), "/x", "/d")


@pytest.mark.parametrize(
    ("uname", "target"),
    [
        ("NetBSD amd64\n", "x86_64-netbsd"),
        ("NetBSD i386\n", "x86-netbsd"),
        ("Linux x86_64\n", "x86_64-linux-musl"),
        ("Linux aarch64\n", "aarch64-linux-musl"),
    ],
)
def test_zig_has_its_own_words_for_a_system(uname, target):
    assert native_build.zig_target(lambda argv: (0, uname, ""), "/usr/bin/uname", daemon=False) == target


@pytest.mark.parametrize(
    ("uname", "target"),
    [
        ("NetBSD amd64\n", "x86_64-netbsd"),
        ("Linux x86_64\n", "x86_64-linux-gnu.2.28"),
        ("Linux aarch64\n", "aarch64-linux-gnu.2.28"),
    ],
)
def test_pcibackd_is_never_static(uname, target):
    assert native_build.zig_target(lambda argv: (0, uname, ""), "/usr/bin/uname", daemon=True) == target
    native_build.check_target(target)


def test_a_target_for_which_pcibackd_would_be_static():
    with pytest.raises(PcibackError) as caught:
        native_build.check_target("x86_64-linux-musl")
    assert str(caught.value) == (
        "a pcibackd that is built for x86_64-linux-musl is static, and can't load Xen's libraries"
    )
    assert caught.value.remedy == "name a target with glibc, such as x86_64-linux-gnu.2.28, or none"


@pytest.mark.parametrize("uname", ["SunOS i86pc\n", "NetBSD vax\n", ""])
def test_a_system_that_zig_does_not_know(uname):
    with pytest.raises(PcibackError, match=f"no build for '{uname.strip()}' is known") as caught:
        native_build.zig_target(lambda argv: (0, uname, ""), "/usr/bin/uname", daemon=False)
    assert "name the system with target" in caught.value.remedy
