# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of an attack: of its counts, of the other guest's answers, of a machine that is too busy to tell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from xen import attacked

WATCHED = 'watched-guest {"uptime":%d,"pings":9,"reads":9,"wrong":%d,"ping_ms":%d,"read_ms":%d,"late_ms":3}'
OF_DISK = 'watched-disk {"uptime":%d,"writes":%d,"reads":9,"wrong":%d,"write_ms":%d,"read_ms":%d,"late_ms":3}'
LOOK = "\n".join(
    [
        WATCHED % (10, 1, 20, 30),
        WATCHED % (12, 1, 40, 25),
        OF_DISK % (11, 7, 0, 6, 4),
        OF_DISK % (13, 27, 2, 5, 8),
        'watched-disk {"uptime":15,"wri[   22.332866] cut',
        'watched-guest {"uptime":14,"pings":[   22.332866] pcifront pci-0: a message of the kernel',
        'hostile-guest {"said":"done","cycles":4,"table_written":0}',
        'hostile-guest {"said":"do[   22.332866] cut',
        "domain attack 6",
        "domain watch 5",
        "pcibackd 499 770",
        "log Nov 30 07:39:35 xen-lab daemon.info pcibackd[499]: started",
        "kernel irq 21: nobody cared",
        "trouble [    9.1] NETDEV WATCHDOG: enp0s0 (e1000e)",
        "Parsing config from watch.cfg",
    ]
)
COUNTS = {**dict.fromkeys(attacked.TRIED, 3), **dict.fromkeys(attacked.REACHED, 0)}


def test_what_was_shown_is_read_and_what_was_cut_is_left_out() -> None:
    seen = attacked.parse(LOOK)
    assert [each["uptime"] for each in seen.watched] == [10, 12]
    assert [each["writes"] for each in seen.disk] == [7, 27]
    assert seen.hostile == {"said": "done", "cycles": 4, "table_written": 0}
    assert seen.domains == {"attack": 6, "watch": 5}
    assert (seen.process, seen.ticks) == (499, 770)
    assert seen.log == ["Nov 30 07:39:35 xen-lab daemon.info pcibackd[499]: started"]
    assert seen.kernel == ["irq 21: nobody cared"]
    assert seen.trouble == ["[    9.1] NETDEV WATCHDOG: enp0s0 (e1000e)"]


def test_an_attack_that_reached_nothing() -> None:
    assert list(attacked.breaches(COUNTS)) == []


def test_what_was_reached_is_told() -> None:
    assert list(attacked.breaches({**COUNTS, "table_written": 2, "foreign_mapped": 1})) == [
        "frames of others mapped: 1",
        "writes to its MSI-X table that came through: 2",
    ]


def test_an_attack_that_was_none_says_nothing() -> None:
    assert list(attacked.breaches({**COUNTS, "table_tried": 0})) == ["it has not tried: table_tried is 0"]


def test_the_slowest_answers() -> None:
    seen = attacked.parse(LOOK)
    assert attacked.slowest(seen.watched) == attacked.Slowest(40, 30, 0)
    with pytest.raises(ValueError, match="the watched guest has said nothing"):
        attacked.slowest([])


def test_the_slowest_answers_of_a_disk() -> None:
    seen = attacked.parse(LOOK)
    assert attacked.slowest_of_disk(seen.disk) == attacked.SlowestOfDisk(6, 8, 2)
    with pytest.raises(ValueError, match="the watched guest has said nothing"):
        attacked.slowest_of_disk([])


def test_the_thread_that_waited_most_decides() -> None:
    before, after = "1 5000 1000000000 7\n2 9 0 1", "1 5000 1500000000 9\n2 9 4000000000 1\n3 1 1000000000 1"
    assert attacked.waited(before, after, 10) == 0.4


def test_times_of_a_busy_machine_are_not_judged() -> None:
    assert attacked.unjudged(0.01) is None
    assert attacked.unjudged(0.4) == (
        "the emulated processors waited 40 % of the time for one of this machine: too busy to judge how long answers take"
    )


def test_threads_tell_how_long_they_waited() -> None:
    lines = attacked.schedstat(os.getpid()).splitlines()
    assert str(os.getpid()) in [line.split()[0] for line in lines]
    assert all(len(line.split()) == 4 for line in lines)


def test_the_programs_are_built(tmp_path: Path) -> None:
    attacked.build(tmp_path / "hostile")
    for name, programs in attacked.PROGRAMS.items():
        assert name in programs
        assert all(os.access(tmp_path / "hostile" / name / program, os.X_OK) for program in programs)
        assert (tmp_path / "hostile" / name / f"{name}_init").read_text().startswith("#!/bin/sh\n")
    said = subprocess.run([tmp_path / "hostile/watch/watch"], check=False, capture_output=True, text=True)
    assert said.returncode == 1
    assert attacked.parse(said.stdout).watched[0]["failed"]
    said = subprocess.run([tmp_path / "hostile/watch/disk", "/"], check=False, capture_output=True, text=True)
    assert said.returncode == 1
    assert attacked.parse(said.stdout).disk[0]["failed"] == "Is a directory"
    subprocess.run(["sh", "-n", tmp_path / "hostile/in_dom0"], check=True)
