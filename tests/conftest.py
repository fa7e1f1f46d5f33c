# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Embedded dom0s for the tests that run playbooks."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from tests import depth, forked_ansible

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
# What Python imports when it starts on a machine of the tests: bytecode is kept as in the Xen lab's dom0.
USERCUSTOMIZE = ROOT / "lab/xen/image/dom0/usr/lib/python3/dist-packages/usercustomize.py"
KEEP_OBJECTS = ROOT / "tests/kept/keep_objects.py"
# Tests that try examples, of which a sample has fewer.
WITH_EXAMPLES = ("tests/property/", "tests/safety/test_reports.py")
SHARED = "PCIBACK_TESTS_SHARED"
KEPT_INSIDE = "var/cache/lab-bytecode"
KEPT_BYTECODE = ROOT / "build/lab-bytecode"
# What starts pcibackd on an embedded dom0.
SERVICE = tuple(f"etc/{place}/{name}" for place in ("rc.d", "rc.conf.d") for name in ("pcibackd", "pciback_guests"))
# What lets a reboot be a trial.
TRIAL = ("sbin/pciback-trial", "etc/rc.d/pciback_trial")

# Speed is for benchmarks: on a busy machine no test fails.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@dataclass
class Run:
    """What a playbook run did. ``module_calls`` counts the modules that were executed on hosts."""

    status: int
    output: str
    results: list[dict[str, Any]] = field(default_factory=list)
    module_calls: int = 0

    def of(self, host: str) -> Run:
        """What it did on one of its hosts, as if it were a run for that one alone; the output is of all."""
        recap = re.search(rf"^{re.escape(host)} +: .* unreachable=(\d+) +failed=(\d+) ", self.output, re.MULTILINE)
        if recap is None:
            raise ValueError(f"the run never came to {host}:\n{self.output}")
        status = 4 if recap.group(1) != "0" else 2 if recap.group(2) != "0" else 0
        results = [{**line, "host": "dom0"} for line in self.results if line["host"] == host]
        return Run(status, self.output, results)

    def changed(self, host: str = "dom0") -> list[str]:
        """Actions that reported a change, in order."""
        return [
            line["action"]
            for line in self.results
            if line["host"] == host and line["changed"] and line["outcome"] == "ok"
        ]

    def diffs(self, host: str = "dom0") -> list[Any]:
        """The diffs of the changes, in order."""
        return [line["diff"] for line in self.results if line["host"] == host and line["changed"] and line["diff"]]

    def failures(self, host: str = "dom0") -> list[str]:
        """The messages of failed tasks, as one would read them."""
        texts = []
        for line in self.results:
            if line["host"] == host and line["outcome"] in ("failed", "unreachable"):
                message = line["result"].get("msg", "")
                texts.append("\n".join(message) if isinstance(message, list) else str(message))
        return texts

    def result(self, action: str, host: str = "dom0") -> dict[str, Any]:
        """The last result of an action."""
        return next(
            line["result"] for line in reversed(self.results) if line["action"] == action and line["host"] == host
        )


def devices_of(domain: Mapping[str, Any]) -> list[str]:
    """The addresses of the devices that a domain of the lab has: through xl, or through what pcibackctl has written."""
    return [*(entry["address"] for entry in domain["pci"]), *domain["served"]]


@dataclass
class Dom0:
    """One embedded dom0, alone in an inventory of its own."""

    directory: Path
    workspace: Path

    @property
    def root(self) -> Path:
        """What is ``/`` inside."""
        return self.directory / "root"

    def create(
        self,
        *options: str,
        bus: str = "pc-nine-nics",
        boot_cfg: bytes | None = None,
        keep_compiled: bool = True,
    ) -> Dom0:
        """Make it anew.

        :param keep_compiled: whether all machines share what one has compiled: of modules, which is half of each call,
            and of the native component
        """
        extra = list(options)
        if boot_cfg is not None:
            (self.workspace / "boot.cfg").write_bytes(boot_cfg)
            extra += ["--boot-cfg", str(self.workspace / "boot.cfg")]
        firmware = os.environ.get("PCIBACKCTL", str(ROOT / "native/build/pcibackctl"))
        command = [sys.executable, str(ROOT / "lab/dom0.py"), "create", str(self.directory), "--force"]
        command += ["--bus", bus, "--firmware", firmware, "--guest", "firewall", "--guest", "storage"]
        # It answers at once after a reboot; that one waits where it doesn't is Molecule's to see.
        command += ["--downtime", "0", *extra]
        subprocess.run(command, check=True, capture_output=True, text=True)
        if keep_compiled:
            self._keep_compiled()
        return self

    def _keep_compiled(self) -> None:
        """Let all machines share what their Python imports first, and what that keeps; the machine's own tree has neither."""
        site = KEPT_BYTECODE / "site-packages"
        site.mkdir(parents=True, exist_ok=True)
        unfinished = site / f"{os.getpid()}"
        for file in (USERCUSTOMIZE, KEEP_OBJECTS):
            # With its time, so that what Python made of it stays valid.
            shutil.copy2(file, unfinished)
            unfinished.replace(site / file.name)
        unfinished.write_text(f"import {KEEP_OBJECTS.stem}\n")
        unfinished.replace(site / f"{KEEP_OBJECTS.stem}.pth")
        kept = KEPT_BYTECODE / "kept"
        kept.mkdir(exist_ok=True)
        inside = {site: "root/.local/lib/python{}.{}/site-packages".format(*sys.version_info), kept: KEPT_INSIDE}
        with (self.directory / "machine/mounts").open("a") as table:
            for shared, place in inside.items():
                (self.root / place).mkdir(parents=True)
                source = str(shared).replace(" ", "\\040")
                table.write(f"{source} ./{place} none bind\n")

    def borrow_native(self, lender: Dom0) -> Dom0:
        """Have the native component that another machine has built, as if it were this one's; it takes two seconds.

        Of a lender with pcibackd it comes with the service, which does not run yet; of one with pciback-trial, with that.
        """
        for place in ("usr/local", "var/db/xen-pciback"):
            shutil.copytree(lender.root / place, self.root / place, symlinks=True, dirs_exist_ok=True)
        for place in (*SERVICE, *TRIAL):
            if (lender.root / place).exists():
                (self.root / place).parent.mkdir(exist_ok=True)
                shutil.copy2(lender.root / place, self.root / place)
        return self

    def switch_off(self) -> None:
        """End what runs on it: pcibackd, and the Xen that it has."""
        sys.path.insert(0, str(ROOT / "lab"))
        machine = importlib.import_module("machine.state").Machine
        importlib.import_module("machine.xen_process").end(machine.outside(str(self.directory)))

    def lab(self, command: str, *arguments: str) -> str:
        """What a person at the machine does: put a card in, press the reset button; what dom0.py prints.

        It comes back once the machine answers again.
        """
        argv = [sys.executable, str(ROOT / "lab/dom0.py"), command, str(self.directory), *arguments]
        said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
        while "rebooting" in self.command("/usr/bin/true").stderr:
            time.sleep(0.1)
        return said

    def physical(self) -> dict[str, list[str]]:
        """The physical cards that each running guest has, by what the board calls them: their Ethernet addresses."""
        machine = self.directory / "machine"
        boards = json.loads((machine / "bus.json").read_text())["functions"]
        return {
            domain["name"]: [boards[address]["mac"] for address in devices_of(domain)]
            for domain in json.loads((machine / "state.json").read_text())["domains"]
        }

    def command(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        enter = [str(ROOT / "lab/enter"), str(self.root), "--", *argv]
        return subprocess.run(enter, check=False, capture_output=True, text=True)

    def variables(self, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Host variables: how it is reached, and those given."""
        return {
            "ansible_connection": "xen.pciback.lab",
            "ansible_lab_dom0": str(self.directory),
            "ansible_python_interpreter": "auto_silent",
            # What pciback(4) needs of a host, and what a boot does, is most of what there is to test.
            "pciback_backend": "kernel",
            # A trial is three more calls of modules. tests/integration/test_trial.py and Molecule have them.
            "pciback_trial": "never",
            # Each machine compiles; what it then runs for is a second.
            "pciback_native_cflags": "-O0",
            **(variables or {}),
        }

    def playbook(
        self,
        variables: Mapping[str, Any] | None = None,
        *options: str,
        playbook: str = "site.yml",
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run a playbook against it, ``site.yml`` by default."""
        hosts = {"dom0": self.variables(variables)}
        return run_playbook(self.workspace, hosts, *options, playbook=playbook, environment=environment)

    def ansible(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run what a sentence says is to be run on the controller: ``ansible HOST -m ... -a ...``."""
        program, *words = shlex.split(command)
        assert program == "ansible" and "HOST" in words
        inventory = self.workspace / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": {"dom0": self.variables()}}}))
        words[words.index("HOST")] = "dom0"
        argv = [str(BIN / program), "-i", str(inventory), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True, cwd=ROOT, env=ansible_environment())

    def wrap(self, path: str, script: str) -> None:
        """Put a shell script before a command of the machine; it goes on with ``exec "$real" "$@"``."""
        command = self.root / path
        real = command.parent / "real" / command.name
        if real.exists():
            raise ValueError(f"{path} is wrapped already: a second script would go on with itself")
        real.parent.mkdir(exist_ok=True)
        command.rename(real)
        command.write_text(f"#!/bin/sh\nreal=/{real.relative_to(self.root)}\n{script}")
        command.chmod(0o755)

    def files(self) -> dict[str, tuple[int, str]]:
        """Mode and digest of every file that a run could have changed."""
        found = {}
        for top in ("boot.cfg", "etc", "usr/pkg/etc", "usr/local", "var/db", "kern"):
            path = self.root / top
            for file in [path] if path.is_file() else sorted(path.rglob("*")):
                if file.is_file() and not file.is_symlink():
                    digest = hashlib.sha256(file.read_bytes()).hexdigest()
                    found[str(file.relative_to(self.root))] = (stat.S_IMODE(file.stat().st_mode), digest)
        return found

    def tree(self) -> dict[str, tuple[str, int, str]]:
        """Everything that a run could have changed: all files with kind, mode and content, and what the machine is doing.

        Where Ansible puts its modules for the time that they run is left out.
        """
        found = {}
        for path in [*sorted(self.root.rglob("*")), self.directory / "machine/state.json"]:
            name = str(path.relative_to(self.directory))
            if name == "root/root/.ansible" or name.startswith("root/root/.ansible/"):
                continue
            mode = path.lstat().st_mode
            content = ""
            if path.is_symlink():
                content = os.readlink(path)
            elif path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = (stat.filemode(mode)[0], stat.S_IMODE(mode), content)
        return found


def ansible_environment() -> dict[str, str]:
    """What Ansible's programs need to find this collection, and nothing else of the user's."""
    return {**os.environ, **forked_ansible.SETTINGS}


def run_playbook(
    workspace: Path,
    hosts: Mapping[str, Mapping[str, Any]],
    *options: str,
    playbook: str = "site.yml",
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run a playbook against hosts, each with its variables.

    :param environment: more of it, for a run of the program itself; others begin where it has been imported
    """
    inventory = workspace / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    record, log = workspace / "record.jsonl", workspace / "ansible.log"
    for file in (record, log):
        file.unlink(missing_ok=True)
    arguments = ["-i", str(inventory), *options, str(ROOT / playbook)]
    places = {"ANSIBLE_LOG_PATH": str(log), "PCIBACK_RECORD": str(record)}
    if environment is None:
        output, errors = workspace / "output", workspace / "errors"
        status = forked_ansible.run(arguments, places, shared() / "packed", output, errors)
        said = output.read_text() + errors.read_text()
    else:
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**ansible_environment(), **places, **environment},
        )
        status, said = done.returncode, done.stdout + done.stderr
    lines = record.read_text().splitlines() if record.exists() else []
    logged = log.read_text() if log.exists() else ""
    return Run(status, said, [json.loads(line) for line in lines], len(re.findall(r"Using module file", logged)))


def pytest_configure(config: pytest.Config) -> None:
    """Know the marks, and make the folder in which the processes of this run share what one of them has made."""
    config.addinivalue_line("markers", "waits: it takes long and needs little of a processor")
    config.addinivalue_line("markers", "soak(instead): make soak runs it, and make test what is like it")
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="pciback-tests-")
        config.add_cleanup(folder.cleanup)
        os.environ[SHARED] = folder.name


def shared() -> Path:
    """That folder."""
    return Path(os.environ[SHARED])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """``SOAK=1`` is for the files whose tests have more to try than ``make test`` does."""
    run = depth.divide(items)
    left_out = set(items).difference(run)
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = run
    # What waits for half a minute begins first, so that nobody waits for it at the end.
    items.sort(key=lambda item: item.get_closest_marker("waits") is None)


class OneFileOneWorker(LoadScopeScheduling):
    """Tests that share what was made for their file stay together, and begin first; others go where a processor is free."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if shares_fixtures(path) else nodeid


@lru_cache(maxsize=None)
def shares_fixtures(path: str) -> bool:
    """Whether a file of tests, named as pytest names it, has fixtures for all of its tests."""
    return 'scope="module"' in (ROOT / path).read_text(encoding="utf-8")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneFileOneWorker:
    """Which worker gets which tests."""
    return OneFileOneWorker(config, log)


@pytest.fixture(scope="session", autouse=True)
def no_linux_dom0() -> Iterator[None]:
    """Modules that are called here work on a NetBSD dom0, unless a test says where the sysfs of a Linux dom0 is."""
    with mock.patch.object(platforms, "SYSFS_PCI", "/nonexistent"):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_process_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs on embedded dom0s, pcibackd and the Xen that it has there, ends with the tests."""
    yield
    for folder, folders, files in os.walk(tmp_path_factory.getbasetemp()):
        # A machine's own files hold no other machine.
        folders[:] = [name for name in folders if name != "root"]
        if "xen.lock" in files:
            Dom0(Path(folder).parent, Path(folder)).switch_off()


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    """An embedded dom0 that is still to be created."""
    return Dom0(tmp_path / "dom0", tmp_path)


def lender(name: str, workspace: Path, **options: Any) -> Dom0:
    """A machine with the native component as the role installs it, and nothing else done; all processes share it.

    :param options: arguments of native_backend
    """
    playbook, done = workspace / f"{name}.yml", shared() / name
    with (shared() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            task = {"xen.pciback.native_backend": {"cflags": "-O0", **options}}
            playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
            host = Dom0(workspace / "dom0", workspace).create()
            run = host.playbook(playbook=str(playbook))
            assert run.status == 0, run.output
            host.switch_off()
            host.directory.rename(done)
    return Dom0(done, workspace)


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A machine with the native component, without pcibackd: to be borrowed from."""
    return lender("native", tmp_path_factory.mktemp("native"))


@pytest.fixture(scope="session")
def trying(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A machine with the native component and pciback-trial: to be borrowed from."""
    return lender("trying", tmp_path_factory.mktemp("trying"), trial=True)


@pytest.fixture(scope="session")
def pcibackd(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A machine with the native component, pcibackd and its service: to be borrowed from."""
    return lender("pcibackd", tmp_path_factory.mktemp("pcibackd"), daemon=True)


def guest(name: str, *devices: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """One element of pciback_guests."""
    return {"name": name, "config": f"/usr/pkg/etc/xen/{name}", "devices": list(devices), **more}


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says something at the end of the run: how much was tried, where a test alone decides how much there is."""

    def say(text: str) -> None:
        request.node.user_properties.append(("report", f"{request.node.name}: {text}"))

    return say


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests reported, and what a sample leaves out."""
    reports = terminalreporter.getreports("passed")
    if not depth.SOAK and any(each.nodeid.startswith(WITH_EXAMPLES) for each in reports):
        terminalreporter.write_line(f"properties: 1 in {depth.SHARE} of the examples that make soak tries")
    for outcome in reports:
        for name, text in outcome.user_properties:
            if name == "report" and outcome.when == "call":
                terminalreporter.write_line(text)


@pytest.fixture(name="guest")
def guest_fixture() -> Callable[..., dict[str, Any]]:
    """:func:`guest`, for tests that want it as a fixture."""
    return guest


__all__: Sequence[str] = ("Dom0", "Run", "guest", "run_playbook")
