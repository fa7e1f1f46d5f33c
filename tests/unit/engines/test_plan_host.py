# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is planned from the options of module ``plan``, whatever it runs and whatever is wanted of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines.plan_host import plan_host
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from tests.unit.engines.test_inventory import DEFAULTS
from tests.unit.linux_modules import XL, Dom0
from tests.unit.planning.hosts import kinds


def plan(dom0: Dom0, **options: Any) -> tuple[Plan, Observed]:
    """Plan the host for a guest with a card."""
    guest = {"name": "firewall", "config": str(dom0.folder / "firewall"), "state": "running"}
    given: dict[str, Any] = {
        **DEFAULTS,
        "guests": [{**guest, "devices": [{"address": "00:05.0"}]}],
        "boot_config": None,
        "native_prefix": "/usr/local",
        "native_source_sha256": "",
        "native_cflags": "",
        "backend": "kernel",
        "xl": XL,
        **options,
    }
    return plan_host(dom0.run, lambda _name, **_options: None, given, StateDirectory(str(dom0.folder / "db")))


def test_options_become_a_plan(dom0: Dom0) -> None:
    planned, observed = plan(dom0)
    assert kinds(planned) == ["hide", "configure", "assign", "run"]
    assert observed.boot.path == "/boot/grub/grub.cfg"
    assert not observed.native.ready and "nothing of it is recorded in" in observed.native.reason


def test_a_host_that_nobody_touched_has_nothing_to_undo(dom0: Dom0) -> None:
    planned, _observed = plan(dom0, state="absent", guests=[])
    assert (planned.actions, planned.refusals, planned.warnings) == ((), (), ())


def test_all_that_can_not_be_meant_is_refused_and_nothing_else_is_said(dom0: Dom0) -> None:
    """A guest without the device that could not be read would look like one that is to lose it."""
    planned, _observed = plan(dom0, boot_entries=5, extra_devices=[{"address": "00:1f.0"}, {"address": "x"}])
    assert [refusal.code for refusal in planned.refusals] == ["inventory-invalid"] * 2
    assert planned.refusals[0].message.startswith("option 'boot_entries' must be 'xen'")
    assert planned.refusals[1].message.startswith("extra_devices: 'x' is not a PCI address")
    assert planned.actions == ()
