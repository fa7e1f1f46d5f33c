# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the backend's requests cost, from the event to the answer, on a simulated bus. Run by ``make bench``.

Instructions hardly vary between runs and machines; nanoseconds do, and are to be read beside ``native.floor.ns``.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.bench import results
from tests.conftest import ROOT


def numbers(output: str) -> dict[str, float]:
    """The lines ``native.NAME.UNIT NUMBER`` of an output."""
    found = {}
    for line in output.splitlines():
        name, _blank, number = line.partition(" ")
        if name.startswith("native."):
            found[name] = float(number)
    return found


def main() -> None:
    """Measure, and fail if nothing was."""
    make = os.environ.get("MAKE", "make")
    run = subprocess.run([make, "-C", "native", "bench"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = numbers(run.stdout)
    if run.returncode != 0 or not found:
        sys.exit(f"'{make} -C native bench' failed:\n{run.stdout}{run.stderr}")
    results.add(found)


if __name__ == "__main__":
    main()
