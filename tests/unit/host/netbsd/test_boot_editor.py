# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""boot.cfg(5) is edited, predicted and put back, or left alone with a sentence that says why."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import BootRequest
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_editor import edit_boot
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.host.netbsd.boot_cfgs import AFTER, BEFORE, CARD, DEVICES, OWN, answer


class Host:
    """A boot.cfg in a directory, and records in another one."""

    def __init__(self, directory: Path, records: Path) -> None:
        self.directory = directory
        self.path = directory / "boot.cfg"
        self.path.write_bytes(BEFORE)
        self.path.chmod(0o640)
        self.state = StateDirectory(str(records))
        self.record = records / "pins.json"
        self.originals = records / "originals.json"
        self.answer = (127, "", "")

    def edit(self, check: bool = False, **options: Any) -> dict[str, Any]:
        """What the module returns of it."""
        wanted: dict[str, Any] = {
            "state": "present",
            "devices": (),
            "entries": "xen",
            "previous": True,
            "predictor": None,
            "backup": False,
            "pins": None,
            **options,
        }
        request = BootRequest(path=str(self.path), records=self.state, check_mode=check, **wanted)
        result = edit_boot(self.run, str(self.path), request)
        warnings = {"warnings": list(result.warnings)} if result.warnings else {}
        return {"changed": result.changed, "diff": list(result.differences), **result.values, **warnings}

    def refusal(self, check: bool = False, **options: Any) -> PcibackError:
        """Why it is refused."""
        with pytest.raises(PcibackError) as refused:
            self.edit(check, **options)
        return refused.value

    @property
    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for path in self.directory.rglob("*")
            if path.is_file()
        }

    def predictor(self, outcome: str, claims: list[str], default: int = 1) -> str:
        """A program that predicts this, whatever the file is."""
        self.answer = (0, answer(outcome, claims, default), "")
        return "/sbin/pcibackctl"

    def run(self, argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        assert argv[:2] == ["/sbin/pcibackctl", "boot"]
        return self.answer


@pytest.fixture
def host(tmp_path: Path) -> Host:
    directory = tmp_path / "host"
    directory.mkdir()
    return Host(directory, tmp_path / "db")


def test_a_second_run_changes_nothing(host: Host) -> None:
    host.edit(devices=DEVICES)
    result = host.edit(devices=list(reversed(DEVICES)), backup=True)
    assert host.files == {"boot.cfg": AFTER}
    assert not result["changed"]
    assert result["diff"] == []
    assert "backup_file" not in result
    assert result["entries"][0]["changed"] is False


@pytest.mark.parametrize("options", [{"state": "absent"}, {"devices": []}])
def test_absent_restores_the_file(host: Host, options: dict[str, Any]) -> None:
    host.edit(devices=DEVICES)
    result = host.edit(**options)
    assert result["changed"]
    assert result["entries"] == []
    assert result["claims"] == []
    assert host.files == {"boot.cfg": BEFORE}
    assert not host.edit(**options)["changed"]


def test_backup(host: Host) -> None:
    result = host.edit(devices=DEVICES, backup=True)
    assert Path(result["backup_file"]).read_bytes() == BEFORE
    assert result["backup_file"].startswith(f"{host.path}.")


def test_keeps_exactly_the_pins_that_are_given(host: Host) -> None:
    pins = {"0000:03:00.0": CARD}
    result = host.edit(devices=DEVICES, pins=pins)
    record = json.loads(host.record.read_bytes())
    assert record == {"schema": "xen.pciback/pins/1", "pins": pins}
    assert stat.S_IMODE(host.record.stat().st_mode) == 0o644
    assert [item["after_header"] for item in result["diff"]] == [
        str(host.record),
        str(host.path),
        str(host.originals),
    ]
    assert not host.edit(devices=DEVICES, pins=pins)["changed"]
    other = {"0000:00:04.1": {**CARD, "driver": None}}
    assert host.edit(devices=DEVICES, pins=other)["changed"]
    assert json.loads(host.record.read_bytes())["pins"] == other
    assert not host.edit(devices=DEVICES)["changed"]
    assert host.record.exists(), "not given is not empty"


def test_an_empty_record_is_removed(host: Host) -> None:
    assert not host.edit(devices=[], pins={})["changed"]
    host.edit(devices=DEVICES, pins={"0000:03:00.0": CARD})
    predicted = host.edit(devices=DEVICES, pins={}, check=True)
    assert host.record.exists()
    assert host.edit(devices=DEVICES, pins={}) == predicted
    assert predicted["changed"] and [item["after"] for item in predicted["diff"]] == [""]
    assert not host.record.exists()


def test_a_record_that_is_none_is_refused_before_anything_changes(host: Host) -> None:
    host.record.parent.mkdir()
    host.record.write_text("{}")
    before = host.files
    refused = host.refusal(devices=DEVICES, pins={"0000:03:00.0": CARD})
    assert str(refused).startswith(f"{host.record}: its schema is null")
    assert host.files == before


@pytest.mark.parametrize(
    ("outcome", "claims", "default", "sentence"),
    [
        (
            "kernel-fault",
            [],
            1,
            "for entry 1 the outcome 'kernel-fault' is predicted, not 'registered': it faults; nothing was changed",
        ),
        (
            "registered",
            ["0000:03:00.0"],
            1,
            "for entry 1 other claims are predicted than wanted: without 0000:00:04.1; nothing was changed",
        ),
        (
            "registered",
            ["0000:03:00.0", "0000:00:04.1"],
            2,
            "entry 2 is predicted to boot by default, not 1; nothing was changed",
        ),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_another_prediction_is_a_refusal(
    host: Host, outcome: str, claims: list[str], default: int, sentence: str, check: bool
) -> None:
    predictor = host.predictor(outcome, claims, default)
    before = host.files
    refused = host.refusal(check, devices=DEVICES, predictor=predictor, pins={"0000:03:00.0": CARD})
    assert str(refused) == f"{host.path}: {sentence}"
    assert refused.code == "prediction-mismatch"
    assert refused.remedy
    assert host.files == before


def test_absent_is_predicted_too(host: Host) -> None:
    host.edit(devices=DEVICES)
    refused = host.refusal(state="absent", predictor=host.predictor("registered", ["0000:03:00.0"]))
    assert str(refused) == (
        f"{host.path}: for entry 1 the outcome 'registered' is predicted, not 'empty': it faults; nothing was changed"
    )
    # An entry that fails for another reason is no reason to keep a list.
    assert host.edit(state="absent", predictor=host.predictor("loader-failure", []))["changed"]
    assert host.path.read_bytes() == BEFORE


@pytest.mark.parametrize("backup", [False, True])
def test_original_is_what_was_there_before_the_first_change(host: Host, backup: bool) -> None:
    host.path.write_bytes(OWN)
    host.edit(devices=["04:00.0"], pins={"0000:04:00.0": CARD})
    host.edit(devices=DEVICES)
    before = host.files
    assert stat.S_IMODE(host.originals.stat().st_mode) == 0o600
    predicted = host.edit(True, state="original", backup=backup)
    assert host.files == before and host.originals.exists()
    result = host.edit(state="original", backup=backup)
    saved = result.pop("backup_file", "")
    assert result == predicted
    assert [item["after_header"] for item in result["diff"]] == [
        str(host.path),
        str(host.originals),
        str(host.record),
    ]
    assert result["diff"][1]["before"] == f"{host.path}\n"
    assert result["claims"] == ["0000:00:1d.0"]
    files = host.files
    assert files.pop(Path(saved).name) == before["boot.cfg"] if backup else not saved, "the backup"
    assert files == {"boot.cfg": OWN}
    assert stat.S_IMODE(host.path.stat().st_mode) == 0o640
    assert not host.originals.exists()
    again = host.edit(state="original")
    assert again["previous"]["reason"] == "the file is as it was before its first change"
    assert (again["changed"], again["diff"], host.path.read_bytes()) == (False, [], OWN)


def test_an_edit_by_somebody_else_survives(host: Host) -> None:
    host.path.write_bytes(OWN)
    host.edit(devices=DEVICES)
    host.path.write_bytes(host.path.read_bytes().replace(b"timeout=5", b"timeout=9"))
    host.edit(devices=["04:00.0"])
    result = host.edit(state="original")
    assert host.files == {"boot.cfg": OWN.replace(b"timeout=5", b"timeout=9")}
    assert "warnings" not in result


def test_a_change_that_leads_back_leaves_no_record(host: Host) -> None:
    host.edit(devices=DEVICES)
    assert host.originals.exists()
    host.edit(state="absent")
    assert host.files == {"boot.cfg": BEFORE}
    assert not host.originals.exists()


def test_absent_removes_the_lists_of_the_owner_too_and_original_brings_them_back(host: Host) -> None:
    host.path.write_bytes(OWN)
    assert host.edit(state="absent")["changed"]
    assert host.files == {"boot.cfg": BEFORE + b"# by hand"}
    assert not host.edit(state="absent")["changed"]
    assert host.edit(state="original")["changed"]
    assert host.files == {"boot.cfg": OWN}


@pytest.mark.parametrize("state", ["present", "original"])
def test_a_record_that_can_not_be_understood_stops_everything(host: Host, state: str) -> None:
    host.originals.parent.mkdir()
    host.originals.write_text("{}")
    refused = host.refusal(state=state, devices=DEVICES)
    assert str(refused).startswith(f"{host.originals}: its schema is null")
    assert host.files == {"boot.cfg": BEFORE}


def test_a_record_of_nothing_goes(host: Host) -> None:
    host.originals.parent.mkdir()
    host.originals.write_text('{"schema": "xen.pciback/originals/1", "files": {}, "directories": []}')
    assert host.edit(True, state="original")["changed"]
    assert host.edit(state="original")["changed"]
    assert not host.originals.exists()
    assert not host.edit(state="original")["changed"]


FORM = "it is BUS:DEVICE.FUNCTION in hexadecimal, such as '03:00.0' or '0000:03:00.0'"
RANGE = "BUS:DEVICE.FUNCTION is hexadecimal from 00:00.0 to ff:1f.7"


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("(0000:82.0.0)", f"'(0000:82.0.0)' is not a PCI address: leave out the parentheses, {FORM}"),
        ("(0b::00.1)", f"'(0b::00.1)' is not a PCI address: leave out the parentheses, {FORM}"),
        ("(1:0:1:0:)", f"'(1:0:1:0:)' is not a PCI address: leave out the parentheses, {FORM}"),
        (
            "00:10:0",
            "'00:10:0' has the form that pcictl(8) prints, which is decimal; "
            "if it was copied from there, the address is '00:0a.0'",
        ),
        ("00:20.0", f"'00:20.0' is not a PCI address: device 20 is above 1f; {RANGE}"),
        ("00:1f.8", f"'00:1f.8' is not a PCI address: function 8 is above 7; {RANGE}"),
        (
            "0001:00:1f.0",
            f"'0001:00:1f.0' is not a PCI address: domain 1 is above 0; {RANGE}, in domain 0000 only",
        ),
    ],
)
def test_bad_addresses(host: Host, device: str, sentence: str) -> None:
    refused = host.refusal(devices=["03:00.0", device])
    assert str(refused) == sentence
    assert host.files == {"boot.cfg": BEFORE}


@pytest.mark.parametrize(
    ("data", "devices", "code", "sentence"),
    [
        (
            b"#" * 32769,
            ["03:00.0"],
            "boot-config-invalid",
            "it has 32769 bytes, and the loader ignores a boot.cfg of more than 32768",
        ),
        (
            b"menu=K:boot netbsd\n",
            ["03:00.0"],
            "boot-config-invalid",
            "no menu entry starts Xen; "
            "one looks like 'menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M'",
        ),
        (
            b"menu=Xen:load /n pciback.hide=(00:04.0)(junk);multiboot /xen.gz\n",
            ["03:00.0"],
            "boot-config-invalid",
            "line 1, column 40: entry 1 'Xen' already has a list that stops the machine: "
            "the kernel faults at '(junk)', because it holds no ':'; "
            "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'",
        ),
        (
            b"menu=Xen:load /" + b"k" * 60 + b";multiboot /xen.gz a\r\n",
            ["03:00.0"],
            "boot-config-invalid",
            "line 1, column 96: the hide list of 1 device would end this line, and the carriage return "
            "there would become a part of it; convert the file to LF line ends",
        ),
        (
            BEFORE,
            [f"{bus:02x}:1f.7" for bus in range(0x10, 0x18)],
            "list-too-long",
            "line 1: the hide list of 8 devices has 72 characters in its short form, "
            "and the kernel keeps 63; 7 of the 8 fit",
        ),
    ],
)
def test_bad_files(host: Host, data: bytes, devices: list[str], code: str, sentence: str) -> None:
    host.path.write_bytes(data)
    refused = host.refusal(devices=devices, backup=True)
    assert str(refused) in (f"{host.path}: {sentence}", f"{host.path}, {sentence}")
    assert refused.code == code
    assert host.files == {"boot.cfg": data}


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "it does not exist"),
        ("directory", "it is a directory, not a regular file"),
        ("link", "it is a symbolic link, not a regular file"),
    ],
)
def test_what_is_no_file(host: Host, kind: str, sentence: str) -> None:
    target = host.path.rename(host.directory / "target")
    if kind == "directory":
        host.path.mkdir()
    elif kind == "link":
        host.path.symlink_to(target)
    refused = host.refusal(devices=DEVICES)
    assert str(refused) == f"{host.path}: {sentence}"
    assert refused.code == "boot-config-invalid"
    assert target.read_bytes() == BEFORE


@pytest.mark.parametrize("entries", ["Xen", "", 1, [], [1], {"xen": 1}])
def test_bad_entries(host: Host, entries: Any) -> None:
    refused = host.refusal(devices=DEVICES, entries=entries)
    assert (
        str(refused)
        == "option 'entries' must be 'xen', 'default' or a list of titles; quote a title that YAML takes for a number"
    )
    assert host.files == {"boot.cfg": BEFORE}
