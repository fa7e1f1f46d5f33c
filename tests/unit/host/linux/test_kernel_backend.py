# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which driver gets a device back, whoever took it and wherever a run was killed."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.modules import assignable
from tests.unit.linux_modules import CARD, RTL, XL, Dom0
from tests.unit.module_call import call


def test_what_xl_handed_over_goes_back_to_the_driver_that_xl_noted(dom0: Dom0) -> None:
    dom0.load_pciback()
    dom0.write(f"{dom0.sys}/bus/pci/drivers/8139cp/unbind", RTL)
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/new_slot", RTL)
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/bind", RTL)
    dom0.libxl[RTL] = "/sys/bus/pci/drivers/8139cp"
    result = call(assignable.main, {"devices": [{"id": "10ec:8139"}], "state": "returned", "xl": XL})
    assert (result["changed"], dom0.driver(RTL)) == (True, "8139cp")


def test_a_run_that_was_killed_between_two_drivers(dom0: Dom0) -> None:
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/unbind", CARD)
    assert call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})["changed"]
    assert dom0.driver(CARD) == "pciback"
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/unbind", CARD)
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "state": "returned", "xl": XL})
    assert (dom0.driver(CARD), Path(state_directory.DIRECTORY).exists()) == ("e1000", False)
