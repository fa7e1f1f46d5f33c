# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pcibackd that is killed or replaced while a guest works, and the next one, which goes on by the record."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_pcibackd import FIRST, Running

GOES_ON = "its 1 devices and its page are served on, as the process before this one has left them"


class Chain:
    """One pcibackd after the other, with one Xen."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.record = directory / "record"
        self.now = Running(directory, "--record", str(self.record))
        self.xen = self.now.xen

    def follow(self, record: str = "") -> Running:
        """The next one; the one before has ended."""
        self.xen.forget_process()
        (self.directory / "log").rename(self.directory / "log.before")
        self.now = Running(self.directory, "--record", record or str(self.record), xen=self.xen)
        return self.now


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    """A guest that is connected, uses an MSI, and masters the bus."""
    chain = Chain(tmp_path)
    chain.xen.domain(3)
    assert chain.now.ctl("attach", "--domain", "3", FIRST).returncode == 0
    chain.xen.connect(3)
    assert chain.xen.request(3, 2, 0, 0, 0)[0] == 0
    assert chain.xen.request(3, 1, 0, 4, 2, 6)[0] == 0
    yield chain
    if chain.now.process.poll() is None:
        chain.now.process.kill()
        chain.now.process.wait()
    chain.xen.close()
    chain.now.log.close()


def guests_view(chain: Chain) -> list[tuple[int, int]]:
    """What the guest reads of its device."""
    return [chain.xen.request(3, 0, 0, offset, 4) for offset in range(0, 256, 4)]


@pytest.mark.parametrize("children", ["no", "yes"])
def test_a_guest_does_not_notice_a_kill(tmp_path: Path, children: str) -> None:
    options = ["--record", str(tmp_path / "record"), "--children", children]
    first = Running(tmp_path, *options)
    xen = first.xen
    xen.domain(3)
    first.ctl("attach", "--domain", "3", FIRST)
    xen.connect(3)
    assert xen.request(3, 2, 0, 0, 0)[0] == 0
    assert xen.request(3, 1, 0, 4, 2, 7)[0] == 0
    before = [xen.request(3, 0, 0, offset, 4) for offset in range(0, 256, 4)]
    held = {what for what in xen.held if what[0] not in ("page", "event")}
    first.process.kill()
    first.process.wait()
    xen.forget_process()
    xen.order.clear()
    second = Running(tmp_path, *options, xen=xen)
    assert [xen.request(3, 0, 0, offset, 4) for offset in range(0, 256, 4)] == before
    assert {what for what in xen.held if what[0] not in ("page", "event")} == held
    assert [step for step in xen.order if step.startswith("-")] == []
    assert any(GOES_ON in line for line in second.lines())
    assert second.status()["guests"][0]["devices"][0]["interrupt"] == "msi"  # type: ignore[index]
    assert second.stop() == 0
    assert (xen.held, xen.errors) == (set(), [])
    xen.close()


def test_a_replaced_one_hands_over(chain: Chain) -> None:
    before = guests_view(chain)
    first = chain.now
    assert first.stop(signal.SIGHUP) == 75
    said = "\n".join(first.lines())
    assert "guests are left to the next process" in said
    assert "ended; guests keep their devices, and wait for the next process" in said
    assert chain.xen.state(3) == "4"
    second = chain.follow()
    assert guests_view(chain) == before
    assert any(GOES_ON in line for line in second.lines())
    assert second.stop() == 0
    assert (chain.xen.held, chain.xen.errors) == (set(), [])


def test_without_a_record_nothing_is_handed_over(tmp_path: Path) -> None:
    running = Running(tmp_path, "--record", "none")
    running.process.send_signal(signal.SIGHUP)
    assert [running.status()["pid"] for _time in range(2)] == [running.process.pid] * 2
    said = "goes on: without a record nobody could go on with the guests' devices"
    assert any(said in line for line in running.lines())
    assert running.stop() == 0
    running.xen.close()


def test_a_record_that_others_may_write_is_none(chain: Chain) -> None:
    chain.now.stop()
    os.chmod(chain.record, 0o620)
    second = chain.follow()
    assert any(
        f"there is no record at {chain.record} for the process after this one, which then resets the devices that guests "
        "have: " in line
        for line in second.lines()
    )
    assert second.stop() == 0
