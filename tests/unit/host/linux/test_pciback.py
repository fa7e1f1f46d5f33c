# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""xen-pciback at run time: each step is checked by its effect."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import drivers as linux_drivers
from ansible_collections.xen.pciback.plugins.modules import assignable
from tests.unit.linux_modules import CARD, XL, Dom0
from tests.unit.module_call import call


def test_a_driver_gets_its_device_back_if_pciback_does_not_take_it(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: str, text: str) -> None:
        if not path.endswith("pciback/bind"):
            dom0.write(path, text)

    monkeypatch.setattr(linux_drivers, "write", write)
    failed = call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    drivers = Path(state_directory.DIRECTORY) / "drivers.json"
    assert failed["msg"] == f"pciback did not take 00:05.0; no driver holds it now; changed before that: {drivers}"
    assert dom0.driver(CARD) == "e1000"
    assert (dom0.sys / "bus/pci/drivers/pciback/slots").read_text() == ""
