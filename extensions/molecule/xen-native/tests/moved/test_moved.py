# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The card goes to the other guest; the one that had it starts anew, because it could reach it still, and has the disk again
that dom0 had since that was removed. pcibackd is killed."""

from __future__ import annotations

import pytest

MACS = {"52:54:00:12:34:10", "52:54:00:12:34:12"}


@pytest.fixture(scope="module")
def dom0(look_until):
    return look_until(
        lambda seen: (
            seen.answered("firewall") == MACS
            and seen.guest_drivers("storage") == {"1b36:0010": "nvme"}
            and seen.reports["storage"]["disks"]
        )
    )


def test_each_guest_drives_what_is_its(dom0):
    assert dom0.guest_drivers("firewall") == {"8086:100e": "e1000", "8086:10d3": "e1000e"}
    assert dom0.answered("firewall") == MACS
    assert dom0.guest_drivers("storage") == {"1b36:0010": "nvme"}
    assert [disk["begins"] for disk in dom0.reports["storage"]["disks"]] == ["xen-lab-nvme"]


def test_only_the_one_that_lost_it_was_restarted(dom0):
    assert dom0.numbers["firewall"] == 1
    assert dom0.numbers["storage"] > 2


def test_dom0_was_never_rebooted(dom0, host):
    assert dom0.boot == host.check_output("cat /proc/sys/kernel/random/boot_id")
    assert "xen-pciback" not in dom0.command_line


def test_a_pcibackd_after_one_that_was_killed_serves_the_same_guests(dom0, host, process, look_until):
    """The guests' devices were reset, so their drivers have to start anew; the reboot of dom0 that follows does that."""

    def given(seen):
        return {number: set(devices) for number, devices in seen.served.items()}

    host.check_output(f"kill -KILL {process}; while pidof pcibackd; do sleep 0.2; done")
    host.check_output("/etc/init.d/pcibackd start")
    after = look_until(lambda seen: given(seen) == given(dom0))
    assert (given(after), after.numbers) == (given(dom0), dom0.numbers)
