# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices leave dom0 while it runs, and come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.assignment import AssignmentRequest, hand_over
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.linux_modules import CARD, FIREWALL, NVME, XL, Dom0


def assign(
    dom0: Dom0,
    *devices: Mapping[str, Any],
    state: str = "assigned",
    allow: Sequence[Mapping[str, str]] = (),
    check: bool = False,
) -> dict[str, Any]:
    """What the module returns, with the warnings."""
    request = AssignmentRequest(devices, state, allow, XL, check)
    warnings: list[str] = []
    directory = StateDirectory(state_directory.DIRECTORY)
    try:
        result = hand_over(dom0.run, Linux(dom0.run), directory, request, warnings.append)
    except PcibackError as error:
        return {"failed": True, "msg": str(error), "code": error.code, "remedy": error.remedy, "warnings": warnings}
    return {**result, "warnings": warnings}


def test_what_a_guest_has_is_not_returned(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    failed = assign(dom0, {"address": "00:05.0"}, state="returned")
    assert failed["msg"] == "00:05.0 is with guest firewall"
    assert dom0.driver(CARD) == "pciback"
    foreseen = assign(dom0, {"address": "00:05.0"}, state="returned", check=True)
    assert foreseen["warnings"] == ["00:05.0 is with guest firewall, and has to be detached first"]


def test_assignable_is_idempotent(dom0: Dom0) -> None:
    allow = [{"code": "iommu-group", "address": "00:06.0"}]
    for state in ("assigned", "returned"):
        devices = [{"id": "1b36:0010"}, {"id": "10ec:8139"}]
        predicted = assign(dom0, *devices, state=state, allow=allow, check=True)
        assert predicted["diff"] == assign(dom0, *devices, state=state, allow=allow)["diff"] != []
        again = assign(dom0, {"address": "01:00.0"}, {"address": "00:06.0"}, state=state, allow=allow)
        assert (again["changed"], again["diff"]) == (False, [])


def test_an_override_is_said(dom0: Dom0) -> None:
    refused = assign(dom0, {"address": "00:06.0"})
    assert (refused["code"], dom0.calls) == ("iommu-group", [])
    done = assign(dom0, {"address": "00:06.0"}, allow=[{"code": "iommu-group", "address": "00:06.0"}])
    assert any(text.startswith("overridden by the owner: iommu-group for 00:06.0: ") for text in done["warnings"])


def test_check_mode_does_not_guess_a_driver(dom0: Dom0) -> None:
    """Check mode does not know which driver the kernel will choose where none is recorded."""
    dom0.load_pciback()
    for place in ("nvme/unbind", "pciback/new_slot", "pciback/bind"):
        dom0.write(f"{dom0.sys}/bus/pci/drivers/{place}", NVME)
    foreseen = assign(dom0, {"address": "01:00.0"}, state="returned", check=True)
    assert [(each["before"], each["after"]) for each in foreseen["devices"]] == [("pciback", None)]
    done = assign(dom0, {"address": "01:00.0"}, state="returned")
    assert [(each["before"], each["after"]) for each in done["devices"]] == [("pciback", "nvme")]


def test_netbsd_takes_devices_at_boot_only(dom0: Dom0) -> None:
    request = AssignmentRequest([{"address": "00:05.0"}], "assigned", (), None, False)
    with pytest.raises(PcibackError, match="NetBSD's kernel takes devices from dom0 at boot only") as refusal:
        hand_over(dom0.run, Netbsd(dom0.run), StateDirectory("/db"), request, print)
    assert refusal.value.remedy == "use xen.pciback.boot_hide and reboot, or backend: native, which needs no reboot"
