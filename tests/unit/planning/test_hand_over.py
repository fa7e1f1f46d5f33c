# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a reboot is needed, and when devices come back."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import BUS, ONE, converged, device, guest, host, kinds
from tests.unit.plans import changed, make_plan

# Who takes the last device away says so.
ALLOWED = (("nothing-wanted", None),)


def test_never_reboots_without_consent_and_says_what_is_pending():
    plan = make_plan(replace(ONE, reboot="never"), host())
    # Whoever reboots the host later, its guests start with their devices then.
    assert kinds(plan) == ["hide", "configure", "start_up"]
    assert plan.reboot_required and plan.reasons
    assert any("a reboot is pending" in warning for warning in plan.warnings)
    assert any("firewall is not started" in warning for warning in plan.warnings)


def test_pending_reboot_is_no_change():
    wanted = replace(ONE, reboot="never")
    after = make_plan(wanted, changed(converged(), claims=None, devices=BUS, running=()))
    assert not after.changed and after.reboot_required


def test_held_but_unwanted_device_is_given_back():
    plan = make_plan(Wanted(guests=(guest(),), reboot="when_needed", allow=ALLOWED), changed(converged(), running=()))
    assert kinds(plan) == ["hide", "configure", "start_up", "reboot", "run"]
    assert plan.actions[0].arguments["devices"] == []
    assert plan.actions[2].arguments == {"backend": "kernel", "devices": [], "guests": []}
    assert plan.reasons == ("00:05.0 is held by pciback and wanted by nobody: dom0 gets it back",)


def test_a_device_whose_backend_is_not_up_needs_a_reboot():
    plan = make_plan(ONE, changed(converged(), claims=None, running=()))
    assert plan.reasons == (
        "00:05.0 (pcictl 000:05:0) 8086:100e Intel i82540EM [pciback0] has to be taken by pciback: "
        "pciback0 holds it, but its backend is not up and offers nothing to guests",
    )


ADDRESSES = st.sets(st.sampled_from([Address(0, 0, 4, 0), Address(0, 0, 5, 0), Address(0, 0, 10, 0)]))


@given(wanted=ADDRESSES, held=st.none() | ADDRESSES, reboot=st.sampled_from(["never", "when_needed"]))
def test_reboot_exactly_when_claims_differ(wanted, held, reboot):
    extra = tuple(device(address=address.bdf) for address in sorted(wanted))
    plan = make_plan(
        Wanted(extra_devices=extra, reboot=reboot, allow=ALLOWED),
        host(claims=None if held is None else tuple(sorted(held))),
    )
    assert not plan.refusals
    assert plan.reboot_required == (wanted != (held or set()))
    assert ("reboot" in kinds(plan)) == (plan.reboot_required and reboot == "when_needed")
    assert [planned.device.address for planned in plan.devices] == sorted(wanted)
    assert all(planned.held == (planned.device.address in (held or ())) for planned in plan.devices)
