# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a trial, and what pciback-trial says of it: the program itself reads and writes both here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats import trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import TrialState, read_status, render_record
from tests.unit.product import NATIVE

ANSWER = {
    "schema": "xen.pciback/trial/1",
    "state": "undone",
    "link": "/t",
    "xen": "/xen.gz",
    "seconds": 600,
    "starts": 1,
    "remaining": 0,
    "failed": False,
    "message": "the trial is undone",
}


def status(root: Path) -> TrialState:
    program = [str(NATIVE / "build/pciback-trial"), "status", "--json", "--root", str(root)]
    return read_status(subprocess.run(program, check=False, capture_output=True, text=True).stdout)


def test_the_program_understands_the_record(tmp_path: Path) -> None:
    assert status(tmp_path).state == trial.NONE
    (tmp_path / "etc/xen-pciback").mkdir(parents=True)
    record = tmp_path / "etc/xen-pciback/trial"
    record.write_bytes(render_record("/t3", "/boot/xen.gz", 90))
    record.chmod(0o600)
    (tmp_path / "t3").touch()
    assert status(tmp_path) == TrialState(trial.ARMED, "/t3", 90, 0, 0, "the next boot is a trial")
    # Killed before the link was made: no boot has tried anything.
    (tmp_path / "t3").unlink()
    never = status(tmp_path)
    assert (never.state, never.has_failed) == (trial.UNDONE, False)


def test_a_record_is_one_sector() -> None:
    assert len(render_record("/t", "/xen.gz", 600)) == trial.RECORD_SIZE
    with pytest.raises(ValueError, match="record of the trial would have 5"):
        render_record("/t", "/" + "x" * 450, 600)


def test_an_undone_trial() -> None:
    assert read_status(json.dumps(ANSWER)) == TrialState("undone", "/t", 600, 1, 0, "the trial is undone")
    assert read_status(json.dumps(ANSWER)).has_failed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "xen.pciback/trial/2"}, "its schema is 'xen.pciback/trial/2'"),
        ({"state": "odd"}, "no state is called 'odd'"),
    ],
)
def test_an_answer_of_another_kind(changes: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_status(json.dumps({**ANSWER, **changes}))
