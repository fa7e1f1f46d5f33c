# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drivers of Linux let go of devices and get them back, seen in sysfs."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import drivers
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.drivers import LinuxDrivers
from tests.unit.linux_modules import CARD, Dom0

ADDRESS = parse_address(CARD)


@pytest.fixture
def linux(dom0: Dom0) -> LinuxDrivers:
    return LinuxDrivers(dom0.run, str(dom0.sys))


def test_a_driver_lets_go_and_gets_it_back(linux: LinuxDrivers) -> None:
    assert linux.holder(ADDRESS) == "e1000"
    linux.detach(ADDRESS, "e1000")
    assert linux.holder(ADDRESS) is None
    linux.attach(ADDRESS, "e1000")
    assert linux.holder(ADDRESS) == "e1000"


def test_the_kernel_chooses_where_nobody_knows(linux: LinuxDrivers) -> None:
    linux.detach(ADDRESS, "e1000")
    linux.attach(ADDRESS, None)
    assert linux.holder(ADDRESS) is None
    linux.attach(ADDRESS, None, known=False)
    assert linux.holder(ADDRESS) == "e1000"
    # One that is held is left alone.
    linux.attach(ADDRESS, "igb")
    assert linux.holder(ADDRESS) == "e1000"


def test_a_write_that_does_nothing_is_noticed(linux: LinuxDrivers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "write", lambda _path, _text: None)
    with pytest.raises(PcibackError) as refused:
        linux.detach(ADDRESS, "e1000")
    assert str(refused.value) == "e1000 does not let go of 00:05.0"
    assert refused.value.remedy == "look at the kernel's messages with dmesg"
