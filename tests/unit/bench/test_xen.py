# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of ``make bench-xen``: what the guest says, the guest's configuration, medians and ratios."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.bench import xen, xen_dom0
from tests.conftest import ROOT


def a_round(backend: str, seconds: float, rate: float) -> str:
    """A line of xen_dom0.py."""
    return json.dumps({"backend": backend, "attach_to_bound_s": seconds, "conf_reads_per_s": rate})


def test_medians_are_taken_over_the_rounds_of_a_backend() -> None:
    lines = [a_round("kernel", 2, 100), a_round("native", 1, 300), a_round("kernel", 2, 110), a_round("kernel", 4, 90)]
    found = xen.summary(lines)
    assert found == {
        "xen.conf_reads_per_s.kernel": 100,
        "xen.conf_reads_per_s.kernel.spread": 0.1,
        "xen.conf_reads_per_s.native": 300,
        "xen.conf_reads_per_s.native.spread": 0,
        "xen.attach_to_bound_s.kernel": 2,
        "xen.attach_to_bound_s.kernel.spread": 0.5,
        "xen.attach_to_bound_s.native": 1,
        "xen.attach_to_bound_s.native.spread": 0,
    }
    assert xen.ratios(found) == [
        "xen.conf_reads_per_s native/kernel: 3.00 (more is better)",
        "xen.attach_to_bound_s native/kernel: 0.50 (less is better)",
    ]


def test_what_was_measured_beside_a_hog_has_names_of_its_own() -> None:
    def beside(line: str) -> str:
        return json.dumps({**json.loads(line), "beside": "hog"})

    idle = [a_round("kernel", 2, 100), a_round("native", 1, 300)]
    found = xen.summary([*idle, beside(a_round("kernel", 4, 50)), beside(a_round("native", 1, 40))])
    assert found["xen.conf_reads_per_s.native"] == 300
    assert found["xen.hog.conf_reads_per_s.native"] == 40
    assert xen.ratios(found)[2:] == [
        "xen.hog.conf_reads_per_s native/kernel: 0.80 (more is better)",
        "xen.hog.attach_to_bound_s native/kernel: 0.25 (less is better)",
    ]


def test_a_hog_computes_as_long_as_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    real = subprocess.Popen

    def remembered(argv: list[str]) -> subprocess.Popen[bytes]:
        started.append(real(argv))
        return started[-1]

    monkeypatch.setattr(xen_dom0.subprocess, "Popen", remembered)
    with xen_dom0.hog():
        assert started[0].poll() is None
    assert started[0].returncode == -signal.SIGKILL


def test_a_machine_that_is_too_busy_gives_no_figure() -> None:
    lines = [a_round(backend, 1, rate) for backend in xen.BACKENDS for rate in (57, 300, 740, 1041, 4741)]
    with pytest.raises(
        xen.TooBusy, match=r"xen\.conf_reads_per_s\.kernel was 57\.0 to 4741\.0 in 5 rounds: the machine is too busy"
    ):
        xen.summary(lines)


def test_an_emulator_that_was_kept_from_a_processor_gives_no_figure(capsys: pytest.CaptureFixture[str]) -> None:
    xen.judge(0.04)
    assert "waited 4 % of the time" in capsys.readouterr().err
    with pytest.raises(xen.TooBusy, match="waited 89 % of the time for one of this machine: it is too busy to measure"):
        xen.judge(0.89)


def test_only_processes_of_this_pcibackd_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for process, parent, waits in ((70, 1, 5), (71, 70, 7), (72, 1, 100)):
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "status").write_text(
            f"Name:\tpcibackd\nPid:\t{process}\nPPid:\t{parent}\nvoluntary_ctxt_switches:\t{waits}\n"
            f"nonvoluntary_ctxt_switches:\t1000\n"
        )
    (tmp_path / "73").mkdir()
    (tmp_path / "self").mkdir()
    assert xen_dom0.wakeups(70, tmp_path) == 12


def test_rounds_go_on_until_figures_are_narrow() -> None:
    rounds = [json.loads(a_round(backend, 1, rate)) for backend in xen.BACKENDS for rate in (100, 102, 98)]
    assert xen_dom0.is_narrow(rounds)
    assert not xen_dom0.is_narrow(
        [*rounds, json.loads(a_round("native", 1, 200)), json.loads(a_round("native", 1, 190))]
    )


def test_wakeups_are_counted_where_a_process_serves() -> None:
    lines = [a_round("kernel", 1, 1), json.dumps({**json.loads(a_round("native", 1, 1)), "wakeups_per_read": 1.25})]
    assert xen.summary(lines)["xen.wakeups_per_read.native"] == 1.25


def test_a_backend_that_was_not_measured_is_named() -> None:
    with pytest.raises(ValueError, match="native was not measured"):
        xen.summary([a_round("kernel", 1, 1)])


def test_the_guest_is_that_of_hot_plug_with_another_name_and_init() -> None:
    text = (ROOT / "lab/xen/image/dom0/etc/xen/storage.cfg").read_text()
    made = xen_dom0.guest_config(text)
    assert 'name = "bench"' in made.splitlines()
    assert re.search(r'^extra = "guest_bench=\d+ console=hvc0 ', made, re.MULTILINE)
    kept = [line for line in text.splitlines() if not line.startswith(("name", "extra"))]
    assert [line for line in made.splitlines() if not line.startswith(("name", "extra"))] == kept


def test_the_console_gives_our_lines_once_they_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "console.log"
    file.write_text("guest-bench ready\n")
    console = xen_dom0.Console(file)
    assert console.next() is None
    with file.open("a") as log:
        log.write("[  1.5] e1000: no line of ours\r\nguest-bench bound\r\nguest-bench read 64 1.0")
        log.flush()
        assert console.wait("bound") == []
        assert console.next() is None
        log.write("0 2.00\n")
    assert console.wait("read") == ["64", "1.00", "2.00"]


def test_another_line_than_the_expected_one_ends_it(tmp_path: Path) -> None:
    file = tmp_path / "console.log"
    console = xen_dom0.Console(file)
    file.write_text("guest-bench gone\n")
    with pytest.raises(SystemExit, match="the guest said 'gone' instead of 'bound'"):
        console.wait("bound")


def test_a_rate_is_of_the_guests_own_clock() -> None:
    assert xen_dom0.reads_per_second(["1280", "10.00", "14.00"]) == (1280, 320)


def test_a_clock_that_stands_still_ends_it() -> None:
    with pytest.raises(SystemExit, match="clock stood still"):
        xen_dom0.reads_per_second(["64", "1.00", "1.00"])
