# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile guest beside one that is watched: what they and pcibackd have said, and what that says of the attack."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "attack"
HEADERS = Path(__file__).parents[2] / "native/include"
# The programs of each guest with their sources; what it starts first is named after the directory that they have in dom0.
PROGRAMS: dict[str, dict[str, tuple[str, ...]]] = {
    "attack": {"attack": ("attack.c", "frontend.c", "mapping.c", "xenstore.c")},
    "watch": {"watch": ("watch.c",), "disk": ("disk.c",)},
}
# Linux's frontend waits so long for an answer, with interrupts off.
ANSWER_MS = 2000
# Of the time that was watched, what the emulator may have waited for a processor of the machine before nothing can be said.
WAITED_MAX = 0.05
# What must have been tried before it says something, and what must never have come of it.
TRIED = (
    *("cycles", "answers", "scribbles", "events", "closed_tried", "foreign_tried", "table_tried", "mapped_open"),
    # Xen's state afterwards is that of a guest that has closed.
    "ended_closed",
)
NOT_TRIED = "it has not tried"
REACHED = {
    "foreign_served": "functions that it was not given answered",
    "foreign_mapped": "frames of others mapped",
    "mapped_closed": "frames mapped that were taken back",
    "table_written": "writes to its MSI-X table that came through",
}


def build(target: Path) -> None:
    """Make what in_dom0 needs, in a directory; a static program runs in a guest that has no libraries.

    :raises CalledProcessError: there is no compiler, or it refuses.
    """
    for name, programs in PROGRAMS.items():
        (target / name).mkdir(parents=True)
        for program, sources in programs.items():
            argv = ["cc", "-std=c11", "-O2", "-static", "-Wall", "-Wextra", f"-I{HEADERS}"]
            argv += ["-o", str(target / name / program)]
            subprocess.run([*argv, *(str(HERE / source) for source in sources)], check=True)
        (target / name / f"{name}_init").write_bytes((HERE / f"{name}_init").read_bytes())
    (target / "in_dom0").write_bytes((HERE / "in_dom0").read_bytes())


@dataclass
class Seen:
    """What ``in_dom0 look`` shows.

    :ivar watched: what the watched guest said, one for each 2 seconds
    :ivar disk: and of its disk, if it has one
    :ivar hostile: what the hostile one said last
    :ivar domains: their numbers
    :ivar process: pcibackd's
    :ivar ticks: hundredths of a second that it has computed
    :ivar trouble: lines of the watched guest's kernel about a device that was reset or a backend that did not answer
    """

    watched: list[dict[str, Any]] = field(default_factory=list)
    disk: list[dict[str, Any]] = field(default_factory=list)
    hostile: dict[str, Any] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    process: int = 0
    ticks: int = 0
    log: list[str] = field(default_factory=list)
    kernel: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)


def parse(text: str) -> Seen:
    """What was shown; a line that a message of a guest's kernel has cut is left out: another one follows."""
    seen = Seen()
    for line in text.splitlines():
        kind, _space, rest = line.partition(" ")
        with contextlib.suppress(ValueError):
            if kind == "watched-guest":
                seen.watched.append(json.loads(rest))
            elif kind == "watched-disk":
                seen.disk.append(json.loads(rest))
            elif kind == "hostile-guest":
                seen.hostile = json.loads(rest)
            elif kind == "domain":
                name, number = rest.split()
                seen.domains[name] = int(number)
            elif kind == "pcibackd":
                process, ticks = rest.split()
                seen.process, seen.ticks = int(process), int(ticks)
            elif kind == "log":
                seen.log.append(rest)
            elif kind == "kernel":
                seen.kernel.append(rest)
            elif kind == "trouble":
                seen.trouble.append(rest)
    return seen


def breaches(counts: dict[str, Any]) -> Iterator[str]:
    """A sentence for each thing that the hostile guest has reached, or has not even tried."""
    for name in TRIED:
        if not counts.get(name):
            yield f"{NOT_TRIED}: {name} is {counts.get(name)}"
    for name, what in REACHED.items():
        if counts.get(name):
            yield f"{what}: {counts[name]}"


@dataclass(frozen=True)
class Slowest:
    """Of the watched guest, in milliseconds; and answers that were none."""

    ping: float
    read: float
    wrong: int


@dataclass(frozen=True)
class SlowestOfDisk:
    """Of its disk, in milliseconds; and blocks that were not written, or not read as they were written."""

    write: float
    read: float
    wrong: int


def slowest(lines: Iterable[dict[str, Any]]) -> Slowest:
    """Of some of what the watched guest said.

    :raises ValueError: it said nothing.
    """
    return Slowest(*_slowest(list(lines), "ping_ms", "read_ms"))


def slowest_of_disk(lines: Iterable[dict[str, Any]]) -> SlowestOfDisk:
    """Of some of what the watched guest said of its disk.

    :raises ValueError: it said nothing.
    """
    return SlowestOfDisk(*_slowest(list(lines), "write_ms", "read_ms"))


def _slowest(lines: list[dict[str, Any]], *names: str) -> tuple[float, float, int]:
    if not lines:
        raise ValueError("the watched guest has said nothing")
    first, second = (max(each[name] for each in lines) for name in names)
    return first, second, int(lines[-1]["wrong"]) - int(lines[0]["wrong"])


def waited(before: str, after: str, seconds: float) -> float:
    """The part of some seconds for which a process was kept from a processor, by two texts of its threads' schedstat.

    Counted for the thread that waited most: the emulated processors are threads.
    """
    first, last = ({number: int(each.split()[1]) for number, each in _threads(text)} for text in (before, after))
    return max((last[number] - first.get(number, 0) for number in last), default=0) / 1e9 / seconds


def _threads(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        number, _space, rest = line.partition(" ")
        yield number, rest


def schedstat(process: int) -> str:
    """A line for each thread of a process: its number, nanoseconds computed, nanoseconds waited, slices."""
    lines = []
    for path in sorted(Path(f"/proc/{process}/task").iterdir()):
        with contextlib.suppress(OSError):
            lines.append(f"{path.name} {(path / 'schedstat').read_text().strip()}")
    return "\n".join(lines)


def unjudged(share: float) -> str | None:
    """Why times say nothing, if they don't."""
    if share <= WAITED_MAX:
        return None
    return (
        f"the emulated processors waited {100 * share:.0f} % of the time for one of this machine: too busy to judge how long "
        "answers take"
    )
