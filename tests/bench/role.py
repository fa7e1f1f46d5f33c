# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to ask a host, and a fleet, whether they are as wanted. Run by ``make bench``.

Time is CPU time of the whole run, controller and embedded hosts together, so that other work on the machine counts
little; ratios are taken between runs that alternate.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import results
from tests.conftest import Dom0, Run, guest, run_playbook

WANTED = {
    "pciback_guests": [
        guest("firewall", {"id": "10ec:8139"}, {"driver": "wm3"}),
        guest("storage", {"address": "00:09.0"}),
    ],
    "pciback_reboot": "when_needed",
}
NO_OP = "tests/bench/no_op.yml"
REPEATS = 5


def cpu_seconds(workspace: Path, hosts: Mapping[str, Mapping[str, Any]], playbook: str) -> tuple[float, Run]:
    """CPU seconds of one run that has to change nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # With an environment of its own it is the program that runs, from its start.
    run = run_playbook(workspace, hosts, playbook=playbook, environment={})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.status != 0 or any(run.changed(name) for name in hosts):
        sys.exit(f"a host was not as wanted:\n{run.output}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run


def one_host(workspace: Path, host: Dom0) -> dict[str, float]:
    """The role on a converged host, beside a playbook with one module that does nothing."""
    hosts = {"dom0": host.variables(WANTED)}
    ratios, calls = [], 0
    for _repeat in range(REPEATS):
        base, _run = cpu_seconds(workspace, hosts, NO_OP)
        role, run = cpu_seconds(workspace, hosts, "site.yml")
        ratios.append(role / base)
        calls = run.module_calls
    return {"role.converged.module_calls": calls, "role.converged.cpu_ratio": statistics.median(ratios)}


def fleet(workspace: Path, host: Dom0, size: int) -> dict[str, float]:
    """CPU time per host of a converged fleet, beside that of ten hosts."""
    hosts = {}
    for number in range(size):
        if number % 100 == 0:
            print(f"copying hosts: {number} of {size}", file=sys.stderr)
        copy = Dom0(workspace / "fleet" / str(number), workspace)
        shutil.copytree(host.directory, copy.directory, symlinks=True)
        hosts[f"host{number}"] = copy.variables(WANTED)
    ten = dict(list(hosts.items())[:10])
    few = statistics.median(cpu_seconds(workspace, ten, "site.yml")[0] / len(ten) for _repeat in range(3))
    print(f"asking {size} hosts", file=sys.stderr)
    many = cpu_seconds(workspace, hosts, "site.yml")[0] / size
    return {"fleet.cpu_per_host_s": many, f"fleet.cpu_per_host.ratio_{size}_to_10": many / few}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fleet", type=int, default=1000, help="hosts of the fleet")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pciback-bench-") as folder:
        workspace = Path(folder)
        print("making a host and bringing it to what is wanted", file=sys.stderr)
        host = Dom0(workspace / "dom0", workspace).create(keep_compiled=False)
        first = host.playbook(WANTED, environment={})
        if first.status != 0:
            sys.exit(first.output)
        results.add(one_host(workspace, host))
        results.add(fleet(workspace, host, options.fleet))


if __name__ == "__main__":
    main()
