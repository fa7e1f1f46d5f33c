# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackctl's other commands: the bus, the self-test, what it was built from."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import DATA, REPOSITORY

NATIVE = REPOSITORY / "native"

CARD = """00:05.0 Ethernet controller
00: 86 80 0e 10 07 01 00 00 03 00 00 02 00 00 80 00
10: 0c 00 60 fe 01 00 00 00 81 c1 00 00 00 00 00 fd
20: 00 00 00 00 00 00 00 00 00 00 00 00 f4 1a 00 11
30: 00 00 00 00 00 00 00 00 00 00 00 00 0a 01 00 00
"""


def run(pcibackctl: Path, *arguments: str) -> tuple[int, Any, str]:
    result = subprocess.run(
        [str(pcibackctl), *arguments, "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    return result.returncode, json.loads(result.stdout), result.stderr


def test_functions_of_a_dump(pcibackctl: Path) -> None:
    status, scan, _err = run(pcibackctl, "scan", "--bus", str(DATA / "bridge.lspci"))
    assert status == 0
    assert scan["schema"] == "xen.pciback/scan/1"
    functions = {function["address"]: function for function in scan["functions"]}
    assert list(functions) == sorted(functions)
    assert len(functions) == 17
    assert functions["0000:00:01.0"]["multifunction"] is True
    assert functions["0000:00:04.0"]["class"] == "020000"
    bridge = functions["0000:00:0d.0"]
    assert (bridge["header_type"], bridge["bridge"]) == (1, {"secondary": 1, "subordinate": 1})
    assert functions["0000:01:0b.0"]["vendor"] == "10ec"


def test_all_of_one_function(pcibackctl: Path, tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_text(CARD)
    _status, scan, _err = run(pcibackctl, "scan", "--bus", str(dump))
    assert scan["functions"] == [
        {
            "address": "0000:00:05.0",
            "vendor": "8086",
            "device": "100e",
            "subsystem": "1af4:1100",
            "class": "020000",
            "revision": 3,
            "header_type": 0,
            "multifunction": True,
            "bridge": None,
            "bars": [
                {"index": 0, "kind": "mem64", "address": 0x1FE600000, "prefetchable": True},
                {"index": 2, "kind": "io", "address": 0xC180, "prefetchable": False},
                {"index": 3, "kind": "mem32", "address": 0xFD000000, "prefetchable": False},
            ],
            "irq": 10,
            "interrupt_pin": 1,
            "config_size": 64,
        }
    ]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        (CARD[:-1].rsplit("\n", 1)[0] + "\n", 4, "stops after 48 bytes"),
        (CARD[: CARD.index("20:")] + CARD[CARD.index("30:") :], 4, "where those from 20 on would follow"),
        (CARD.replace("86 80 0e", "ff ff 0e"), 1, "vendor ffff"),
        (CARD.replace("00 00 80 00\n", "00 00 05 00\n"), 1, "header type 5"),
        (CARD.replace("00:05.0", "00:25.0"), 1, "devices at 1f"),
        (CARD + CARD, 6, "a second time"),
        ("nonsense\n", 1, "neither a function"),
        ("", None, "no PCI function"),
    ],
)
def test_dump_that_is_refused(text: str, line: int | None, part: str, pcibackctl: Path, tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_text(text)
    status, error, stderr = run(pcibackctl, "scan", "--bus", str(dump))
    assert status == 1
    assert error["schema"] == "xen.pciback/error/1"
    assert error["message"] in stderr
    assert error["message"].startswith(f"{dump}, line {line}: " if line else f"{dump}: ")
    assert part in error["message"]


def test_boot_with_a_dump_that_is_refused(pcibackctl: Path, tmp_path: Path) -> None:
    dump = tmp_path / "dump"
    dump.write_text("nonsense\n")
    status, error, _err = run(pcibackctl, "boot", "--config", "/dev/null", "--bus", str(dump))
    assert (status, error["schema"]) == (1, "xen.pciback/error/1")


def test_selftest(pcibackctl: Path) -> None:
    status, result, _err = run(pcibackctl, "selftest")
    assert status == 0
    assert (result["ok"], result["failed"], result["failures"]) == (True, 0, [])
    assert result["passed"] > 40


def test_version_names_the_sources(pcibackctl: Path) -> None:
    """The digest is that of the files here; a binary of other sources does not pass for this one."""
    names = [path.relative_to(NATIVE).as_posix() for path in NATIVE.rglob("*") if path.is_file()]
    names = sorted((name for name in names if not name.startswith("build/")), key=str.encode)
    lines = "".join(f"{hashlib.sha256((NATIVE / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    status, version, _err = run(pcibackctl, "version")
    assert status == 0
    assert version["source_sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    assert version["abi"] == 1
    assert re.fullmatch(r"\S+ [\d.]+", version["compiler"])
    assert version["target"] != ""


def test_every_finding_is_documented() -> None:
    sources = "".join(path.read_text() for path in sorted((NATIVE / "model").glob("*.c")))
    codes = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)",\s', sources))
    reference = (REPOSITORY / "docs/reference/pcibackctl.md").read_text()
    codes_there = reference.split("### Codes of findings")[1].split("\n## ")[0]
    documented = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", codes_there))
    other_names = {"not-registered", "kernel-fault", "loader-failure", "not-xen", "old-fs"}
    assert codes - other_names == documented
    assert len(codes) > 40
