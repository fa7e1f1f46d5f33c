# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd is killed and replaced while a guest pings through its card and asks its backend, ten times a second each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
sys.path.insert(0, str(PROJECT / "lab"))
from xen import attacked
from xen.machine import Machine

PATIENCE = 300
# An e1000e, which uses MSI-X.
WATCHED = "0000:00:07.0"
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
        assert time.monotonic() < deadline, seen
        time.sleep(2)


@dataclass(frozen=True)
class Replaced:
    """What was seen before, after a kill, and after a reload that followed."""

    before: attacked.Seen
    killed: attacked.Seen
    reloaded: attacked.Seen
    waited: float

    def slowest(self) -> dict[str, attacked.Slowest]:
        """By what was done."""
        first, second, last = (len(seen.watched) for seen in (self.before, self.killed, self.reloaded))
        lines = self.reloaded.watched
        return {
            "nothing": attacked.slowest(lines[1:first]),
            "kill": attacked.slowest(lines[first - 1 : second]),
            "reload": attacked.slowest(lines[second - 1 : last]),
        }


@pytest.fixture(scope="module")
def replaced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replaced]:
    files = tmp_path_factory.mktemp("replaced") / "hostile"
    attacked.build(files)
    packed = subprocess.run(["tar", "-C", str(files.parent), "-cz", "hostile"], check=True, capture_output=True).stdout
    in_dom0("tar -C /root -xz", packed)
    in_dom0(f"sh {SCRIPT} make {WATCHED}")
    assert MACHINE.process is not None
    try:
        before = look_until(lambda seen: len(seen.watched) > SETTLED)
        waiting, begin = attacked.schedstat(MACHINE.process), time.monotonic()
        steps = [before]
        for what in ("kill", "reload"):
            in_dom0(f"sh {SCRIPT} {what}")
            n = len(steps[-1].watched) + SETTLED
            steps.append(look_until(lambda seen, n=n: len(seen.watched) > n))
        share = attacked.waited(waiting, attacked.schedstat(MACHINE.process), time.monotonic() - begin)
    finally:
        in_dom0(f"sh {SCRIPT} end")
    yield Replaced(steps[0], steps[1], steps[2], share)


def test_the_numbers_are_printed(replaced: Replaced, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nreplaced: the emulator waited {100 * replaced.waited:.0f} % of the time for a processor")
        for what, slowest in replaced.slowest().items():
            print(f"replaced: {what}: {slowest}")


def test_another_process_serves_the_same_guest(replaced: Replaced) -> None:
    processes = {seen.process for seen in (replaced.before, replaced.killed, replaced.reloaded)}
    assert len(processes) == 3
    assert 0 not in processes
    assert replaced.reloaded.domains["watch"] == replaced.before.domains["watch"]
    said = "its 1 devices and its page are served on, as the process before this one has left them"
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
    if not is_slow and not trouble and n_lost <= 0:
        return
    said = f"{slowest}, {n_lost} pings lost, {trouble}"
    reason = attacked.unjudged(replaced.waited)
    if reason is not None:
        pytest.skip(f"{said}; {reason}")
    pytest.fail(said)
