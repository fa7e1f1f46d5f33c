# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linux's backend and ours beside each other, on a real Xen in QEMU. Run by ``make bench-xen``.

Both serve the same card to the same running guest, in turn and in one boot of dom0. The machine is emulated: what counts
are the ratios.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from tests.bench import results, xen_dom0
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "lab"))
from xen import attacked
from xen.machine import Machine

FILE = ROOT / "build" / "bench-xen.json"
LAB = ROOT / "build" / "xen-lab"
SSH = ["-F", str(LAB / "machine" / "ssh_config"), "-o", "BatchMode=yes"]
DOM0_PROGRAM = ROOT / "tests" / "bench" / "xen_dom0.py"
DOM0_DIRECTORY = "/root/bench"
BACKENDS = ("kernel", "native")
MEASURES = ("conf_reads_per_s", "attach_to_bound_s")
# Half of all rounds within half of the median: more is no figure.
SPREAD_MAX = 0.5
# What the emulator may have waited for a processor of this machine: both backends lose by that, and not alike.
WAITED_MAX = 0.15


class TooBusy(Exception):
    """Other work has decided on the figures: rounds differ, or all of them waited."""


def summary(lines: Iterable[str]) -> dict[str, float]:
    """From the lines that xen_dom0.py prints: ``xen.MEASURE.BACKEND``, the medians of all rounds, and
    ``xen.MEASURE.BACKEND.spread`` of each; how often pcibackd was woken for a read; and ``xen.hog.MEASURE.BACKEND``, all of it
    with a process in dom0 that computes.

    :raises ValueError: a backend was not measured.
    :raises TooBusy: other work has decided on the figures.
    """
    rounds = [json.loads(line) for line in lines]
    found = _medians("xen", [each for each in rounds if not each.get("beside")])
    hogged = [each for each in rounds if each.get("beside") == "hog"]
    if hogged:
        found |= _medians("xen.hog", hogged)
    return found


def _medians(prefix: str, rounds: list[dict[str, Any]]) -> dict[str, float]:
    found = {}
    for measure in MEASURES:
        for backend in BACKENDS:
            values = [each[measure] for each in rounds if each["backend"] == backend]
            if not values:
                raise ValueError(f"{backend} was not measured")
            name = f"{prefix}.{measure}.{backend}"
            found[name], found[f"{name}.spread"] = statistics.median(values), xen_dom0.spread(values)
            if found[f"{name}.spread"] > SPREAD_MAX:
                raise TooBusy(
                    f"{name} was {min(values):.1f} to {max(values):.1f} in {len(values)} rounds: the machine is too busy to measure. "
                    "Run it again when nothing else runs"
                )
    woken = [each["wakeups_per_read"] for each in rounds if each.get("wakeups_per_read") is not None]
    if woken:
        found[f"{prefix}.wakeups_per_read.native"] = statistics.median(woken)
    return found


def ratios(numbers: dict[str, float]) -> list[str]:
    """A line for each measure: native to kernel, and which way is better."""
    better = {"conf_reads_per_s": "more is better", "attach_to_bound_s": "less is better"}
    return [
        f"{prefix}.{measure} native/kernel: "
        f"{numbers[f'{prefix}.{measure}.native'] / numbers[f'{prefix}.{measure}.kernel']:.2f} ({better[measure]})"
        for prefix in ("xen", "xen.hog")
        for measure in MEASURES
        if f"{prefix}.{measure}.kernel" in numbers
    ]


def command(what: str, argv: Sequence[str]) -> str:
    """What a command prints on standard output; its failure ends the benchmark with one sentence."""
    done = subprocess.run(argv, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"bench-xen: {what} failed, see above; the logs are kept in {LAB / 'logs'}")
    return done.stdout


def lab(*words: str) -> None:
    """One command of the Xen lab, which tells what it does."""
    if subprocess.run([sys.executable, "lab/xen_lab.py", *words], cwd=ROOT, check=False).returncode:
        sys.exit(f"bench-xen: 'lab/xen_lab.py {' '.join(words)}' failed, see above")


def judge(waited: float) -> None:
    """Say for which part of the time the emulator was kept from a processor.

    :raises TooBusy: for too much of it.
    """
    said = f"the emulated processors waited {100 * waited:.0f} % of the time for one of this machine"
    if waited > WAITED_MAX:
        raise TooBusy(f"{said}: it is too busy to measure. Run it again when nothing else runs")
    print(f"bench-xen  {said}", file=sys.stderr)


def measure() -> list[str]:
    """The lines of all rounds, from a fresh dom0.

    :raises TooBusy: the machine had other work meanwhile.
    """
    machine = Machine(LAB / "machine")
    lab("start")
    try:
        lab("wait")
        print("bench-xen  copying pcibackd into dom0", file=sys.stderr)
        programs = [str(ROOT / "native" / "build" / name) for name in ("pcibackd", "pcibackctl")]
        command("a command in dom0", ["ssh", *SSH, "xen-lab", f"mkdir {DOM0_DIRECTORY}"])
        command("copying to dom0", ["scp", "-q", *SSH, *programs, str(DOM0_PROGRAM), f"xen-lab:{DOM0_DIRECTORY}"])
        argv = ["ssh", *SSH, "xen-lab", f"python3 -u {DOM0_DIRECTORY}/{DOM0_PROGRAM.name}"]
        assert machine.process is not None
        before, begin = attacked.schedstat(machine.process), time.monotonic()
        lines = command("measuring in dom0", argv).splitlines()
        judge(attacked.waited(before, attacked.schedstat(machine.process), time.monotonic() - begin))
        return lines
    finally:
        lab("destroy")


def main() -> None:
    """Entry point."""
    try:
        numbers = summary(measure())
    except TooBusy as error:
        sys.exit(f"bench-xen: {error}")
    results.add(numbers, FILE)
    print("\n".join(ratios(numbers)))


if __name__ == "__main__":
    main()
