# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sysctl(8): what tells a dom0."""

from __future__ import annotations

from tests.unit.lab.conftest import Host


def test_sysctl_of_what_tells_a_dom0(host: Host) -> None:
    host.create()
    done = host.run("/sbin/sysctl", "hw.ncpu", "kern.nothing", "kern.ostype")
    assert (done.stdout, done.returncode) == ("hw.ncpu = 1\n", 1)
    assert done.stderr == "sysctl: second level name 'nothing' in 'kern.nothing' is invalid\n"
    top = host.run("/sbin/sysctl", "-n", "nothing.at.all")
    assert top.stderr == "sysctl: top level name 'nothing' in 'nothing.at.all' is invalid\n"
    assert host.run("/sbin/sysctl", "hw.physmem64").stdout == f"hw.physmem64 = {512 * 1024 * 1024}\n"
    assert host.run("/sbin/sysctl", "-a").stdout.count("\n") >= 15
