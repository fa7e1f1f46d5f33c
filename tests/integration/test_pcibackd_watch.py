# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`pcibackd-guests watch`: a guest that reboots itself has its devices again, and no other domain gets any."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.pcibackd_host import SHELLS, Host

A, B = "0000:03:00.0", "0000:04:00.0"
NAME = "fire wall"


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


class Watched(Host):
    """A host with a guest that has a device, and with xenstore-watch."""

    def __init__(self, directory: Path, shell: list[str]) -> None:
        super().__init__(directory, shell)
        self.has_xenstore_watch()
        self.lines(f"guest\t{NAME}\t{self.guest(NAME)}\t{A},permissive=1 {B}", "guest\tof another version")
        self.domain("1", NAME)
        self.set(guests={"1": [A, B]}, unattachable=[])

    @contextmanager
    def watch(self) -> Iterator[subprocess.Popen[str]]:
        command = [*self.shell, str(self.script), "--record", str(self.record), "--control", "/run/c.sock", "watch"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            until((self.directory / "known").exists)
            yield process
        finally:
            process.terminate()
            assert process.wait(10) == 0
        assert not (self.directory / "watcher").exists()

    @property
    def given(self) -> list[str]:
        return [call for call in self.calls if call.startswith("pcibackctl attach")]

    @property
    def known(self) -> list[str]:
        return (self.directory / "known").read_text().splitlines()[-1].split()


@pytest.fixture(params=SHELLS, ids=lambda shell: Path(shell[0]).name)
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Watched:
    return Watched(tmp_path / "host", request.param)


@pytest.fixture
def host(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "host", SHELLS[0])


def test_a_guest_that_reboots_gets_its_devices_again(anywhere: Watched) -> None:
    host = anywhere
    with host.watch() as process:
        assert host.given == []
        # xl makes it paused, and lets it run when it is complete.
        host.domain("2", NAME, "--p---")
        host.event()
        time.sleep(0.5)
        assert host.given == []
        host.domain("2", NAME)
        until(lambda: host.known == ["2"])
        assert host.given == [f"pcibackctl attach --domain 2 {A},permissive=1 {B}"]
        # What somebody takes from it meanwhile stays taken.
        host.set(guests={})
        host.event()
        host.domain("3", "another")
        until(lambda: host.known == ["2", "3"])
        assert len(host.given) == 1
        host.domain("4", NAME, "r-----")
        host.event()
        until(lambda: "4" in host.known)
        assert host.given[1:] == [f"pcibackctl attach --domain 4 {A},permissive=1 {B}"]
    assert process.stderr is not None and process.stderr.read() == ""


def test_one_that_is_made_with_devices_gets_no_others(host: Watched) -> None:
    with host.watch():
        host.domain("2", NAME, "--p---")
        host.event()
        host.set(guests={"2": [B]})
        host.domain("2", NAME)
        until(lambda: host.known == ["2"])
    assert host.given == []


def test_one_that_ran_without_devices_before_stays_so(host: Watched) -> None:
    host.set(guests={})
    with host.watch():
        host.event()
        host.domain("2", "another")
        until(lambda: "2" in host.known)
    assert host.given == []


def test_one_that_rebooted_while_nobody_watched(host: Watched) -> None:
    with host.watch():
        pass
    host.domain("2", NAME)
    with host.watch():
        until(lambda: host.known == ["2"])
    assert len(host.given) == 1
    # After another boot, the numbers are others.
    host.boot(2)
    host.set(guests={})
    with host.watch():
        until(lambda: (host.directory / "known").read_text().startswith("boot 2"))
    assert len(host.given) == 1


def test_devices_that_the_domain_before_still_has(host: Watched) -> None:
    host.set(unattachable=[B])
    with host.watch():
        host.domain("2", NAME)
        host.event()
        until(lambda: len(host.given) > 1)
        host.set(unattachable=[])
        until(lambda: host.known == ["2"])
    assert host.books["guests"] == {"2": [A, B]}


def test_devices_that_it_can_not_have_are_said_once(host: Watched) -> None:
    host.set(unattachable=[B])
    with host.watch() as process:
        host.domain("2", NAME)
        host.event()
        until(lambda: host.known == ["2"])
        tries = len(host.given)
        host.event()
        time.sleep(0.5)
        assert len(host.given) == tries
    assert process.stderr is not None
    assert process.stderr.read() == (
        f"pcibackd-guests: guest '{NAME}' runs without its devices after a reboot: "
        f"pcibackctl: {B} belongs to domain 9\n"
    )


def test_a_pcibackd_that_is_away_is_waited_for(host: Watched) -> None:
    with host.watch():
        host.set(silent=True)
        host.domain("2", NAME)
        host.event()
        time.sleep(5)
        assert host.given == []
        host.set(silent=False)
        until(lambda: host.known == ["2"])
    assert len(host.given) == 1


def test_xenstore_watch_that_ends_is_started_again(host: Watched) -> None:
    with host.watch() as process:
        found = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "xenstore-watch"], check=False, capture_output=True, text=True
        )
        subprocess.run(["kill", *found.stdout.split()], check=True)
        host.domain("2", NAME)
        until(lambda: host.known == ["2"])
    assert len(host.given) == 1


def test_only_one_watches(host: Watched) -> None:
    with host.watch() as process:
        done = host.run("watch")
        said = f"pcibackd-guests: process {process.pid} watches the guests already\n"
        assert (done.returncode, done.stderr) == (1, said)
        assert host.run("--background", "watch").returncode == 0
        assert host.run("stop").returncode == 0
        assert process.wait(10) == 0
    # The number of one that was killed, which another process has.
    (host.directory / "watcher").write_text("1\n")
    with host.watch() as process:
        until(lambda: (host.directory / "watcher").read_text() == f"{process.pid}\n")


def test_it_goes_on_by_itself_until_it_is_stopped(anywhere: Watched) -> None:
    log = anywhere.directory / "log"
    (anywhere.directory / "bin/logger").write_text(f'#!/bin/sh\necho "$@" >>{log}\n')
    (anywhere.directory / "bin/logger").chmod(0o755)
    done = anywhere.run("--background", "watch")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    try:
        until((anywhere.directory / "known").exists)
        anywhere.set(unattachable=[A])
        anywhere.domain("2", NAME)
        anywhere.event()
        # The shell makes the file before it writes it.
        until(lambda: log.exists() and log.read_text())
        assert log.read_text().startswith(
            "-t pcibackd-guests -p daemon.err -- guest 'fire wall' runs without its devices"
        )
    finally:
        assert anywhere.run("stop").returncode == 0
    assert not (anywhere.directory / "watcher").exists()
    assert anywhere.run("stop").returncode == 0


def test_a_host_without_xenstore_watch(host: Watched) -> None:
    (host.directory / "bin/xenstore-watch").unlink()
    done = host.run("watch")
    said = "pcibackd-guests: a guest that reboots stays without devices: xenstore-watch is not installed\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_place_that_can_not_be_written(host: Watched) -> None:
    text = host.script.read_text().replace(f"{host.directory}/watcher", f"{host.directory}/none/watcher")
    host.script.write_text(text)
    done = host.run("watch")
    said = f"pcibackd-guests: {host.directory}/none/watcher can't be written, so no guest is watched\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_one_that_does_not_end(host: Watched) -> None:
    command = ["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done", "pcibackd-guests"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (host.directory / "watcher").write_text(f"{process.pid}\n")
        done = host.run("stop")
        process.kill()
    said = f"pcibackd-guests: process {process.pid}, which watches the guests, does not end\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_one_whose_place_another_has_taken_ends(host: Watched) -> None:
    with host.watch() as process:
        (host.directory / "watcher").write_text(json.dumps(process.pid + 1))
        host.domain("2", NAME, "--p---")
        host.event()
        host.event()
        assert process.wait(20) == 0
        (host.directory / "watcher").unlink()
