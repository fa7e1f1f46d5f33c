# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.modules.domain_pci import main
from tests.unit.module_call import call

FIREWALL = b"# the outer one\nname = 'firewall'\nkernel = '/netbsd-\xc3\xa9\xff'\npci = [ '03:00.0' ]  # uplink\n"
MAIL = b'name = "mail"\nmemory = 512'


class Host:
    """Two guests' files in a directory."""

    def __init__(self, directory: Path) -> None:
        self.firewall = directory / "firewall"
        self.mail = directory / "mail"
        self.directory = directory
        self.firewall.write_bytes(FIREWALL)
        self.mail.write_bytes(MAIL)

    def set(self, firewall: list[Any], mail: list[Any], *, check: bool = False, **more: Any) -> dict[str, Any]:
        domains = [{"config": str(self.firewall), "devices": firewall}, {"config": str(self.mail), "devices": mail}]
        return call(main, {"domains": domains, **more}, check=check)

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def originals() -> Path:
    return Path(state_directory.DIRECTORY) / "originals.json"


def device(address: str, **options: Any) -> dict[str, Any]:
    return {"address": address, **options}


FIREWALL_AFTER = FIREWALL.replace(b"'03:00.0'", b"'03:00.0,permissive=1', '03:00.1'")
MAIL_AFTER = MAIL + b"\npci = [ '00:1f.0@5,rdm_policy=relaxed' ]"
WANTED: tuple[list[Any], list[Any]] = (
    [device("3:0.0", permissive=True), device("0000:03:00.1")],
    [device("00:1f.0", vslot="5", rdm_policy="relaxed")],
)


def test_gives_each_guest_its_devices(host: Host) -> None:
    result = host.set(*WANTED)
    assert host.files == {"firewall": FIREWALL_AFTER, "mail": MAIL_AFTER}
    assert result == {
        "changed": True,
        "domains": [
            {
                "config": str(host.firewall),
                "name": "firewall",
                "changed": True,
                "devices": ["0000:03:00.0", "0000:03:00.1"],
                "backup_file": "",
            },
            {
                "config": str(host.mail),
                "name": "mail",
                "changed": True,
                "devices": ["0000:00:1f.0"],
                "backup_file": "",
            },
        ],
        "diff": [
            {
                "before_header": str(host.firewall),
                "after_header": str(host.firewall),
                "before": FIREWALL.decode("utf-8", "backslashreplace"),
                "after": FIREWALL_AFTER.decode("utf-8", "backslashreplace"),
            },
            {
                "before_header": str(host.mail),
                "after_header": str(host.mail),
                "before": MAIL.decode(),
                "after": MAIL_AFTER.decode(),
            },
            {
                "before_header": str(originals()),
                "after_header": str(originals()),
                "before": "",
                "after": f"{host.firewall}\n{host.mail}\n",
            },
        ],
    }


def test_changes_nothing_the_second_time(host: Host) -> None:
    host.set(*WANTED)
    before = {path: path.stat().st_ino for path in host.directory.iterdir()}
    result = host.set(*WANTED)
    assert (result["changed"], result["diff"]) == (False, [])
    assert [domain["changed"] for domain in result["domains"]] == [False, False]
    assert {path: path.stat().st_ino for path in host.directory.iterdir()} == before


def test_check_mode_foresees_the_run(host: Host) -> None:
    foreseen = host.set(*WANTED, check=True)
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}
    assert host.set(*WANTED) == foreseen


def test_takes_the_list_back(host: Host) -> None:
    host.set([device("03:00.0")], [device("04:00.0")])
    result = host.set([], [])
    assert result["changed"]
    assert host.files == {"firewall": FIREWALL.replace(b"pci = [ '03:00.0' ]  ", b""), "mail": MAIL}
    assert [domain["devices"] for domain in result["domains"]] == [[], []]


def test_keeps_mode_and_a_backup_of_what_it_changes(host: Host) -> None:
    host.mail.chmod(0o640)
    result = host.set([device("03:00.0")], [device("04:00.0")], backup=True)
    firewall, mail = result["domains"]
    assert firewall["backup_file"] == ""
    assert Path(mail["backup_file"]).parent == host.directory
    assert Path(mail["backup_file"]).read_bytes() == MAIL
    assert host.mail.stat().st_mode & 0o777 == 0o640
    assert len(host.files) == 3


def test_warns_of_what_xl_reads_otherwise(host: Host) -> None:
    host.firewall.write_bytes(FIREWALL.replace(b"03:00.0", b"03:00.0,permissive=yes"))
    result = host.set([device("03:00.0")], [])
    assert result["changed"] is False
    assert len(result["warnings"]) == 1
    assert "'permissive=yes' in '03:00.0,permissive=yes' means 0 to xl" in str(result["warnings"][0])
    assert host.set([device("03:00.0", permissive=True)], [])["changed"]
    assert b"'03:00.0,permissive=1'" in host.files["firewall"]


def refused(host: Host, firewall: list[Any], mail: list[Any]) -> dict[str, Any]:
    """The refusal, the same in check mode, with every file as it was."""
    before = host.files
    result = host.set(firewall, mail)
    assert result["failed"]
    assert "\n" not in result["msg"]
    assert host.files == before
    assert host.set(firewall, mail, check=True) == result
    return result


def test_refuses_a_device_for_two_guests(host: Host) -> None:
    result = refused(host, [device("04:00.0"), device("03:00.0")], [device("0000:3:0.0")])
    assert result["code"] == "assigned-twice"
    assert result["msg"] == f"03:00.0 is given to {host.firewall} and to {host.mail}; a device belongs to one guest"


def test_refuses_a_device_twice_for_one_guest(host: Host) -> None:
    result = refused(host, [], [device("03:00.0"), device("3:0.0")])
    assert result["msg"] == f"{host.mail}: 03:00.0 is wanted twice; list each device once"


def test_refuses_a_file_given_twice(host: Host) -> None:
    other = host.directory / ".." / host.directory.name / "mail"
    domains = [{"config": str(path), "devices": []} for path in (host.mail, other)]
    result = call(main, {"domains": domains})
    assert result["failed"]
    assert result["msg"] == f"{other} is given twice; list all of its devices in one place"


@pytest.mark.parametrize(
    ("data", "place", "why"),
    [
        (b"name = 'mail'\npci = [ '04:00.0' '05:00.0' ]\n", "line 2, column 19", "in a list where ',' or ']' belongs"),
        (b"name = 'mail'\r\n", "line 1, column 14", "a carriage return, which xl refuses"),
        (b"pci = '04:00.0'\n", "line 1, column 7", "pci is a single value, which xl ignores; it is a list such as"),
        (b"pci = [ '04:00' ]\n", "line 1, column 9", "the function is missing, and xl crashes on that"),
    ],
)
def test_refuses_a_file_that_xl_would_not_take(host: Host, data: bytes, place: str, why: str) -> None:
    host.mail.write_bytes(data)
    result = refused(host, [device("05:00.0")], [device("04:00.0")])
    assert result["code"] == "domain-config-invalid"
    assert result["msg"].startswith(f"{host.mail}, {place}: ")
    assert why in result["msg"]


def test_refuses_a_missing_file(host: Host) -> None:
    host.mail.unlink()
    result = refused(host, [device("05:00.0")], [device("04:00.0")])
    assert (result["code"], result["msg"]) == ("domain-config-invalid", f"{host.mail}: it does not exist")


def test_refuses_a_directory(host: Host) -> None:
    before = host.files
    (host.directory / "mail").unlink()
    os.mkdir(host.mail)
    result = host.set([device("05:00.0")], [device("04:00.0")])
    assert (result["code"], result["msg"]) == (
        "domain-config-invalid",
        f"{host.mail}: it is a directory, not a regular file",
    )
    assert host.firewall.read_bytes() == before["firewall"]


def test_refuses_a_file_that_is_no_configuration_by_its_size(host: Host) -> None:
    host.mail.write_bytes(b"#" * ((1 << 20) + 1))
    result = refused(host, [], [])
    assert result["code"] == "domain-config-invalid"
    assert "larger than 1048576 bytes" in result["msg"]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (device("00:10:0"), "if it was copied from there, the address is '00:0a.0'"),
        (device("00:20.0"), "device 20 is above 1f"),
        (device("(04:00.0)"), "leave out the parentheses"),
        (device("04:00.0", vslot="20"), "vslot 20 of 04:00.0 does not exist; it is hexadecimal, from 0 to 1f"),
    ],
)
def test_refuses_what_is_no_device(host: Host, wanted: dict[str, Any], why: str) -> None:
    assert why in refused(host, [device("05:00.0")], [wanted])["msg"]


def test_says_which_files_were_changed_before_one_could_not_be(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.rename

    def rename(source: str, target: str) -> None:
        if target == str(host.mail):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    result = host.set([device("05:00.0")], [device("04:00.0")])
    assert result["failed"]
    assert result["msg"] == (
        f"{host.mail}: it can't be replaced: No space left on device; nothing was changed; "
        f"changed before that: {host.firewall}"
    )
    assert host.files["mail"] == MAIL


def put_back(host: Host, *guests: Path, check: bool = False) -> dict[str, Any]:
    return call(main, {"domains": [{"config": str(path)} for path in guests], "state": "original"}, check=check)


def test_original_is_what_was_there_before_the_first_change(host: Host) -> None:
    host.set([device("05:00.0")], [device("06:00.0")])
    host.set(*WANTED)
    before = host.files
    predicted = put_back(host, host.firewall, host.mail, check=True)
    assert host.files == before and originals().stat().st_mode & 0o777 == 0o600
    result = put_back(host, host.firewall, host.mail)
    assert result == predicted
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}
    assert not originals().exists()
    assert [domain["devices"] for domain in result["domains"]] == [["0000:03:00.0"], []]
    assert [item["after_header"] for item in result["diff"]] == [
        str(host.firewall),
        str(host.mail),
        str(originals()),
    ]
    again = put_back(host, host.firewall, host.mail)
    assert (again["changed"], again["diff"]) == (False, [])


def test_each_guest_has_its_own_original(host: Host) -> None:
    host.set(*WANTED)
    put_back(host, host.mail)
    assert host.files == {"firewall": FIREWALL_AFTER, "mail": MAIL}
    put_back(host, host.firewall)
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}
    assert not originals().exists()


def test_an_edit_by_somebody_else_survives(host: Host) -> None:
    host.set(*WANTED)
    host.firewall.write_bytes(host.firewall.read_bytes() + b"memory = 256\n")
    host.mail.write_bytes(host.mail.read_bytes().replace(b"memory = 512", b"memory = 768"))
    host.set([device("07:00.0")], WANTED[1])
    put_back(host, host.firewall, host.mail)
    assert host.files == {"firewall": FIREWALL + b"memory = 256\n", "mail": MAIL.replace(b"512", b"768")}


def test_a_guest_that_is_gone_stays_away(host: Host) -> None:
    host.set(*WANTED)
    host.mail.unlink()
    result = put_back(host, host.firewall, host.mail)
    assert result["domains"][1] == {
        "config": str(host.mail),
        "name": None,
        "changed": False,
        "devices": [],
        "backup_file": "",
    }
    assert host.files == {"firewall": FIREWALL}
    assert not originals().exists()


def test_what_was_never_changed_stays(host: Host) -> None:
    assert not put_back(host, host.firewall, host.mail)["changed"]
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}


def test_one_that_xl_would_refuse_by_now_stops_all(host: Host) -> None:
    host.set(*WANTED)
    host.mail.write_bytes(b"pci = [")
    before = host.files
    result = put_back(host, host.firewall, host.mail)
    assert result["code"] == "domain-config-invalid"
    assert host.files == before


def test_devices_are_required_to_list_them(host: Host) -> None:
    result = call(main, {"domains": [{"config": str(host.mail)}]})
    assert result["msg"] == f"{host.mail} has no 'devices'; an empty list takes all of them out of it"


def test_a_file_is_put_back_once(host: Host) -> None:
    assert "is given twice" in put_back(host, host.mail, host.mail)["msg"]


def test_a_device_that_moved_keeps_its_entry(host: Host) -> None:
    host.firewall.write_bytes(FIREWALL.replace(b"03:00.0", b"03:00.0,seize=1"))
    domain = {
        "config": str(host.firewall),
        "devices": [{"address": "04:00.0"}],
        "moves": {"0000:03:00.0": "0000:04:00.0"},
    }
    predicted = call(main, {"domains": [domain]}, check=True)
    assert call(main, {"domains": [domain]}) == predicted
    assert host.files["firewall"] == FIREWALL.replace(b"03:00.0", b"04:00.0,seize=1")
    assert not call(main, {"domains": [domain]})["changed"]
    refused = call(main, {"domains": [{**domain, "moves": {"x": "04:00.0"}}]})
    assert refused["failed"] and "'x' is not a PCI address" in refused["msg"]
