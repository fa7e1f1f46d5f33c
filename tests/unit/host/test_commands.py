# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands are run as argument lists, and each of them ends: by itself, or because it is ended."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import commands
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, Limit, limit_of, run

AT_ONCE = Limit(0.2, "look there")
LONG = "sleep 3600"


def test_status_output_and_errors_come_back() -> None:
    assert run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\n", "err\n")
    assert run(["/bin/sh", "-c", "kill -9 $$"])[0] == -9


def test_nothing_of_a_command_is_interpreted(tmp_path: Path) -> None:
    assert run(["/bin/echo", "$HOME", "~", "*"], cwd=str(tmp_path)) == (0, "$HOME ~ *\n", "")


def test_it_runs_in_the_c_locale_without_input_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    told = run(["/bin/sh", "-c", "pwd; cat; echo $LANG $LC_ALL"], cwd=str(tmp_path))
    assert told == (0, f"{tmp_path}\nC C\n", "")


def test_much_output_on_both_sides_comes_whole() -> None:
    program = (
        "import sys\nfor _ in range(3000):\n sys.stdout.write('o' * 99 + '\\n'); sys.stderr.write('e' * 99 + '\\n')"
    )
    status, out, err = run([sys.executable, "-c", program])
    assert (status, len(out), len(err)) == (0, 300000, 300000)


def test_bytes_that_are_no_utf_8_are_kept() -> None:
    _status, out, _err = run(["/bin/sh", "-c", r"printf 'caf\351'"])
    assert out.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize(
    ("mode", "said"), [(None, "No such file or directory"), (0o644, "Permission denied"), (0o755, "Exec format error")]
)
def test_a_command_that_can_not_be_started(tmp_path: Path, mode: int | None, said: str) -> None:
    path = tmp_path / "xl"
    if mode is not None:
        path.write_bytes(b"\x7fELF and no more")
        path.chmod(mode)
    assert run([str(path)]) == (NOT_FOUND, "", f"{path}: {said}")


def test_one_that_hangs_is_killed_with_all_its_children(tmp_path: Path) -> None:
    script = f"{LONG} & echo $! > child; echo 'waiting for xenstored'; wait; {LONG}"
    with pytest.raises(PcibackError) as caught:
        run(["/bin/sh", "-c", script], cwd=str(tmp_path), limit=AT_ONCE)
    assert str(caught.value) == (
        f"'/bin/sh -c {script}' did not end within 0.2 s and was killed; "
        "the last that it said was: waiting for xenstored"
    )
    assert caught.value.remedy == "look there"
    # It has its signal; the kernel may need a moment on a busy machine.
    child = int((tmp_path / "child").read_text())
    assert any(not is_running(child) or time.sleep(0.05) for _look in range(1200))


def test_one_that_ignores_the_wish_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_GRACE", 0.2)
    with pytest.raises(PcibackError, match=r"did not end within 0\.2 s and was killed; it said nothing"):
        run(["/bin/sh", "-c", f"trap '' TERM; {LONG}; {LONG}"], limit=AT_ONCE)


def test_one_that_closes_its_output_and_hangs_is_killed() -> None:
    with pytest.raises(PcibackError, match=r"did not end within 0\.2 s and was killed"):
        run(["/bin/sh", "-c", f"exec >&- 2>&-; {LONG}"], limit=AT_ONCE)


def test_one_that_prints_without_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_OUTPUT", 1 << 20)
    with pytest.raises(PcibackError, match=r"'/bin/sh -c yes' printed more than 1 MiB and was killed"):
        run(["/bin/sh", "-c", "yes"])


def test_a_daemon_that_is_left_behind_with_the_output_holds_nobody(tmp_path: Path) -> None:
    status, out, _err = run(["/bin/sh", "-c", f"{LONG} & echo $! > daemon; echo started"], cwd=str(tmp_path))
    daemon = int((tmp_path / "daemon").read_text())
    try:
        assert (status, out) == (0, "started\n")
        assert is_running(daemon)
    finally:
        os.kill(daemon, 9)


def is_running(process: int) -> bool:
    """Whether a process lives; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("/usr/sbin/pcictl pci0 list", 120),
        ("/usr/pkg/sbin/xl list -l", 120),
        ("/usr/pkg/sbin/xl create /etc/xen/create", 600),
        ("/usr/sbin/xl destroy 4", 120),
        ("/usr/sbin/grub-mkconfig", 900),
        ("/usr/bin/env -u LC_ALL -u LANGUAGE LANG=de_DE.UTF-8 /usr/sbin/grub2-mkconfig", 900),
        ("/usr/sbin/update-initramfs -u -k all", 1800),
        ("/usr/bin/dracut --force --regenerate-all", 1800),
        ("/usr/bin/make check-control CC=cc", 1800),
        ("/usr/bin/env", 120),
    ],
)
def test_each_kind_of_command_has_its_time(command: str, seconds: float) -> None:
    limit = limit_of(command.split())
    assert limit.seconds == seconds and limit.look


def test_that_of_its_kind_counts_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xl = tmp_path / "xl"
    xl.write_text(f"#!/bin/sh\n{LONG}\n")
    xl.chmod(0o755)
    monkeypatch.setattr(commands, "_KINDS", {"xl": Limit(0.1, "look at xenstored")})
    with pytest.raises(PcibackError) as caught:
        run([str(xl), "list"])
    assert str(caught.value) == f"'{xl} list' did not end within 0.1 s and was killed; it said nothing"
    assert caught.value.remedy == "look at xenstored"
