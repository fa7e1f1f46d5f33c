# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module around engines/assignment.py."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.xen.pciback.plugins.modules import assignable
from tests.unit.linux_modules import CARD, XL, Dom0
from tests.unit.module_call import call


def test_a_device_goes_and_comes_back(dom0: Dom0, directory: Path) -> None:
    for state, driver in (("assigned", "pciback"), ("returned", "e1000")):
        arguments = {"devices": [{"address": "00:05.0"}], "state": state, "xl": XL}
        assert call(assignable.main, arguments, check=True)["changed"] and dom0.driver(CARD) != driver
        result = call(assignable.main, arguments)
        assert (result["changed"], result["devices"][0]["after"], dom0.driver(CARD)) == (True, driver, driver)
        assert (directory / "drivers.json").exists() is (state == "assigned")
    assert not directory.exists()


def test_a_refusal_has_code_and_remedy(dom0: Dom0) -> None:
    result = call(assignable.main, {"devices": [{"address": "00:1f.0"}], "xl": XL})
    assert result["failed"] and (result["code"], result["remedy"]) == ("bridge", "leave it")


def test_an_option_of_0_1_0_still_works_and_is_deprecated(dom0: Dom0, tmp_path: Path, directory: Path) -> None:
    arguments = {"devices": [{"address": "00:05.0"}], "xl": XL, "drivers": str(tmp_path / "db" / "old.json")}
    result = call(assignable.main, arguments)
    assert (tmp_path / "db/old.json").exists() and not (directory / "drivers.json").exists()
    # Its form differs between versions of ansible-core.
    deprecation = str(result["deprecations"])
    assert deprecation.count("Option 'drivers' is deprecated. Use 'state_directory'") >= 1
    assert "1.0.0" in deprecation and "xen.pciback" in deprecation
