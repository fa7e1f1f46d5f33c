# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that boots with pcibackd as a service: rc(8) of an embedded dom0 starts what `make install` lays down."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.conftest import Dom0
from tests.integration.test_pcibackd_service import MAKES, install

CARD, OTHER, MANAGEMENT = "0000:00:05.0", "0000:00:06.0", "0000:00:03.0"
RECORD = f"""\
device\t{CARD},id=8086:100e
device\t{OTHER},id=10ec:8139
guest\tfirewall\t/usr/pkg/etc/xen/firewall\t{CARD},permissive=1 {OTHER}
"""


@pytest.fixture
def host(tmp_path: Path) -> Dom0:
    """One with two cards for its firewall; its other guest is xendomains' alone."""
    host = Dom0(tmp_path / "dom0", tmp_path).create(bus="q35-captured", keep_compiled=False)
    share = install(MAKES[0], host.root, "/usr/local")
    shutil.copy(share / "pcibackd.rc", host.root / "etc/rc.d/pcibackd")
    (host.root / "etc/rc.d/pcibackd").chmod(0o755)
    (host.root / "etc/rc.conf.d/pcibackd").write_text("pcibackd=YES\n")
    (host.root / "etc/rc.conf.d/xendomains").write_text('xendomains="firewall storage"\n')
    # As xl leaves a guest that is to have devices: without pcibackd it can't be made of this.
    with (host.root / "usr/pkg/etc/xen/firewall").open("a") as file:
        file.write(f'pci = [ "{CARD}", "{OTHER}" ]\n')
    (host.root / "var/db/xen-pciback").mkdir(parents=True, exist_ok=True)
    (host.root / "var/db/xen-pciback/attachments").write_text(RECORD)
    return host


def ctl(host: Dom0, *words: str) -> dict[str, list[dict[str, object]]]:
    done = host.command("/usr/local/sbin/pcibackctl", *words, "--json")
    assert done.returncode == 0, done.stderr
    value: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return value


def guests(host: Dom0) -> dict[str, str]:
    """The states of all guests, by name."""
    lines = host.command("/usr/pkg/sbin/xl", "list").stdout.splitlines()[2:]
    return {line.split()[0]: line.split()[4] for line in lines}


def said(host: Dom0) -> list[str]:
    """What the last boot's console has of pcibackd-guests."""
    console = (host.directory / "machine/console.log").read_text().rpartition("login: ")[2]
    return [line.partition(": ")[2] for line in console.splitlines() if line.startswith("pcibackd-guests: ")]


def service(host: Dom0, verb: str) -> None:
    done = host.command("/usr/sbin/service", "pcibackd", verb)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_boot_gives_guests_their_devices(host: Dom0) -> None:
    host.lab("reboot")
    (firewall,) = ctl(host, "status")["guests"]
    devices = firewall["devices"]
    assert isinstance(devices, list)
    assert [(device["address"], device["permissive"]) for device in devices] == [(CARD, True), (OTHER, False)]
    assert guests(host) == {"firewall": "-b----", "storage": "-b----"}
    assert said(host) == []
    # After SIGKILL, the next one takes the guest over, and nothing is done to it.
    process = int((host.directory / "machine/pcibackd.pid").read_text())
    host.command("/bin/kill", "-9", str(process))
    service(host, "start")
    (again,) = ctl(host, "status")["guests"]
    assert (again["domain"], [each["address"] for each in again["devices"]]) == (firewall["domain"], [CARD, OTHER])  # type: ignore[attr-defined]
    service(host, "stop")
    # And all of it again.
    host.lab("reboot")
    assert [guest["frontend_state"] for guest in ctl(host, "status")["guests"]] == [4]


def test_a_guest_that_reboots_has_its_devices_again(host: Dom0) -> None:
    host.lab("reboot")
    (before,) = ctl(host, "status")["guests"]
    watcher = (host.root / "var/run/pcibackd-guests.pid").read_text()
    for _time in range(2):
        assert host.command("/usr/pkg/sbin/xl", "reboot", "firewall").returncode == 0
        assert wait_for_devices(host, before) == [(CARD, True), (OTHER, False)]
        (before,) = ctl(host, "status")["guests"]
    # Also after pcibackd was killed: what watches goes on.
    host.command("/bin/kill", "-9", (host.directory / "machine/pcibackd.pid").read_text().strip())
    service(host, "start")
    assert (host.root / "var/run/pcibackd-guests.pid").read_text() == watcher
    assert host.command("/usr/pkg/sbin/xl", "reboot", "firewall").returncode == 0
    assert wait_for_devices(host, before) == [(CARD, True), (OTHER, False)]
    service(host, "stop")
    assert not (host.root / "var/run/pcibackd-guests.pid").exists()
    assert said(host) == []


def wait_for_devices(host: Dom0, before: dict[str, object]) -> list[tuple[object, object]]:
    """The devices of a guest that has another number than before, and is connected."""
    end = time.monotonic() + 40
    while True:
        for guest in ctl(host, "status")["guests"]:
            if guest["domain"] != before["domain"] and guest["frontend_state"] == 4:
                return [(each["address"], each["permissive"]) for each in guest["devices"]]  # type: ignore[attr-defined]
        assert time.monotonic() < end
        time.sleep(0.3)


def test_dom0s_card_that_has_come_to_the_address_of_a_guests_is_not_taken(host: Dom0) -> None:
    host.lab("swap-cards", MANAGEMENT, CARD)
    assert said(host) == [
        f"{CARD} stays dom0's: dom0's default route leaves by its wm2",
        f"guest 'firewall' is not started: pcibackd does not have {CARD}",
    ]
    assert [each["address"] for each in ctl(host, "status")["taken"]] == [OTHER]
    assert guests(host) == {"storage": "-b----"}
    interface = host.command("/sbin/ifconfig", "wm2").stdout
    assert "inet 10.0.2.15" in interface


def test_a_card_of_another_model_is_not_taken(host: Dom0) -> None:
    host.lab("swap-cards", "0000:00:07.0", OTHER)
    console = (host.directory / "machine/console.log").read_text().rpartition("login: ")[2]
    assert f"pcibackctl: {OTHER} is 8086:100e, expected is 10ec:8139: the buses have other numbers now" in console
    assert said(host) == [f"guest 'firewall' is not started: pcibackd does not have {OTHER}"]
    assert [each["address"] for each in ctl(host, "status")["taken"]] == [CARD]
    assert guests(host) == {"storage": "-b----"}
