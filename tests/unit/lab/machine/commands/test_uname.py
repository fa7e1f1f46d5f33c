# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uname(1) and hostname(1)."""

from __future__ import annotations

from tests.unit.lab.conftest import Host


def test_uname_is_netbsds(host: Host) -> None:
    host.create()
    assert host.run("uname", "-srm").stdout == "NetBSD 7.99.10 amd64\n"
    whole = host.run("uname", "-a").stdout
    assert (
        whole
        == "NetBSD dom0 7.99.10 NetBSD 7.99.10 (XEN3_DOM0) #0: Sun Nov 22 17:04:00 UTC 2026  root@vm:BUILD amd64\n"
    )
    assert host.run("uname", "-z").returncode == 1
