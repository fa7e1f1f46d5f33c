# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documented rescue around the role works, whatever has failed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Dom0, guest, run_playbook
from tests.depth import sampled

RECORD = "var/db/xen-pciback/pins.json"
DAMAGE = f"mkdir -p /{RECORD.rpartition('/')[0]}; echo '{{' >/{RECORD}\n"
NO_TOOLSTACK = "case $1 in create) echo 'no memory' >&2; exit 1;; esac\n"
REAL = 'exec "$real" "$@"\n'


@dataclass
class Way:
    """A way to fail, and what a rescue is told.

    :ivar spoil: what is done to the host before
    """

    wanted: dict[str, Any]
    said: str
    codes: str = "nothing"
    pending: bool = False
    spoil: Callable[[Dom0], Any] = field(default=lambda host: None)


ONE = {"pciback_guests": [guest("firewall")]}
WAYS = {
    "refused": Way(
        {"pciback_guests": [guest("firewall", {"address": "00:1f.0"})]}, "no-such-device: ", "no-such-device"
    ),
    "malformed": Way(
        {"pciback_guests": [guest("firewall", {"address": "00:10:0"}, {"address": "00:20.0"}), guest("-x")]},
        "device 20 is above 1f",
        "inventory-invalid inventory-invalid inventory-invalid",
    ),
    "plan": Way(ONE, f"dom0 can't be planned: /{RECORD}", spoil=lambda host: host.command("/bin/sh", "-c", DAMAGE)),
    "unreachable": Way({"ansible_lab_dom0": "/nonexistent"}, "dom0 can't be reached: "),
    "argument": Way({"pciback_guests": 5}, "Validation of arguments failed"),
    "template": Way({"pciback_guests": "{{ nobody_says }}"}, "nobody_says"),
    "no documented argument": Way(
        {"pciback_boot_entries": "{{ 5 }}"}, "option 'boot_entries' must be", "inventory-invalid"
    ),
    "apply": Way(ONE, "no memory", spoil=lambda host: host.wrap("usr/pkg/sbin/xl", NO_TOOLSTACK + REAL)),
    "verify": Way(
        ONE,
        "The host was changed as planned, and then could not be verified. dom0 can't be planned: ",
        spoil=lambda host: host.wrap("usr/pkg/sbin/xl", f"case $1 in create) {DAMAGE}\n;; esac\n{REAL}"),
    ),
    "reboot": Way(
        {
            "pciback_guests": [guest("firewall", {"address": "00:05.0"})],
            "pciback_reboot": "when_needed",
            "pciback_reboot_timeout": 5,
        },
        "dom0 did not come back: ",
        pending=True,
        spoil=lambda host: host.wrap("sbin/shutdown", f"sed -i 's/hide=(/hide=(junk)(/' /boot.cfg\n{REAL}"),
    ),
}


@pytest.fixture(scope="module")
def template(native: Dom0, tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """A machine with the native component, on which nothing else was done yet."""
    workspace = tmp_path_factory.mktemp("template")
    return Dom0(workspace / "dom0", workspace).create().borrow_native(native)


@pytest.fixture(scope="module")
def playbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The playbook with a rescue, as the documentation has it."""
    text = (ROOT / "docs/how-to/include-the-role.md").read_text(encoding="utf-8")
    (block,) = [
        block for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "rescue:" in block
    ]
    path = tmp_path_factory.mktemp("playbook") / "rescue.yml"
    path.write_text(block.replace("hosts: dom0s", "hosts: all"))
    return path


@pytest.mark.parametrize("name", sampled(WAYS, "malformed", "unreachable", "template", "apply"))
def test_a_rescue_is_told_why_what_is_refused_and_whether_a_reboot_is_pending(
    template: Dom0, playbook: Path, tmp_path: Path, name: str
) -> None:
    way = WAYS[name]
    host = Dom0(tmp_path / "dom0", tmp_path)
    shutil.copytree(template.directory, host.directory, symlinks=True)
    way.spoil(host)
    run = run_playbook(tmp_path, {"dom0": {**host.variables(), **way.wanted}}, playbook=str(playbook))
    assert run.status == 0, run.output
    last = run.results[-1]
    assert (last["action"], last["outcome"]) == ("ansible.builtin.debug", "ok"), run.output
    said, refused, pending = last["result"]["msg"]
    assert way.said in said
    assert refused == f"refused because of: {way.codes}"
    assert pending == f"a reboot is pending: {way.pending}"
    assert "Traceback" not in run.output
