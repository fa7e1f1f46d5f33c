# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pinned devices are, and what is said of one that is not where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.located import Located, locate_pins, whose_list
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from tests.unit.devices.bus import BUS

NIC, REALTEK, OTHER = (BUS[index] for index in (1, 2, 3))
GONE = parse_address("00:1e.0")


def located(*devices, pins=None, claims=()) -> Located:
    return locate_pins({device.address: device for device in devices}, pins or {}, claims)


def test_pins_are_found_under_the_addresses_that_their_devices_have_now():
    moved = replace(NIC, address=parse_address("00:06.0"))
    host = located(moved, REALTEK, pins={NIC.address: pin_of(NIC), REALTEK.address: pin_of(REALTEK)})
    assert host.pins_here() == {moved.address: pin_of(NIC), REALTEK.address: pin_of(REALTEK)}
    assert host.keys == {moved.address: NIC.address, REALTEK.address: REALTEK.address}


def test_a_device_is_held_by_its_claim_or_by_its_driver():
    hidden = replace(OTHER, driver="pciback0")
    host = located(NIC, REALTEK, hidden, claims=(NIC.address,))
    assert [host.is_held(each.address) for each in (NIC, REALTEK, hidden)] == [True, False, True]


def test_a_selector_fits_a_device_as_it_was():
    host = located(replace(NIC, driver="pciback0"), pins={NIC.address: pin_of(NIC)})
    assert host.describes(parse_selector({"driver": "wm0"}), NIC.address)
    assert not host.describes(parse_selector({"driver": "wm1"}), NIC.address)


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        ((), "no device is at 00:04.0 now; the pinned device is nowhere on the bus"),
        (
            (replace(REALTEK, address=NIC.address),),
            "with id 10ec:8139 instead of 8086:100e; the pinned device is nowhere",
        ),
        ((replace(NIC, address=GONE),), "the pinned device is at 00:1e.0 now, it is the only one of its kind"),
        (
            (replace(NIC, address=GONE), replace(NIC, address=OTHER.address)),
            "the pinned device may be at 00:0a.0, 00:1e.0",
        ),
    ],
)
def test_evidence_says_what_was_there_what_is_and_where_it_went(devices, sentence):
    evidence = located(*devices, pins={NIC.address: pin_of(NIC)}).evidence(NIC.address)
    assert evidence.startswith("00:04.0 is pinned as 8086:100e (subsystem 1af4:1100, class 020000, driver wm0); ")
    assert sentence in evidence


def test_a_device_that_is_gone_is_no_changed_one():
    pins = {NIC.address: pin_of(NIC)}
    assert located(pins=pins).changed(NIC.address, "firewall").code == "no-such-device"
    changed = located(replace(REALTEK, address=NIC.address), pins=pins).changed(NIC.address, None)
    assert (changed.code, changed.address) == ("identity-changed", NIC.address)
    assert str(changed).startswith("the extra devices: 00:04.0 is pinned as")
    assert changed.remedy == "allow code 'identity-changed' for 00:04.0 if what is there now is to be taken"


def test_whose_list_something_is_in():
    assert (whose_list("mail"), whose_list(None)) == ("guest mail", "the extra devices")
