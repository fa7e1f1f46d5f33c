# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted, what was seen and what it means become a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.plan_host import decide, plan_host
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT
from tests.unit.engines.place import Place


def test_a_plan_is_of_what_is_wanted_of_the_host(place: Place) -> None:
    observed, selection = place.observe()
    planned = decide(place.wanted, observed, selection, place.platform, backend="kernel")
    assert [action.kind.value for action in planned.actions] == ["hide", "configure", "assign", "run"]
    gone = replace(place.wanted, state=ABSENT, guests=())
    undone = decide(gone, *place.observe(gone), place.platform, backend="kernel")
    assert (undone.actions, undone.refusals) == ((), ())


def options(place: Place, **changes: Any) -> dict[str, Any]:
    """What module ``plan`` was called with."""
    guest = {"name": "firewall", "config": str(place.config), "state": "running", "devices": [{"address": "00:05.0"}]}
    return {
        "state": "present",
        "guests": [guest],
        "extra_devices": [],
        "reboot": "never",
        "restart_guests": "never",
        "boot_entries": "xen",
        "boot_config": None,
        "previous": True,
        "backend": "kernel",
        "native": True,
        "native_prefix": "/usr/local",
        "native_cflags": None,
        "native_source_sha256": None,
        "follow_moves": False,
        "allow": [],
        "xl": "/usr/sbin/xl",
        **changes,
    }


@pytest.fixture
def linux(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(platforms, "SYSFS_PCI", str(place.dom0.sys / "bus/pci/devices"))
    return place


def test_a_host_is_planned_from_the_options_of_the_module(linux: Place) -> None:
    planned, observed = plan_host(linux.dom0.run, lambda *_name, **_more: None, options(linux), linux.state)
    assert [action.kind.value for action in planned.actions] == ["hide", "configure", "assign", "run"]
    assert observed.boot.path == "/boot/grub/grub.cfg"
    assert observed.native.reason == f"nothing of it is recorded in {linux.state.path}/native.json"


def test_options_are_refused_before_the_host_is_looked_at(linux: Place) -> None:
    wrong = options(linux, boot_entries=[])
    with pytest.raises(PcibackError, match="option 'boot_entries' must be"):
        plan_host(linux.dom0.run, lambda *_name, **_more: None, wrong, linux.state)
    assert linux.dom0.calls == []
