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

# Where each command of an embedded dom0 notes its CPU seconds when it ends, seen from inside, and what has it do so.
NOTES = "/tmp/commands-cpu"
NOTE = f"""
import atexit, resource
def note():
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("{NOTES}", "a") as file:
        print(used.ru_utime + used.ru_stime, file=file)
atexit.register(note)
"""


def cpu_seconds(workspace: Path, hosts: Mapping[str, Mapping[str, Any]], playbook: str) -> tuple[float, Run]:
    """CPU seconds of one run that has to change nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # With an environment of its own it is the program that runs, from its start.
    run = run_playbook(workspace, hosts, playbook=playbook, environment={})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.status != 0 or any(run.changed(name) for name in hosts):
        sys.exit(f"a host was not as wanted:\n{run.output}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run


def count_commands(host: Dom0) -> Path:
    """Have the commands that are Python in the lab, and small C programs on NetBSD, count what they take; where they note it."""
    command = host.directory / "machine/command"
    interpreter, _newline, program = command.read_text().partition("\n")
    command.write_text(interpreter + NOTE + program)
    return host.root / NOTES.lstrip("/")


def noted(notes: Path) -> float:
    """What they have taken since the last look."""
    seconds = sum(map(float, notes.read_text().split()))
    notes.unlink()
    return seconds


def one_host(workspace: Path, host: Dom0) -> dict[str, float]:
    """The role on a converged host, beside a playbook with one module that does nothing.

    Of that ratio the share of the lab's commands is given too: on a real host it is next to nothing.
    """
    hosts = {"dom0": host.variables(WANTED)}
    ratios, calls = [], 0
    for _repeat in range(REPEATS):
        base, _run = cpu_seconds(workspace, hosts, NO_OP)
        role, run = cpu_seconds(workspace, hosts, "site.yml")
        ratios.append(role / base)
        calls = run.module_calls
    notes, shares = count_commands(host), []
    for _repeat in range(REPEATS):
        base, _run = cpu_seconds(workspace, hosts, NO_OP)
        cpu_seconds(workspace, hosts, "site.yml")
        shares.append(noted(notes) / base)
    return {
        "role.converged.module_calls": calls,
        "role.converged.cpu_ratio": statistics.median(ratios),
        "role.converged.cpu_ratio.lab_commands": statistics.median(shares),
    }


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
