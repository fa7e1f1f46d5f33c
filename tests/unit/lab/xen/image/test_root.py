# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dom0's root directory: what can be told without root and apt."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from xen.errors import LabError
from xen.image import disk, root


def test_grub_probe_says_what_it_would_in_dom0(tmp_path: Path) -> None:
    probe = tmp_path / "usr/sbin/grub-probe"
    probe.parent.mkdir(parents=True)
    probe.write_text("the real one")

    def said(*arguments: str) -> str:
        return subprocess.run([probe, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    with root._as_in_dom0(tmp_path):
        assert said("--target=device", "/boot") == "/dev/vda1"
        assert said("-t", "fs_uuid", "/") == disk.FILE_SYSTEM_UUID
        assert said("--device", "/dev/vda1", "--target=fs") == "ext2"
    assert probe.read_text() == "the real one"
    assert [path.name for path in probe.parent.iterdir()] == ["grub-probe"]


def test_there_is_one_kernel(tmp_path: Path) -> None:
    (tmp_path / "usr/lib/modules/6.1.0-1-amd64").mkdir(parents=True)
    assert root.kernel_release(tmp_path) == "6.1.0-1-amd64"
    (tmp_path / "usr/lib/modules/6.1.0-2-amd64").mkdir()
    with pytest.raises(ValueError, match="too many"):
        root.kernel_release(tmp_path)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [("echo first >&2; echo last >&2; exit 1", "failed: last"), ("exit 7", "failed: exit status 7")],
)
def test_a_step_that_fails_is_one_sentence(script: str, sentence: str) -> None:
    with pytest.raises(LabError, match=sentence):
        root._run(["/bin/sh", "-c", script])
