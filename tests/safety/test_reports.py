# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role reports is so, whatever was wished before and whatever fails on the way.

A life is a few wishes, one after the other, on one machine. In some of the runs a command of the host or a system call
of a module fails. After each run another one without a fault tells what the first one left to do, and the machine's own
books tell which guest has which device, with which options.
"""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, note
from hypothesis import strategies as st

from tests import depth
from tests.conftest import USERCUSTOMIZE, Dom0, Run, devices_of

GUESTS = ("firewall", "storage")
CARDS = ("00:05.0", "00:06.0", "00:09.0", "00:0a.0")
AS_WANTED = "dom0 is as wanted."
FAULTS = Path(__file__).parent.parent / "data/faults.py"
COMMANDS = ("sbin/mount", "usr/pkg/sbin/xl", "usr/sbin/pcictl")
# A command that fails, that prints nothing, that prints what is no text, and that is killed.
FAILING_COMMAND = r"""
fault=/var/db/lab-fault.$(basename "$0")
if [ -e "$fault" ]; then
    read -r kind after <"$fault"
    if [ "$after" -gt 0 ]; then
        echo "$kind $((after - 1))" >"$fault"
    else
        rm "$fault"
        case $kind in
        fail) echo "something went wrong" >&2; exit 1 ;;
        silent) exit 0 ;;
        garbage) printf '\377\376 \200\n'; exit 0 ;;
        killed) kill -9 $$ ;;
        esac
    fi
fi
exec "$real" "$@"
"""


@dataclass(frozen=True)
class CommandFault:
    """The command fails in one of its calls: after how many that work, and in which way."""

    path: str
    kind: str
    after: int

    def put(self, host: Dom0) -> None:
        """Let it happen."""
        (host.root / f"var/db/lab-fault.{Path(self.path).name}").write_text(f"{self.kind} {self.after}\n")


@dataclass(frozen=True)
class CallFault:
    """A system call of a module on a file of ours fails: after how many that work, and with which error."""

    call: str
    error: int
    after: int

    def put(self, host: Dom0) -> None:
        """Let it happen."""
        fault = {"call": self.call, "errno": self.error, "after": self.after}
        (host.root / "var/db/lab-fault.json").write_text(json.dumps(fault))


def heal(host: Dom0) -> None:
    """Take a fault away that has not happened."""
    for file in (host.root / "var/db").glob("lab-fault*"):
        file.unlink()


after = st.integers(0, 8)
faults = st.none() | st.one_of(
    st.builds(CommandFault, st.sampled_from(COMMANDS), st.sampled_from(("fail", "silent", "garbage", "killed")), after),
    st.builds(
        CallFault,
        st.sampled_from(("open", "write", "rename", "fsync", "fchmod", "unlink", "mkdir")),
        st.sampled_from((errno.ENOSPC, errno.EIO, errno.EROFS, errno.EPERM)),
        after,
    ),
)


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """Variables of the role."""
    owners = draw(st.fixed_dictionaries({card: st.sampled_from((*GUESTS, None)) for card in CARDS}))
    guests = [
        {
            "name": name,
            "config": f"/usr/pkg/etc/xen/{name}",
            "state": draw(st.sampled_from(("running", "running", "stopped"))),
            "devices": [{"address": card} for card, owner in owners.items() if owner == name],
        }
        for name in GUESTS
    ]
    return {
        "pciback_state": draw(st.sampled_from(("present", "present", "present", "absent"))),
        "pciback_guests": guests,
        "pciback_reboot": draw(st.sampled_from(("when_needed", "when_needed", "never"))),
        "pciback_restart_guests": draw(st.sampled_from(("when_needed", "never"))),
        "pciback_allow": draw(st.sampled_from(([{"code": "nothing-wanted"}], [{"code": "nothing-wanted"}], []))),
    }


def devices_wished(wish: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of each guest that is to run: its devices."""
    return {
        guest["name"]: sorted(
            "0000:" + device["address"] for device in guest["devices"] if wish["pciback_state"] == "present"
        )
        for guest in wish["pciback_guests"]
        if guest["state"] == "running"
    }


def devices_given_away(wish: Mapping[str, Any]) -> list[str]:
    """All devices that dom0 is to do without, of guests that are stopped, too."""
    devices = [device for guest in wish["pciback_guests"] for device in guest["devices"]]
    return sorted("0000:" + device["address"] for device in devices if wish["pciback_state"] == "present")


def devices_held(host: Dom0) -> list[str]:
    """All devices that pciback holds."""
    folder = host.root / "kern/xen/pci"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def devices_owned(host: Dom0) -> dict[str, list[str]]:
    """Of each guest that runs: its devices, from the machine's books."""
    state = json.loads((host.directory / "machine/state.json").read_text())
    return {domain["name"]: sorted(devices_of(domain)) for domain in state["domains"]}


def is_fulfilled(host: Dom0, wish: Mapping[str, Any]) -> bool:
    """Whether the guests that are to run do, and no others, and have exactly the devices that are wished."""
    return devices_owned(host) == devices_wished(wish)


def condition(host: Dom0) -> tuple[Any, ...]:
    """What a run that has changed nothing leaves alone: files, boots, guests with their devices."""
    state = json.loads((host.directory / "machine/state.json").read_text())
    files = {path: digest for path, digest in host.files().items() if "lab-fault" not in path}
    return files, state["boot"]["number"], devices_owned(host)


# Actions that only write files.
FILES_ONLY = ("native", "hide", "configure")


def check_progress(run: Run, again: Run) -> None:
    """What a run that failed calls done, the next one has not to do again; what it has not begun is still to be done.

    Of files only: a guest may have ended meanwhile, and what the machine does in a reboot is not the role's.
    """
    planned = next(line for line in run.results if line["action"] == "xen.pciback.plan")["result"].get("actions", [])
    left = {action["action"] for action in again.result("xen.pciback.plan")["actions"]}
    for action in planned:
        if action["action"] in FILES_ONLY:
            assert not (f"done before it failed: {action['summary']}" in run.output and action["action"] in left)
            assert not (f"not begun: {action['summary']}" in run.output and action["action"] not in left)


def machine_of_faults(workspace: Path) -> Dom0:
    """A machine with two guests without devices, whose commands and system calls can be made to fail."""
    host = Dom0(workspace / "dom0", workspace).create("--guest-shutdown-seconds", "0")
    for command in COMMANDS:
        host.wrap(command, FAILING_COMMAND)
    # What Python imports first in this machine makes its system calls fail, too.
    site = workspace / "site-packages"
    site.mkdir()
    (site / USERCUSTOMIZE.name).write_text(USERCUSTOMIZE.read_text() + "\nimport faults\n")
    shutil.copy2(FAULTS, site)
    mounts = host.directory / "machine/mounts"
    table = [
        f"{site} {line.split(' ', 1)[1]}" if line.split()[1].endswith("/site-packages") else line
        for line in mounts.read_text().splitlines()
    ]
    assert any(line.startswith(f"{site} ") for line in table)
    mounts.write_text("\n".join(table) + "\n")
    return host


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """That machine, as it is at the beginning of each life."""
    return machine_of_faults(tmp_path_factory.mktemp("template"))


# A life is a minute of work: it is shown as it is found.
@depth.examples(16, database=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(wishes(), faults), min_size=1, max_size=3))
def test_the_report_is_so(template: Dom0, life: list[tuple[dict[str, Any], CommandFault | CallFault | None]]) -> None:
    with tempfile.TemporaryDirectory(dir=template.workspace) as directory:
        workspace = Path(directory)
        shutil.copytree(template.directory, workspace / "dom0", symlinks=True)
        host = Dom0(workspace / "dom0", workspace)
        for wish, fault in life:
            note(f"{wish}\n{fault}")
            before = condition(host)
            if fault is not None:
                fault.put(host)
            run = host.playbook(wish)
            heal(host)
            note(run.output)
            unchanged = condition(host) == before
            again = host.playbook(wish, "--check")
            note(again.output)

            assert "Traceback" not in run.output
            if any("Nothing was changed" in text for text in run.failures()):
                assert unchanged, "it said that nothing was changed"
            if run.status == 0:
                assert again.status == 0
                settled = (
                    again.changed() == []
                    and is_fulfilled(host, wish)
                    and devices_held(host) == devices_given_away(wish)
                )
                assert (AS_WANTED in run.output) == settled
                event("as wanted" if settled else "something is pending")
            else:
                wants_nothing = not (devices_given_away(wish) or wish["pciback_allow"])
                assert fault is not None or (wants_nothing and "nothing-wanted" in run.output)
                assert AS_WANTED not in run.output
                if again.status == 0:
                    check_progress(run, again)
                event("failed")
