# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in to dom0, through what lies above a card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Interface
from tests.unit.guards.cases import BASE, NICS, found, judge


def test_management_nic_by_default_route():
    (finding,) = judge(BASE, "00:04.0", "00:05.0").findings
    assert (finding.code, finding.device.bdf) == ("management-nic", "00:04.0")
    assert finding.message.endswith("the default route leaves through wm0; wm0 is at pci0 dev 4 function 0")


@pytest.mark.parametrize("server", ["192.0.2.1", "::ffff:192.0.2.1"])
def test_management_nic_by_connection(server):
    (finding,) = judge(replace(BASE, default_routes=(), server_address=server), "00:04.0").findings
    assert f"this connection came in at {server}, an address of wm0" in finding.message


def test_management_nic_by_scope():
    both = {name: Interface(name, True, (f"fe80::1%{name}",)) for name in ("wm0", "wm1")}
    facts = replace(BASE, default_routes=(), interfaces=both, server_address="fe80:0::1%wm1")
    assert found(facts) >= {("management-nic", "00:05.0")} and ("management-nic", "00:04.0") not in found(facts)


@pytest.mark.parametrize(
    ("interfaces", "bridges", "evidence"),
    [
        ({"vlan7": Interface("vlan7", True, ("192.0.2.9",), ("wm1",))}, {}, "vlan7 is carried by wm1; wm1 is at pci0"),
        (
            {
                "vlan7": Interface("vlan7", True, ("192.0.2.9",), ("agr0",)),
                "agr0": Interface("agr0", True, (), ("wm0", "wm1")),
            },
            {},
            "vlan7 is carried by agr0; agr0 is carried by wm1; wm1 is at pci0",
        ),
        (
            {"tap0": Interface("tap0", True, ("192.0.2.9",)), "xvif1i0": Interface("xvif1i0", True)},
            {"bridge0": ("xvif1i0", "tap0", "wm1")},
            "tap0 is a member of bridge0; bridge0 bridges wm1; wm1 is at pci0",
        ),
        (
            {
                "gif0": Interface("gif0", True, ("192.0.2.9",), tunnel="198.51.100.1"),
                "wm1": Interface("wm1", True, ("198.51.100.1",)),
            },
            {},
            "gif0 is a tunnel from 198.51.100.1 of wm1; wm1 is at pci0",
        ),
    ],
)
def test_management_nic_through_what_lies_above_it(interfaces, bridges, evidence):
    facts = replace(BASE, interfaces=interfaces, bridges=bridges, default_routes=(), server_address="192.0.2.9")
    (finding,) = judge(facts, "00:05.0").findings
    assert finding.code == "management-nic" and evidence in finding.message
    assert not any("can't be traced" in warning for warning in judge(facts, "00:05.0").warnings)


def test_a_member_of_a_bridge_does_not_endanger_the_others():
    facts = replace(BASE, bridges={"bridge0": ("wm0", "wm1")})
    verdict = judge(facts, "00:05.0")
    assert verdict.findings == ()
    assert any("dom0 loses wm1, a member of bridge0" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    "changes",
    [
        {"default_routes": ("wg0",)},
        {"default_routes": (), "server_address": "203.0.113.9"},
        {"interfaces": {"agr0": Interface("agr0", True)}, "default_routes": ("agr0",)},
    ],
)
def test_a_way_that_leads_nowhere_is_named(changes):
    verdict = judge(replace(BASE, **changes), "00:05.0")
    assert any("can't be traced to the bus" in warning for warning in verdict.warnings)


def test_not_knowing_the_way_in_is_said():
    (warning,) = judge(replace(BASE, default_routes=()), "00:05.0").warnings
    assert "which card it is managed through is not known" in warning


def test_a_local_connection_needs_no_card():
    verdict = judge(replace(BASE, default_routes=(), server_address="127.0.0.1"), "00:05.0")
    assert verdict.findings == () and verdict.warnings == ()


def test_configured_interface_is_a_warning():
    facts = replace(BASE, interfaces={**NICS, "wm1": Interface("wm1", True, ("198.51.100.1", "fe80::1%wm1"))})
    (warning,) = judge(facts, "00:05.0").warnings
    assert "dom0 loses interface wm1 (198.51.100.1)" in warning
    idle = replace(facts, interfaces={**NICS, "wm1": Interface("wm1", True, ("fe80::1%wm1",))})
    assert judge(idle, "00:05.0").warnings == ()
