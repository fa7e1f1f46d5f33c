# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random lives, eight guests at a time. All that happens follows from a seed and a number.

A round is eight lives that begin together, on a machine where nobody has anything, and ends when nobody has any
more. So one life is made again by making its round again. Only a race of two threads is not the same each time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.simulator.books import ACCESS_TIMES, CAPTURES, COUNT, LOOKS, LOOKS_AT_THE_END, Books, Violation
from tests.simulator.frontend import KINDS, Panic
from tests.simulator.guest import Steps
from tests.simulator.machine import Machine
from tests.simulator.toolstack import Toolstack
from tests.simulator.xen import STOP_CLOCK, Lost

GUESTS = 8
STEPS_MAX = 20000
ROUNDS_A_PROCESS = 125
# The exit status of a pcibackd that hands its guests over.
HANDED_OVER = 75


class Life:
    """One guest from its making to its end: a toolstack, and a kernel while it has one."""

    def __init__(self, books: Books, seed: str, number: int, directory: Path, control: str) -> None:
        self.random = Random(f"{seed}/{number}")
        self.number = number
        self.domain = 1 + number % 32000
        self.books = books
        self.kind = self.random.choice(KINDS)
        self.kernel = self.kind(books, self.domain, self.random, directory)
        self.running: Steps | None = None
        self.toolstack = Toolstack(books, self.domain, self.random, control)
        self.acting = self.toolstack.run()
        # A kernel that crashes does so at whatever step it is.
        self.crash_at = self.random.randrange(1, 80) if self.random.random() < 0.3 else 0
        # Nor does one wait that takes over the process that serves its page.
        self.capture_at = self.random.randrange(1, 80) if self.random.random() < 0.2 else 0
        books.counts[self.kind.__name__] += 1
        if self.kind.is_fragile:
            books.fragile.add(self.domain)

    def step(self) -> bool:
        """Let one of the two do its next step; returns whether the life goes on."""
        if not self.toolstack.has_kernel:
            self.running = None
        elif self.running is None:
            self.running = self.kernel.run()
        if self.running is not None and self.random.random() < 0.7:
            self._step_kernel(self.running)
            return True
        return next(self.acting, self) is not self

    def _captured(self) -> Steps:
        """Its kernel does nothing more: that process does what the guest wants, until the guest comes to its end."""
        self.books.capture(self.domain, self.random.randrange(1, CAPTURES), self.random.randrange(1 << 32))
        for _step in range(self.random.randrange(1, 8)):
            yield
        raise Panic

    def _step_kernel(self, kernel: Steps) -> None:
        self.crash_at -= 1
        self.capture_at -= 1
        if self.capture_at == 0 and self.books.has_children:
            kernel = self.running = self._captured()
        try:
            if self.crash_at == 0:
                raise Panic
            next(kernel)
        except Panic:
            self.books.counts["crashes"] += 1
            self.books.say(f"domain {self.domain} crashes")
            self.toolstack.has_kernel = False
            self.books.kill(self.domain, self.random.choice((1, 2)))
            self.acting = self.toolstack.destroy()


class Round:
    """Eight lives at the same time."""

    def __init__(self, books: Books, seed: str, number: int, directory: Path, control: str) -> None:
        self.books = books
        self.random = Random(f"{seed}/round/{number}")
        first = number * GUESTS
        self.lives = [Life(books, seed, first + i, directory, control) for i in range(GUESTS)]
        self.ended: list[Life] = []
        books.random = self.random
        books.failures = self.random.choice((0.0, 0.0, 0.02, 0.2))
        # How many resets take longer than pcibackd waits for them: in most rounds none does.
        books.slowness = self.random.choice((0.2, 0.6)) if number % 4 == 1 else 0.0
        # How often somebody acts while pcibackd waits for a reply.
        self.haste = self.random.choice((0.0, 0.02, 0.2))
        self.is_acting = False
        # How often pcibackd is killed, or hands its guests over to the next one; most rounds have the same one.
        self.kills = self.random.choice((0.02, 0.1)) if number % 25 >= 20 else 0.0

    def run(self, steps: int = STEPS_MAX) -> None:
        """Until all have ended, or for some steps."""
        for _step in range(steps):
            if not self.lives:
                break
            self._act()
            if self.random.random() < 0.75:
                self._rest()
        else:
            if steps == STEPS_MAX:
                raise Violation(f"lives without an end: {[life.number for life in self.lives]}")
        self._rest()
        self.books.look_at_devices(4096)

    def _act(self) -> None:
        life = self.random.choice(self.lives)
        self.is_acting = True
        if not life.step():
            self.lives.remove(life)
            self.ended.append(life)
        self.is_acting = False

    def _meanwhile(self) -> None:
        if self.lives and not self.is_acting and self.random.random() < self.haste:
            self.books.counts["steps while pcibackd waits"] += 1
            self._act()

    def _rest(self) -> None:
        self.books.meanwhile = self._meanwhile
        if self.random.random() < self.kills and self.lives:
            self.books.kill_in = self.random.randrange(1, 40)
            if self.random.random() < 0.2:
                self.books.hand_over()
        self.books.settle()
        self.books.kill_in = 0
        self.books.meanwhile = None
        self.books.look()
        self.books.counts["rests"] += 1
        for life in self.ended:
            self.books.forget(life.domain)
            self.books.counts["lives"] += 1
        self.ended.clear()


MOMENT = 0.5
"""Seconds after which a pcibackd that ends is taken to wait."""

LONGEST_END = 600_000
"""Milliseconds that no end takes, whatever frontends and devices do."""

SLACK = 256
"""KiB that a process may have more at the end of a run than in the middle of it."""

SANITIZER = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
"""AddressSanitizer keeps no more than a MiB of what was freed; what nobody can reach it names when the process ends."""

SLACK_OF_SANITIZER = 2048
"""And so much more it may have, in KiB."""

TAKEN_BY_SANITIZER = 2**30
"""KiB that only a process with AddressSanitizer takes, most of it for its notes on all other memory."""


class Footprint(NamedTuple):
    """What a process has."""

    files: int
    """that are open"""

    taken: int
    """memory of its own, in KiB, used or not"""

    touched: int
    """of that, what it has ever written to"""


class Daemon:
    """A pcibackd with its Xen, for as many rounds as one likes."""

    def __init__(
        self,
        command: list[str],
        directory: Path,
        topology: str,
        allowed: list[str],
        *,
        children: bool = True,
        access_time: int = 0,
    ) -> None:
        self.machine = Machine()
        directory.mkdir(parents=True)
        self.directory = directory
        self.books = Books(directory, self.machine)
        self.books.allowed = frozenset(allowed)
        self.books.has_children = children
        # Of configuration space, in microseconds.
        self.access_time = access_time
        # While it reads one device it looks at another's reset whenever it is time.
        self.books.looks_allowed = LOOKS * (1 + access_time // 30)
        self.control = str(directory / "control.sock")
        self.log = directory / "log"
        (directory / "bus").write_text(self.machine.dump())
        options = ["--foreground", "--bus", str(directory / "bus"), "--xen-socket", self.books.path]
        options += ["--control", self.control, "--topology", topology]
        options += ["--allow", ",".join(allowed)] if allowed else []
        options += ["--children", "yes" if children else "no"]
        options += ["--record", str(directory / "record")]
        self.command = [*command, *options]
        self.books.end_process, self.books.restart, self.books.hand_over = self.kill, self.start, self.hand_over
        self.log.write_text("")
        self.start()

    def start(self) -> None:
        """Another one, which goes on with what the one before has left."""
        if self.books.connection is not None:
            self.books.forget_process()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, stderr=log, env={**os.environ, **SANITIZER})
        self.books.is_adopting = True
        self.books.accept()
        self.books.send(STOP_CLOCK)
        self.books.settle()
        self.books.is_adopting = False
        # Until it has started, it serves nobody.
        self.books.send(COUNT, struct.pack("=I", self.access_time))

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def hand_over(self) -> None:
        """It ends by a signal, and guests keep what they have."""
        self.books.kill_in = 0
        self.books.say("pcibackd hands over")
        self.books.counts["hand-overs"] += 1
        self.process.send_signal(signal.SIGHUP)
        self._serve_until_lost()
        status = self.process.wait(120)
        if status != HANDED_OVER:
            raise Violation(f"pcibackd handed over with {status}")
        self.start()

    def _serve_until_lost(self) -> None:
        """Time passes while it waits for frontends, which do nothing any more; also while it asks now and then of them."""
        assert self.books.connection is not None
        self.books.connection.settimeout(MOMENT)
        last = self.books.passed + LONGEST_END
        try:
            while self.books.passed < last:
                end = time.monotonic() + MOMENT
                with contextlib.suppress(TimeoutError):
                    while time.monotonic() < end:
                        self.books.serve_one()
                self.books.let_pass(10000)
        except (Lost, ConnectionError):
            return
        raise Violation(f"pcibackd does not end within {LONGEST_END // 60000} minutes")

    def footprint(self) -> Footprint:
        """What it has of the machine now."""
        process = Path("/proc") / str(self.process.pid)
        fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        taken, touched = (int(fields[name].split()[0]) for name in ("VmData", "RssAnon"))
        return Footprint(len(os.listdir(process / "fd")), taken, touched)

    def stop(self) -> None:
        """End it by a signal, whatever is going on; nothing may be left."""
        self.books.failures = 0.0
        self.books.looks_allowed = LOOKS_AT_THE_END
        self.process.send_signal(signal.SIGTERM)
        self._serve_until_lost()
        status = self.process.wait(120)
        if status != 0:
            raise Violation(f"pcibackd ended with {status}")
        if self.books.held:
            raise Violation(f"pcibackd has ended, and guests still have {sorted(self.books.held, key=str)}")
        if "no permission is left" not in self.log.read_text(errors="replace").splitlines()[-1]:
            raise Violation("pcibackd does not say that no permission is left")

    def close(self) -> None:
        """Leave nothing running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.books.close()


class Failure(Exception):
    """A violation in the round of a life."""

    def __init__(self, message: str, life: int) -> None:
        super().__init__(message)
        self.life = life


def run_rounds(
    command: list[str], seed: str, rounds: range, directory: Path, tell: Callable[[Books, int], None]
) -> Books:
    """Run some rounds with one pcibackd; the last one is broken off by a signal. Returns what was counted."""
    random = Random(f"{seed}/topology/{rounds.start // ROUNDS_A_PROCESS}")
    topology = random.choice(("virtual", "virtual", "real"))
    allowed = random.choice(([], ["kept-mappings"], ["no-reset"], ["no-reset", "kept-mappings"]))
    children, access_time = random.random() < 0.7, random.choice(ACCESS_TIMES)
    daemon = Daemon(command, directory, topology, allowed, children=children, access_time=access_time)
    number = rounds.start
    footprints: list[Footprint] = []
    pid = daemon.process.pid
    try:
        for number in rounds:
            life = Round(daemon.books, seed, number, directory, daemon.control)
            is_last = number == rounds.stop - 1
            life.run(life.random.randrange(20, 400) if is_last and len(rounds) > 1 else STEPS_MAX)
            if daemon.process.pid != pid:
                must_not_grow(footprints)
                pid, footprints = daemon.process.pid, []
            footprints.append(daemon.footprint())
            tell(daemon.books, number)
        must_not_grow(footprints)
        daemon.stop()
    except (Violation, AssertionError, Lost, OSError) as error:
        status = daemon.process.poll()
        lives = f"{number * GUESTS} to {number * GUESTS + GUESTS - 1}"
        lines = [
            f"lives {lives} of seed {seed}, topology {topology}, allowed {allowed}: {type(error).__name__}: {error}"
        ]
        lines += [f"pcibackd: exit status {status}", *daemon.log.read_text(errors="replace").splitlines()[-40:]]
        raise Failure("\n".join([*daemon.books.trace, *lines]), number * GUESTS) from error
    finally:
        daemon.close()
    return daemon.books


def must_not_grow(footprints: list[Footprint]) -> None:
    """Raise a violation if what it has grew in the second half of a run.

    All memory is taken at the start. Most is touched late: the simulated child of a guest's place in the table is 350 kB,
    and is used when that place is. So what is touched grows by itself, and what is lost makes the other grow, too.
    """
    if len(footprints) < 20:
        return
    half, end = footprints[len(footprints) // 2], footprints[-1]
    slack = SLACK if half.taken < TAKEN_BY_SANITIZER else SLACK_OF_SANITIZER
    if end.touched > half.touched + slack and end.taken > half.taken + slack:
        raise Violation(f"memory grew from {half.touched} to {end.touched} KiB, of {half.taken} and {end.taken} taken")
    if max(footprint.files for footprint in footprints[1:]) > 3 + GUESTS + footprints[0].files:
        raise Violation(f"open files: {[footprint.files for footprint in footprints]}")
