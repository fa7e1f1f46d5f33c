# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pcibackd by rc.d(8): what is ours is in rc.conf.d, and the owner's rc.conf is left as it is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.service import STARTED, RcGuests, RcService
from tests.conftest import ROOT


def host(root: Path, rc_conf: str) -> RcService:
    service = RcService(lambda argv: (0, "", ""), str(root))
    (root / "etc").mkdir()
    (root / "etc/rc.conf").write_text(rc_conf)
    for path, data in service.files(b"#!/bin/sh\n").items():
        Path(path).parent.mkdir(parents=True)
        Path(path).write_bytes(data)
    return service


@pytest.mark.parametrize("rc_conf", ["", "pcibackd=NO\n", 'pcibackd="NO"; pcibackd_flags="--allow no-reset"\n'])
def test_what_is_read_last_counts(tmp_path: Path, rc_conf: str) -> None:
    """As rc.subr(8) reads them: rc.conf, and then the file of rc.conf.d."""
    host(tmp_path, rc_conf)
    script = ". etc/rc.conf; . etc/rc.conf.d/pcibackd; echo $pcibackd"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "YES\n"
    assert (tmp_path / "etc/rc.conf").read_text() == rc_conf


@pytest.mark.parametrize(
    ("rc_conf", "said"),
    [
        ("", None),
        ("pcibackd=YES\n", None),
        ("pcibackd=NO\npcibackd='yes'\n", None),
        ("pcibackd_flags=NO\n", None),
        ("#pcibackd=NO\n", None),
        ("hostname=a\n pcibackd=NO\n", "NO"),
        ('pcibackd="no"\n', "no"),
    ],
)
def test_an_owner_who_has_turned_it_off_is_told(tmp_path: Path, rc_conf: str, said: str | None) -> None:
    sentence = (
        f"/etc/rc.conf says pcibackd={said}; /etc/rc.conf.d/pcibackd, which is read after it, says YES and counts"
    )
    assert host(tmp_path, rc_conf).warnings() == (() if said is None else (sentence,))


def test_it_can_be_ended_where_its_owner_has_turned_it_off(tmp_path: Path) -> None:
    calls: list[list[str]] = []
    host(tmp_path, "")
    RcService(lambda argv: (calls.append(argv), (0, "", ""))[1], str(tmp_path)).stop()  # type: ignore[func-returns-value]
    assert calls == [[f"{tmp_path}/etc/rc.d/pcibackd", "onestop"]]


def test_whether_guests_were_started_is_what_the_script_says(tmp_path: Path) -> None:
    service = RcGuests(lambda argv: (0, "", ""), str(tmp_path))
    assert service.has_begun(), "nothing is installed that would do it"
    for path, data in service.files(b"#!/bin/sh\n").items():
        Path(path).parent.mkdir(parents=True)
        Path(path).write_bytes(data)
    assert not service.has_begun()
    (tmp_path / "var/run").mkdir(parents=True)
    (tmp_path / STARTED.lstrip("/")).touch()
    assert service.has_begun()
    assert f"\nstarted={STARTED}\n" in (ROOT / "native/service/pcibackd-guests").read_text()
