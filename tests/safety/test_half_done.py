# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that fails half way says what it has changed and what not, and that is so; the next run does the rest."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Dom0, Run, guest
from tests.depth import sampled

WANTED = {"pciback_guests": [guest("firewall", {"address": "00:05.0"})], "pciback_reboot": "when_needed"}


@dataclass(frozen=True)
class Fault:
    """A command that fails.

    :ivar done: kinds of actions that are done by then
    :ivar left: those that are not, in order
    """

    path: str
    script: str
    done: tuple[str, ...]
    left: tuple[str, ...]


FAULTS = {
    "no guest starts": Fault(
        "usr/pkg/sbin/xl",
        'case $1 in create) echo "no memory" >&2; exit 1;; esac\nexec "$real" "$@"\n',
        ("hide", "configure", "start_up", "reboot"),
        ("run",),
    ),
    "no reboot": Fault(
        "sbin/shutdown", "echo 'shutdown: not now' >&2; exit 1\n", ("hide", "configure", "start_up"), ("reboot", "run")
    ),
}


@pytest.fixture(scope="module")
def template(native: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A machine with the native component, on which nothing else was done yet."""
    workspace = tmp_path_factory.mktemp("template")
    return Dom0(workspace / "dom0", workspace).create().borrow_native(native)


def progress(run: Run) -> list[str]:
    """What was said of how far it came."""
    (line,) = [line for line in run.results if line["task"].endswith("Say how far it came, if not to the end")]
    return list(line["result"].get("msg", [])) if line["outcome"] == "ok" else []


@pytest.mark.parametrize("name", sampled(FAULTS, "no reboot"))
def test_what_was_changed_and_what_was_not(template: Dom0, tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    host = Dom0(tmp_path / "dom0", tmp_path)
    shutil.copytree(template.directory, host.directory, symlinks=True)
    host.wrap(fault.path, fault.script)
    run = host.playbook(WANTED)
    assert run.status == 2, run.output
    summaries: dict[str, Any] = {
        action["action"]: action["summary"]
        for action in next(line for line in run.results if line["action"] == "xen.pciback.plan")["result"]["actions"]
    }
    assert tuple(summaries) == fault.done + fault.left
    said = [f"done before it failed: {summaries[kind]}" for kind in fault.done]
    said += [f"failed, and not done to its end: {summaries[fault.left[0]]}"]
    said += [f"not begun: {summaries[kind]}" for kind in fault.left[1:]]
    assert progress(run) == said
    # And so it is.
    assert ("pciback.hide=(00:05.0)" in (host.root / "boot.cfg").read_text()) == ("hide" in fault.done)
    assert ("'00:05.0'" in (host.root / "usr/pkg/etc/xen/firewall").read_text()) == ("configure" in fault.done)
    assert (host.root / "kern/xen/pci/0000:00:05.0").exists() == ("reboot" in fault.done)
    real = (host.root / fault.path).parent / "real" / Path(fault.path).name
    real.replace(host.root / fault.path)
    again = host.playbook(WANTED)
    assert (again.status, progress(again)) == (0, []), again.output
    first = {"reboot": "xen.pciback.reboot", "run": "xen.pciback.domain"}[fault.left[0]]
    assert again.changed()[:2] == ["xen.pciback.plan", first]
