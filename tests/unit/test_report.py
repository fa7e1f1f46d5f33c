# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's report: where each device is, and who gives it to its guest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import pytest

TEMPLATE = Path(__file__).parents[2] / "roles/pciback/templates/report.j2"
DEVICE = {
    "address": "0000:00:05.0",
    "pcictl": "000:05:0",
    "id": "8086:100e",
    "name": "Intel i82540EM",
    "guest": "firewall",
}


def report(**plan: Any) -> list[str]:
    """The lines for a plan with one device."""
    # As the lookup of templates has it.
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    nothing: dict[str, Any] = {name: [] for name in ("moves", "actions", "reasons", "warnings", "pending")}
    variables = {"pciback_plan": {**nothing, **plan}, "ansible_check_mode": False, "inventory_hostname": "dom0"}
    return template.render(**variables).splitlines()


@pytest.mark.parametrize(("backend", "holder"), [("kernel", "pciback"), ("native", "pcibackd")])
@pytest.mark.parametrize(("held", "attached"), [(True, False), (True, True), (False, False)])
def test_where_a_device_is(backend: str, holder: str, held: bool, attached: bool) -> None:
    device = {**DEVICE, "held": held, "attached": attached, "driver": None if held else "wm1"}
    lines = report(backend=backend, devices=[device])
    where = "in firewall" if attached else f"held by {holder}" if held else "dom0: wm1"
    assert f"  {where}  " in lines[1]
    assert lines[-1] == "dom0 is as wanted."
    native = "backend: native, devices change hands without a reboot"
    assert (native in lines) == (backend == "native")


def test_a_host_that_could_not_be_planned_has_no_backend() -> None:
    assert report(devices=[]) == [
        "address  pcictl     id         guest         where it is now       device",
        "dom0 is as wanted.",
    ]


def test_what_is_to_be_done() -> None:
    lines = report(devices=[], actions=[{"summary": "start firewall"}])
    assert lines[1:] == ["is to be done: start firewall"]
