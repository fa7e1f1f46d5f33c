# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process pcibackd and the commands that talk to it, against a simulated Xen and the devices of a dump."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.xen import Lost, SimulatedXen

NATIVE = Path(__file__).resolve().parents[2] / "native" / "build"
BUS = Path(__file__).resolve().parents[2] / "lab" / "buses" / "q35-bridges.lspci"
FIRST, SECOND = "0000:00:07.0", "0000:00:05.0"


class Running:
    """A pcibackd with its Xen."""

    def __init__(
        self, directory: Path, *options: str, allow: str = "no-reset,kept-mappings", xen: SimulatedXen | None = None
    ) -> None:
        self.xen = xen or SimulatedXen(directory)
        self.control = str(directory / "control.sock")
        self.log = (directory / "log").open("w+")
        command = [NATIVE / "pcibackd", "--foreground", "--bus", BUS, "--xen-socket", self.xen.path]
        command += ["--control", self.control, *options, *(["--allow", allow] if allow else [])]
        self.process = subprocess.Popen(command, stderr=self.log)
        self.xen.accept()
        self.xen.settle()

    def ctl(self, *arguments: str, serve: bool = True) -> subprocess.CompletedProcess[str]:
        """Run pcibackctl while Xen is served."""
        command = [str(NATIVE / "pcibackctl"), *arguments, "--control", self.control]
        done: list[subprocess.CompletedProcess[str]] = []

        def run() -> None:
            done.append(subprocess.run(command, capture_output=True, text=True, timeout=60, check=False))

        thread = threading.Thread(target=run)
        thread.start()
        while thread.is_alive():
            if not serve:
                thread.join(0.01)
            elif self.xen.has_news(0.01):
                self.xen.serve_one()
        thread.join()
        return done[0]

    def status(self) -> dict[str, object]:
        result = self.ctl("status", "--json")
        assert result.returncode == 0, result.stderr
        value: dict[str, object] = json.loads(result.stdout)
        return value

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal, serving Xen until it has gone."""
        self.process.send_signal(number)
        try:
            while True:
                self.xen.serve_one()
        except (Lost, ConnectionError):
            pass
        return self.process.wait(10)

    def lines(self) -> list[str]:
        self.log.seek(0)
        return self.log.read().splitlines()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    daemon = Running(tmp_path)
    yield daemon
    if daemon.process.poll() is None:
        daemon.process.kill()
        daemon.process.wait()
    daemon.xen.close()
    daemon.log.close()
    assert daemon.xen.errors == []


def test_a_guest_from_attach_to_the_end(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    attached = running.ctl("attach", "--domain", "3", FIRST, "--json")
    assert attached.returncode == 0, attached.stderr
    device = json.loads(attached.stdout)["devices"][0]
    assert (device["address"], device["place"]) == (FIRST, "0000:00:00.0")
    assert xen.store["/local/domain/0/backend/pci/3/0/vdev-0"] == "0000:00:00.00"
    assert xen.store["/local/domain/0/backend/pci/3/0/root-0"] == "0000:00"
    xen.connect(3)
    assert xen.request(3, 0, 0, 0, 2) == (0, 0x8086)
    assert xen.request(3, 0, 8, 0, 2)[0] == -1
    assert xen.request(3, 0, 0, 3, 2)[0] == -2
    # MSI goes through Xen, and goes with the guest.
    error, pirq = xen.request(3, 2, 0, 0, 0)
    assert (error, ("msi", 3, pirq) in xen.held) == (0, True)
    assert running.stop() == 0
    assert xen.held == set()
    assert running.lines()[-1].endswith('message="ended, no permission is left"')


def test_hot_plug_and_unplug(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    assert running.ctl("attach", "--domain", "3", FIRST).stdout == f"{FIRST} is attached to domain 3\n"
    xen.connect(3)

    def take_part() -> None:
        if xen.state(3) == "7" and xen.store["/local/domain/3/device/pci/0/state"] == "4":
            xen.write("/local/domain/3/device/pci/0/state", "7")
        elif xen.state(3) == "8":
            xen.write("/local/domain/3/device/pci/0/state", "4")

    original = xen.serve_one

    def serve_one() -> tuple[int, int]:
        result = original()
        take_part()
        return result

    xen.serve_one = serve_one  # type: ignore[method-assign]
    assert running.ctl("attach", "--domain", "3", SECOND).returncode == 0
    assert xen.request(3, 0, 8, 0, 2) == (0, 0x8086)
    assert running.ctl("detach", "--domain", "3", FIRST).returncode == 0
    assert xen.store["/local/domain/0/backend/pci/3/0/dev-0"] == SECOND
    assert "/local/domain/0/backend/pci/3/0/dev-1" not in xen.store
    assert xen.request(3, 0, 0, 0, 2)[0] == -1
    assert xen.request(3, 0, 8, 0, 2) == (0, 0x8086)
    assert {what[0] for what in xen.held} >= {"device", "page", "event"}
    assert len([what for what in xen.held if what[0] == "device"]) == 1
    guest = running.status()["guests"][0]  # type: ignore[index]
    assert (guest["phase"], guest["hot_plug"], guest["state"]) == ("connected", True, 4)


def test_no_hot_plug_for_a_frontend_that_nobody_knows(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    running.ctl("attach", "--domain", "3", FIRST)
    xen.connect(3)
    xen.pages[3][0:4] = bytes(4)
    xen.frontend(3, 1)
    xen.store["/local/domain/3/device/pci/0/state"] = "3"
    xen.frontend(3, 3)
    refused = running.ctl("attach", "--domain", "3", SECOND, "--json")
    assert refused.returncode == 1
    assert "NetBSD's would panic" in json.loads(refused.stdout)["message"]
    assert xen.state(3) == "4"


def test_time_and_dead_domains(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    running.ctl("attach", "--domain", "3", FIRST, SECOND)
    xen.connect(3)
    xen.kill(3)
    xen.settle()
    assert xen.held == set()
    assert xen.state(3) == "6"
    xen.pass_time(31000)
    assert not [path for path in xen.store if path.startswith("/local/domain/0/backend/pci/3")]


def test_an_error_report(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    running.ctl("attach", "--domain", "3", FIRST)
    xen.connect(3)
    xen.send(103, b"\x06\0\0\0\x02\0\0\0\x0c\0\0\0" + FIRST.encode())
    xen.settle()
    assert xen.pages[3][0] & 4
    xen.pass_time(6000)
    assert xen.recovered == [(3, FIRST, 6, 4)]
    assert xen.store["/local/domain/0/backend/pci/3/0/aerState"] == "aerfail"


def test_a_call_that_fails_leaves_nothing(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    for call in ("ioport", "iomem", "pirq", "irq", "device"):
        xen.fail = {call: errno.EPERM}
        result = running.ctl("attach", "--domain", "3", FIRST)
        if result.returncode == 0:
            # The device has none of these.
            assert not [what for what in xen.held if what[0] == call]
            assert running.ctl("detach", "--domain", "3", FIRST).returncode == 0
        else:
            assert result.stderr.endswith(f": {os.strerror(errno.EPERM)}\n")
        assert xen.held == set()
    xen.fail = {"device": errno.EOPNOTSUPP}
    assert "there is no IOMMU for it" in running.ctl("attach", "--domain", "3", FIRST).stderr


def test_without_an_iommu_if_the_owner_says_so(tmp_path: Path) -> None:
    daemon = Running(tmp_path, allow="no-iommu,shared-irq")
    daemon.xen.domain(3)
    daemon.xen.fail = {"device": errno.EOPNOTSUPP}
    assert daemon.ctl("attach", "--domain", "3", FIRST).returncode == 0
    assert daemon.stop(signal.SIGINT) == 0
    assert (daemon.xen.held, daemon.xen.errors) == (set(), [])


def test_devices_are_taken_and_returned(running: Running) -> None:
    xen = running.xen
    assert running.ctl("take", FIRST, SECOND).stdout == f"{FIRST} is taken from dom0\n{SECOND} is taken from dom0\n"
    assert xen.quarantine == {FIRST, SECOND}
    assert running.status()["taken"] == [
        {"address": each, "clean": True, "lost": False, "allow": "", "irq": None} for each in (FIRST, SECOND)
    ]
    # It stays taken, with its table, from one guest to the next.
    for domain in (3, 4):
        xen.domain(domain)
        assert running.ctl("attach", "--domain", str(domain), FIRST).returncode == 0
        assert running.ctl("return", FIRST).stderr == f"pcibackctl: {FIRST} belongs to domain {domain}\n"
        assert running.ctl("detach", "--domain", str(domain), FIRST).returncode == 0
    assert (xen.order.count("+quarantine"), xen.order.count("-quarantine")) == (2, 0)
    returned = running.ctl("return", "--json", FIRST, SECOND)
    assert json.loads(returned.stdout) == {
        "schema": "xen.pciback/return/1",
        "devices": [{"address": FIRST}, {"address": SECOND}],
    }
    assert (xen.quarantine, xen.tables) == (set(), set())
    assert running.ctl("return", FIRST).stderr == f"pcibackctl: {FIRST} was not taken from dom0\n"


def test_another_device_than_the_expected_one_is_not_taken(running: Running) -> None:
    identity = "id=8086:10d3,subsystem=8086:0000"
    checked = running.ctl("take", "--check", f"{FIRST},{identity}")
    assert checked.stdout == f"{FIRST} is 8086:10d3, and no driver has it\n"
    assert running.status()["taken"] == []
    another = running.ctl("take", FIRST, f"{SECOND},{identity}")
    assert (another.returncode, running.status()["taken"], running.xen.order) == (1, [], [])
    assert (
        f"{SECOND} is 8086:100e, expected is 8086:10d3: the buses have other numbers now, or another card is there"
        in another.stderr
    )
    assert running.ctl("take", f"{FIRST},{identity}").returncode == 0


def test_each_device_has_its_own_policy(running: Running) -> None:
    running.xen.domain(3)
    attached = running.ctl(
        "attach", "--json", "--domain", "3", "--rdm-relaxed", f"{FIRST},rdm_policy=strict", f"{SECOND},permissive=1"
    )
    devices = json.loads(attached.stdout)["devices"]
    assert [(device["permissive"], device["rdm_policy"]) for device in devices] == [
        (False, "strict"),
        (True, "relaxed"),
    ]
    version = subprocess.run([NATIVE / "pcibackctl", "version", "--json"], capture_output=True, check=True)
    assert running.status()["source_sha256"] == json.loads(version.stdout)["source_sha256"]


def test_what_the_owner_has_to_allow(tmp_path: Path) -> None:
    daemon = Running(tmp_path, allow="")
    for domain in (3, 4):
        daemon.xen.domain(domain)
    assert f"{SECOND} can't be reset" in daemon.ctl("attach", "--domain", "3", SECOND).stderr
    assert daemon.ctl("attach", "--domain", "3", FIRST).returncode == 0
    assert daemon.ctl("detach", "--domain", "3", FIRST).returncode == 0
    # The domain lives, and may have kept what it had mapped.
    held_back = f"pcibackctl: {FIRST} is held back: domain 3 may still reach it; destroy that domain first\n"
    assert daemon.ctl("attach", "--domain", "4", FIRST).stderr == held_back
    assert daemon.ctl("return", FIRST).stderr == held_back
    assert daemon.status()["held_back"] == [
        {"address": FIRST, "domain": 3, "permissions": 0, "allow": "", "irq": None, "lost": False}
    ]
    assert daemon.ctl("attach", "--domain", "3", FIRST).returncode == 0
    daemon.xen.kill(3)
    daemon.xen.settle()
    assert daemon.ctl("attach", "--domain", "4", FIRST).returncode == 0
    assert daemon.stop() == 0
    assert (daemon.xen.held, daemon.xen.errors) == (set(), [])


def test_it_asks_before_it_goes(running: Running) -> None:
    xen = running.xen
    xen.domain(3)
    running.ctl("attach", "--domain", "3", FIRST)
    xen.connect(3)
    running.process.send_signal(signal.SIGTERM)
    while xen.state(3) != "5":
        xen.serve_one()
    assert ("device", 3, FIRST) in xen.held
    xen.write("/local/domain/3/device/pci/0/state", "6")
    assert running.stop() == 0
    assert xen.held == set()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["attach", "--domain", "9", FIRST], 1, "domain 9 does not exist"),
        (["attach", "--domain", "3", "0000:1f:1f.7"], 1, "0000:1f:1f.7 is no device of this machine"),
        (["attach", "--domain", "0", FIRST], 2, "a domain's number from 1 to 32751 would follow --domain"),
        (["attach", "--domain", "three", FIRST], 2, "a domain's number from 1 to 32751 would follow --domain"),
        (["attach", "--domain", "3", "03:00"], 2, "'03:00' is no address of a device, such as 0000:03:00.0"),
        (["attach", "--domain", "3", FIRST, FIRST], 2, f"{FIRST} is named twice"),
        (["attach", "--domain", "3"], 2, "attach: addresses of devices would follow"),
        (["attach", FIRST], 2, "attach: --domain ID is needed"),
        (["attach", "--domain", "3", "--force", FIRST], 2, "--force: no such option of this command"),
        (["detach", "--domain", "3", FIRST], 1, f"{FIRST} is not attached to domain 3"),
        (["take", f"{FIRST},permissive=1"], 2, "'permissive' is no option of a device here"),
        (["take", f"{FIRST},id=1"], 2, "after id= there would be vendor and device, such as 8086:10d3"),
        (["status", "more"], 2, "more: no such option of this command"),
    ],
)
def test_one_sentence_for_each_mistake(running: Running, arguments: list[str], status: int, sentence: str) -> None:
    running.xen.domain(3)
    result = running.ctl(*arguments, "--json")
    assert result.returncode == status
    assert json.loads(result.stdout) == {"schema": "xen.pciback/error/1", "message": sentence}
    assert result.stderr.splitlines()[0] == f"pcibackctl: {sentence}"
    assert running.xen.held == set()


def test_the_control_socket(running: Running, tmp_path: Path) -> None:
    assert stat.S_IMODE(os.stat(running.control).st_mode) == 0o600
    # Rubbish, silence and more clients than there is room for.
    for request in (
        b"\n",
        b"status\n",
        b"status xml\n",
        b"attach json\n",
        b"x" * 5000,
        b"\0\n",
        b"attach text 3 force\n",
    ):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(running.control)
            client.sendall(request)
            client.settimeout(10)
            answer = client.recv(4096)
            assert answer.startswith(b"2 ")
            assert (answer == b"2 a request has at most 4095 bytes\n") == (len(request) == 5000)
    silent = [socket.socket(socket.AF_UNIX) for _client in range(20)]
    for client in silent:
        client.connect(running.control)
    for client in silent:
        client.close()
    assert running.status()["permissions"] == {"granted": 0, "taken_back": 0, "not_taken_back": 0}
    command = [NATIVE / "pcibackd", "--foreground", "--bus", BUS, "--control", running.control]
    second = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert second.returncode == 1
    assert second.stderr == f"pcibackd: {running.control}: another pcibackd is running\n"
    file = tmp_path / "file"
    file.write_text("kept")
    refused = subprocess.run([*command[:-1], file], capture_output=True, text=True, timeout=10, check=False)
    assert (refused.returncode, file.read_text()) == (1, "kept")
    assert refused.stderr == f"pcibackd: the control socket {file} can't be made: {os.strerror(errno.EEXIST)}\n"
    assert running.stop() == 0
    assert not os.path.exists(running.control)
    gone = running.ctl("status", serve=False)
    assert (gone.returncode, gone.stderr) == (
        1,
        f"pcibackctl: pcibackd is not running: nobody listens at {running.control}\n",
    )


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--bus", "/nonexistent"], 1, "/nonexistent can't be read: No such file or directory"),
        (["--xen-socket", "/x"], 2, "--xen-socket is for tests and needs --bus DUMP"),
        (["--bus", str(BUS), "--xen-socket", "/nonexistent"], 1, "the simulated Xen at /nonexistent can't be reached"),
        (["--bus"], 2, "--bus: a value would follow"),
        (["--what", "x"], 2, "--what: no such option"),
        (["what"], 2, "what: an option would stand here"),
        (
            ["--allow", "iommu"],
            2,
            "--allow iommu: no-iommu, shared-irq, shared-bar-page, no-reset or kept-mappings would stand here",
        ),
        (["--topology", "flat"], 2, "--topology flat: virtual or real would stand here"),
        (["--log", "xml"], 2, "--log xml: text or json would stand here"),
        (["--guests", "0"], 2, "--guests 0: a number from 1 to 1024 would stand here"),
        (["--devices", "1025"], 2, "--devices 1025: a number from 1 to 1024 would stand here"),
    ],
)
def test_one_sentence_for_each_bad_option(arguments: list[str], status: int, sentence: str) -> None:
    command = [NATIVE / "pcibackd", "--foreground", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == status
    assert result.stderr.startswith(f"pcibackd: {sentence}")


@pytest.mark.parametrize(
    ("program", "usage"),
    [
        ("pcibackd", "usage: pcibackd [--foreground] [--control PATH] [--topology virtual|real]\n"),
        ("pcibackctl", "usage: pcibackctl boot --config FILE [--entry N] [--bus DUMP] [--root DIR]\n"),
    ],
)
def test_each_program_says_how_it_is_called(program: str, usage: str) -> None:
    shown = subprocess.run([NATIVE / program, "--help"], capture_output=True, text=True, timeout=10, check=True)
    assert shown.stdout.startswith(usage) and shown.stderr == ""
    wrong = subprocess.run([NATIVE / program, "--what"], capture_output=True, text=True, timeout=10, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.partition("\n")[2] == shown.stdout


def test_no_double_is_in_the_program_that_is_installed(tmp_path: Path) -> None:
    alone = tmp_path / "pcibackd"
    shutil.copy(NATIVE / "pcibackd", alone)
    assert b"xen-socket" in alone.read_bytes() and b"simulated Xen" not in alone.read_bytes()
    result = subprocess.run([alone, "--bus", BUS], capture_output=True, text=True, timeout=10, check=False)
    assert (result.returncode, result.stderr) == (
        1,
        "pcibackd: --bus is for tests and needs pcibackd-simulated in the directory of pcibackd, where 'make' leaves it "
        "and 'make install' does not: No such file or directory\n",
    )
    command = [NATIVE / "pcibackd-simulated", "--foreground"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)


def test_a_bad_dump_is_refused_with_its_line(tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_text("00:00.0 Host bridge\n00: 86 80\n")
    command = [NATIVE / "pcibackd", "--foreground", "--bus", dump]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(f"pcibackd: {dump}, line 2: ")


def test_the_log_is_one_object_a_line(tmp_path: Path) -> None:
    daemon = Running(tmp_path, "--log", "json")
    daemon.xen.domain(3)
    daemon.ctl("attach", "--domain", "3", FIRST)
    daemon.xen.connect(3)
    assert daemon.stop() == 0
    lines = [json.loads(line) for line in daemon.lines()]
    assert all(set(line) <= {"time", "level", "domain", "message"} for line in lines)
    assert {"domain": 3, "level": "info", "message": "ready, 1 of 1 devices"}.items() <= lines[2].items()


def test_a_xen_that_is_lost_ends_it(running: Running) -> None:
    running.xen.close()
    assert running.process.wait(10) == 1
    assert any("Xen is lost" in line for line in running.lines())
