# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's report: a table that stays one, whatever guests and drivers are called."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import Environment

from tests.unit.product import ROOT

HEAD = "address  pcictl     id         guest         where it is now       device"


def report(*devices: dict[str, Any]) -> list[str]:
    """The lines of a report of devices."""
    template = Environment(trim_blocks=True).from_string((ROOT / "roles/pciback/templates/report.j2").read_text())
    usual = {"address": "0000:00:0a.0", "pcictl": "000:10:0", "id": "8086:100e", "guest": None, "name": "A card"}
    rows = [{**usual, "attached": False, "held": False, "driver": None, **device} for device in devices]
    plan = {"devices": rows, "moves": [], "actions": [], "reasons": [], "warnings": []}
    return template.render(pciback_plan=plan, ansible_check_mode=False, inventory_hostname="alpha").splitlines()


def test_short_names_keep_the_usual_columns() -> None:
    assert report({"guest": "firewall", "attached": True}) == [
        HEAD,
        "00:0a.0  000:10:0   8086:100e  firewall      in firewall           A card",
        "alpha is as wanted.",
    ]


@pytest.mark.parametrize("length", [11, 12, 13, 14, 15, 40])
def test_long_names_move_all_columns(length: int) -> None:
    name = "g" * length
    head, attached, other, *_rest = report(
        {"guest": name, "attached": True}, {"driver": "a-driver-with-a-long-name0", "guest": "short"}
    )
    for column in ("guest", "where it is now", "device"):
        place = head.index(column)
        for row in (attached, other):
            assert row[place - 2 : place] == "  " and row[place] != " ", "\n".join((head, attached, other))
    assert attached[head.index("guest") :].startswith(f"{name}  ")


@pytest.mark.parametrize(
    ("check", "line"), [(True, "would be done: hide 00:0a.0"), (False, "is to be done: hide 00:0a.0")]
)
def test_what_is_left_to_do(check: bool, line: str) -> None:
    template = Environment(trim_blocks=True).from_string((ROOT / "roles/pciback/templates/report.j2").read_text())
    plan = {"devices": [], "moves": [], "actions": [{"summary": "hide 00:0a.0"}], "reasons": [], "warnings": []}
    assert line in template.render(pciback_plan=plan, ansible_check_mode=check).splitlines()
