# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random lives of guests against a pcibackd: ``python -m tests.simulator --help``."""

from __future__ import annotations

import argparse
import resource
import shlex
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.conftest import ROOT
from tests.simulator.books import Books
from tests.simulator.lives import GUESTS, ROUNDS_A_PROCESS, Failure, run_rounds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__.split(":")[0] + ".")
    parser.add_argument("--pcibackd", default=str(ROOT / "native/build/pcibackd"), help="a program and its arguments")
    parser.add_argument("--lives", type=int, default=1000, help="how many; whole rounds of eight")
    parser.add_argument("--seed", default="1", help="all that happens follows from it")
    parser.add_argument("--life", type=int, help="only the round of this one, as when it failed")
    arguments = parser.parse_args()
    command = shlex.split(arguments.pcibackd)
    first, last = 0, -(-arguments.lives // GUESTS)
    if arguments.life is not None:
        first = arguments.life // GUESTS
        last = first + 1
    counts: Counter[str] = Counter()
    begin = shown = time.monotonic()

    def tell(books: Books, number: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            done = counts["lives"] + books.counts["lives"]
            print(f"  {done} lives, {done / (shown - begin):.0f}/s", flush=True)

    with tempfile.TemporaryDirectory(prefix="lives-") as directory:
        for start in range(first, last, ROUNDS_A_PROCESS):
            rounds = range(start, min(start + ROUNDS_A_PROCESS, last))
            try:
                books = run_rounds(command, arguments.seed, rounds, Path(directory) / str(start), tell)
            except Failure as failure:
                print(failure)
                again = f"--seed {arguments.seed} --life {failure.life}"
                print(f"again: python -m tests.simulator --pcibackd {shlex.quote(arguments.pcibackd)} {again}")
                return 1
            counts += books.counts
    seconds = time.monotonic() - begin
    used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    here, there = (usage.ru_utime + usage.ru_stime for usage in used)
    print(f"{counts['lives']} lives in {seconds:.0f} s, {counts['lives'] / seconds:.0f}/s, seed {arguments.seed}")
    print(f"  seconds of processor time: {there:.0f} of pcibackd, {here:.0f} of its Xen")
    for name, count in sorted(counts.items()):
        print(f"  {name}: {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
