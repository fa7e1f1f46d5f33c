# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all init systems share: why a tool failed, and what pcibackd said to the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.service import reason
from tests.service_host import KINDS, RC, SOURCES, SYSTEMD, ServiceHost


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("Starting pcibackd.\n\n", "Starting pcibackd."),
        (
            "pcibackd: the kernel's own backend is at work\n/etc/rc.d/pcibackd: failed\n",
            "the kernel's own backend is at work",
        ),
        ("x" * 999, "x" * 300),
    ],
)
def test_the_line_that_tells_most(text: str, line: str) -> None:
    assert reason(text) == line


def test_a_tool_that_fails_is_quoted(tmp_path: Path) -> None:
    service = KINDS[RC](lambda argv: (3, "", "it can't\n"), str(tmp_path))
    script = tmp_path / "etc/rc.d/pcibackd"
    script.parent.mkdir(parents=True)
    script.touch()
    assert service.start() == f"'{script} start' ended with status 3 and said: it can't"
    assert service.stop() == f"'{script} onestop' ended with status 3 and said: it can't"
    systemd = KINDS[SYSTEMD](lambda argv: (1, "", "it can't\n"), str(tmp_path))
    with pytest.raises(PcibackError) as caught:
        systemd.enable()
    assert str(caught.value) == "'systemctl daemon-reload' ended with status 1 and said: it can't"
    assert caught.value.remedy == "run it by hand on the host to see what hinders it"


def test_the_log_begins_where_we_came_in(tmp_path: Path) -> None:
    log = tmp_path / "var/log/messages"
    log.parent.mkdir(parents=True)
    log.write_text("Nov 30 02:00:00 dom0 pcibackd[12]: ended, no permission is left\n")
    service = ServiceHost(tmp_path, RC).service
    assert service.logged() == ""
    with log.open("a") as file:
        file.write("Nov 30 02:00:01 dom0 pcibackd[13]: started\nNov 30 02:00:02 dom0 pcibackd[13]: Xen is gone\n")
        file.write("Nov 30 02:00:03 dom0 su: root\n")
    assert service.logged() == "Xen is gone"


@pytest.mark.parametrize("kind", KINDS)
def test_each_init_system_has_a_file_of_its_own(tmp_path: Path, kind: str) -> None:
    host = ServiceHost(tmp_path, kind)
    assert host.service.source == SOURCES[kind]
    files = host.service.files(b"text")
    assert next(iter(files.values())) == b"text"
    assert all(path.startswith(f"{tmp_path}/etc/") for path in files)


@pytest.mark.parametrize("kind", KINDS)
def test_a_life(tmp_path: Path, kind: str) -> None:
    host = ServiceHost(tmp_path, kind)
    service = host.service
    assert not service.enabled()
    assert service.stop() == ""
    service.disable()
    assert host.calls == [], "what was never there needs no tool"
    for path, data in service.files(b"text").items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
        Path(path).chmod(0o755)
    service.enable()
    assert service.enabled() and service.warnings() == ()
    assert service.start() == "" and host.running
    assert service.restart() == "" and host.running
    assert service.stop() == "" and host.running is None
    host.fails = "no Xen here"
    assert "ended with status 1 and said: " in service.start()
    service.disable()
    for path in service.files(b"text"):
        Path(path).unlink()
    service.forget()
    assert not service.enabled()
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
