# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd on an embedded dom0: what Xen does there for it, seen from outside."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from machine import hypervisor, xen_process
from machine.state import Machine
from machine.xen_server import XenServer, text

from tests.unit.lab.conftest import Host

FIRST, SECOND = "0000:00:04.0", "0000:00:08.0"
GUEST = "/usr/pkg/etc/xen/firewall"
IN_USE = "pcibackctl: {} is in use by a driver of this system; hide it first\n"


def eventually(condition: Callable[[], Any]) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def status(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(host.ctl("status", "--json").stdout)
    return found


def phases(host: Host) -> list[str]:
    return [guest["phase"] for guest in status(host)["guests"]]


@pytest.fixture
def running(host: Host) -> Host:
    """A machine whose pcibackd runs, and that has a guest."""
    host.create("--guest", "firewall").install_pcibackd()
    started = host.service("pcibackd", "start")
    assert started.returncode == 0, started.stderr
    return host


def test_a_guest_from_its_start_to_its_end(running: Host) -> None:
    host = running
    assert host.ctl("take", FIRST).stderr == IN_USE.format(FIRST)
    assert host.tool("drvctl -d wm0").returncode == 0
    assert host.ctl("take", FIRST).returncode == 0
    assert host.tool(f"xl create -pq {GUEST} pci=[]").returncode == 0
    assert host.ctl("attach", "--domain", "1", FIRST).returncode == 0
    assert host.tool("xl list").stdout.splitlines()[2].split()[4] == "--p---"
    assert phases(host) == ["ready"]
    assert host.tool("xl unpause firewall").returncode == 0
    assert eventually(lambda: phases(host) == ["connected"])
    assert eventually(lambda: host.state["domains"][0]["sees"] == ["8086:100e"])
    assert host.state["xen"]["owners"] == {FIRST: 1}
    # Hot plug.
    host.tool("drvctl -d wm1")
    assert host.ctl("attach", "--domain", "1", SECOND).returncode == 0
    assert host.state["domains"][0]["sees"] == ["8086:100e"] * 2
    assert host.tool("xl pci-list firewall").stdout == f"Vdev Device\n00.0 {FIRST}\n00.0 {SECOND}\n"
    # As on a real one: they are in no configuration that libxl keeps.
    assert "pcidevs" not in json.loads(host.tool("xl list -l firewall").stdout)[0]["config"]
    assert host.ctl("detach", "--domain", "1", FIRST).returncode == 0
    assert eventually(lambda: host.state["domains"][0]["sees"] == ["8086:100e"])
    # Back to dom0: what is still in quarantine gets its driver, too, and reaches no memory.
    assert host.tool("xl destroy firewall").returncode == 0
    assert eventually(lambda: status(host)["guests"] == [])
    assert host.ctl("return", FIRST).returncode == 0
    assert host.tool("drvctl -r pci0").returncode == 0
    assert host.tool("drvctl -l pci0").stdout.splitlines()[-2:] == ["pci0 wm0", "pci0 wm1"]
    assert host.state["xen"]["owners"] == {SECOND: hypervisor.QUARANTINE}
    assert host.status()["cut_off"] == ["wm1"]
    assert "\nwithout DMA, because Xen has their devices: wm1\n" in host.dom0("status").stdout
    assert eventually(lambda: [device["lost"] for device in status(host)["taken"]] == [True])


def test_a_guest_that_has_nothing_gets_it_while_it_runs(running: Host) -> None:
    running.tool("drvctl -d wm0")
    running.tool(f"xl create -q {GUEST}")
    assert running.ctl("attach", "--domain", "1", FIRST).returncode == 0
    assert phases(running) == ["connected"]
    # A guest that starts itself anew is another domain, which has no device.
    running.tool("xl reboot firewall")
    assert eventually(lambda: [domain["domid"] for domain in running.state["domains"]] == [2])
    assert eventually(lambda: status(running)["guests"] == [])
    assert [device["address"] for device in status(running)["taken"]] == [FIRST]


def test_another_pcibackd_takes_the_guests_over(running: Host) -> None:
    running.tool("drvctl -d wm0")
    running.tool(f"xl create -q {GUEST}")
    assert running.ctl("attach", "--domain", "1", FIRST).returncode == 0
    assert running.sh("kill -9 $(/usr/sbin/lab-processes /usr/local/sbin/pcibackd)").returncode == 0
    assert eventually(lambda: running.service("pcibackd", "status").returncode == 1)
    assert running.service("pcibackd", "start").returncode == 0
    eventually(lambda: phases(running) == ["connected"])
    assert phases(running) == ["connected"], running.ctl("status").stdout


def test_a_reboot_ends_all_of_it_and_starts_it_again(running: Host) -> None:
    before = status(running)["pid"]
    process = xen_process.running(Machine.outside(str(running.directory)))
    running.tool("drvctl -d wm0")
    running.ctl("take", FIRST)
    assert running.run("/sbin/shutdown", "-r", "now").returncode == 0
    found = status(running)
    assert (found["pid"] != before, found["taken"]) == (True, [])
    assert xen_process.running(Machine.outside(str(running.directory))) not in (None, process)
    assert "Starting pcibackd." in running.console
    assert running.dom0("destroy").returncode == 0
    assert xen_process.running(Machine.outside(str(running.directory))) is None


def test_two_machines_are_strangers(running: Host, tmp_path: Any, firmware: Any) -> None:
    other = Host(tmp_path / "other", firmware).create().install_pcibackd()
    assert other.service("pcibackd", "start").returncode == 0
    assert other.service("pcibackd", "stop").returncode == 0
    assert running.service("pcibackd", "status").returncode == 0
    other.end()


def test_the_kernels_backend_keeps_it_away(host: Host) -> None:
    host.create(
        boot_cfg="menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:04.0);multiboot /xen.gz\ntimeout=1\n"
    ).install_pcibackd()
    started = host.service("pcibackd", "start")
    assert (started.returncode, started.stderr) == (
        1,
        "pcibackd: the kernel's own backend is at work (/kern/xen/pci): unload it, or boot without a hide list\n",
    )


def test_without_an_iommu_a_device_is_refused(host: Host) -> None:
    host.create("--no-iommu").install_pcibackd()
    host.service("pcibackd", "start")
    host.tool("drvctl -d wm0")
    refused = host.ctl("take", FIRST)
    assert refused.returncode == 1
    assert "no IOMMU" in refused.stderr


# -- Messages ----------------------------------------------------------------------------------


class Client:
    """A pcibackd that says what a test wants."""

    def __init__(self, server: XenServer) -> None:
        self.server = server
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(server.machine.path(xen_process.SOCKET))
        server.turn()

    def ask(self, kind: int, payload: bytes) -> tuple[int, bytes]:
        """Result and what follows it; events that come before are passed over."""
        self.socket.sendall(struct.pack("=III", len(payload), 5, kind) + payload)
        self.server.turn()
        while True:
            length, number, kind = struct.unpack("=III", self.socket.recv(12, socket.MSG_WAITALL))
            data = self.socket.recv(length, socket.MSG_WAITALL) if length else b""
            if (number, kind) == (5, 100):
                return struct.unpack("=i", data[:4])[0], data[4:]


@pytest.fixture
def client(machine: Machine) -> Iterator[Client]:
    server = XenServer(machine)
    made = Client(server)
    yield made
    made.socket.close()
    # The peer is this very process.
    server.turn()
    server.close()


def test_a_change_of_the_store_is_all_or_nothing(client: Client) -> None:
    def item(action: int, path: str, value: str = "") -> bytes:
        return struct.pack("=I", action) + text(path) + text(value)

    assert client.ask(2, struct.pack("=I", 2) + item(2, "/a/7") + item(3, "/a/7", "x"))[0] == 0
    assert client.ask(2, struct.pack("=I", 2) + item(3, "/a/8", "y") + item(2, "/a/7"))[0] < 0
    assert client.ask(2, struct.pack("=I", 2) + item(3, "/a/8", "y") + item(1, "/a/7", "z"))[0] < 0
    assert client.ask(3, text("/a")) == (0, struct.pack("=II", 1, 7))
    assert client.ask(3, text("/b"))[0] < 0
    result, data = client.ask(1, struct.pack("=I", 2) + text("/a/7") + text("/a/8"))
    assert (result, data[:9]) == (0, struct.pack("=i", 0) + text("x"))
    assert struct.unpack("=i", data[9:13])[0] < 0
    assert client.ask(2, struct.pack("=I", 2) + item(5, "/c/d", "n0") + item(4, "/a"))[0] == 0
    assert client.ask(3, text("/c")) == (0, struct.pack("=I", 0))


def test_drivers_of_dom0_are_told_with_their_lines_and_names(client: Client) -> None:
    result, data = client.ask(25, b"")
    assert (result, data[:4]) == (0, text(""))
    assert text(FIRST) + struct.pack("=I", 11) + text("wm0") in data


def test_a_reset_is_done_at_once(client: Client) -> None:
    assert client.ask(27, text(FIRST)) == (0, struct.pack("=I", 0))


def test_what_a_domain_has_not_got_is_not_taken_back(client: Client) -> None:
    assert client.ask(18, struct.pack("=I", 3) + text(FIRST))[0] == 0
    assert client.ask(18, struct.pack("=I", 4) + text(FIRST))[0] < 0
    assert client.ask(19, struct.pack("=I", 4) + text(FIRST))[0] < 0
    assert client.ask(6, struct.pack("=I", 3)) == (0, struct.pack("=I", 2))
    assert client.ask(7, struct.pack("=II", 3, 8))[0] < 0
    assert client.ask(20, struct.pack("=I", 3) + text(FIRST) + struct.pack("=IQ", 0, 0))[1] == struct.pack("=I", 1001)
    assert client.ask(15, struct.pack("=II", 3, 11)) == (0, struct.pack("=I", 11))
