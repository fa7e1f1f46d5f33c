# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd is killed and replaced while a guest pings through its card, asks its backend, and writes and reads its NVMe, ten
times a second each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
sys.path.insert(0, str(PROJECT / "lab"))
from xen import attacked, written
from xen.machine import Machine

PATIENCE = 300
# An e1000e and an NVMe, which use MSI-X.
CARD, DISK = "0000:00:07.0", "0000:01:00.0"
SCRIPT = "/root/hostile/in_dom0"
SETTLED = 6
MACHINE = Machine(PROJECT / "build/xen-lab/machine")


def in_dom0(command: str, given: bytes | None = None) -> str:
    """What a command in dom0 prints."""
    argv = ["ssh", "-F", str(MACHINE.files.ssh_config), "-o", "BatchMode=yes", "xen-lab", command]
    done = subprocess.run(argv, input=given, check=False, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}{done.stdout.decode()}"
    return done.stdout.decode(errors="replace")


def look_until(holds: Callable[[attacked.Seen], bool]) -> attacked.Seen:
    """Look until something holds; it fails if it never does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen = attacked.parse(in_dom0(f"sh {SCRIPT} look"))
        if holds(seen):
            return seen
        assert not any("failed" in line for line in seen.watched + seen.disk), seen
        assert time.monotonic() < deadline, seen
        time.sleep(2)


@dataclass(frozen=True)
class Replaced:
    """What was seen before, after a kill, and after a reload that followed; what the disk held when the guest was gone."""

    before: attacked.Seen
    killed: attacked.Seen
    reloaded: attacked.Seen
    waited: float
    disk: bytes

    def slowest(self) -> dict[str, attacked.Slowest]:
        """By what was done."""
        lines = self.reloaded.watched
        return {what: attacked.slowest(lines[part]) for what, part in self._parts(lambda seen: seen.watched)}

    def slowest_of_disk(self) -> dict[str, attacked.SlowestOfDisk]:
        """By what was done."""
        lines = self.reloaded.disk
        return {what: attacked.slowest_of_disk(lines[part]) for what, part in self._parts(lambda seen: seen.disk)}

    def _parts(self, lines: Callable[[attacked.Seen], list[dict[str, Any]]]) -> Iterator[tuple[str, slice]]:
        first, second, last = (len(lines(seen)) for seen in (self.before, self.killed, self.reloaded))
        yield "nothing", slice(1, first)
        yield "kill", slice(first - 1, second)
        yield "reload", slice(second - 1, last)


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Replaced:
    files = tmp_path_factory.mktemp("replaced") / "hostile"
    attacked.build(files)
    packed = subprocess.run(["tar", "-C", str(files.parent), "-cz", "hostile"], check=True, capture_output=True).stdout
    in_dom0("tar -C /root -xz", packed)
    in_dom0(f"sh {SCRIPT} make {CARD},{DISK}")
    assert MACHINE.process is not None
    try:
        before = look_until(lambda seen: min(len(seen.watched), len(seen.disk)) > SETTLED)
        waiting, begin = attacked.schedstat(MACHINE.process), time.monotonic()
        steps = [before]
        for what in ("kill", "reload"):
            in_dom0(f"sh {SCRIPT} {what}")
            n, m = (len(lines) + SETTLED for lines in (steps[-1].watched, steps[-1].disk))
            steps.append(look_until(lambda seen, n=n, m=m: len(seen.watched) > n and len(seen.disk) > m))
        share = attacked.waited(waiting, attacked.schedstat(MACHINE.process), time.monotonic() - begin)
    finally:
        in_dom0(f"sh {SCRIPT} end")
    return Replaced(steps[0], steps[1], steps[2], share, MACHINE.files.nvme.read_bytes())


def judge(replaced: Replaced, said: str) -> None:
    """It fails, unless the machine is too busy to say whose fault that is."""
    reason = attacked.unjudged(replaced.waited)
    if reason is not None:
        pytest.skip(f"{said}; {reason}")
    pytest.fail(said)


def test_the_numbers_are_printed(replaced: Replaced, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nreplaced: the emulator waited {100 * replaced.waited:.0f} % of the time for a processor")
        of_disk = replaced.slowest_of_disk()
        for what, slowest in replaced.slowest().items():
            print(f"replaced: {what}: {slowest}; {of_disk[what]}")


def test_another_process_serves_the_same_guest(replaced: Replaced) -> None:
    processes = {seen.process for seen in (replaced.before, replaced.killed, replaced.reloaded)}
    assert len(processes) == 3
    assert 0 not in processes
    assert replaced.reloaded.domains["watch"] == replaced.before.domains["watch"]
    said = "its 2 devices and its page are served on, as the process before this one has left them"
    # The log may be older than this test.
    before, after = (sum(said in line for line in seen.log) for seen in (replaced.before, replaced.reloaded))
    assert after - before == 2


def test_no_device_was_reset(replaced: Replaced) -> None:
    assert [line for line in replaced.reloaded.trouble if "not responding" not in line] == []
    assert replaced.reloaded.kernel == replaced.before.kernel


def test_each_answer_comes_and_in_time(replaced: Replaced) -> None:
    slowest, trouble = replaced.slowest(), replaced.reloaded.trouble
    first, last = replaced.before.watched[-1], replaced.reloaded.watched[-1]
    n_lost = last["reads"] - first["reads"] - (last["pings"] - first["pings"])
    is_slow = any(max(each.read, each.ping) >= attacked.ANSWER_MS or each.wrong for each in slowest.values())
    if is_slow or trouble or n_lost > 0:
        judge(replaced, f"{slowest}, {n_lost} pings lost, {trouble}")


def test_each_block_is_written_and_read_in_time(replaced: Replaced) -> None:
    slowest = replaced.slowest_of_disk()
    if any(max(each.write, each.read) >= attacked.ANSWER_MS for each in slowest.values()):
        judge(replaced, f"{slowest}")


def test_what_is_written_is_read(replaced: Replaced) -> None:
    """In the guest, all the time; and all that it has said it wrote is on the disk once it is gone."""
    counts = [seen.disk[-1]["writes"] for seen in (replaced.before, replaced.killed, replaced.reloaded)]
    assert all(before + SETTLED <= after for before, after in pairwise(counts)), counts
    assert replaced.reloaded.disk[-1]["wrong"] == 0
    assert list(written.missed(replaced.disk, counts[-1])) == []
