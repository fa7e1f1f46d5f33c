# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One pcibackd on a host: beside another one, beside one that hangs, in the background; and whom it then serves."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_pcibackd import BUS, FIRST, NATIVE, SECOND, Running
from tests.simulator.xen import SimulatedXen

PCIBACKD = NATIVE / "pcibackd"
# A mount namespace of its own, also for who is not root.
NAMESPACE = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
needs_namespace = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode != 0,
    reason="this user can't have a mount namespace",
)


def start(directory: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run pcibackd with a simulated host until its command ends."""
    command = [PCIBACKD, "--bus", BUS, *arguments]
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        command, cwd=directory, capture_output=True, text=True, timeout=20, check=False, **options
    )
    return done


def status_of(control: Path) -> str:
    """What pcibackctl says."""
    command = [NATIVE / "pcibackctl", "status", "--control", control]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout


def process_of(control: Path) -> int:
    """Who listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(control))
        peer = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int.from_bytes(peer[:4], sys.byteorder)


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[Path]:
    """A socket with a listener that takes nobody, and with as many clients as its queue has room for."""
    path = tmp_path / "hung.sock"
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as clients:
        listener.bind(str(path))
        listener.listen(0)
        for _client in range(64):
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            try:
                client.connect(str(path))
            except BlockingIOError:
                break
        else:
            pytest.fail("the queue has no end")
        yield path


def test_a_start_beside_one_that_hangs_ends_with_a_sentence(tmp_path: Path, hung: Path) -> None:
    done = start(tmp_path, "--foreground", "--control", str(hung))
    assert (done.returncode, done.stderr) == (1, f"pcibackd: {hung}: another pcibackd is running\n")
    assert hung.is_socket()


def ask(control: Path) -> subprocess.CompletedProcess[str]:
    command = [NATIVE / "pcibackctl", "status", "--control", control, "--wait", "1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


NO_ANSWER = (
    "pcibackctl: pcibackd has not answered within 1 s: it hangs, or xenstored does; what was asked may still be done\n"
)


def test_one_that_takes_no_clients_any_more_is_not_waited_for_without_end(hung: Path) -> None:
    done = ask(hung)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", NO_ANSWER)


def test_nor_is_one_that_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        done = ask(path)
    assert (done.returncode, done.stderr) == (1, NO_ANSWER)


HOLDER = """
import fcntl, os, subprocess, sys
with open("/var/run/pcibackd.lock", "w") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print(os.getpid(), flush=True)
    sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


@needs_namespace
@pytest.mark.parametrize("mode", [["--foreground"], []])
def test_a_second_one_on_a_host_is_refused_whatever_its_control_path(tmp_path: Path, mode: list[str]) -> None:
    script = 'mount -t tmpfs tmpfs "$(readlink -f /var/run)" && exec "$@"'
    command = [sys.executable, "-c", HOLDER, PCIBACKD, *mode, "--control", tmp_path / "other.sock"]
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", script, "sh", *command], capture_output=True, text=True, timeout=20, check=False
    )
    holder = done.stdout.strip()
    assert done.stderr == (
        f"pcibackd: another pcibackd serves this host's guests: process {holder}, which has locked /var/run/pcibackd.lock\n"
    )
    assert done.returncode == 1


@needs_namespace
def test_a_lock_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    script = 'mount -t tmpfs tmpfs "$(readlink -f /var/run)" && mkdir /var/run/pcibackd.lock && exec "$@"'
    command = [*NAMESPACE, "sh", "-c", script, "sh", PCIBACKD, "--foreground", "--control", tmp_path / "c.sock"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (1, "pcibackd: /var/run/pcibackd.lock can't be locked: Is a directory\n")


def test_the_command_ends_when_the_start_is_done(tmp_path: Path) -> None:
    # A path that is relative means the directory that the command was run in, also at the end.
    done = start(tmp_path, "--control", "own.sock")
    control = tmp_path / "own.sock"
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert status_of(control) == "no guest has devices\n"
    process = process_of(control)
    assert os.readlink(f"/proc/{process}/cwd") == "/"
    assert {os.readlink(f"/proc/{process}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    os.kill(process, signal.SIGTERM)
    for _time in range(200):
        if not control.exists():
            break
        time.sleep(0.05)
    assert not control.exists()


def test_somebody_elses_socket_stays(tmp_path: Path) -> None:
    control = tmp_path / "own.sock"
    assert start(tmp_path, "--control", str(control)).returncode == 0
    process = process_of(control)
    control.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(control))
        os.kill(process, signal.SIGTERM)
        while Path(f"/proc/{process}/exe").exists():
            time.sleep(0.02)
        assert control.is_socket()


def test_a_start_that_fails_in_the_background_is_said_and_is_the_status(tmp_path: Path) -> None:
    control = tmp_path / "nothing" / "own.sock"
    done = start(tmp_path, "--control", str(control))
    assert done.returncode == 1
    assert done.stderr == f"pcibackd: the control socket {control} can't be made: No such file or directory\n"


@needs_namespace
def test_a_failure_after_the_process_has_left_is_the_status_too(tmp_path: Path) -> None:
    script = 'mount -t tmpfs tmpfs /dev && exec "$@"'
    command = [*NAMESPACE, "sh", "-c", script, "sh", PCIBACKD, "--bus", BUS, "--control", tmp_path / "own.sock"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("pcibackd: can't leave the terminal: No such file or directory\n")
    assert not (tmp_path / "own.sock").exists()


def test_the_kernels_own_backend_keeps_it_away(tmp_path: Path) -> None:
    xen = SimulatedXen(tmp_path)
    xen.kernel_backend = "/kern/xen/pci"
    command = [NATIVE / "pcibackd", "--foreground", "--bus", BUS, "--xen-socket", xen.path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        xen.accept()
        xen.serve_one()
        assert process.communicate(timeout=20)[1] == (
            "pcibackd: the kernel's own backend is at work (/kern/xen/pci): unload it, or boot without a hide list\n"
        )
    xen.close()
    assert process.returncode == 1


def test_what_a_driver_of_dom0_has_is_not_taken(tmp_path: Path) -> None:
    daemon = Running(tmp_path)
    daemon.xen.drivers = {FIRST: 0}
    refused = daemon.ctl("take", FIRST)
    assert (refused.returncode, refused.stderr) == (
        1,
        f"pcibackctl: {FIRST} is in use by a driver of this system; hide it first\n",
    )
    assert daemon.ctl("take", "--check", FIRST).stdout == f"{FIRST} is 8086:10d3, and wm0 has it\n"
    daemon.xen.drivers = {SECOND: 0}
    assert daemon.ctl("take", FIRST).returncode == 0
    # A rescan gives it to its driver, which is noticed.
    daemon.xen.drivers = {FIRST: 0}
    daemon.xen.pass_time(2100)
    assert [each["lost"] for each in daemon.status()["taken"]] == [True]
    assert daemon.stop() == 0
    daemon.xen.close()


def test_each_guest_of_many_is_seen(tmp_path: Path) -> None:
    """More directories than 64, of guests that there is room for."""
    running = Running(tmp_path, "--guests", "200")
    try:
        for domain in range(1, 131):
            running.xen.domain(domain)
            base = f"/local/domain/0/backend/pci/{domain}/0"
            for name, value in {
                "frontend": f"/local/domain/{domain}/device/pci/0",
                "frontend-id": str(domain),
                "online": "1",
                "state": "1",
                "num_devs": "0",
            }.items():
                running.xen.write(f"{base}/{name}", value)
        running.xen.settle()
        assert sorted(each["domain"] for each in running.status()["guests"]) == list(range(1, 131))  # type: ignore[attr-defined]
        assert running.stop() == 0
    finally:
        running.process.kill()
        running.process.wait()
        running.xen.close()
        running.log.close()
