# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many runs at once on one host leave what one run leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Dom0, Run
from tests.crash import tree
from tests.unit.host.netbsd.boot_cfgs import CARD

RUNS = 20
LINES = [b"menu=Xen %d:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\n" % number for number in range(5)]

# Says that it is ready, waits for a line, and only then is a module.
PROGRAM = """
import importlib, json, sys
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from tests.unit.module_call import call
# As in conftest.py, which this process knows nothing of: no Linux dom0.
platforms.SYSFS_PCI = "/nonexistent"
main = importlib.import_module("ansible_collections.xen.pciback.plugins.modules." + sys.argv[1]).main
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(call(main, json.loads(sys.argv[2]))))
"""


def run_together(calls: Sequence[tuple[str, dict[str, Any]]], workspace: Path) -> list[dict[str, Any]]:
    """Run modules in processes that start their work at the same time; their results."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/build/collections:{ROOT}"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, name, json.dumps({**options, "_ansible_tmpdir": str(workspace)})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for name, options in calls
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = []
    for process in processes:
        output, _errors = process.communicate(timeout=120)
        assert process.returncode == 0
        results.append(json.loads(output))
    return results


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    root.mkdir()
    (root / "boot.cfg").write_bytes(b"".join(LINES) + b"timeout=5\n")
    for name in ("firewall", "storage"):
        (root / name).write_bytes(f"name = '{name}'\n".encode())
    return root


def boot_hide(root: Path, **options: Any) -> tuple[str, dict[str, Any]]:
    places = {
        "path": f"{root}/boot.cfg",
        "state_directory": f"{root}/db",
    }
    return "boot_hide", {**places, "devices": ["03:00.0", "00:04.0"], **options}


def domain_pci(root: Path) -> tuple[str, dict[str, Any]]:
    domains = [
        {"config": f"{root}/firewall", "devices": [{"address": "03:00.0"}]},
        {"config": f"{root}/storage", "devices": [{"address": "00:04.0", "permissive": True}]},
    ]
    return "domain_pci", {"domains": domains, "state_directory": f"{root}/db"}


@pytest.mark.parametrize("module", [boot_hide, domain_pci])
def test_twenty_runs_leave_what_one_run_leaves(
    host: Path, tmp_path: Path, module: Callable[[Path], tuple[str, dict[str, Any]]]
) -> None:
    before = tree(host)
    run_together([module(host)], tmp_path)
    after = tree(host)
    assert after != before
    for path, state in before.items():
        (host / path).write_bytes(state.data)
    shutil.rmtree(host / "db")
    results = run_together([module(host)] * RUNS, tmp_path)
    assert [result.get("msg") for result in results if result.get("failed")] == []
    assert sum(result["changed"] for result in results) == 1, "who comes second finds it done"
    assert tree(host) == after


def test_twenty_different_runs_leave_what_one_of_them_leaves(host: Path, tmp_path: Path) -> None:
    cards = [f"0000:00:{number:02x}.0" for number in range(1, RUNS + 1)]
    jobs = [boot_hide(host, devices=[card], pins={card: CARD}) for card in cards]
    results = run_together(jobs, tmp_path)
    assert [result.get("msg") for result in results if result.get("failed")] == []
    (pinned,) = json.loads((host / "db/pins.json").read_text())["pins"]
    assert f"pciback.hide=({pinned[5:]})" in (host / "boot.cfg").read_text(), "pins and hide list of two runs"


def test_check_mode_neither_waits_nor_locks(host: Path, tmp_path: Path) -> None:
    before = tree(host)
    name, options = boot_hide(host)
    options["lock"] = str(host / "boot.cfg" / "can not be")
    program = PROGRAM.replace("json.loads(sys.argv[2]))", "json.loads(sys.argv[2]), check=True)")
    done = subprocess.run(
        [sys.executable, "-c", program, name, json.dumps({**options, "_ansible_tmpdir": str(tmp_path)})],
        input="\n",
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT}/build/collections:{ROOT}"},
    )
    assert json.loads(done.stdout.splitlines()[-1])["changed"]
    assert tree(host) == before


GUESTS = {
    "pciback_guests": [
        {"name": "firewall", "config": "/usr/pkg/etc/xen/firewall", "devices": [{"driver": "wm3"}]},
        {"name": "storage", "config": "/usr/pkg/etc/xen/storage", "devices": [{"address": "00:09.0"}]},
    ],
    "pciback_reboot": "never",
}


@pytest.mark.soak(instead="test_twenty_different_runs_leave_what_one_of_them_leaves")
def test_many_playbooks_on_one_host_leave_what_one_leaves(tmp_path: Path) -> None:
    def create(name: str) -> Dom0:
        workspace = tmp_path / name
        workspace.mkdir()
        return Dom0(workspace / "dom0", workspace).create()

    alone, shared = create("alone"), create("shared")
    done = alone.playbook(GUESTS)
    assert done.status == 0, done.output

    def run_once(number: int) -> Run:
        workspace = tmp_path / str(number)
        workspace.mkdir()
        return Dom0(shared.directory, workspace).playbook(GUESTS)

    with ThreadPoolExecutor(RUNS) as controllers:
        runs = list(controllers.map(run_once, range(RUNS)))
    assert [run.output for run in runs if run.status != 0] == []
    expected, found = alone.files(), shared.files()
    # Each host booted when it was made.
    assert found.pop("kern/boottime")[0] == expected.pop("kern/boottime")[0]
    assert found == expected
    changes = [action for run in runs for action in run.changed() if action != "xen.pciback.plan"]
    assert sorted(changes) == ["xen.pciback.boot_hide", "xen.pciback.domain_pci", *["xen.pciback.native_backend"] * 2]

    again = shared.playbook(GUESTS)
    assert again.status == 0, again.output
    assert again.changed() == []
    assert again.module_calls == 1
