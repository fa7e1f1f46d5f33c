# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of the functions of a dom0."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.modules import device_info
from tests.unit.linux_modules import CARD, NVME, Dom0
from tests.unit.module_call import call


def test_device_info(dom0: Dom0) -> None:
    dom0.host.groups(_7=(CARD,))
    info = call(device_info.main, {})
    assert info["backend"] is False and len(info["devices"]) == 12
    (card,) = [each for each in info["devices"] if each["address"] == CARD]
    assert (card["iommu_group"], card["slot"], card["driver"], card["irq"]) == ("7", "0000:00/05.0", "e1000", 21)
    (nvme,) = [each for each in info["devices"] if each["address"] == NVME]
    assert (nvme["reset_methods"], nvme["slot"]) == (["flr", "bus"], "0000:00/08.0/00.0")
