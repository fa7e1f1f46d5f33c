# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which loaders a host may have, by what is on its disk and what its kernel saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, NEW, OLD
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import boot_loader

OLD_LOADER = b"\0NetBSD/x86 BIOS Boot\x005.11 (Sat Apr 20 14:00:42 UTC 2024)\x009.4\0"
NEW_LOADER = OLD_LOADER.replace(b"9.4", b"11.0_RC6")
MESSAGES = """mainbus0 (root)
wd0 at atabus0 drive 0
dk0 at wd0: "root", 8388608 blocks at 264192, type: ffs
"""
EFI = 'dk1 at wd0: "EFI system", 262144 blocks at 2048, type: msdos\n'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a host that boots by BIOS, without a loader."""
    monkeypatch.setattr(boot_loader, "loader_root", lambda path: str(tmp_path) if path == "/boot.cfg" else None)
    monkeypatch.setattr(boot_loader, "kernel_messages", lambda: MESSAGES)
    return tmp_path


def test_the_loader_of_the_boot_configuration(root: Path) -> None:
    assert boot_loader.possible_loaders("/boot.cfg") == EITHER
    (root / "boot").write_bytes(OLD_LOADER)
    assert boot_loader.possible_loaders("/boot.cfg") == OLD
    assert boot_loader.possible_loaders("/mnt/boot.cfg") == EITHER
    (root / "boot").write_bytes(NEW_LOADER)
    assert boot_loader.possible_loaders("/boot.cfg") == NEW


def test_what_is_no_loader_tells_nothing(root: Path) -> None:
    (root / "boot").write_bytes(OLD_LOADER + bytes(1 << 20))
    assert boot_loader.possible_loaders("/boot.cfg") == EITHER
    (root / "boot").unlink()
    (root / "boot").mkdir()
    assert boot_loader.possible_loaders("/boot.cfg") == EITHER


def test_an_efi_partition_may_hold_another_loader(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "boot").write_bytes(OLD_LOADER)
    monkeypatch.setattr(boot_loader, "kernel_messages", lambda: MESSAGES + EFI)
    assert boot_loader.possible_loaders("/boot.cfg") == EITHER
