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


def test_a_module_that_is_not_unloaded_is_told_of(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    call(assignable.main, {"devices": [{"address": "00:05.0"}, {"address": "01:00.0"}], "xl": XL})
    wish = {"devices": [{"address": "00:05.0"}], "state": "released", "xl": XL}
    failed = call(assignable.main, wish)
    assert failed["msg"].startswith("xen-pciback is not unloaded, because it holds 01:00.0 still")
    assert (failed["remedy"], dom0.driver(CARD)) == ("run the play again", None)
    wish["devices"].append({"address": "01:00.0"})
    monkeypatch.setattr(dom0, "_modprobe", lambda _words: (1, "", "modprobe: FATAL: Module xen_pciback is in use.\n"))
    failed = call(assignable.main, wish)
    assert failed["msg"].startswith(
        "xen-pciback can't be unloaded, and pcibackd can't serve beside it: modprobe: FATAL: Module xen_pciback is in use."
    )
    assert failed["remedy"] == "find with 'lsmod' what uses it, and unload it with 'modprobe -r xen-pciback'"
    monkeypatch.undo()


def test_what_is_let_go_of_has_no_driver_and_the_driver_is_remembered(dom0: Dom0) -> None:
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    wish = {"devices": [{"address": "00:05.0"}], "state": "released", "xl": XL}
    foreseen = call(assignable.main, wish, check=True)
    done = call(assignable.main, wish)
    assert (done["changed"], dom0.driver(CARD)) == (True, None)
    assert foreseen["diff"] == done["diff"]
    assert [(each["before_header"], each["before"], each["after"]) for each in done["diff"]] == [
        ("xen-pciback", "loaded\n", ""), (f"driver of {CARD}", "pciback\n", "none\n"),
    ]  # fmt: skip
    assert call(assignable.main, wish)["changed"] is False
    call(assignable.main, {**wish, "state": "returned"})
    assert dom0.driver(CARD) == "e1000"
