# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of the functions of a dom0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.device_report import report
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.linux_modules import CARD, FIREWALL, NVME, Dom0


def look(dom0: Dom0, *selectors: Mapping[str, Any]) -> dict[str, Any]:
    directory = StateDirectory(state_directory.DIRECTORY)
    return report(Linux(dom0.run), directory, selectors or None, configuration=True)


def test_device_info(dom0: Dom0) -> None:
    dom0.host.groups(_7=(CARD,))
    info = look(dom0)
    assert info["backend"] is False and len(info["devices"]) == 12
    (card,) = [each for each in info["devices"] if each["address"] == CARD]
    assert (card["iommu_group"], card["slot"], card["driver"], card["irq"]) == ("7", "0000:00/05.0", "e1000", 21)
    (nvme,) = [each for each in info["devices"] if each["address"] == NVME]
    assert (nvme["reset_methods"], nvme["slot"]) == (["flr", "bus"], "0000:00/08.0/00.0")


def test_a_device_that_was_given_away_is_told_with_what_it_was(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    (card,) = look(dom0, {"address": "00:05.0"})["devices"]
    assert (card["driver"], card["driver_before"], card["pinned_at"]) == ("pciback", "e1000", CARD)
    assert (card["assignable"], card["not_as_pinned"]) == (True, [])


def test_a_selector_that_names_nothing(dom0: Dom0) -> None:
    with pytest.raises(PcibackError) as refusal:
        look(dom0, {"address": "00:1e.7"})
    assert refusal.value.code == "no-such-device"
