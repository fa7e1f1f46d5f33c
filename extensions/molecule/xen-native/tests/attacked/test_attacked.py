# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile guest attacks pcibackd, Xen and its own device, while another guest works: what it reaches, in numbers.

It lasts 45 seconds, 300 with SOAK=1, and as many as ATTACK_SECONDS says. The guests of the scenario end before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
sys.path.insert(0, str(PROJECT / "lab"))
from xen import attacked, debug_keys
from xen.machine import Machine

SECONDS = int(os.environ.get("ATTACK_SECONDS") or (300 if os.environ.get("SOAK") == "1" else 45))
# Until the attacker has ended what it does at the end, which a busy machine draws out.
PATIENCE = 600
# How much longer it may last than it is asked to.
END_SECONDS = 20
QUIET_SECONDS = 10
# A call for one guest that takes as long as that; and how many lines the watched guest has said by when it was over.
SLOW_CALL_SECONDS = 2.5
LINES_LATER = 3
WATCHED, HOSTILE = "0000:00:05.0", "0000:00:07.0"
SCRIPT = "/root/hostile/in_dom0"
MACHINE = Machine(PROJECT / "build/xen-lab/machine")


def in_dom0(command: str, given: bytes | None = None) -> str:
    """What a command in dom0 prints."""
    argv = ["ssh", "-F", str(MACHINE.files.ssh_config), "-o", "BatchMode=yes", "xen-lab", command]
    done = subprocess.run(argv, input=given, check=False, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}{done.stdout.decode()}"
    return done.stdout.decode(errors="replace")


def look_until(holds: Any) -> attacked.Seen:
    """Look until something holds; it fails if it never does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen = attacked.parse(in_dom0(f"sh {SCRIPT} look"))
        if holds(seen):
            return seen
        assert "failed" not in seen.hostile, seen.hostile
        assert time.monotonic() < deadline, seen
        time.sleep(2)


@dataclass(frozen=True)
class Attack:
    """What was seen before an attack, after it, and once both guests are gone; and before, while pcibackd did nothing."""

    hung: attacked.Slowest
    waited_when_hung: float
    before: attacked.Seen
    after: attacked.Seen
    pictures: tuple[debug_keys.Picture, debug_keys.Picture, debug_keys.Picture]
    seconds: float
    waited: float

    @property
    def during(self) -> list[dict[str, Any]]:
        """What the watched guest said since it began."""
        return self.after.watched[len(self.before.watched) - 1 :]


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attack]:
    files = tmp_path_factory.mktemp("attack") / "hostile"
    attacked.build(files)
    packed = subprocess.run(["tar", "-C", str(files.parent), "-cz", "hostile"], check=True, capture_output=True).stdout
    in_dom0("tar -C /root -xz", packed)
    in_dom0(f"sh {SCRIPT} make {WATCHED} {HOSTILE}")
    try:
        look_until(lambda seen: seen.watched and seen.hostile.get("said") == "ready")
        time.sleep(QUIET_SECONDS)
        n = len(look_until(lambda seen: True).watched)
        assert MACHINE.process is not None
        waiting, begin = attacked.schedstat(MACHINE.process), time.monotonic()
        in_dom0(f"sh {SCRIPT} hang {SLOW_CALL_SECONDS}")
        hung = attacked.slowest(look_until(lambda seen: len(seen.watched) >= n + LINES_LATER).watched[n:])
        share_when_hung = attacked.waited(waiting, attacked.schedstat(MACHINE.process), time.monotonic() - begin)
        pictures = [debug_keys.parse(in_dom0(f"sh {SCRIPT} keys"))]
        before = look_until(lambda seen: True)
        waiting, begin = attacked.schedstat(MACHINE.process), time.monotonic()
        in_dom0(f"sh {SCRIPT} begin {SECONDS}")
        time.sleep(SECONDS)
        after = look_until(lambda seen: seen.hostile.get("said") == "done")
        seconds = time.monotonic() - begin
        share = attacked.waited(waiting, attacked.schedstat(MACHINE.process), seconds)
        pictures.append(debug_keys.parse(in_dom0(f"sh {SCRIPT} keys")))
    finally:
        in_dom0(f"sh {SCRIPT} end; sleep 5")
    pictures.append(debug_keys.parse(in_dom0(f"sh {SCRIPT} keys")))
    yield Attack(hung, share_when_hung, before, after, (pictures[0], pictures[1], pictures[2]), seconds, share)


def judge(milliseconds: float, slowest: attacked.Slowest, waited: float) -> None:
    """Answers come in time, and are some; if not, the machine may have been too busy to say whose fault that is."""
    if milliseconds < attacked.ANSWER_MS and slowest.wrong == 0:
        return
    reason = attacked.unjudged(waited)
    if reason is not None:
        pytest.skip(f"{slowest}; {reason}")
    pytest.fail(f"{slowest}")


def test_the_numbers_are_printed(attack: Attack, capsys: pytest.CaptureFixture[str]) -> None:
    quiet, slowest = (
        attacked.slowest(attack.before.watched[1:] or attack.before.watched),
        attacked.slowest(attack.during),
    )
    computed = (attack.after.ticks - attack.before.ticks) / 100
    with capsys.disabled():
        print(
            f"\nattack: {attack.seconds:.0f} s; the emulator waited {100 * attack.waited:.0f} % of it for a processor"
        )
        print(f"attack: {attack.after.hostile}")
        print(f"attack: the watched guest while pcibackd hangs for {SLOW_CALL_SECONDS} s: {attack.hung}")
        print(f"attack: the watched guest before: {quiet}; during: {slowest}")
        print(f"attack: pcibackd computed {computed:.1f} s, {100 * computed / attack.seconds:.0f} % of a processor")


def test_a_slow_call_for_one_guest_holds_up_no_read_of_another(attack: Attack) -> None:
    judge(attack.hung.read, attack.hung, attack.waited_when_hung)


def test_nothing_is_reached(attack: Attack) -> None:
    told = list(attacked.breaches(attack.after.hostile))
    reason = attacked.unjudged(attack.waited)
    if told and reason is not None and all(each.startswith(attacked.NOT_TRIED) for each in told):
        pytest.skip(f"{told}; {reason}")
    assert told == []


def test_it_ends_when_it_was_asked_to(attack: Attack) -> None:
    """pcibackd lets it in once more, and sees it close."""
    if attack.seconds >= SECONDS + END_SECONDS:
        reason = attacked.unjudged(attack.waited)
        if reason is not None:
            pytest.skip(f"{attack.seconds:.0f} s; {reason}")
        pytest.fail(f"{attack.seconds:.0f} s instead of {SECONDS}")


def test_xen_shows_nothing_of_another_guest_or_of_dom0_changed(attack: Attack) -> None:
    before, after, _gone = attack.pictures
    assert list(debug_keys.reached(before, after, attack.before.domains["attack"])) == []


def test_nothing_is_left_of_either(attack: Attack) -> None:
    assert list(debug_keys.left(attack.pictures[2], set(attack.before.domains.values()))) == []


def test_pcibackd_and_dom0_go_on(attack: Attack) -> None:
    assert attack.after.process == attack.before.process
    assert attack.after.domains == attack.before.domains
    assert attack.after.kernel == attack.before.kernel
    words = ("assert", "sanitizer", "runtime error", "can't be taken back", "could not be", "refused to take")
    assert [line for line in attack.after.log if any(word in line.lower() for word in words)] == []


def test_the_other_guest_has_its_answers_in_time(attack: Attack) -> None:
    slowest = attacked.slowest(attack.during)
    judge(max(slowest.ping, slowest.read), slowest, attack.waited)
