# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackctl is asked what a boot does, and every answer that it can give is read or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, NEW, OLD, Loaders
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import daemon_status, loader_root, predict
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import (
    Finding,
    MenuEntry,
    Prediction,
)

A = parse_address("00:04.0")

ANSWER: dict[str, Any] = {
    "schema": "xen.pciback/boot/1",
    "entry": 2,
    "title": "Xen",
    "entries": [
        {"number": 1, "title": "K", "kind": "kernel", "default": False},
        {"number": 2, "title": "Xen", "kind": "xen", "default": True, "more": "later"},
    ],
    "dom0": {"kernel": "/n", "module_string": "/n", "command_line": ""},
    "hide": {"value": "(00:04.0)", "length": 9},
    "claims": ["0000:00:04.0"],
    "outcome": "registered",
    "findings": [{"severity": "warning", "code": "x", "line": 1, "column": 8, "message": "why"}],
}


class Runner:
    """Answers every command alike, and keeps it."""

    def __init__(self, status: int = 0, output: str = "", errors: str = "") -> None:
        self.answer = (status, output, errors)
        self.command: list[str] = []

    def __call__(self, command: list[str]) -> tuple[int, str, str]:
        self.command = command
        return self.answer


@pytest.mark.parametrize("status", [0, 3])
def test_predict(status: int) -> None:
    run = Runner(status, json.dumps(ANSWER))
    prediction = predict("/sbin/pcibackctl", "/boot.cfg", 2, bus="/bus", without="/t", run=run)
    assert run.command == [
        *("/sbin/pcibackctl", "boot", "--config", "/boot.cfg", "--json"),
        *("--entry", "2", "--bus", "/bus", "--without", "/t"),
    ]
    assert prediction == Prediction(
        entry=2,
        outcome="registered",
        claims=(A,),
        findings=(Finding("warning", "x", 1, 8, "why"),),
        entries=(MenuEntry(1, "K", "kernel", False), MenuEntry(2, "Xen", "xen", True)),
        default=2,
    )


@pytest.mark.parametrize(("loaders", "words"), [(EITHER, []), (OLD, ["--loader", "old"]), (NEW, ["--loader", "new"])])
def test_predict_for_the_loaders_of_a_host(loaders: Loaders, words: list[str]) -> None:
    run = Runner(0, json.dumps(ANSWER))
    predict("/sbin/pcibackctl", "/boot.cfg", loaders=loaders, run=run)
    assert run.command[5:] == words


def test_predict_the_default_of_a_file_without_menu() -> None:
    run = Runner(0, json.dumps({**ANSWER, "entry": None, "entries": [], "outcome": "not-xen", "claims": []}))
    prediction = predict("pcibackctl", "/boot.cfg", run=run)
    assert run.command == ["pcibackctl", "boot", "--config", "/boot.cfg", "--json"]
    assert (prediction.entry, prediction.default) == (None, None)


def test_a_program_that_can_not_be_started() -> None:
    with pytest.raises(PcibackError) as refusal:
        predict("/sbin/pcibackctl", "/boot.cfg", run=Runner(127, "", "/sbin/pcibackctl: No such file"))
    assert str(refusal.value) == "/sbin/pcibackctl: it can't be run"


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (Runner(2, "", "usage:\n  pcibackctl\n"), "'boot' ended with status 2 and said: usage: pcibackctl"),
        (Runner(-11, "", ""), "'boot' ended with status -11 and said: nothing"),
        (Runner(1, "", "x" * 1000), f"'boot' ended with status 1 and said: {'x' * 200}"),
    ],
)
def test_a_program_that_fails(run: Runner, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        predict("/p", "/boot.cfg", run=run)
    assert str(refusal.value) == f"/p: {sentence}"


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "'the answer' is []"),
        ("{}", "there is no 'schema'"),
        ({"schema": "xen.pciback/boot/2"}, "its schema is 'xen.pciback/boot/2'"),
        ({"outcome": "fine"}, "no outcome is called 'fine'"),
        (
            {"claims": ["junk"]},
            "'junk' is not a PCI address; it is BUS:DEVICE.FUNCTION in hexadecimal, "
            "such as '03:00.0' or '0000:03:00.0'",
        ),
        ({"claims": [4]}, "'claims' is 4"),
        ({"claims": None}, "'claims' is null"),
        ({"entry": True}, "'entry' is true"),
        ({"entry": "2"}, "'entry' is \"2\""),
        ({"entries": [{"number": 1, "title": "K", "kind": "xen"}]}, "there is no 'default'"),
        ({"entries": [3]}, "'int' object is not subscriptable"),
        ({"findings": [{"severity": "error", "code": "x", "line": 1.5, "message": ""}]}, "'line' is 1.5"),
    ],
)
def test_an_answer_of_another_schema(output: Any, why: str) -> None:
    text = json.dumps({**ANSWER, **output}) if isinstance(output, dict) else output
    with pytest.raises(PcibackError) as refusal:
        predict("/p", "/boot.cfg", run=Runner(0, text))
    assert str(refusal.value) == (
        f"/p: the answer of 'boot' is not of schema 'xen.pciback/boot/1' ({why}); build native/ of this version"
    )


@pytest.mark.parametrize(
    ("path", "root"), [("/boot.cfg", "/"), ("/efi/boot.cfg", None), ("/mnt/boot.cfg", None), ("boot.cfg", None)]
)
def test_the_loader_finds_kernels_beside_a_file_at_the_top_only(path: str, root: str | None) -> None:
    assert loader_root(path) == root


# --- the pcibackd that runs

STATUS = {"schema": "xen.pciback/status/1", "pid": 7, "guests": [], "held_back": [], "taken": []}


def test_a_pcibackd_that_answers() -> None:
    calls = []

    def run(argv: list[str]) -> tuple[int, str, str]:
        calls.append(argv)
        return 0, json.dumps(STATUS), ""

    found = daemon_status(run, "/usr/local/sbin/pcibackctl")
    assert found is not None and found.pid == 7
    assert calls == [["/usr/local/sbin/pcibackctl", "status", "--json"]]


@pytest.mark.parametrize(
    "answer",
    [(127, "", "No such file"), (1, "{}", "pcibackctl: pcibackd is not running: nobody listens at /var/run/x.sock")],
)
def test_none_that_runs(answer: tuple[int, str, str]) -> None:
    assert daemon_status(lambda argv: answer, "/c") is None


def test_one_that_hangs() -> None:
    with pytest.raises(PcibackError) as caught:
        daemon_status(lambda argv: (1, "", "pcibackctl: pcibackd gave no answer\n"), "/c")
    assert str(caught.value) == (
        "/c: pcibackd does not tell its state: 'status' ended with status 1 and said: pcibackctl: pcibackd gave no answer"
    )
    assert caught.value.remedy == "end pcibackd by hand when its guests are shut down, and start its service"
