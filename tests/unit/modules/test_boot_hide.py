# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module boot_hide: what it takes and returns. How a boot.cfg is edited is tested with the editors of the platforms."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.modules.boot_hide import main
from tests.unit.host.netbsd.boot_cfgs import AFTER, BEFORE, CARD, DEVICES, OWN, PREVIOUS, answer
from tests.unit.module_call import call


class Host:
    """A boot.cfg and a record in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "boot.cfg"
        self.path.write_bytes(BEFORE)
        self.path.chmod(0o640)
        self.originals = Path(state_directory.DIRECTORY) / "originals.json"

    def run(self, check: bool = False, **options: Any) -> dict[str, Any]:
        return call(main, {"path": str(self.path), **options}, check=check)

    @property
    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in self.directory.rglob("*")
            if path.is_file()
        }

    def predictor(self, outcome: str, claims: list[str]) -> str:
        """A program that predicts this, whatever the file is."""
        path = self.directory / "pcibackctl"
        path.write_text(f"#!/bin/sh\ncat <<'EOT'\n{answer(outcome, claims)}\nEOT\n")
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_hides_devices(host: Host) -> None:
    result = host.run(devices=DEVICES)
    assert host.files == {"boot.cfg": AFTER}
    assert stat.S_IMODE(host.path.stat().st_mode) == 0o640
    assert result == {
        "changed": True,
        "claims": ["0000:03:00.0", "0000:00:04.1"],
        "entries": [
            {
                "number": 1,
                "title": "Xen",
                "line": 1,
                "place": "load",
                "value": "(03:00.0)(00:04.1)",
                "form": "long",
                "changed": True,
            }
        ],
        "previous": {"number": 3, "title": "Xen (previous pciback)", "reason": ""},
        "diff": [
            {
                "before_header": str(host.path),
                "after_header": str(host.path),
                "before": BEFORE.decode("utf-8", "replace"),
                "after": AFTER.decode("utf-8", "replace"),
            },
            {
                "before_header": str(host.originals),
                "after_header": str(host.originals),
                "before": "",
                "after": f"{host.path}\n",
            },
        ],
    }


def test_check_mode_says_the_same_and_changes_nothing(host: Host) -> None:
    options: dict[str, Any] = {"devices": DEVICES, "pins": {"0000:03:00.0": CARD}}
    predicted = host.run(check=True, **options)
    assert host.files == {"boot.cfg": BEFORE}
    assert host.run(**options) == predicted


def test_previous_and_entries_are_passed_on(host: Host) -> None:
    result = host.run(devices=DEVICES, previous=False, entries=["Xen"])
    assert host.files == {"boot.cfg": AFTER.replace(PREVIOUS, b"")}
    assert result["previous"]["number"] is None
    assert not host.run(devices=DEVICES, previous=False, entries="default")["changed"]


def test_a_prediction_is_returned(host: Host) -> None:
    predictor = host.predictor("registered", ["0000:00:04.1", "0000:03:00.0"])
    result = host.run(devices=DEVICES, predictor=predictor)
    assert result["changed"]
    assert result["prediction"] == [{"entry": 1, "outcome": "registered", "claims": ["0000:00:04.1", "0000:03:00.0"]}]


@pytest.mark.parametrize("again", [False, True])
def test_a_list_that_can_not_be_put_back_is_named(host: Host, again: bool) -> None:
    host.path.write_bytes(OWN)
    host.run(devices=DEVICES)
    host.path.write_bytes(host.path.read_bytes().replace(b"menu=Xen:", b"menu=Zen:"))
    result = host.run(devices=["04:00.0"]) if again else host.run(True, state="original")
    (warning,) = result["warnings"]
    assert "did not come back: " + OWN.splitlines()[0].decode() in str(warning)
    host.run(state="original")
    assert host.files == {"boot.cfg": BEFORE.replace(b"menu=Xen:", b"menu=Zen:") + b"# by hand"}


def test_a_missing_predictor(host: Host) -> None:
    result = host.run(devices=DEVICES, predictor="/nowhere/pcibackctl")
    assert result["msg"] == "/nowhere/pcibackctl: it can't be run"
    assert host.files == {"boot.cfg": BEFORE}


def test_a_refusal_says_where_and_what_to_do(host: Host) -> None:
    host.path.write_bytes(b"menu=Xen:load /n pciback.hide=(00:04.0)(junk);multiboot /xen.gz\n")
    result = host.run(devices=DEVICES)
    assert (result["failed"], result["code"]) == (True, "boot-config-invalid")
    assert (result["line"], result["column"]) == (1, 40)
    host.path.write_bytes(BEFORE)
    result = host.run(devices=DEVICES, predictor=host.predictor("kernel-fault", []))
    assert (result["failed"], result["code"]) == (True, "prediction-mismatch")
    assert result["remedy"] == "look at the file with 'pcibackctl boot --config FILE'"


def test_devices_are_required(host: Host) -> None:
    assert host.run()["msg"] == "state is present but all of the following are missing: devices"
