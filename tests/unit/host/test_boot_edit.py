# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the boot editors of all platforms have in common: pins are saved, and addresses are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import BootRequest, save_pins, texts
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.host.netbsd.boot_cfgs import CARD

PINS = {"0000:03:00.0": CARD}


def request(folder: Path, *, check: bool = False) -> BootRequest:
    return BootRequest(
        path=None,
        state="present",
        devices=(),
        entries="xen",
        previous=True,
        predictor=None,
        backup=False,
        pins=None,
        records=StateDirectory(str(folder)),
        check_mode=check,
    )


def test_pins_that_nobody_gives_stay(tmp_path: Path) -> None:
    save_pins(request(tmp_path), PINS)
    assert save_pins(request(tmp_path), None) == []
    assert list(request(tmp_path).records.pins()) == [parse_address("03:00.0")]


def test_exactly_the_given_pins_are_kept(tmp_path: Path) -> None:
    (shown,) = save_pins(request(tmp_path, check=True), PINS)
    assert request(tmp_path).records.pins() == {}, "check mode"
    assert save_pins(request(tmp_path), PINS) == [shown]
    assert shown["after_header"] == str(tmp_path / "pins.json")
    assert save_pins(request(tmp_path), PINS) == []
    assert [each["after"] for each in save_pins(request(tmp_path), {})] == [""]
    assert request(tmp_path).records.pins() == {}


@pytest.mark.parametrize("wanted", [{"x": CARD}, {"0000:03:00.0": {"id": "x"}}, {"0000:03:00.0": 5}])
def test_pins_that_are_none_are_refused(tmp_path: Path, wanted: dict[str, Any]) -> None:
    with pytest.raises(PcibackError):
        save_pins(request(tmp_path), wanted)
    assert list(tmp_path.iterdir()) == []


def test_each_address_is_shown_once_in_its_order() -> None:
    one, two = parse_address("03:00.0"), parse_address("00:04.1")
    assert texts([one, two, one]) == ["0000:03:00.0", "0000:00:04.1"]
    assert texts([]) == []
