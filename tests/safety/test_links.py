# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A symbolic link in the place of a file is refused: one sentence, and nothing changed, least of all its target."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.modules import boot_hide, domain_pci, native_backend
from tests.crash import FileState, tree
from tests.unit.host.netbsd.boot_cfgs import CARD
from tests.unit.module_call import call

ROOT = Path(__file__).parent.parent.parent
PCIBACKCTL = Path(os.environ.get("PCIBACKCTL", str(ROOT / "native/build/pcibackctl")))


def run_boot_hide(host: Path) -> dict[str, Any]:
    places = {
        "path": f"{host}/boot.cfg",
        "state_directory": f"{host}/db",
    }
    return call(boot_hide.main, {**places, "devices": ["03:00.0"], "pins": {"0000:03:00.0": CARD}, "backup": True})


def run_domain_pci(host: Path) -> dict[str, Any]:
    devices = {"a": "03:00.0", "b": "04:00.0"}
    domains = [{"config": f"{host}/{name}", "devices": [{"address": bdf}]} for name, bdf in devices.items()]
    return call(
        domain_pci.main,
        {"domains": domains, "state_directory": f"{host}/db", "backup": True},
    )


def run_native_backend(host: Path) -> dict[str, Any]:
    archive = host.parent / "native.tar"
    with tarfile.open(archive, "w") as tar:
        for name, data in (("sbin/pcibackctl", PCIBACKCTL.read_bytes()), ("man/man8/pcibackctl.8", b"text")):
            member = tarfile.TarInfo(f"{host}/local/{name}".lstrip("/"))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    options = {"source_sha256": "a" * 64, "method": "cross", "archive": str(archive), "archive_compiler": "zig"}
    places = {
        "prefix": f"{host}/local",
        "state_directory": f"{host}/db",
    }
    return call(native_backend.main, {**options, **places, "_ansible_tmpdir": str(host.parent)})


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    for directory in ("db", "local/sbin", "local/man/man8"):
        (root / directory).mkdir(parents=True)
    (root / "boot.cfg").write_text("menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz\n")
    for name in "ab":
        (root / name).write_text(f"name = '{name}'\n")
    return root


PLACES = [
    (run_boot_hide, "boot.cfg"),
    (run_boot_hide, "db/pins.json"),
    (run_boot_hide, "db/lock"),
    (run_boot_hide, "db/originals.json"),
    (run_domain_pci, "b"),
    (run_domain_pci, "db/originals.json"),
    (run_domain_pci, "db/lock"),
    (run_native_backend, "local/sbin/pcibackctl"),
    (run_native_backend, "local/man/man8/pcibackctl.8"),
    (run_native_backend, "db/native.json"),
    (run_native_backend, "db/originals.json"),
    (run_native_backend, "db/lock"),
]


@pytest.mark.parametrize(("module", "place"), PLACES)
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_refused(host: Path, tmp_path: Path, module: Any, place: str, dangling: bool) -> None:
    link, target = host / place, tmp_path / "target"
    if not dangling:
        target.write_bytes(link.read_bytes() if link.exists() else b"")
    link.unlink(missing_ok=True)
    link.symlink_to(target)

    def state() -> tuple[dict[str, FileState], bool, bytes | None]:
        link.unlink()
        files = tree(host)
        link.symlink_to(target)
        return files, target.exists(), target.read_bytes() if target.exists() else None

    before = state()
    result = module(host)
    assert result["failed"]
    assert f"{link}: it is a symbolic link" in result["msg"]
    assert link.is_symlink()
    assert state() == before
