# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link that arms a trial on NetBSD."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import boot_loader
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.trial import NetbsdTrials


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(boot_loader, "kernel_messages", lambda: "")
    (tmp_path / "kern/xen").mkdir(parents=True)
    (tmp_path / "kern/xen/privcmd").touch()
    (tmp_path / "kern/boottime").write_text("1795944000\n")
    (tmp_path / "xen.gz").write_bytes(b"xen")
    return tmp_path


def test_a_link_comes_and_goes(root: Path) -> None:
    trials = NetbsdTrials(run, str(root))
    trials.prepare_link("/xen.gz")
    # A run that was killed there.
    trials.prepare_link("/xen.gz")
    assert trials.used_names() == ()
    trials.arm("/t0")
    assert (root / "t0").samefile(root / "xen.gz")
    assert trials.used_names() == ("t0",)
    trials.disarm("/xen.gz")
    trials.disarm("/t0")
    trials.disarm("/t0")
    assert sorted(path.name for path in root.iterdir()) == ["kern", "xen.gz"]
    trials.prepare_link("/xen.gz")
    trials.drop_prepared()
    trials.drop_prepared()
    assert sorted(path.name for path in root.iterdir()) == ["kern", "xen.gz"]


def test_where_there_are_no_links(root: Path) -> None:
    trials = NetbsdTrials(run, str(root))
    with pytest.raises(PcibackError, match=r"no trial can be made, because /other\.gz can't get a hard link") as caught:
        trials.prepare_link("/other.gz")
    assert "a plain reboot" in (caught.value.remedy or "")
    with pytest.raises(PcibackError, match="the next boot is no trial, because /t can't be made"):
        trials.arm("/t")


def test_what_hinders_a_trial(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = NetbsdTrials(run, str(root))
    assert trials.obstacle() is None
    said = "pciback-trial: Xen gives dom0 no watchdog (Function not implemented), so nothing would undo a trial\n"
    refused = NetbsdTrials(lambda *_argv, **_more: (1, "", said), str(root)).obstacle()
    assert refused is not None
    assert refused.code == "no-watchdog"
    assert refused.reason.startswith("Xen gives dom0 no watchdog (Function not implemented)")
    assert trials.boot_time() == 1795944000
    monkeypatch.setattr(boot_loader, "kernel_messages", lambda: "dk0 at wd0: EFI, 1 blocks at 2, type: msdos\n")
    efi = trials.obstacle()
    assert efi is not None
    assert efi.code == "efi"
    assert "may boot by EFI, whose loader prefers a boot.cfg" in efi.reason
    (root / "kern/xen/privcmd").unlink()
    (root / "kern/boottime").unlink()
    without = trials.obstacle()
    assert without is not None
    assert without.code == "no-watchdog"
    assert "Xen's watchdog is asked for through /kern/xen/privcmd" in without.reason
    assert trials.boot_time() is None
