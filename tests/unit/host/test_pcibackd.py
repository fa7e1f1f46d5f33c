# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd is asked through pcibackctl, and what goes wrong is one sentence."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from tests.pcibackd_double import PROGRAM, PcibackdDouble

CARD = "0000:00:05.0"


@pytest.fixture
def double() -> PcibackdDouble:
    return PcibackdDouble()


def test_devices_go_round(double: PcibackdDouble) -> None:
    pcibackd = Pcibackd(double.run, PROGRAM)
    pcibackd.take([f"{CARD},allow=no-reset"])
    pcibackd.attach(7, [f"{CARD},permissive=1"], who="firewall")
    status = pcibackd.status()
    assert status is not None
    assert status.guests[7].devices[parse_address(CARD)]["permissive"] is True
    pcibackd.detach(7, [parse_address(CARD)], who="firewall")
    pcibackd.give_back([parse_address(CARD)])
    assert double.calls == [
        f"take {CARD},allow=no-reset",
        f"attach --domain 7 {CARD},permissive=1",
        f"detach --domain 7 {CARD}",
        f"return {CARD}",
    ]


def test_one_that_does_not_run(double: PcibackdDouble) -> None:
    double.running = False
    assert Pcibackd(double.run).status() is None


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("take", "devices were not taken from dom0: it is in use"),
        ("return", "devices were not given back to dom0: it is in use"),
        ("attach", "guest firewall did not get its devices: it is in use"),
        ("detach", "00:05.0 stays with guest firewall: it is in use"),
    ],
)
def test_what_it_refuses_is_one_sentence(double: PcibackdDouble, command: str, sentence: str) -> None:
    double.refuses[command] = "it is in use"
    pcibackd, address = Pcibackd(double.run), parse_address(CARD)
    calls = {
        "take": lambda: pcibackd.take([CARD]),
        "return": lambda: pcibackd.give_back([address]),
        "attach": lambda: pcibackd.attach(7, [CARD], who="firewall"),
        "detach": lambda: pcibackd.detach(7, [address], who="firewall"),
    }
    with pytest.raises(PcibackError) as refused:
        calls[command]()
    assert str(refused.value) == sentence


def test_one_that_can_not_be_asked(double: PcibackdDouble) -> None:
    with pytest.raises(PcibackError) as refused:
        Pcibackd(lambda _argv: (127, "", ""), "/opt/pcibackctl").take([CARD])
    assert str(refused.value) == "devices were not taken from dom0: /opt/pcibackctl can't be run"
    assert refused.value.remedy == "install it with xen.pciback.native_backend"
    with pytest.raises(PcibackError) as refused:
        Pcibackd(lambda _argv: (9, "", "")).take([CARD])
    assert str(refused.value).endswith("pcibackctl ended with status 9 and said nothing")


def test_a_guest_that_has_just_ended_is_noticed(double: PcibackdDouble) -> None:
    double.held_back, double.looks = {CARD: 3}, 2
    Pcibackd(double.run).attach(7, [f"{CARD},permissive=1"], who="firewall")
    assert (double.held_back, double.calls) == ({}, [f"attach --domain 7 {CARD},permissive=1"])
    # It is its own.
    double.held_back, double.looks = {CARD: 7}, 99
    Pcibackd(double.run).attach(7, [CARD], who="firewall")
    assert double.looks == 98
