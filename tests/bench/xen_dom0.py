# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of ``make bench-xen`` that runs in the Xen lab's dom0: one guest, one card, two backends in turn.

It needs nothing but Python and what tests/bench/xen.py has copied beside it. Each round is one line of JSON on standard
output; what is going on is told on standard error. What the guest says is explained in lab/xen/image/guest_bench.
"""

from __future__ import annotations

import contextlib
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

GUEST = "bench"
DEVICE = "0000:00:05.0"
# How often the guest reads the whole configuration space in a round: some thousand requests, some seconds.
COPIES = 20
# Backends take turns, so that a machine that is busy for a while counts for both; until the figures are narrow.
TURNS_MIN, TURNS_MAX = 5, 12
NARROW = 0.1
PATIENCE = 180.0
POLL_SECONDS = 0.01
CONFIG = Path("/etc/xen/storage.cfg")
CONSOLE = Path(f"/var/log/xen/console/guest-{GUEST}.log")
LOG = Path("/var/log/xen/pcibackd.log")
TOOLS = Path("/root/bench")


def say(text: str) -> None:
    """One line of progress."""
    print(f"bench-xen  {text}", file=sys.stderr, flush=True)


def run(*argv: str) -> str:
    """What a command prints; its failure ends the program with a sentence."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        sys.exit(f"{' '.join(argv)} failed: {said[-1]}")
    return done.stdout


def guest_config(text: str) -> str:
    """The configuration of the guest that measures, from that of one to which devices are attached later."""
    text = re.sub(r'(?m)^name = ".*"$', f'name = "{GUEST}"', text)
    return re.sub(r'(?m)^extra = "', f'extra = "guest_bench={COPIES} ', text)


class Console:
    """What the guest says from now on, in order."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.position = file.stat().st_size if file.exists() else 0
        self.lines: list[str] = []

    def next(self) -> str | None:
        """The next line for us, without its prefix; None if there is none yet. The kernel's own lines go by."""
        if not self.lines and self.file.exists():
            with self.file.open("rb") as file:
                file.seek(self.position)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self.position += len(whole)
            found = re.findall(r"guest-bench (.*?)\r*\n", whole.decode(errors="replace"))
            self.lines.extend(found)
        return self.lines.pop(0) if self.lines else None

    def wait(self, word: str) -> list[str]:
        """The words behind ``word`` in the next line, once it is there; anything else ends the program."""
        deadline = time.monotonic() + PATIENCE
        while (line := self.next()) is None:
            if time.monotonic() > deadline:
                sys.exit(f"the guest did not say '{word}' within {PATIENCE:.0f} s")
            time.sleep(POLL_SECONDS)
        first, *rest = line.split()
        if first != word:
            sys.exit(f"the guest said '{line}' instead of '{word}'")
        return rest


class Kernel:
    """Linux's xen-pciback, as xl uses it."""

    name = "kernel"

    def __enter__(self) -> Kernel:
        run("modprobe", "xen-pciback")
        run("xl", "pci-assignable-add", DEVICE)
        return self

    def __exit__(self, *_error: object) -> None:
        run("xl", "pci-assignable-remove", DEVICE)
        run("modprobe", "-r", "xen-pciback")

    def attach(self, domain: str) -> tuple[str, ...]:
        """The command that gives the device to a guest."""
        return ("xl", "pci-attach", domain, DEVICE)

    def detach(self, domain: str) -> tuple[str, ...]:
        """The command that takes it back."""
        return ("xl", "pci-detach", domain, DEVICE)

    def requests(self) -> int | None:
        """How many requests it has served for the guest; None: it does not count them."""
        return None

    def wakeups(self) -> int | None:
        """How often it has waited and was woken; None: it is no process."""
        return None


class Native:
    """pcibackd, as pcibackctl uses it."""

    name = "native"

    def __enter__(self) -> Native:
        with LOG.open("ab") as log:
            # dom0 keeps a card on its line, it has no reset, and the guest lives from one round to the next.
            command = [str(TOOLS / "pcibackd"), "--foreground", "--allow", "no-reset,kept-mappings,shared-irq"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while subprocess.run([TOOLS / "pcibackctl", "status"], check=False, capture_output=True).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"pcibackd did not start: {LOG.read_text().strip().splitlines()[-1]}")
            time.sleep(POLL_SECONDS)
        return self

    def __exit__(self, *_error: object) -> None:
        # Until then no driver of dom0 gets it, and xen-pciback is one.
        run(str(TOOLS / "pcibackctl"), "return", DEVICE)
        self.process.terminate()
        if self.process.wait(PATIENCE):
            sys.exit(f"pcibackd failed; its log is {LOG}")

    def attach(self, domain: str) -> tuple[str, ...]:
        """The command that gives the device to a guest."""
        return (str(TOOLS / "pcibackctl"), "attach", "--domain", domain, DEVICE)

    def detach(self, domain: str) -> tuple[str, ...]:
        """The command that takes it back."""
        return (str(TOOLS / "pcibackctl"), "detach", "--domain", domain, DEVICE)

    def requests(self) -> int | None:
        """How many requests it has served for the guest."""
        status = json.loads(run(str(TOOLS / "pcibackctl"), "status", "--json"))
        return sum(int(guest["requests"]) for guest in status["guests"])

    def wakeups(self) -> int | None:
        """How often it has waited and was woken, with the process that serves the guest."""
        return wakeups(self.process.pid)


def wakeups(process: int, proc: Path = Path("/proc")) -> int:
    """How often a process and its children have waited and were woken."""
    found = 0
    for file in proc.glob("[0-9]*/status"):
        try:
            status = file.read_text()
        except OSError:
            continue
        if f"\nPid:\t{process}\n" in status or f"\nPPid:\t{process}\n" in status:
            found += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return found


def spread(values: list[float]) -> float:
    """How far figures scatter: the interquartile range over the median."""
    if len(values) < 2:
        return 0.0
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return (third - first) / median


def is_narrow(rounds: list[dict[str, object]]) -> bool:
    """Whether the rounds of each backend differ little by now."""
    for backend in {str(each["backend"]) for each in rounds}:
        for measure in ("conf_reads_per_s", "attach_to_bound_s"):
            values = [float(str(each[measure])) for each in rounds if each["backend"] == backend]
            if spread(values) > NARROW:
                return False
    return True


def reads_per_second(words: list[str]) -> tuple[int, float]:
    """How many reads, and how many a second, from the guest's count and its uptimes before and after."""
    count, before, after = int(words[0]), float(words[1]), float(words[2])
    if after <= before:
        sys.exit(f"the guest's clock stood still: {words}")
    return count, count / (after - before)


def one_round(backend: Kernel | Native, domain: str, console: Console) -> dict[str, object]:
    """Attach to the running guest, wait for its driver, let it read, detach."""
    woken_before = backend.wakeups() or 0
    begin = time.monotonic()
    with subprocess.Popen(
        backend.attach(domain), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as attach:
        console.wait("bound")
        bound = time.monotonic() - begin
        _output, error = attach.communicate()
    if attach.returncode:
        sys.exit(f"{' '.join(backend.attach(domain))} failed: {error.strip()}")
    count, rate = reads_per_second(console.wait("read"))
    served, woken = backend.requests(), backend.wakeups()
    if served is not None and served < count:
        sys.exit(f"the guest read {count} times, and the backend served only {served} requests")
    run(*backend.detach(domain))
    console.wait("gone")
    found: dict[str, object] = {"backend": backend.name, "attach_to_bound_s": bound, "conf_reads_per_s": rate}
    if served and woken is not None:
        found["wakeups_per_read"] = (woken - woken_before) / served
    return found


@contextlib.contextmanager
def hog() -> Iterator[None]:
    """A process that computes, on dom0's one processor, with ordinary priority."""
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        try:
            yield
        finally:
            busy.kill()


def measure(domain: str, console: Console, beside: str) -> None:
    """Take turns until the figures are narrow, a line a round.

    :param beside: what else runs in dom0, for the lines; nothing by default
    """
    rounds: list[dict[str, object]] = []
    for turn in range(1, TURNS_MAX + 1):
        if turn > TURNS_MIN and is_narrow(rounds):
            break
        for backend in (Kernel(), Native()):
            with backend:
                found = {**one_round(backend, domain, console), "beside": beside}
            rounds.append(found)
            print(json.dumps(found), flush=True)
            say(
                f"{backend.name}{' beside a ' if beside else ''}{beside}, {turn} of {TURNS_MIN} to {TURNS_MAX}: bound after "
                f"{found['attach_to_bound_s']:.2f} s, {found['conf_reads_per_s']:.0f} reads a second"
            )


def main() -> None:
    """Measure, a line a round: first dom0 has nothing else to do, then a process in it computes."""
    driver = Path("/sys/bus/pci/devices") / DEVICE / "driver"
    if driver.exists():
        (driver / "unbind").write_text(DEVICE)
    config = TOOLS / "guest.cfg"
    config.write_text(guest_config(CONFIG.read_text()))
    say("starting a guest")
    console = Console(CONSOLE)
    run("xl", "create", str(config))
    console.wait("ready")
    domain = run("xl", "domid", GUEST).strip()
    measure(domain, console, "")
    with hog():
        measure(domain, console, "hog")
    run("xl", "destroy", GUEST)


if __name__ == "__main__":
    main()
