# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to guests between two commands, and whom they are found by. The rest is xl's: commands/test_xl.py."""

from __future__ import annotations

from typing import Any

import pytest
from machine import domains
from machine.state import Machine
from machine.xl_config import parse


def running(machine: Machine, text: str = "") -> dict[str, Any]:
    """A guest that was started from a configuration."""
    config = parse(f'name = "alpha"\nkernel = "/netbsd-XEN3_DOM0.gz"\n{text}\n', "alpha")
    found: dict[str, Any] = domains.create(machine, config, [], [])
    if found not in machine.state["domains"]:
        machine.state["domains"].append(found)
    return found


@pytest.mark.parametrize(("action", "left"), [("destroy", []), ("restart", ["running"]), ("preserve", ["shutdown"])])
def test_a_guest_whose_time_has_come(machine: Machine, action: str, left: list[str]) -> None:
    guest = running(machine, f'on_poweroff = "{action}"')
    guest.update(ends_at=100.0, end="poweroff")
    domains.settle(machine, now=99.0)
    assert machine.state["domains"] == [guest]
    domains.settle(machine, now=100.0)
    assert [domain["state"] for domain in machine.state["domains"]] == left
    if action == "restart":
        assert machine.state["domains"][0]["domid"] == guest["domid"] + 1


def test_a_guest_is_found_by_name_and_number(machine: Machine) -> None:
    guest = running(machine)
    assert domains.find(machine, "alpha") == domains.find(machine, str(guest["domid"])) == guest
    assert domains.find(machine, "beta") is None


def test_each_guest_has_an_identity_of_its_own(machine: Machine) -> None:
    first = running(machine)
    machine.state["domains"] = []
    second = running(machine)
    assert first["uuid"] != second["uuid"] and second["domid"] == first["domid"] + 1
    with pytest.raises(domains.Refusal, match='Domain with name "alpha" already exists') as refused:
        running(machine)
    assert refused.value.code == domains.ERROR_INVAL
