# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's kernel is looked at, whatever is at its path."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import guest_kernel
from ansible_collections.xen.pciback.plugins.module_utils.host.guest_kernel import read_kernel


def test_plain_compressed_and_linked(tmp_path: Path) -> None:
    (tmp_path / "netbsd").write_bytes(b"kernel")
    (tmp_path / "netbsd.gz").write_bytes(gzip.compress(b"kernel"))
    (tmp_path / "link").symlink_to("netbsd.gz")
    assert [read_kernel(str(tmp_path / name)) for name in ("netbsd", "netbsd.gz", "link")] == [b"kernel"] * 3


def test_what_is_no_kernel(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8bnothing")
    for name in ("pipe", "broken.gz", "missing", ".", "nul\0"):
        assert read_kernel(str(tmp_path / name)) is None


def test_nothing_larger_than_a_kernel_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guest_kernel, "MOST_BYTES", 10)
    for size, taken in ((10, True), (11, False)):
        (tmp_path / "plain").write_bytes(b"x" * size)
        assert (read_kernel(str(tmp_path / "plain")) is not None) == taken
    # Compressed, these bytes are more than the few that are allowed here.
    monkeypatch.setattr(guest_kernel, "MOST_BYTES", 1000)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * 100_000))
    assert read_kernel(str(tmp_path / "bomb.gz")) is None
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"x" * 1000))
    assert read_kernel(str(tmp_path / "bomb.gz")) == b"x" * 1000
