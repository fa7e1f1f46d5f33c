# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image belongs to the lab, and when it counts as built."""

from __future__ import annotations

from pathlib import Path

import pytest
from xen import image
from xen.image import packages


def test_an_image_is_built_if_all_that_is_kept_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "available", lambda: {"xen-utils-4.17": "1"})
    found, built = image.find(tmp_path)
    assert found.directory.parent == tmp_path and not built
    found.directory.mkdir()
    for name in image.KEPT:
        assert not image.find(tmp_path)[1]
        (found.directory / name).touch()
    assert image.find(tmp_path) == (found, True)
    assert {found.disk.name, found.identity.name, found.known_host.name} <= set(image.KEPT)
    monkeypatch.setattr(packages, "available", lambda: {"xen-utils-4.17": "2"})
    other, built = image.find(tmp_path)
    assert other != found and not built


def test_building_removes_what_is_outdated_and_comes_into_place_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = ("install", "configure", "keep_bytecode", "repack_kernel", "write_grub_cfg")
    for name in steps:
        monkeypatch.setattr(image.root, name, lambda tree, *_more: tree.mkdir(exist_ok=True))
    monkeypatch.setattr(image.guest, "install", lambda _tree: None)
    monkeypatch.setattr(image.disk, "write", lambda _tree, target: target.write_bytes(b"disk"))
    monkeypatch.setattr(packages, "available", lambda: {"a": "1"})
    (tmp_path / "old").mkdir()
    said: list[str] = []
    image.build(image.Image(tmp_path / "new"), said.append)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["disk.img", "versions.json"]
    assert len(said) == 6
