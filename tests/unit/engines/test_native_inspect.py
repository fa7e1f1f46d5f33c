# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an installed native component is trusted."""

from __future__ import annotations

import json
import stat

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState
from tests.unit.engines.native import remove


def inspect(installed, **changes):
    prefix, record = installed
    wanted = {"source_sha256": "a" * 64, "compiler": "cc 12.2.0", "flags": "", **changes}
    return native_inspect.inspect(StateDirectory(str(record.parent)), prefix=str(prefix), **wanted)


def test_what_was_installed_is_ready(installed):
    assert inspect(installed).ready
    assert stat.S_IMODE((installed[0] / "sbin/pcibackctl").stat().st_mode) == 0o755
    assert stat.S_IMODE((installed[0] / "man/x.8").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source_sha256": "b" * 64}, "its sources have changed"),
        ({"compiler": "cc 13.0.0"}, "the host's compiler has changed"),
        ({"flags": "-O3"}, "its compiler flags have changed"),
    ],
)
def test_changed_origin_needs_a_new_build(installed, changes, reason):
    assert inspect(installed, **changes) == NativeState(False, reason)


def test_what_is_not_asked_for_does_not_matter(installed):
    assert inspect(installed, source_sha256=None, compiler=None, flags=None).ready


@pytest.mark.parametrize("name", ["sbin/pcibackctl", "man/x.8"])
def test_tampered_and_missing_files_are_named(installed, name):
    path = installed[0] / name
    path.write_bytes(b"something else")
    assert inspect(installed).reason == f"{path} is not the file that was installed and checked"
    path.unlink()
    assert inspect(installed).reason == f"{path} is missing"
    path.symlink_to("/bin/true")
    assert inspect(installed).reason == f"{path} is missing", "a link is not the installed file"


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"schema": "xen.pciback/native/2"}', '{"schema": 1', "\xff"])
def test_a_record_that_can_not_be_understood_verifies_nothing(installed, text):
    record = installed[1]
    record.unlink()
    if text is not None:
        record.write_text(text, encoding="latin-1")
    assert inspect(installed).reason == f"nothing of it is recorded in {record}"


@pytest.mark.parametrize("files", [5, None, ["/usr/local/sbin/pcibackctl"], {"sbin/pcibackctl": "0" * 64}, {"/x": 1}])
def test_a_record_of_other_types_verifies_nothing(installed, files):
    prefix, record = installed
    document = {**json.loads(record.read_text()), "files": files}
    record.write_text(json.dumps(document))
    assert inspect(installed).reason == f"nothing of it is recorded in {record}"
    record.with_name("originals.json").unlink()
    assert remove(record).paths == (str(record),)
    assert (prefix / "sbin/pcibackctl").exists()


def test_other_prefix(installed, tmp_path):
    state = native_inspect.inspect(StateDirectory(str(installed[1].parent)), prefix=str(tmp_path / "other"))
    assert "was not installed under" in state.reason


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ((0, "cc (nb3 20190319) 7.4.0\nCopyright\n", ""), "cc (nb3 20190319) 7.4.0"),
        ((0, "", ""), None),
        ((1, "x", ""), None),
    ],
)
def test_the_version_is_the_first_line(answer, version):
    assert native_inspect.compiler_version(lambda argv: answer, "/usr/bin/cc") == version
    assert native_inspect.compiler_version(lambda argv: answer, None) is None
