# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drivers let go of devices, pcibackd takes them, and whatever goes wrong, the drivers have them back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.native_backend import NativeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.pcibackd_double import PROGRAM, PcibackdDouble

CARD, DISK, WIFI = map(parse_address, ("0000:00:05.0", "0000:00:06.0", "0000:00:07.0"))


class Drivers:
    """Drivers of a host that has three devices; one of them has no driver.

    :ivar busy: drivers that keep what they have
    :ivar gone: whether nobody is left who gives a device back
    """

    def __init__(self) -> None:
        self.holders: dict[Address, str | None] = {CARD: "wm0", DISK: "ahcisata0", WIFI: None}
        self.busy: set[str] = set()
        self.gone = False
        self.calls: list[str] = []

    def holder(self, address: Address) -> str | None:
        return self.holders[address]

    def detach(self, address: Address, driver: str) -> None:
        self.calls.append(f"{driver} lets go of {address.bdf}")
        if driver in self.busy:
            raise PcibackError(f"{driver} is busy")
        self.holders[address] = None

    def attach(self, address: Address, driver: str | None, *, known: bool = True) -> None:
        if self.gone:
            raise PcibackError("the run was killed")
        self.calls.append(f"{driver if known else 'any driver'} gets {address.bdf}")
        self.holders[address] = driver if known else "any0"


class Host:
    """A host with pcibackd."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.drivers = Drivers()
        self.pcibackd = PcibackdDouble()

    def backend(self, **consents: list[str]) -> NativeBackend:
        """The backend, as each run makes it anew."""
        return NativeBackend(
            self.drivers,
            Pcibackd(self.pcibackd.run, PROGRAM),
            StateDirectory(str(self.home)).drivers(),
            lambda address: consents.get(f"at_{address.device}", []),
        )

    def record(self) -> dict[Address, str | None]:
        return dict(StateDirectory(str(self.home)).drivers().value)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "state")


def test_devices_go_and_come_back_to_their_drivers(host: Host) -> None:
    host.backend(at_6=["no-reset", "shared-irq"]).take([CARD, DISK, WIFI])
    assert host.pcibackd.calls == [f"take {CARD} {DISK},allow=no-reset+shared-irq {WIFI}"]
    assert host.record() == {CARD: "wm0", DISK: "ahcisata0", WIFI: None}
    backend = host.backend()
    assert [backend.holder(address) for address in (CARD, DISK, WIFI)] == ["pcibackd"] * 3
    assert (backend.driver_before(CARD), backend.driver_before(WIFI)) == ("wm0", None)
    backend.give_back([CARD, WIFI])
    assert host.pcibackd.calls[1:] == [f"return {CARD} {WIFI}"]
    assert host.drivers.calls[2:] == ["wm0 gets 00:05.0", "None gets 00:07.0"]
    assert host.record() == {DISK: "ahcisata0"}


@pytest.mark.parametrize("busy", [{"ahcisata0"}, set()])
def test_drivers_have_their_devices_back_if_one_is_not_taken(host: Host, busy: set[str]) -> None:
    host.drivers.busy = busy
    if not busy:
        host.pcibackd.refuses["take"] = "0000:00:06.0 can't be reset"
    with pytest.raises(PcibackError, match=r"ahcisata0 is busy|can't be reset"):
        host.backend().take([CARD, DISK])
    assert host.drivers.holders == {CARD: "wm0", DISK: "ahcisata0", WIFI: None}
    assert host.pcibackd.taken == {}


def test_a_run_that_was_killed_between_driver_and_pcibackd(host: Host) -> None:
    host.pcibackd.refuses["take"] = "killed"
    host.drivers.gone = True
    with pytest.raises(PcibackError):
        host.backend().take([CARD])
    assert (host.drivers.holder(CARD), host.record()) == (None, {CARD: "wm0"})
    host.drivers.gone = False
    host.backend().take([CARD])
    assert host.record() == {CARD: "wm0"}
    host.backend().give_back([CARD])
    assert host.drivers.holder(CARD) == "wm0"


def test_what_somebody_else_let_it_take_goes_to_the_driver_that_the_system_chooses(host: Host) -> None:
    host.drivers.holders[CARD] = None
    host.pcibackd.taken[str(CARD)] = str(CARD)
    host.backend().give_back([CARD])
    assert host.drivers.calls == ["any driver gets 00:05.0"]


def test_what_it_lets_go_of_no_driver_gets_and_the_driver_is_remembered(host: Host) -> None:
    host.backend().take([CARD])
    host.drivers.holders[DISK] = None
    host.pcibackd.taken[str(DISK)] = str(DISK)
    host.drivers.calls.clear()
    host.backend().let_go([CARD, DISK])
    assert (host.pcibackd.taken, host.drivers.calls) == ({}, [])
    # A boot let it take the disk.
    assert host.record() == {CARD: "wm0", DISK: "pcibackd"}
    backend = host.backend()
    assert (backend.driver_before(CARD), backend.driver_before(DISK), backend.is_in_the_way()) == ("wm0", None, False)
    backend.give_back([CARD, DISK])
    assert host.drivers.calls == ["wm0 gets 00:05.0", "any driver gets 00:06.0"]
    assert host.record() == {}
