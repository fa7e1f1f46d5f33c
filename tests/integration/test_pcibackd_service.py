# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make install` lays down for a host that starts pcibackd by itself, and a start of guests by the real programs."""

from __future__ import annotations

import configparser
import fcntl
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from tests.depth import sampled
from tests.integration.pcibackd_host import SHELLS, Host
from tests.integration.test_pcibackd import BUS, FIRST, NATIVE, SECOND, Running
from tests.integration.test_pcibackd_alone import NAMESPACE, needs_namespace

MAKES = [make for make in ("make", "bmake") if shutil.which(make)]


def install(make: str, stage: Path, prefix: str) -> Path:
    """The directory of the service's files."""
    command = [make, "-s", "-C", NATIVE.parent, "install", f"DESTDIR={stage}", f"PREFIX={prefix}"]
    # Tests run side by side, and two makes would write one build directory.
    with (NATIVE / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return Path(f"{stage}{prefix}/share/xen-pciback")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prefix that is a directory of its own, so that what is in the files can be run."""
    prefix = tmp_path_factory.mktemp("prefix")
    install(MAKES[0], Path("/"), str(prefix))
    shutil.copy(NATIVE / "pcibackd-simulated", prefix / "sbin")
    return prefix


@pytest.mark.parametrize("make", sampled(MAKES, MAKES[0]))
def test_make_install_fills_in_the_prefix(tmp_path: Path, make: str) -> None:
    share = install(make, tmp_path, "/usr/pkg")
    assert {path.name for path in share.iterdir()} == {
        "pcibackd.service",
        "pcibackd.rc",
        "pcibackd.init",
        "pciback_guests.rc",
    }
    programs = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "usr/pkg/sbin").iterdir()}
    assert programs == dict.fromkeys(("pcibackctl", "pcibackd", "pcibackd-guests"), "0o755")
    for path in share.iterdir():
        assert "/usr/pkg" in path.read_text()
        assert "@PREFIX@" not in path.read_text()


def test_the_unit_of_systemd(installed: Path) -> None:
    path = installed / "share/xen-pciback/pcibackd.service"
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    assert unit["Unit"]["Before"] == "xendomains.service"
    assert "xenstored.service" in unit["Unit"]["After"].split()
    service = unit["Service"]
    assert service["ExecStart"] == f"{installed}/sbin/pcibackd --foreground $PCIBACKD_FLAGS"
    # A guest without its devices must not end the pcibackd of the others.
    assert service["ExecStartPost"] == f"-{installed}/sbin/pcibackd-guests --backend native --boot start"
    assert f"ExecStartPost=-{installed}/sbin/pcibackd-guests --background watch" in path.read_text().splitlines()
    assert service["ExecStopPost"] == f"-{installed}/sbin/pcibackd-guests stop"
    assert (service["Restart"], service["KillMode"]) == ("on-failure", "process")
    if shutil.which("systemd-analyze") is not None:
        done = subprocess.run(
            ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")


WITHOUT_XENSTORE_WATCH = "pcibackd-guests: a guest that reboots stays without devices: xenstore-watch is not installed"
RC_SUBR = """
load_rc_config() { pcibackd=YES; pcibackd_flags="--topology real"; echo "config of $1"; }
run_rc_command() {
    echo "$1 of $name, if $rcvar, and $required_files: $command $pcibackd_flags"
    $start_postcmd
}
"""


@needs_namespace
def test_the_script_of_netbsds_rc(installed: Path, tmp_path: Path) -> None:
    script = installed / "share/xen-pciback/pcibackd.rc"
    assert script.read_text().split("\n\n")[0].splitlines()[-4:] == [
        "# PROVIDE: pcibackd",
        "# REQUIRE: xencommons",
        "# BEFORE: xendomains",
        "# KEYWORD: shutdown",
    ]
    (tmp_path / "rc.subr").write_text(RC_SUBR)
    run = 'mount -t tmpfs tmpfs /etc && cp "$1" /etc/rc.subr && exec sh "$2" start'
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", run, "sh", tmp_path / "rc.subr", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, WITHOUT_XENSTORE_WATCH + "\n")
    assert done.stdout == (
        "config of pcibackd\n"
        f"start of pcibackd, if pcibackd, and /kern/xen/privcmd: {installed}/sbin/pcibackd --topology real\n"
    )


INIT = """
mount -t tmpfs tmpfs "$(readlink -f /var/run)" && mount -t tmpfs tmpfs /etc && mkdir /etc/default || exit 9
echo "PCIBACKD_FLAGS='--bus $2'" >/etc/default/pcibackd
for word in status start start status restart stop status stop frob; do
    sh "$1" $word 2>&1 | sed 's/process [0-9]*/process N/'
done
sh "$1" status >/dev/null || echo "status $?"
pidof pcibackd-simulated
"""


@needs_namespace
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: Path(shell[0]).name)
def test_the_init_script(installed: Path, shell: list[str]) -> None:
    script = installed / "share/xen-pciback/pcibackd.init"
    text = script.read_text()
    for line in ("# X-Start-Before:    xendomains", "# X-Stop-After:      xendomains", "### END INIT INFO"):
        assert line in text.splitlines()
    run = INIT.replace('sh "$1"', " ".join([*shell, '"$1"']))
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", run, "sh", script, BUS], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == [
        "pcibackd does not run",
        WITHOUT_XENSTORE_WATCH,
        "pcibackd runs as process N",
        WITHOUT_XENSTORE_WATCH,
        "pcibackd does not run",
        f"usage: {script} start|stop|reload|restart|force-reload|status",
        "status 3",
    ]
    assert done.stderr == ""


def test_guests_get_their_devices_by_the_real_programs(tmp_path: Path) -> None:
    running = Running(tmp_path)
    host = Host(tmp_path / "host", SHELLS[0])
    (host.directory / "bin/pcibackctl").unlink()
    (host.directory / "bin/pcibackctl").symlink_to(NATIVE / "pcibackctl")
    host.lines(
        f"device\t{FIRST},id=8086:10d3,subsystem=8086:0000",
        f"device\t{SECOND},id=8086:10d3",
        f"guest\tfirewall\t{host.guest('firewall')}\t{FIRST},permissive=1",
        f"guest\tsecond\t{host.guest('second')}\t{SECOND}",
    )
    running.xen.domain(1)
    try:
        done: list[subprocess.CompletedProcess[str]] = []
        thread = threading.Thread(target=lambda: done.append(host.run("--control", running.control, "start")))
        thread.start()
        while thread.is_alive():
            if running.xen.has_news(0.01):
                running.xen.serve_one()
        assert (done[0].returncode, done[0].stderr.splitlines()) == (
            1,
            [
                f"pcibackctl: {SECOND} is 8086:100e, expected is 8086:10d3: the buses have other numbers now, or another card is there",
                f"pcibackd-guests: guest 'second' is not started: pcibackd does not have {SECOND}",
            ],
        )
        assert host.books["domains"] == {"1": ["firewall", "r-----", "0.0"]}
        (guest,) = running.status()["guests"]  # type: ignore[misc]
        assert [(each["address"], each["permissive"]) for each in guest["devices"]] == [(FIRST, True)]
        assert running.stop() == 0
        assert (running.xen.held, running.xen.errors) == (set(), [])
    finally:
        running.process.kill()
        running.process.wait()
        running.xen.close()
        running.log.close()
