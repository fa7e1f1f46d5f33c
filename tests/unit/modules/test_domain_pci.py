# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.modules.domain_pci import main
from tests.unit.engines.test_guest_files import FIREWALL, FIREWALL_AFTER, MAIL, MAIL_AFTER, WANTED, device
from tests.unit.module_call import call


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


def test_warns_of_what_xl_reads_otherwise(host: Host) -> None:
    host.firewall.write_bytes(FIREWALL.replace(b"03:00.0", b"03:00.0,permissive=yes"))
    result = host.set([device("03:00.0")], [])
    assert result["changed"] is False
    assert len(result["warnings"]) == 1
    assert "'permissive=yes' in '03:00.0,permissive=yes' means 0 to xl" in str(result["warnings"][0])
    assert host.set([device("03:00.0", permissive=True)], [])["changed"]
    assert b"'03:00.0,permissive=1'" in host.files["firewall"]


def test_a_refusal_has_its_code(host: Host) -> None:
    result = host.set([device("04:00.0"), device("03:00.0")], [device("0000:3:0.0")])
    assert result["failed"]
    assert result["code"] == "assigned-twice"
    assert result["msg"] == f"03:00.0 is given to {host.firewall} and to {host.mail}; a device belongs to one guest"
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}


def test_refuses_a_relative_path_of_the_record(host: Host) -> None:
    result = host.set(*WANTED, originals="originals.json")
    assert result["msg"] == "option 'originals' is 'originals.json', and has to be an absolute path"
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}


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
