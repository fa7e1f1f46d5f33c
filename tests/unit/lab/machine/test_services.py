# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""rc(8), its scripts and service(8)."""

from __future__ import annotations

import pytest
from machine import services
from machine.state import Machine

from tests.unit.lab.conftest import Host

SCRIPT = """\
#!/bin/sh
# PROVIDE: {name}
# REQUIRE: xencommons
# BEFORE: xendomains
. /etc/rc.subr
name={name}
rcvar=$name
{more}
load_rc_config $name
run_rc_command "$@"
"""


def write(host: Host, name: str, more: str, conf: str | None = "YES") -> None:
    path = host.root / "etc/rc.d" / name
    path.write_text(SCRIPT.format(name=name, more=more))
    path.chmod(0o755)
    if conf is not None:
        (host.root / "etc/rc.conf.d" / name).write_text(f"{name}={conf}\n")


def test_a_plain_machine_has_nothing_to_start(machine: Machine) -> None:
    assert not services.has_some(machine)
    with open(machine.file("/etc/rc.conf"), "a", encoding="utf-8") as file:
        file.write('xendomains="one"\n')
    assert services.has_some(machine)


def test_what_is_enabled_starts_at_boot_in_its_order_and_then_guests(host: Host) -> None:
    host.create("--guest", "one", "--guest", "two")
    write(host, "first", "start_cmd='echo first starts; /usr/pkg/sbin/xl create -q /usr/pkg/etc/xen/two'")
    write(host, "disabled", "start_cmd='echo disabled starts'", conf="NO")
    with (host.root / "etc/rc.conf").open("a") as file:
        file.write('xendomains="one two"\n')
    assert host.run("/sbin/reboot").returncode == 0
    assert [domain["name"] for domain in host.state["domains"]] == ["two", "one"]
    said = host.console.rpartition("login: ")[2]
    assert said.split("\n")[1:3] == ["first starts", "Starting xen domains."]
    assert "disabled" not in said
    assert host.service("xendomains", "list").stdout == "one\ntwo\n"
    assert host.service("xendomains", "stop").stdout == "Stopping xen domains.\n"


def test_a_machine_that_is_silent_while_it_reboots_is_entered_for_that(host: Host) -> None:
    host.create("--guest", "one", "--downtime", "30")
    with (host.root / "etc/rc.conf").open("a") as file:
        file.write('xendomains="one"\n')
    assert host.dom0("reboot").returncode == 0
    assert [domain["name"] for domain in host.state["domains"]] == ["one"]
    assert host.run("/bin/true").returncode == 255


DAEMON = "command=/tmp/daemon\nstart_precmd='echo before'\nstart_postcmd='echo after'"


def test_a_daemon_is_started_found_and_stopped(host: Host) -> None:
    host.create()
    (host.root / "tmp/daemon").symlink_to("/bin/sleep")
    write(host, "daemon", DAEMON + "\ncommand_args='60 &'")

    def service(word: str) -> tuple[int, str, str]:
        done = host.service("daemon", word)
        return done.returncode, done.stdout, done.stderr

    assert service("status") == (1, "daemon is not running.\n", "")
    assert service("stop") == (1, "", "daemon not running?\n")
    done = host.sh("/usr/sbin/service daemon start >/tmp/said 2>&1")
    assert (done.returncode, (host.root / "tmp/said").read_text()) == (0, "before\nStarting daemon.\nafter\n")
    status, out, _err = service("status")
    assert (status, out.startswith("daemon is running as pid ")) == (0, True)
    assert service("start")[0] == 1
    assert "daemon already running? (pid=" in service("start")[2]
    assert service("rcvar") == (0, "# daemon\n$daemon=YES\n", "")
    status, out, _err = service("stop")
    assert (status, out.split("\n")[0]) == (0, "Stopping daemon.")
    assert service("status")[0] == 1
    assert service("poll") == (0, "", "")


def test_what_is_not_enabled_wants_to_be_asked_once(host: Host) -> None:
    host.create()
    write(host, "daemon", "start_cmd='echo starts'", conf="NO")
    refused = host.service("daemon", "start")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "  /etc/rc.d/daemon onestart\n" in refused.stderr
    assert host.service("daemon", "onestart").stdout == "starts\n"
    assert host.service("daemon", "forcestart").stdout == "starts\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("command=/bin/true\nrequired_files=/none", "/none is not readable."),
        ("command=/bin/true\nrequired_dirs=/none", "/none is not a directory."),
        ("command=/bin/true\nrequired_vars=x\nx=NO", "$x is not enabled."),
        ("command=/bin/false", ""),
        ("command=/bin/true\nstart_precmd=false", ""),
    ],
)
def test_a_start_that_fails_is_the_status(more: str, said: str, host: Host) -> None:
    host.create()
    write(host, "daemon", more)
    done = host.service("daemon", "start")
    assert (done.returncode, said in done.stderr) == (1, True)


def test_mistakes_are_said(host: Host) -> None:
    host.create()
    write(host, "daemon", "start_cmd=:", conf=None)
    assert "$daemon is not set properly - see rc.conf(5)." in host.service("daemon", "start").stderr
    assert "unknown directive 'fly'" in host.service("daemon", "fly").stderr
    assert host.service("none", "start").stderr == "service: none does not exist in /etc/rc.d\n"
    assert host.service("daemon").returncode == 1
    assert "daemon" in host.service("-l").stdout.split()
    assert host.service("-e").stdout == "/etc/rc.d/xencommons\n"
    assert host.service("-v", "xencommons", "start").stdout == "xencommons is located in /etc/rc.d\n"
