# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a trial is asked of pciback-trial, and only where a trial is recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial, TrialState
from ansible_collections.xen.pciback.plugins.module_utils.host import trial
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import PROGRAM, Trials
from tests.unit.formats.test_trial import ANSWER


class Double(Trials):
    """A host whose program answers what a test says."""

    def __init__(self, status: int = 0, output: str = "", errors: str = "") -> None:
        self.calls: list[Sequence[str]] = []
        self.answer = status, output, errors
        super().__init__(self.called)

    def called(self, argv: Sequence[str], cwd: str | None = None) -> tuple[int, str, str]:
        self.calls.append(argv)
        return self.answer

    def obstacle(self) -> NoTrial | None:
        return None

    def boot_time(self) -> float | None:
        return None

    def used_names(self) -> tuple[str, ...]:
        return ()


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the record of this host is, if there is one."""
    path = tmp_path / "xen-pciback/trial"
    monkeypatch.setattr(trial, "RECORD", str(path))
    return path


def test_without_a_record_nothing_is_asked(record: Path) -> None:
    host = Double()
    assert host.look() == TrialState()
    host.forget()
    assert not host.calls


def test_xen_is_asked_for_a_watchdog() -> None:
    host = Double(1, errors="pciback-trial: Xen gives dom0 no watchdog (Function not implemented), so nothing\n")
    assert host.refused_by_xen() == "Xen gives dom0 no watchdog (Function not implemented), so nothing"
    assert host.calls == [[PROGRAM, "probe"]]
    assert Double().refused_by_xen() == ""
    # It is not there yet, or is an older one.
    assert Double(NOT_FOUND).refused_by_xen() == ""
    assert Double(2, errors="usage: pciback-trial begin|confirm|status").refused_by_xen() == ""


def test_a_record_comes_and_goes(record: Path) -> None:
    host = Double(output=json.dumps(ANSWER))
    host.note("/t", "/xen.gz", 600)
    assert (record.stat().st_mode & 0o777, len(record.read_bytes())) == (0o600, 512)
    host.note("/t1", "/xen.gz", 600)
    assert b"link\t/t1\n" in record.read_bytes()
    assert host.look().state == "undone"
    assert host.calls == [[PROGRAM, "status", "--json"]]
    host.forget()
    assert not record.parent.exists()


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (Double(NOT_FOUND), "there is a record of a trial in"),
        (
            Double(1, "", "no\nsuch thing"),
            "does not tell the state of the trial: it ended with 1 and said no such thing",
        ),
        (Double(0, "[]"), "does not tell the state of the trial: it ended with 0 and said []"),
    ],
)
def test_a_program_that_does_not_tell(record: Path, host: Double, said: str) -> None:
    host.note("/t", "/xen.gz", 600)
    state = host.look()
    assert state.state == "unreadable"
    assert said in state.message


def test_confirming(record: Path) -> None:
    Double(0, "pciback-trial: confirmed\n").confirm()
    with pytest.raises(PcibackError, match=r"^not confirmed: the trial is undone$"):
        Double(1, "", "pciback-trial: the trial is undone\n").confirm()
    with pytest.raises(PcibackError, match="the trial can't be confirmed: there is no /sbin/pciback-trial") as caught:
        Double(NOT_FOUND).confirm()
    assert "before Xen resets the host" in (caught.value.remedy or "")
