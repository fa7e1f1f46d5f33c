# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of xen_lab.py, as far as they need no machine."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from xen import image
from xen.errors import LabError

from tests.unit.lab.conftest import LAB


@pytest.fixture
def xen_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, with a home of its own."""
    spec = importlib.util.spec_from_file_location("xen_lab", LAB / "xen_lab.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "HOME", tmp_path)
    return module


def run(xen_lab: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["xen_lab.py", *words])
    status: int = xen_lab.main()
    return status


def test_a_disk_that_is_there_is_not_built_again(
    xen_lab: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    built: list[Path] = []
    found = image.Image(tmp_path / "cache/key")
    monkeypatch.setattr(image, "build", lambda wanted, _say: built.append(wanted.directory))
    for there, words, times in ((True, [], 0), (True, ["--force"], 1), (False, [], 2)):
        monkeypatch.setattr(image, "find", lambda _cache, there=there: (found, there))
        assert run(xen_lab, monkeypatch, "build", *words) == 0
        assert len(built) == times
    assert "the disk is there already" in capsys.readouterr().out


def test_without_a_disk_no_machine_starts(
    xen_lab: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(image, "find", lambda _cache: (image.Image(tmp_path / "key"), False))
    assert run(xen_lab, monkeypatch, "start") == 1
    assert capsys.readouterr().err == "xen_lab: the disk is not built; run xen_lab.py build\n"


def test_what_apt_does_not_know_is_one_sentence(
    xen_lab: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise LabError("apt knows no xen")

    monkeypatch.setattr(xen_lab.packages, "available", fail)
    assert run(xen_lab, monkeypatch, "check") == 1
    assert capsys.readouterr().err == "xen_lab: apt knows no xen\n"


def test_a_machine_that_is_off(
    xen_lab: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command, said in (("console", ""), ("stop", "it was off\n"), ("destroy", "removed; its logs are in ")):
        assert run(xen_lab, monkeypatch, command) == 0
        assert said in capsys.readouterr().out
