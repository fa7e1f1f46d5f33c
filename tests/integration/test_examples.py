# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of every page and every plugin does what a reader expects who copies it: it runs, and ends well.

Plays run as they stand, tasks in a play, inventories and variables with site.yml; in ``make soak`` first in check mode,
which has to predict the run. The machines are copies of one, which gives 03:00.0 to the firewall already.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.xen.pciback.plugins.module_utils.devices import pins
from tests import depth, documented, documented_host
from tests.conftest import BIN, ROOT, Dom0, Run, run_playbook
from tests.documented import Block
from tests.unit.linux_modules import CARD, XL, connect
from tests.unit.linux_modules import Dom0 as LinuxDom0
from tests.unit.module_call import call

BLOCKS = documented.blocks()
INVENTORIES = documented.inventories(BLOCKS)
# What ends only on a system that the lab's processor does not run programs of, so it is not installed here.
OTHER_SYSTEM = "x86_64-netbsd"
# Files whose inventories and playbooks make test runs too; of the others it runs check mode.
RUN = ("README.md", "roles/pciback/README.md", "docs/how-to/without-a-reboot.md")
SETTLED: dict[str, Any] = {
    "pciback_guests": [
        {"name": "firewall", "config": "/usr/pkg/etc/xen/firewall", "devices": [{"address": "03:00.0"}]}
    ],
    "pciback_reboot": "when_needed",
}
TRIAL_RECORD = (
    "schema\txen.pciback/trial-record/1\nstate\tarmed\nlink\t/t\nxen\t/xen.gz\nseconds\t600\nboot\t-\n"
    "started\t0\nwatchdog\t0\nstarts\t0\n"
)
BOOT_CFG = """\
menu=Xen:load /netbsd-XEN3_DOM0.gz bootdev=wd0 pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz dom0_mem=512M
timeout=1
"""


def of_kind(kind: str) -> list[Block]:
    """The blocks of a kind."""
    return [block for block in BLOCKS if block.kind == kind]


def on(system: str, block: Block) -> list[Any]:
    """The tasks of a block that are for a NetBSD, or for a Linux dom0."""
    return [task for task in block.content if is_for_linux(yaml.safe_dump(task)) == (system == "linux")]


def is_for_linux(text: str) -> bool:
    """Whether an example is for a Linux dom0: by the one module that is, or by where its guests' files are."""
    return "xen.pciback.assignable" in text or " /etc/xen/" in text


@pytest.fixture(scope="module")
def settled(native: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """The machine of the examples, with the native component and one guest."""
    workspace = tmp_path_factory.mktemp("settled")
    host = documented_host.create(Dom0(workspace / "dom0", workspace)).borrow_native(native)
    run = host.playbook(SETTLED)
    assert run.status == 0, run.output
    return host


@pytest.fixture
def copy(settled: Dom0, tmp_path: Path) -> Callable[..., Dom0]:
    """Copies of it, to be changed."""

    def make(directory: Path = tmp_path / "dom0") -> Dom0:
        shutil.copytree(settled.directory, directory, symlinks=True)
        return Dom0(directory, tmp_path)

    return make


def ended_well(run: Run) -> None:
    """Nothing failed, nothing was refused, and Ansible found no fault in how it was written."""
    assert run.status == 0, run.output
    refused = [refusal for line in run.results for refusal in line["result"].get("refusals", ())]
    assert refused == []
    assert "DEPRECATION" not in run.output, run.output
    assert run.results, "something ran"


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_each_block_is_of_a_kind_that_is_run() -> None:
    kinds = {str(block): block.kind for block in BLOCKS}
    assert set(kinds.values()) == {documented.PLAYBOOK, documented.TASKS, documented.INVENTORY, documented.DATA}
    used = {name for name in kinds if name in INVENTORIES}
    joined = sum(len(files) for files in INVENTORIES.values())
    assert joined == list(kinds.values()).count(documented.INVENTORY) and used == set(INVENTORIES)


def test_a_block_that_is_nothing_to_run_is_refused() -> None:
    (block,) = documented.on_page("page.md", "text\n\n```yaml\npciback_guests: []\nunheard_of: 1\n```\n")
    with pytest.raises(ValueError, match=r"page\.md:4: neither plays, nor tasks"):
        str(block.kind)


def test_the_machine_has_what_the_pages_name() -> None:
    functions = {str(each.slot): f"{each.vendor:04x}:{each.product:04x}" for each in documented_host.hardware()}
    assert functions["0000:02:00.0"] == "8086:10d3" and functions["0000:05:00.0"] == "10ec:8139"
    assert {"0000:03:00.0", "0000:03:00.1", "0000:04:00.0", "0000:04:00.1"} <= set(functions)


@pytest.fixture(scope="module")
def tasks_run(settled: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of all examples that are tasks, each on a host of its own."""
    workspace = tmp_path_factory.mktemp("tasks")
    hosts, plays, blocks = {}, [], {}
    for number, block in enumerate(each for each in of_kind(documented.TASKS) if on("netbsd", each)):
        host = f"host{number}"
        shutil.copytree(settled.directory, workspace / host, symlinks=True)
        hosts[host] = Dom0(workspace / host, workspace).variables()
        blocks[host] = str(block)
        plays.append(
            {
                "name": str(block),
                "hosts": host,
                "gather_facts": False,
                "check_mode": OTHER_SYSTEM in block.text,
                # So that the other plays run if it fails.
                "tasks": [{"block": on("netbsd", block), "rescue": [{"ansible.builtin.meta": "noop"}]}],
            }
        )
    playbook = workspace / "tasks.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
    run = run_playbook(workspace, hosts, playbook=str(playbook))
    for line in run.results:
        line["host"] = blocks[line["host"]]
    return run


@pytest.mark.parametrize("block", [each for each in of_kind(documented.TASKS) if on("netbsd", each)], ids=str)
def test_tasks(block: Block, tasks_run: Run) -> None:
    results = [line for line in tasks_run.results if line["host"] == str(block)]
    done = [line["task"] for line in results if line["outcome"] == "ok"]
    assert done == [task["name"] for task in on("netbsd", block)], tasks_run.failures(str(block)) or tasks_run.output
    ended_well(Run(tasks_run.status, tasks_run.output, results))


def test_the_second_card_and_nothing_else(tasks_run: Run) -> None:
    (name,) = (str(block) for block in BLOCKS if block.source == "plugins/modules/device_info.py")
    assert [each["address"] for each in tasks_run.result("xen.pciback.device_info", name)["devices"]] == [
        "0000:02:00.0"
    ]


@pytest.mark.parametrize("block", [each for each in of_kind(documented.TASKS) if on("linux", each)], ids=str)
def test_tasks_on_linux(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = connect(LinuxDom0(tmp_path), monkeypatch)
    host.config("firewall").rename(tmp_path / "firewall.cfg")
    for task in on("linux", block):
        (action,) = (key for key in task if "." in key)
        module = importlib.import_module(
            "ansible_collections.xen.pciback.plugins.modules." + action.removeprefix("xen.pciback.")
        )
        arguments = json.loads(json.dumps(task[action]).replace('"/etc/xen/', f'"{tmp_path}/'))
        # Nobody waits for a guest of this host.
        patient = {"timeout": 0} if "timeout" in module.DOCUMENTATION else {}
        result = call(module.main, {**arguments, "xl": XL, **patient})
        assert not result.get("failed") and result["changed"], result


@pytest.mark.parametrize("block", of_kind(documented.PLAYBOOK), ids=str)
def test_playbook(block: Block, copy: Callable[..., Dom0], tmp_path: Path) -> None:
    host = copy()
    playbook, inventory = tmp_path / "playbook.yml", tmp_path / "inventory"
    playbook.write_text(block.text)
    (tmp_path / "firewall.j2").write_bytes((host.root / "usr/pkg/etc/xen/firewall").read_bytes())
    hosts = {"alpha": host.variables(SETTLED)}
    write_files(inventory, {"hosts.yml": yaml.safe_dump({"dom0s": {"hosts": hosts}})})
    check_then_run(str(block), inventory, host, playbook=str(playbook))


def check_then_run(name: str, inventory: Path, host: Dom0, *options: str, playbook: str = "site.yml") -> None:
    """Both end well, and check mode predicts what the run does; ``make test`` does one of them."""
    run_too = name.partition(":")[0] in RUN
    modes = [["--check"], []] if depth.SOAK else [[] if run_too else ["--check"]]
    runs = [
        run_playbook(host.workspace, {}, "-i", str(inventory), *options, *mode, playbook=playbook) for mode in modes
    ]
    for run in runs:
        ended_well(run)
        (dom0,) = {line["host"] for line in run.results}
        assert run.changed(dom0) == runs[0].changed(dom0)


@pytest.mark.parametrize(
    "name", [name for name, files in INVENTORIES.items() if not is_for_linux("".join(files.values()))]
)
def test_inventory(name: str, copy: Callable[..., Dom0], tmp_path: Path) -> None:
    files = INVENTORIES[name]
    inventory = tmp_path / "inventories"
    text = "".join(files.values())
    if "ansible_lab_dom0" in text:
        (directory,) = (each for each in text.split() if "inventory_dir" not in each and "build/lab/" in each)
        host = copy(tmp_path / "build/lab" / Path(directory.strip('"')).name)
        write_files(inventory, {**files, "group_vars/all.yml": yaml.safe_dump(SETTLED)})
        check_then_run(name, inventory, host)
        return
    host = copy()
    usual = {"hosts.yml": yaml.safe_dump({"all": {"vars": SETTLED, "hosts": {"alpha": {}}}})}
    write_files(inventory, {**usual, **files})
    reached = ("-e", json.dumps(host.variables()))
    if OTHER_SYSTEM in text:
        ended_well(run_playbook(tmp_path, {}, "-i", str(inventory), *reached, "--check"))
    else:
        check_then_run(name, inventory, host, *reached)


@pytest.mark.parametrize("name", [name for name, files in INVENTORIES.items() if is_for_linux("".join(files.values()))])
def test_inventory_of_a_linux_dom0(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = connect(LinuxDom0(tmp_path), monkeypatch)
    (host.sys / "class/net/eth1/address").write_text("52:54:00:12:34:56\n")
    text = "".join(INVENTORIES[name].values()).replace(" /etc/xen/", f" {tmp_path}/")
    wanted = {key.removeprefix("pciback_"): value for key, value in yaml.safe_load(text).items()}
    for guest in wanted["guests"]:
        (tmp_path / guest["name"]).rename(guest["config"])
    host.converge(*wanted["guests"], restart_guests=wanted["restart_guests"])
    assert host.pci() == {"firewall": [CARD]}


@pytest.mark.parametrize("block", of_kind(documented.DATA), ids=str)
def test_what_programs_write(block: Block, tmp_path: Path) -> None:
    content = json.loads(block.text)
    if content["schema"] == "xen.pciback/pins/1":
        assert {str(address) for address in pins.parse(block.text.encode(), "pins.json")} == set(content["pins"])
    elif content["schema"] == "xen.pciback/boot/1":
        (tmp_path / "boot.cfg").write_text(BOOT_CFG)
        command = [
            os.environ["PCIBACKCTL"],
            "boot",
            "--json",
            "--config",
            str(tmp_path / "boot.cfg"),
            "--loader",
            "new",
        ]
        assert json.loads(subprocess.run(command, check=True, capture_output=True).stdout) == content
    elif content["schema"] == "xen.pciback/trial/1":
        for name, text in (("t", ""), ("etc/xen-pciback/trial", TRIAL_RECORD.ljust(512, "\n"))):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        program = Path(os.environ["PCIBACKCTL"]).with_name("pciback-trial")
        command = [str(program), "status", "--json", "--root", str(tmp_path)]
        assert json.loads(subprocess.run(command, check=True, capture_output=True).stdout) == content
    else:
        pytest.fail(f"{block}: nothing here writes {content['schema']}")


def test_commands_name_modules_and_options_that_there_are() -> None:
    """Ad hoc commands of the pages."""
    found: list[tuple[str, str, str]] = []
    for source in documented.tracked("*.md"):
        for line in (ROOT / source).read_text(encoding="utf-8").splitlines():
            words = line.split()
            if "-m" in words and words[0].rpartition("/")[2] == "ansible" and "xen.pciback." in line:
                found.append((line, words[words.index("-m") + 1], line.partition(" -a ")[2].strip().strip("'")))
    assert len(found) >= 4
    modules = sorted({module for _line, module, _given in found})
    listed = subprocess.run([str(BIN / "ansible-doc"), "--json", *modules], check=True, capture_output=True, text=True)
    documents = json.loads(listed.stdout)
    for line, module, given in found:
        arguments = json.loads(given) if given.startswith("{") else dict(pair.split("=") for pair in given.split())
        assert set(arguments) <= set(documents[module]["doc"]["options"]), line
