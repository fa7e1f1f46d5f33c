# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's parser, value by value, and what else real boots taught, as tables."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Predictor

R, N, F, U, E = "registered", "not-registered", "kernel-fault", "undefined", "empty"
LOADER, NOT_XEN = "loader-failure", "not-xen"


def devices(*numbers: int) -> list[str]:
    return [f"0000:00:{number:02x}.0" for number in numbers]


A, A1, B = "0000:00:1a.0", "0000:00:1a.1", "0000:00:1b.0"

# The value after `pciback.hide=`, the claims, the result; given to the kernel's own code.
VALUES = [
    ("(00:1a.0)(00:1a.1)", [A, A1], R),
    ("(0000:00:1a.0)", [A], R),
    ("(00:1A.0)", [A], R),
    ("(00:1a.0),(00:1b.0)", [A], N),
    ("(00:1a.0) (00:1b.0)", [A], R),
    ("00:1a.0", [], N),
    ("(00:1a.0", [], N),
    ('"(00:1a.0)"', [], N),
    ("(00:1a.0 )", [], N),
    ("(00:1a.0))", [A], N),
    ("()", [], F),
    ("(1a.0)", [], F),
    ("(00:1a.0)(junk)(00:1b.0)", [A], F),
    ("(0001:00:1a.0)", [], R),
    ("(0000:1a.0)", [], R),
    ("(000:00:1a.0)", [], R),
    ("(0000zz:00:1a.0)", [A], R),
    ("(00000:00:1a.0)", [A], R),
    ("(:.)", ["0000:00:00.0"], R),
    ("(00:1a.)", [A], R),
    ("(0x0:0x1a.0x0)", [A], R),
    ("(+0:1a.0)", [A], R),
    ("(\t00:1a.0)", [A], R),
    ("(0x:1.0)", [], R),
    ("(00:1a.*)", [], R),
    ("((00:1a.0)", [], R),
    ("(-1:0.0)", [], R),
    ("(00:3f.9)", [], R),
    ("(100:1f.0)", [], R),
    ("(100000000:1f.0)", devices(0x1F), R),
    ("(10000000000000000:1f.0)", [], R),
    ("(0000:00:1a.0)(00:1g.0)(00:1b.0)", [A, B], R),
    ("(00:01.0)(00:02.0)(00:03.0)(00:04.0)(00:05.0)(00:06.0)(00:07.0)", devices(1, 2, 3, 4, 5, 6, 7), R),
    ("(00:01.0)(00:02.0)(00:03.0)(00:04.0)(00:05.0)(00:06.0)(00:07.0)(00:08.0)", devices(1, 2, 3, 4, 5, 6, 7), U),
    ("(0:1.0)(0:2.0)(0:3.0)(0:4.0)(0:5.0)(0:6.0)(0:7.0)(0:8.0)(0:9.0)", devices(*range(1, 10)), R),
    ("(00:1a.0) pciback.hide=(00:1b.0)", [B], R),
    ("(00:1a.0) PCIBACK.Hide=(00:1b.0)", [B], R),
    ("(00:1a.0) pciback.hide=", [], E),
    ("(00:1a.0)(00:1a.0)", [A], R),
    ("", [], E),
]


@pytest.mark.parametrize(("value", "claims", "outcome"), VALUES)
def test_value(value: str, claims: list[str], outcome: str, predict: Predictor) -> None:
    prediction = predict(f"menu=Xen:load /n;multiboot /xen.gz dom0_mem=512M -- pciback.hide={value}\ntimeout=1\n").json
    assert (prediction["claims"], prediction["outcome"]) == (claims, outcome)


@pytest.mark.parametrize("token", ["xpciback.hide=(00:1a.0)", "xen-pciback.hide=(00:1a.0)", "pciback.hide =(00:1a.0)"])
def test_token_that_is_none(token: str, predict: Predictor) -> None:
    assert predict(f"menu=Xen:load /n {token};multiboot /xen.gz\ntimeout=1\n").json["outcome"] == E


def xen(load: str = "/n", multiboot: str = "/xen.gz dom0_mem=512M", before: str = "", after: str = "") -> str:
    return f"{before}menu=Xen:load {load};multiboot {multiboot}\n{after}timeout=1\n"


LONG_LOAD = "/netbsd-XEN3_DOM0.gz bootdev=wd0 pciback.hide="

# A boot.cfg, the claims, the outcome, a finding it has.
FACTS = {
    "exactly 79 characters of load": (xen("/n " + "x" * 55 + " pciback.hide=(0:4.0)"), devices(4), R, None),
    "the eightieth is lost": (xen("/n " + "x" * 56 + " pciback.hide=(0:4.0)"), [], N, "loader-module-string-cut"),
    "three devices on a usual load": (xen(LONG_LOAD + "(00:04.0)(00:05.0)(00:06.0)"), devices(4, 5, 6), R, None),
    "a fourth breaks the list": (
        xen(LONG_LOAD + "(00:04.0)(00:05.0)(00:06.0)(00:07.0)"),
        devices(4, 5, 6),
        N,
        "loader-module-string-cut",
    ),
    "a load= line is cut alike": (
        f"load={LONG_LOAD}(00:04.0)(00:05.0)(00:06.0)(00:07.0)\nmenu=Xen:multiboot /xen.gz\ntimeout=1\n",
        devices(4, 5, 6),
        N,
        "loader-module-string-cut",
    ),
    "behind the dashes there is room": (
        xen(multiboot="/xen.gz dom0_mem=512M -- pciback.hide=" + "".join(f"(00:0{n}.0)" for n in range(1, 8))),
        devices(1, 2, 3, 4, 5, 6, 7),
        R,
        None,
    ),
    "behind the dashes wins": (
        xen("/n pciback.hide=(00:04.0)", "/xen.gz x -- pciback.hide=(00:05.0)"),
        devices(5),
        R,
        "list-overridden",
    ),
    "without dashes Xen keeps it": (
        xen(multiboot="/xen.gz dom0_mem=512M pciback.hide=(00:04.0)"),
        [],
        E,
        "list-on-xen-side",
    ),
    "dashes that come first are not found": (
        xen(multiboot="/xen.gz -- pciback.hide=(00:04.0)"),
        [],
        E,
        "list-on-xen-side",
    ),
    "dashes need a blank behind them": (xen(multiboot="/xen.gz x --pciback.hide=(00:04.0)"), [], E, "list-on-xen-side"),
    "nine short entries": (
        xen("/n pciback.hide=" + "".join(f"(0:{n}.0)" for n in range(1, 10))),
        devices(*range(1, 10)),
        R,
        None,
    ),
    "64 characters": (
        xen(multiboot="/xen.gz x -- pciback.hide=" + "".join(f"(00:0{n}.0)" for n in range(1, 7)) + "(000:07.0)"),
        devices(*range(1, 8)),
        U,
        "hide-list-too-long",
    ),
    "too long, but wrong before that": (
        xen(multiboot="/xen.gz x -- pciback.hide=(00:04.0)," + "(00:05.0)" * 8),
        devices(4),
        N,
        "hide-list-error",
    ),
    "too long, but a fault before that": (
        xen(multiboot="/xen.gz x -- pciback.hide=(00:04.0)()" + "(00:05.0)" * 8),
        devices(4),
        F,
        "hide-entry-faults",
    ),
    "255 characters of dom0's command line": (
        xen(multiboot="/xen.gz x -- " + "y" * 250 + " pciback.hide=(00:04.0)"),
        [],
        E,
        "kernel-command-line-cut",
    ),
    "1023 characters of Xen's": (
        xen(multiboot="/xen.gz x -- " + "y" * 1030 + " pciback.hide=(00:04.0)"),
        [],
        E,
        "xen-command-line-cut",
    ),
    "a list that ends at the 255th character": (
        xen(multiboot="/xen.gz x -- " + "y" * 233 + " pciback.hide=(0:4.0)"),
        devices(4),
        R,
        None,
    ),
    "and one that ends behind it": (
        xen(multiboot="/xen.gz x -- " + "y" * 234 + " pciback.hide=(0:4.0)"),
        [],
        N,
        "kernel-command-line-cut",
    ),
    "a decimal slot": (xen("/n pciback.hide=(00:10.0)"), ["0000:00:10.0"], R, None),
    "CRLF ends in a list error": (
        xen(multiboot="/xen.gz x -- pciback.hide=(00:04.0)").replace("\n", "\r\n"),
        devices(4),
        N,
        "carriage-return",
    ),
    "CRLF behind a load that something follows": (
        xen("/n pciback.hide=(00:04.0)", "/xen.gz x").replace("\n", "\r\n"),
        devices(4),
        R,
        "carriage-return",
    ),
    "CRLF behind Xen's path: no such file": (
        xen("/n pciback.hide=(00:04.0)", "/xen.gz").replace("\n", "\r\n"),
        [],
        LOADER,
        "loader-missing-xen",
    ),
    "CRLF behind the kernel's path": (
        xen(multiboot="/xen.gz x -- pciback.hide=(00:04.0)", before="load=/n\r\n", load="/n"),
        devices(4),
        R,
        "loader-missing-module",
    ),
    "CRLF behind a kernel on a device": ("menu=A:boot hd0a:netbsd\r\n", [], LOADER, "carriage-return"),
    "multiboot and no path": ("menu=Xen:load /n pciback.hide=(00:04.0);multiboot\n", [], LOADER, "loader-missing-xen"),
    "a tab before the option is boot flags": (
        xen("/n -v\tpciback.hide=(00:04.0)", "/xen.gz x -- -v\tpciback.hide=(00:05.0)"),
        [],
        F,
        "kernel-debugger",
    ),
    "tabs only: no command line": (xen("/n\tpciback.hide=(00:04.0)"), [], E, "list-after-tab"),
    "the flag d": (xen("/n -d pciback.hide=(00:04.0)"), [], F, "kernel-debugger"),
    "the flag a": (xen("/n -a pciback.hide=(00:04.0)"), devices(4), R, "kernel-asks-root"),
    "the flag s among others": (xen("/n -vs pciback.hide=(00:04.0)"), devices(4), R, "kernel-single-user"),
    "a command of more than 79 characters": (
        xen(multiboot="/xen.gz " + "x" * 200 + " -- pciback.hide=(00:04.0)"),
        devices(4),
        R,
        "loader-command-too-long",
    ),
    "two loads: the first is the kernel": (
        xen("/n pciback.hide=(00:04.0);load /n pciback.hide=(00:05.0)"),
        devices(4),
        R,
        "list-on-other-module",
    ),
    "load= before a menu's load": (
        xen("/n pciback.hide=(00:05.0)", before="load=/n pciback.hide=(00:04.0)\n"),
        devices(4),
        R,
        "list-on-other-module",
    ),
    "a hash cuts the line": (
        "menu=Xen:load /n pciback.hide=(00:04.0)#;multiboot /xen.gz\ntimeout=1\n",
        [],
        NOT_XEN,
        "entry-boots-nothing",
    ),
    "load behind multiboot is never run": (
        "menu=Xen:load /n;multiboot /xen.gz x;load /n pciback.hide=(00:04.0)\ntimeout=1\n",
        [],
        E,
        None,
    ),
    "no load": ("menu=Xen:multiboot /xen.gz\ntimeout=1\n", [], LOADER, "loader-no-kernel"),
    "a name without a slash": (xen("netbsd-XEN3_DOM0.gz pciback.hide=(00:04.0)"), [], LOADER, "loader-module-name"),
    "a device before the path": (xen("hd0a:/n pciback.hide=(00:04.0)"), devices(4), R, None),
    "what is no device before the path": (xen("0:/n pciback.hide=(00:04.0)"), [], LOADER, "loader-missing-module"),
    "modules are off": (
        "menu=Xen:modules off;load /n;multiboot /xen.gz\ntimeout=1\n",
        [],
        LOADER,
        "loader-modules-off",
    ),
    "an unknown command before": (
        "menu=Xen:frob;load /n pciback.hide=(00:04.0);multiboot /xen.gz\ntimeout=1\n",
        devices(4),
        R,
        "loader-unknown-command",
    ),
    "a blank behind the menu's colon": (
        "menu=Xen: load /n pciback.hide=(00:04.0);multiboot /xen.gz\ntimeout=1\n",
        [],
        LOADER,
        "loader-unknown-command",
    ),
    "two empty commands": ("menu=Xen:load /n;;;multiboot /xen.gz\ntimeout=1\n", [], LOADER, "loader-endless-loop"),
    "one empty command": (
        "menu=Xen:load /n pciback.hide=(00:04.0);;multiboot /xen.gz\ntimeout=1\n",
        devices(4),
        R,
        None,
    ),
    "an empty command first": (
        "menu=Xen:;load /n pciback.hide=(00:04.0);multiboot /xen.gz\ntimeout=1\n",
        devices(4),
        U,
        "loader-leading-empty-command",
    ),
    "blanks around separators": (
        "menu=Xen:load /n pciback.hide=(00:04.0)  ;  multiboot   /xen.gz  x\ntimeout=1\n",
        devices(4),
        R,
        None,
    ),
    "tabs as separators of words": (
        "menu=Xen:load\t/n pciback.hide=(00:04.0);multiboot\t/xen.gz\ntimeout=1\n",
        devices(4),
        R,
        None,
    ),
    "a tab behind a separator": (
        "menu=Xen:load /n pciback.hide=(00:04.0);\tmultiboot /xen.gz\ntimeout=1\n",
        [],
        LOADER,
        "loader-unknown-command",
    ),
    "no newline at the end": ("menu=Xen:load /n pciback.hide=(00:04.0);multiboot /xen.gz", devices(4), R, None),
    "boot needs no Xen": ("menu=One:boot netbsd\ntimeout=1\n", [], NOT_XEN, None),
    "prompt": ("menu=One:prompt\ntimeout=1\n", [], NOT_XEN, "entry-is-prompt"),
    "no menu": ("timeout=1\n", [], NOT_XEN, "no-menu"),
    "an empty file": ("", [], NOT_XEN, "no-menu"),
}


@pytest.mark.parametrize(("boot_cfg", "claims", "outcome", "code"), FACTS.values(), ids=FACTS.keys())
def test_fact(boot_cfg: str, claims: list[str], outcome: str, code: str | None, predict: Predictor) -> None:
    prediction = predict(boot_cfg)
    assert (prediction.json["claims"], prediction.json["outcome"]) == (claims, outcome)
    if code is not None:
        assert code in prediction.codes
    if outcome in (R, NOT_XEN):
        assert prediction.errors == []
    elif outcome != E:
        assert prediction.errors != []


@pytest.mark.parametrize("padding", [260, 1030])
def test_list_behind_the_dashes_that_is_cut_off(padding: int, predict: Predictor) -> None:
    """It is lost on the way and not an option of Xen, whatever stands before it."""
    for blank in (" ", "\t"):
        prediction = predict(xen(multiboot=f"/xen.gz x -- {'y' * padding}{blank}pciback.hide=(00:04.0)"))
        assert prediction.json["outcome"] == E
        assert [code for code in prediction.codes if code.startswith("list-")] == ["list-not-read"]


# Lines after three entries, and the number of the one that is taken.
DEFAULTS = [
    ("", 1),
    ("default=2\n", 2),
    ("default=3x\n", 3),
    ("default=4\n", 3),
    ("default=99\n", 3),
    ("default=0\n", 1),
    ("default=-1\n", 1),
    ("default= 2\n", 1),
    ("default=+2\n", 1),
    ("default=x\n", 1),
    ("defaults=2\n", 2),
    ("default =2\n", 2),
    (" default=2\n", 1),
    ("default=4294967298\n", 2),
    ("default=2\ndefault=3\n", 3),
]


@pytest.mark.parametrize(("lines", "number"), DEFAULTS)
def test_default(lines: str, number: int, predict: Predictor) -> None:
    prediction = predict(f"menu=A:dev\nmenu=B:dev\nmenu=C:dev\n{lines}").json
    assert prediction["entry"] == number
    assert [entry["default"] for entry in prediction["entries"]] == [n == number for n in (1, 2, 3)]


def test_twenty_entries_are_the_most(predict: Predictor) -> None:
    prediction = predict("".join(f"menu=E{n}:dev\n" for n in range(1, 26)) + "default=23\n")
    assert [entry["title"] for entry in prediction.json["entries"]] == [f"E{n}" for n in range(1, 21)]
    assert prediction.json["entry"] == 20
    assert prediction.codes.count("menu-entry-ignored") == 5


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        ("timeout=1\n", "ABCDEFGHIJ"),
        ("timeout=0\n", None),
        ("timeout=x\n", None),
        ("timeout=1\nformat=n\n", "123456789"),
        ("timeout=0\nformat=number\n", None),
        ("timeout=0\nformat=Letters\n", "ABCDEFGHIJ"),
    ],
)
def test_keys_of_ten_entries(lines: str, keys: str | None, predict: Predictor) -> None:
    prediction = predict("".join(f"menu=E{n}:dev\n" for n in range(1, 11)) + lines).json
    expected = [str(n) for n in range(1, 11)] if keys is None else list(keys)
    assert [entry["key"] for entry in prediction["entries"]] == expected


def test_entry_is_chosen(predict: Predictor) -> None:
    text = (
        "menu=A:load /n pciback.hide=(00:04.0);multiboot /xen.gz\n"
        "menu=B:load /n pciback.hide=(00:05.0);multiboot /xen.gz\ntimeout=1\n"
    )
    assert predict(text).json["claims"] == devices(4)
    assert predict(text, entry=2).json["claims"] == devices(5)
    assert predict(text, entry=2).json["title"] == "B"


def test_kinds(predict: Predictor) -> None:
    text = "menu=A:load /n;multiboot /xen.gz\nmenu=B:rndseed /r;boot netbsd\nmenu=C:prompt\nmenu=D:help\n"
    assert [e["kind"] for e in predict(text).json["entries"]] == ["xen", "kernel", "prompt", "other"]


@pytest.mark.parametrize(
    ("value", "claims", "outcome", "code"),
    [
        ("(00:04.0)(00:10.0)", devices(4), R, "hide-no-such-function"),
        ("(00:01.1)", ["0000:00:01.1"], R, "hide-storage"),
        ("(00:02.0)", devices(2), R, "hide-display"),
        ("(00:00.0)", devices(0), R, "hide-chipset"),
        ("(00:0d.0)", devices(0xD), F, "hide-bridge"),
        ("(00:0d.0", [], N, "hide-list-error"),
        ("(01:03.0)", ["0000:01:03.0"], R, None),
        ("(00:04.1)", [], R, "hide-no-such-function"),
    ],
)
def test_bus(value: str, claims: list[str], outcome: str, code: str | None, predict: Predictor) -> None:
    prediction = predict(xen(f"/n pciback.hide={value}"), bus="bridge.lspci")
    assert (prediction.json["claims"], prediction.json["outcome"]) == (claims, outcome)
    assert code is None or code in prediction.codes


def test_what_dom0_loses_with_a_line(predict: Predictor) -> None:
    """A machine whose lines a firmware set: 00:05.0 and the disk are on one, as are a bridge, and NVMe with MSI-X."""
    bus = str(REPOSITORY / "lab/buses/q35-bridges.lspci")
    prediction = predict(xen("/n pciback.hide=(00:05.0)(00:1f.3)"), bus=bus)
    assert (prediction.status, prediction.json["outcome"]) == (0, R)
    found = [finding for finding in prediction.json["findings"] if finding["code"] == "hide-shared-interrupt"]
    assert [(finding["severity"], finding["line"], finding["column"], finding["message"]) for finding in found] == [
        (
            "warning",
            1,
            column,
            f"0000:00:{hidden} and 0000:00:1f.2, which dom0 keeps, share interrupt line 10: pciback unbinds the line when "
            "it takes the first, and dom0 can lose the second at this boot",
        )
        for column, hidden in ((31, "05.0"), (40, "1f.3"))
    ]
    assert "hide-shared-interrupt" not in predict(xen("/n pciback.hide=(00:05.0)")).codes


@pytest.mark.parametrize(
    ("commands", "outcome", "claims"),
    [
        ("load /n pciback.hide=(00:04.0);multiboot /xen.gz", R, devices(4)),
        ("load /no pciback.hide=(00:04.0);load /n pciback.hide=(00:05.0);multiboot /xen.gz", R, devices(5)),
        ("load /no pciback.hide=(00:04.0);multiboot /xen.gz", LOADER, []),
        ("load /n;multiboot /no", LOADER, []),
        ("load /n pciback.hide=(00:04.0);multiboot /no;multiboot xen.gz", R, devices(4)),
        ("load netbsd;multiboot /xen.gz x -- pciback.hide=(00:04.0)", R, devices(4)),
        ("boot /no;load /n;multiboot /xen.gz", E, []),
    ],
)
def test_files(commands: str, outcome: str, claims: list[str], predict: Predictor) -> None:
    prediction = predict(f"menu=Xen:{commands}\ntimeout=1\n", files=True).json
    assert (prediction["outcome"], prediction["claims"]) == (outcome, claims)


@pytest.mark.parametrize(
    "text",
    [
        b"\0",
        b"menu=\xff\xfe:load /n\x00;multiboot",
        b"menu=X:" + b";" * 30000,
        b"#" * 32768,
        b"menu=" + b"a" * 32000 + b":b",
        b"load=" * 6000,
        b"\n" * 32768,
        b"menu=X:load /n " + b"(" * 31000 + b";multiboot /xen.gz",
        b"menu=\xed\xa0\x80\xf4\x90\x80\x80:load /n pciback.hide=(\x80:\xff.\x1b);multiboot /xen.gz x\ntimeout=1\n",
        b"menu=X:load /n;multiboot /xen.gz x -- " + b"pciback.hide=(00:04.0) " * 1300,
        b"x" * 40000,
        b"menu=x:" + b"frob;" * 6000,
    ],
)
def test_hostile_bytes(text: bytes, predict: Predictor) -> None:
    """One valid JSON object whatever the file holds: the fixture parses it strictly."""
    prediction = predict(text)
    assert prediction.json["schema"] == "xen.pciback/boot/1"
    assert prediction.status == (3 if prediction.errors else 0)
    assert set(prediction.json) >= {"entry", "title", "entries", "dom0", "hide", "claims", "outcome", "findings"}


def test_limit_of_the_file(predict: Predictor) -> None:
    entry = xen("/n pciback.hide=(00:04.0)")
    padding = "#" * (32768 - len(entry) - 1) + "\n"
    assert predict(padding + entry).json["outcome"] == R
    larger = predict("#" + padding + entry)
    assert larger.json["outcome"] == NOT_XEN
    assert larger.json["entries"] == []
    assert larger.json["timeout"] == 10
    assert larger.status == 3
    assert "boot-cfg-too-large" in larger.codes


def test_position_of_a_finding(predict: Predictor) -> None:
    """The column counts bytes: the first of those that the loader loses."""
    text = "timeout=1\nmenu=Xén:load /n " + "x" * 56 + " pciback.hide=(0:4.0);multiboot /xen.gz\n"
    finding = next(f for f in predict(text).json["findings"] if f["code"] == "loader-module-string-cut")
    line = text.encode().split(b"\n")[finding["line"] - 1]
    assert finding["line"] == 2
    assert line[finding["column"] - 1 :].startswith(b");multiboot")


def run(pcibackctl: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(pcibackctl), *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["boot"], 2),
        (["boot", "--config"], 2),
        (["boot", "--config", "/", "--entry", "x"], 2),
        (["frob"], 2),
        ([], 2),
        (["boot", "--config", "/nonexistent/boot.cfg"], 1),
        (["boot", "--config", "/"], 1),
        (["scan", "--bus", "/nonexistent"], 1),
        (["scan", "--config", "x"], 2),
        (["version"], 0),
        (["selftest"], 0),
        (["--help"], 0),
    ],
)
def test_status(arguments: list[str], status: int, pcibackctl: Path) -> None:
    result = run(pcibackctl, *arguments)
    assert result.returncode == status
    assert ("pcibackctl: " in result.stderr) == (status != 0)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["frob"], 2),
        ([], 2),
        (["boot"], 2),
        (["boot", "--config"], 2),
        (["boot", "--entry", "--config", "/"], 2),
        (["boot", "--config="], 2),
        (["boot", "--config", "/", "--entry", "0"], 2),
        (["boot", "--config", "/", "--entry", "-1"], 2),
        (["boot", "--config", "/", "--entry", "99999999999999999999"], 2),
        (["boot", "--config", "/"], 1),
        (["boot", "--config", "/dev/null", "--bus", "/dev/null"], 1),
        (["scan", "--bus", "/dev/zero"], 1),
    ],
)
def test_failure_in_json(arguments: list[str], status: int, pcibackctl: Path) -> None:
    """One JSON object and nothing else on standard output, also for a mistake in the command."""
    result = run(pcibackctl, *arguments, "--json")
    assert result.returncode == status
    error = json.loads(result.stdout)
    assert error["schema"] == "xen.pciback/error/1"
    assert f"pcibackctl: {error['message']}\n" in result.stderr


@pytest.mark.parametrize("command", [["boot", "--config"], ["scan", "--bus"]])
def test_pipe_without_a_writer(command: list[str], pcibackctl: Path, tmp_path: Path) -> None:
    """Reading such a pipe would wait for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = run(pcibackctl, *command, str(pipe))
    assert result.returncode == 1
    assert f"{pipe} can't be read" in result.stderr


def test_entry_that_is_not_there(pcibackctl: Path, tmp_path: Path) -> None:
    config = tmp_path / "boot.cfg"
    config.write_text(xen())
    result = run(pcibackctl, "boot", "--config", str(config), "--entry", "2")
    assert result.returncode == 2
    assert "has no menu entry 2" in result.stderr
