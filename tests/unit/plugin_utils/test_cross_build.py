# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps the controller from building, and how it builds; that it does is seen by tests/integration/test_cross_build.py."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.plugin_utils import cross_build

WHERE = {"target": "x86_64-netbsd", "prefix": "/usr/local", "flags": ""}


def test_without_zig_the_remedy_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(cross_build.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(cross_build.shutil, "which", lambda name: None)
    with pytest.raises(PcibackError) as caught:
        cross_build.cross_build({}, **WHERE, daemon=False, workspace=str(tmp_path))
    assert str(caught.value) == "the native component is to be built on the controller, which has no zig for that"
    assert caught.value.remedy == (
        "run 'pip install ziglang' beside ansible-core on the controller; or let the host build: a C compiler and make "
        "there (NetBSD's comp set), and method 'auto' or 'host'"
    )


def test_without_make_zig_is_not_blamed(monkeypatch, tmp_path):
    monkeypatch.setattr(cross_build.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(cross_build.shutil, "which", lambda name: None)
    with pytest.raises(PcibackError) as caught:
        cross_build.cross_build({}, **WHERE, daemon=False, workspace=str(tmp_path))
    assert str(caught.value) == "the native component is to be built on the controller, which has no make for that"
    assert caught.value.remedy.startswith("install make on the controller; or let the host build: ")


def test_it_is_built_with_all_processors_and_then_installed(monkeypatch, tmp_path):
    """Either make takes "-j" and a number."""
    called = []
    monkeypatch.setattr(cross_build.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(cross_build.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(cross_build.os, "cpu_count", lambda: 3)
    monkeypatch.setattr(cross_build, "run", lambda argv: called.append(argv) or (0, "", ""))
    cross_build.cross_build({"Makefile": b"all:\n"}, **WHERE, daemon=True, workspace=str(tmp_path))
    build, install, _version = called
    assert build[-3:] == ["-j3", "control", "build/pcibackd"]
    assert [word for word in install if word.startswith("-j")] == []
    assert "install" in install
