# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new machine's folders and files."""

from __future__ import annotations

import stat

from machine import build

from tests.unit.lab.conftest import Host


def test_folders_and_devices_are_those_of_a_netbsd(host: Host) -> None:
    host.create()
    assert all((host.root / folder).is_dir() for folder in build.FOLDERS)
    assert stat.S_IMODE((host.root / "tmp").stat().st_mode) == 0o1777
    assert stat.S_IMODE((host.root / "root").stat().st_mode) == 0o700
    assert (host.root / "dev/pci7").is_file() and not (host.root / "dev/pci8").exists()


def test_a_guest_has_a_configuration_and_a_kernel(host: Host) -> None:
    host.create("--guest", "alpha", "--kernel", "/netbsd.old")
    config = (host.root / "usr/pkg/etc/xen/alpha").read_text()
    kernel = build.GUEST_KERNEL % "alpha"
    assert f'kernel = "{kernel}"' in config and 'name = "alpha"' in config
    for path in (kernel, "/netbsd.old", *build.KERNELS):
        assert (host.root / path.lstrip("/")).is_file()


def test_the_machine_is_called_as_its_directory_is(host: Host) -> None:
    host.create()
    assert host.state["name"] == host.directory.name
    assert f"hostname={host.directory.name}\n" in (host.root / "etc/rc.conf").read_text()
