# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd as a unit or a script, by which init system runs."""

from __future__ import annotations

import time
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.service import Systemd, SysvInit, of_this_host
from tests.service_host import OK, SYSTEMD, SYSV, ServiceHost


def test_which_init_system_runs(tmp_path: Path) -> None:
    with pytest.raises(PcibackError) as caught:
        of_this_host(lambda argv: OK, str(tmp_path))
    assert str(caught.value) == (
        "no init system is known here that could start pcibackd: systemd does not run, and /usr/sbin/update-rc.d is missing"
    )
    assert caught.value.remedy == (
        "start pcibackd by a script of your own and leave daemon out, or use a host with systemd or sysvinit"
    )
    for name, kind in (("usr/sbin/update-rc.d", SysvInit), ("run/systemd/system/x", Systemd)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
        assert isinstance(of_this_host(lambda argv: OK, str(tmp_path)), kind)


def installed(tmp_path: Path, kind: str) -> ServiceHost:
    host = ServiceHost(tmp_path, kind)
    for path, data in host.service.files(b"text").items():
        Path(path).parent.mkdir(parents=True)
        Path(path).write_bytes(data)
        Path(path).chmod(0o755)
    return host


def test_systemd_reads_a_unit_again_before_it_starts_it(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    host.service.enable()
    host.service.start()
    host.service.restart()
    host.service.reload()
    assert [call.split()[1] for call in host.calls] == [
        *("daemon-reload", "enable"),
        *("daemon-reload", "reset-failed", "start"),
        *("daemon-reload", "reset-failed", "restart"),
        *("daemon-reload", "reset-failed", "reload"),
    ]


def test_a_unit_that_another_one_requires_is_enabled(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    link = tmp_path / "etc/systemd/system/xendomains.service.requires/pcibackd.service"
    link.parent.mkdir()
    link.symlink_to("../pcibackd.service")
    assert host.service.enabled()


def test_a_masked_unit_is_the_owners_will(tmp_path: Path) -> None:
    host = ServiceHost(tmp_path, SYSTEMD)
    host.service.check()
    place = tmp_path / "etc/systemd/system/pcibackd.service"
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/null")
    with pytest.raises(PcibackError) as caught:
        host.service.check()
    assert str(caught.value) == "the owner of this host has masked pcibackd.service, so systemd would not start it"
    assert caught.value.remedy == "allow it with 'systemctl unmask pcibackd.service'"


def test_the_journal_has_the_reason(tmp_path: Path) -> None:
    calls: list[list[str]] = []

    def run(argv: list[str]) -> tuple[int, str, str]:
        calls.append(argv)
        return 0, "Starting pcibackd\npcibackd: xenstore can't be opened\nMain process exited\n", ""

    with mock.patch.object(time, "time", lambda: 1234.5):
        service = Systemd(run, str(tmp_path))
    assert service.logged() == "xenstore can't be opened"
    since = "--since=@1234"
    assert calls == [["journalctl", "-u", "pcibackd.service", since, "-n", "20", "-o", "cat", "--no-pager"]]


def test_links_of_an_owner_who_has_turned_it_off_are_turned(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSV)
    (tmp_path / "etc/rc2.d").mkdir()
    (tmp_path / "etc/rc2.d/K01pcibackd").touch()
    assert not host.service.enabled()
    host.service.enable()
    assert host.calls == ["update-rc.d pcibackd defaults", "update-rc.d pcibackd enable"]
