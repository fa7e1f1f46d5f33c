# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pcibackctl says, on a system without NetBSD's kernel, of the commands that give devices to that kernel's backend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CARD = "0000:00:04.0"
ONLY_NETBSD = "pcibackctl gives devices to the kernel's backend of NetBSD alone; on Linux xl does that by itself"


def say(*words: str, program: str | Path | None = None) -> tuple[int, str]:
    """The exit status, and the sentence."""
    command = [str(program or os.environ["PCIBACKCTL"]), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)["message"]


@pytest.mark.parametrize(
    "words",
    [
        ("attach", "--backend", "kernel", "--domain", "3", f"{CARD},rdm_policy=relaxed", "0000:00:05.0"),
        ("detach", "--backend", "kernel", "--domain", "3"),
        ("prepare", CARD),
    ],
)
def test_it_is_for_netbsd(words: tuple[str, ...], tmp_path: Path) -> None:
    """As it is installed, without what plays that kernel in tests beside it."""
    alone = shutil.copy(os.environ["PCIBACKCTL"], tmp_path)
    assert say(*words, program=alone) == (1, ONLY_NETBSD)


def test_what_plays_the_kernel_gets_all_arguments(tmp_path: Path) -> None:
    alone = shutil.copy(os.environ["PCIBACKCTL"], tmp_path)
    player = tmp_path / "pcibackctl-simulated"
    player.write_text('#!/bin/sh\nprintf \'{"message": "%s"}\' "$*"\n')
    player.chmod(0o755)
    words = ("attach", "--backend", "kernel", CARD, "--domain", "3", "0000:00:05.0")
    assert say(*words, program=alone) == (0, " ".join((*words, "--json")))
    # It is asked for nothing else.
    assert say("attach", "--domain", "x", CARD, program=alone)[0] != 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("attach", "--backend", "kernel", "--domain", "0", CARD), "--domain 0: a domain's number would stand here"),
        (("attach", "--backend", "kernel", "--domain", "gB", CARD), "--domain gB: a domain's number would stand here"),
        (
            ("attach", "--backend", "kernel", "--domain", "3", f"{CARD},vslot=7"),
            "'vslot' is no option of a device here",
        ),
        (("prepare", f"{CARD},permissive=1"), "'permissive' is no option of a device here"),
        (("prepare", "wm2"), "'wm2' is no address of a device, such as 0000:03:00.0"),
        (("prepare", *[f"{bus:02x}:00.0" for bus in range(65)]), "that many devices are no guest's"),
        (
            ("detach", "--backend", "kernel", "--domain", "3", CARD),
            "detach --backend kernel takes back all devices of a guest that has closed: neither addresses nor --force "
            "would stand here",
        ),
        (
            ("detach", "--backend", "kernel", "--domain", "3", "--force"),
            "detach --backend kernel takes back all devices of a guest that has closed: neither addresses nor --force "
            "would stand here",
        ),
    ],
)
def test_mistakes(words: tuple[str, ...], message: str) -> None:
    assert say(*words) == (2, message)


def test_files_are_removed_without_a_kernel_too(tmp_path: Path) -> None:
    """A host that boots without Xen, or without a hide list, gets rid of them."""
    devices = tmp_path / "sys/bus/pci/devices"
    for address in (CARD, "0000:00:05.0"):
        (devices / address).mkdir(parents=True)
        (devices / address / "irq").write_text("20\n")
    (tmp_path / "sys/.xen-pciback").write_text(f"{CARD}\n0000:00:05.0\n")
    pcibackctl = [os.environ["PCIBACKCTL"], "unprepare", "--root", str(tmp_path)]
    assert subprocess.run([*pcibackctl, CARD], check=True, capture_output=True, text=True).stdout == (
        f"{CARD} is prepared no more\n"
    )
    assert not (devices / CARD).exists() and (devices / "0000:00:05.0/irq").is_file()
    assert say("unprepare", "--root", str(tmp_path), CARD) == (
        1,
        f"{tmp_path}/sys has no files of {CARD} that pcibackctl prepare has made",
    )
    done = subprocess.run([*pcibackctl, "--json", "0000:00:05.0"], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"schema": "xen.pciback/unprepare/1", "devices": [{"address": "0000:00:05.0"}]}
    assert list(tmp_path.iterdir()) == []
