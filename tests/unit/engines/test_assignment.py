# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices leave dom0 while it runs, and come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of, to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.engines.assignment import AssignmentRequest, hand_over
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.pcibackd_double import PROGRAM, PcibackdDouble
from tests.unit.linux_modules import CARD, FIREWALL, NVME, XL, Dom0
from tests.unit.planning.hosts import nic


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


# --- pcibackd


@pytest.fixture
def pcibackd(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> PcibackdDouble:
    """A pcibackd on the Linux dom0."""
    double, run = PcibackdDouble(), dom0.run
    monkeypatch.setattr(
        dom0, "run", lambda argv, *more, **options: (double.run if argv[0] == PROGRAM else run)(argv, *more, **options)
    )
    return double


def native(dom0: Dom0, *devices: Mapping[str, Any], state: str = "assigned", **options: Any) -> dict[str, Any]:
    """What the module returns with the native backend."""
    allow = [{"code": "no-reset", "address": "00:05.0"}, {"code": "shared-irq", "address": "00:05.0"}]
    given = {"selectors": devices, "state": state, "allow": allow, "xl": XL, "check_mode": False, **options}
    directory = StateDirectory(state_directory.DIRECTORY)
    return hand_over(dom0.run, Linux(dom0.run), directory, AssignmentRequest(backend="native", **given), print)


def test_a_device_goes_to_pcibackd_and_back(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    card = {"address": "00:05.0"}
    done = native(dom0, card)
    assert pcibackd.calls == [f"take {CARD},allow=no-reset+shared-irq"]
    assert [(each["before"], each["after"]) for each in done["devices"]] == [("e1000", "pcibackd")]
    assert native(dom0, card)["changed"] is False
    back = native(dom0, card, state="returned")
    assert [(each["before"], each["after"]) for each in back["devices"]] == [("pcibackd", "e1000")]
    assert (dom0.driver(CARD), pcibackd.taken) == ("e1000", {})


def test_what_is_allowed_changes_while_pcibackd_has_it(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    card = {"address": "00:05.0"}
    native(dom0, card)
    changed = native(dom0, card, allow=[{"code": "no-reset", "address": "00:05.0"}])
    assert [(each["before_header"], each["before"], each["after"]) for each in changed["diff"]] == [
        (f"what is allowed for {CARD}", "no-reset\nshared-irq\n", "no-reset\n")
    ]
    assert pcibackd.calls[1:] == [f"take {CARD},allow=no-reset"]


def test_an_interrupt_that_the_owner_states(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    card = {"address": "00:05.0"}
    native(dom0, card)
    for irqs, before, after, word in (
        ({CARD: 16}, "", "16\n", f"take {CARD},irq=16,allow=no-reset+shared-irq"),
        ({"00:05.0": "17"}, "16\n", "17\n", f"take {CARD},irq=17,allow=no-reset+shared-irq"),
        ({}, "17\n", "", f"take {CARD},allow=no-reset+shared-irq"),
    ):
        foreseen = native(dom0, card, irqs=irqs, check_mode=True)
        told = native(dom0, card, irqs=irqs)
        assert foreseen["diff"] == told["diff"]
        assert [(each["before_header"], each["before"], each["after"]) for each in told["diff"]] == [
            (f"the interrupt that is stated of {CARD}", before, after)
        ]
        assert pcibackd.calls[-1] == word
        assert native(dom0, card, irqs=irqs)["changed"] is False
    assert len(pcibackd.calls) == 4


def test_an_interrupt_that_the_system_says_otherwise(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    with pytest.raises(
        PcibackError, match=r"irq 99 is stated of 00:05\.0 .*, which has [0-9]+, as the kernel itself says"
    ) as refusal:
        native(dom0, {"address": "00:05.0"}, irqs={"00:05.0": 99})
    assert (refusal.value.code, refusal.value.remedy) == (
        "inventory-invalid",
        "leave irq out of that device: what the system says counts",
    )
    with pytest.raises(
        PcibackError, match=r"irq of 00:05\.0 is 255, and an interrupt that a guest can be told has a number from 1"
    ):
        native(dom0, {"address": "00:05.0"}, irqs={"00:05.0": 255})
    assert (pcibackd.calls, dom0.driver(CARD)) == ([], "e1000")


def test_what_a_guest_has_of_pcibackd_is_not_returned(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    native(dom0, {"address": "00:05.0"})
    pcibackd.guests[9] = {CARD: CARD}
    with pytest.raises(PcibackError, match=r"00:05\.0 is with guest domain 9"):
        native(dom0, {"address": "00:05.0"}, state="returned")


def test_what_the_boot_takes_check_mode_does_not_take_again(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    card = {"address": "00:05.0"}
    assert native(dom0, card, check_mode=True)["changed"]
    foreseen = native(dom0, card, check_mode=True, after_reboot=True)
    assert (foreseen["changed"], foreseen["diff"], foreseen["devices"][0]["after"]) == (False, [], "pcibackd")
    # What the boot has not taken is taken by the run.
    assert native(dom0, card, after_reboot=True)["changed"] and CARD in pcibackd.taken


def test_pins_are_recorded_before_anything_is_taken(dom0: Dom0, pcibackd: PcibackdDouble) -> None:
    pins = to_mapping({parse_address(CARD): pin_of(nic("00:05.0", "e1000"))})
    pcibackd.refuses["take"] = "it is in use"
    with pytest.raises(PcibackError):
        native(dom0, {"address": "00:05.0"}, pins=pins)
    assert (dom0.driver(CARD), StateDirectory(state_directory.DIRECTORY).has_pins) == ("e1000", True)
