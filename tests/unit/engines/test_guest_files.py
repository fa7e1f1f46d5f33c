# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.guest_files import (
    GuestFile,
    Result,
    write_guest_files,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import difference
from ansible_collections.xen.pciback.plugins.module_utils.host.lock import held
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory

FIREWALL = b"# the outer one\nname = 'firewall'\nkernel = '/netbsd-\xc3\xa9\xff'\npci = [ '03:00.0' ]  # uplink\n"
MAIL = b'name = "mail"\nmemory = 512'


class Host:
    """Two guests' files in a directory, and a state directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "xen"
        self.directory.mkdir()
        self.firewall = self.directory / "firewall"
        self.mail = self.directory / "mail"
        self.firewall.write_bytes(FIREWALL)
        self.mail.write_bytes(MAIL)
        self.records = StateDirectory(str(directory / "db"))
        self.originals = directory / "db" / "originals.json"
        self.lock = directory / "db" / "lock"

    def write(self, domains: list[dict[str, Any]], **more: Any) -> Result:
        return write_guest_files(domains, records=self.records, who="a test", **more)

    def set(self, firewall: list[Any], mail: list[Any], **more: Any) -> Result:
        domains = [{"config": str(self.firewall), "devices": firewall}, {"config": str(self.mail), "devices": mail}]
        return self.write(domains, **more)

    def put_back(self, *guests: Path, **more: Any) -> Result:
        return self.write([{"config": str(path)} for path in guests], put_back=True, **more)

    @property
    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def device(address: str, **options: Any) -> dict[str, Any]:
    return {"address": address, **options}


FIREWALL_AFTER = FIREWALL.replace(b"'03:00.0'", b"'03:00.0,permissive=1', '03:00.1'")
MAIL_AFTER = MAIL + b"\npci = [ '00:1f.0@5,rdm_policy=relaxed' ]"
WANTED: tuple[list[Any], list[Any]] = (
    [device("3:0.0", permissive=True), device("0000:03:00.1")],
    [device("00:1f.0", vslot="5", rdm_policy="relaxed")],
)


def test_says_what_became_of_each_file(host: Host) -> None:
    result = host.set(*WANTED)
    assert host.files == {"firewall": FIREWALL_AFTER, "mail": MAIL_AFTER}
    assert result.changed
    assert result.files == (
        GuestFile(str(host.firewall), "firewall", True, ("0000:03:00.0", "0000:03:00.1"), ""),
        GuestFile(str(host.mail), "mail", True, ("0000:00:1f.0",), ""),
    )
    assert result.differences == (
        difference(str(host.firewall), FIREWALL, FIREWALL_AFTER, errors="backslashreplace"),
        difference(str(host.mail), MAIL, MAIL_AFTER),
        difference(str(host.originals), "", f"{host.firewall}\n{host.mail}\n"),
    )
    assert result.warnings == ()


def test_check_mode_needs_no_lock_and_writes_nothing(host: Host) -> None:
    with held(str(host.lock), "another run"):
        foreseen = host.set(*WANTED, check_mode=True)
        assert not host.originals.exists()
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}
    assert host.set(*WANTED) == foreseen
    assert not host.lock.exists()


def test_says_what_xl_reads_otherwise_once(host: Host) -> None:
    host.firewall.write_bytes(FIREWALL.replace(b"03:00.0", b"03:00.0,permissive=yes"))
    (warning,) = host.set([device("03:00.0")], []).warnings
    assert "'permissive=yes' in '03:00.0,permissive=yes' means 0 to xl" in warning


def test_takes_the_list_back(host: Host) -> None:
    host.set([device("03:00.0")], [device("04:00.0")])
    result = host.set([], [])
    assert result.changed
    assert host.files == {"firewall": FIREWALL.replace(b"pci = [ '03:00.0' ]  ", b""), "mail": MAIL}
    assert [file.devices for file in result.files] == [(), ()]


def test_keeps_mode_and_a_backup_of_what_it_changes(host: Host) -> None:
    host.mail.chmod(0o640)
    result = host.set([device("03:00.0")], [device("04:00.0")], backup=True)
    firewall, mail = result.files
    assert firewall.backup_file == ""
    assert Path(mail.backup_file).parent == host.directory
    assert Path(mail.backup_file).read_bytes() == MAIL
    assert host.mail.stat().st_mode & 0o777 == 0o640
    assert len(host.files) == 3


def refusal(host: Host, firewall: list[Any], mail: list[Any]) -> PcibackError:
    """The refusal, the same in check mode, with every file as it was."""
    before = host.files
    with pytest.raises(PcibackError) as refused:
        host.set(firewall, mail)
    assert "\n" not in str(refused.value)
    assert host.files == before
    with pytest.raises(PcibackError) as foreseen:
        host.set(firewall, mail, check_mode=True)
    assert (str(foreseen.value), foreseen.value.code) == (str(refused.value), refused.value.code)
    return refused.value


def test_refuses_a_device_for_two_guests(host: Host) -> None:
    error = refusal(host, [device("04:00.0"), device("03:00.0")], [device("0000:3:0.0")])
    assert error.code == "assigned-twice"
    assert str(error) == f"03:00.0 is given to {host.firewall} and to {host.mail}; a device belongs to one guest"


def test_refuses_a_device_twice_for_one_guest(host: Host) -> None:
    error = refusal(host, [], [device("03:00.0"), device("3:0.0")])
    assert str(error) == f"{host.mail}: 03:00.0 is wanted 2 times; list each device once"


def test_refuses_a_file_given_twice(host: Host) -> None:
    other = host.directory / ".." / host.directory.name / "mail"
    domains = [{"config": str(path), "devices": []} for path in (host.mail, other)]
    with pytest.raises(PcibackError) as refused:
        host.write(domains)
    assert str(refused.value) == f"{other} is given twice; list all of its devices in one place"


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
    error = refusal(host, [device("05:00.0")], [device("04:00.0")])
    assert error.code == "domain-config-invalid"
    assert str(error).startswith(f"{host.mail}, {place}: ")
    assert why in str(error)


def test_refuses_a_missing_file(host: Host) -> None:
    host.mail.unlink()
    error = refusal(host, [device("05:00.0")], [device("04:00.0")])
    assert (error.code, str(error)) == ("domain-config-invalid", f"{host.mail}: it does not exist")


def test_refuses_a_directory(host: Host) -> None:
    before = host.files
    (host.directory / "mail").unlink()
    os.mkdir(host.mail)
    with pytest.raises(PcibackError) as refused:
        host.set([device("05:00.0")], [device("04:00.0")])
    assert (refused.value.code, str(refused.value)) == (
        "domain-config-invalid",
        f"{host.mail}: it is a directory, not a regular file",
    )
    assert host.firewall.read_bytes() == before["firewall"]


def test_refuses_a_file_that_is_no_configuration_by_its_size(host: Host) -> None:
    host.mail.write_bytes(b"#" * ((1 << 20) + 1))
    error = refusal(host, [], [])
    assert error.code == "domain-config-invalid"
    assert "larger than 1048576 bytes" in str(error)


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
    assert why in str(refusal(host, [device("05:00.0")], [wanted]))


def test_says_which_files_were_changed_before_one_could_not_be(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.rename

    def rename(source: str, target: str) -> None:
        if target == str(host.mail):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(PcibackError) as refused:
        host.set([device("05:00.0")], [device("04:00.0")])
    assert str(refused.value) == (
        f"{host.mail}: it can't be replaced: No space left on device; it is as it was; "
        f"changed before that: {host.originals}, {host.firewall}"
    )
    assert host.files["mail"] == MAIL


def test_each_guest_has_its_own_original(host: Host) -> None:
    host.set(*WANTED)
    host.put_back(host.mail)
    assert host.files == {"firewall": FIREWALL_AFTER, "mail": MAIL}
    host.put_back(host.firewall)
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}
    assert not host.originals.exists()


def test_an_edit_by_somebody_else_survives(host: Host) -> None:
    host.set(*WANTED)
    host.firewall.write_bytes(host.firewall.read_bytes() + b"memory = 256\n")
    host.mail.write_bytes(host.mail.read_bytes().replace(b"memory = 512", b"memory = 768"))
    host.set([device("07:00.0")], WANTED[1])
    host.put_back(host.firewall, host.mail)
    assert host.files == {"firewall": FIREWALL + b"memory = 256\n", "mail": MAIL.replace(b"512", b"768")}


def test_a_guest_that_is_gone_stays_away(host: Host) -> None:
    host.set(*WANTED)
    host.mail.unlink()
    result = host.put_back(host.firewall, host.mail)
    assert result.files[1] == GuestFile(str(host.mail), None, False, (), "")
    assert host.files == {"firewall": FIREWALL}
    assert not host.originals.exists()


def test_what_was_never_changed_stays(host: Host) -> None:
    assert not host.put_back(host.firewall, host.mail).changed
    assert host.files == {"firewall": FIREWALL, "mail": MAIL}


def test_one_that_xl_would_refuse_by_now_stops_all(host: Host) -> None:
    host.set(*WANTED)
    host.mail.write_bytes(b"pci = [")
    before = host.files
    with pytest.raises(PcibackError) as refused:
        host.put_back(host.firewall, host.mail)
    assert refused.value.code == "domain-config-invalid"
    assert host.files == before


def test_devices_are_required_to_list_them(host: Host) -> None:
    with pytest.raises(PcibackError) as refused:
        host.write([{"config": str(host.mail)}])
    assert str(refused.value) == f"{host.mail} has no 'devices'; an empty list takes all of them out of it"


def test_a_file_is_put_back_once(host: Host) -> None:
    with pytest.raises(PcibackError, match="is given twice"):
        host.put_back(host.mail, host.mail)


def test_a_device_that_moved_keeps_its_entry(host: Host) -> None:
    host.firewall.write_bytes(FIREWALL.replace(b"03:00.0", b"03:00.0,seize=1"))
    domain = {
        "config": str(host.firewall),
        "devices": [{"address": "04:00.0"}],
        "moves": {"0000:03:00.0": "0000:04:00.0"},
    }
    predicted = host.write([domain], check_mode=True)
    assert host.write([domain]) == predicted
    assert host.files["firewall"] == FIREWALL.replace(b"03:00.0", b"04:00.0,seize=1")
    assert not host.write([domain]).changed
    with pytest.raises(PcibackError, match="'x' is not a PCI address"):
        host.write([{**domain, "moves": {"x": "04:00.0"}}])
