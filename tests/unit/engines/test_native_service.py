# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of pcibackd is brought to run, and ended, but never under guests."""

from __future__ import annotations

import shlex
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_service
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_service import Running
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import daemon_status
from tests.service_host import KINDS, RC, SYSTEMD, ServiceHost

NEW, OLD = "b" * 64, "a" * 64
OUTDATED = (
    "the pcibackd that runs is older than the installed one and was left running, because domains have devices of it: 3, 5; "
    "a run when these guests are shut down replaces it, and so does a reboot"
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_service, "PATIENCE", 0.0)
    monkeypatch.setattr(native_service, "SHORT_PATIENCE", 0.0)


@pytest.fixture(params=KINDS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> ServiceHost:
    return installed(tmp_path, request.param)


def installed(tmp_path: Path, kind: str) -> ServiceHost:
    """A host with all files of pcibackd, and a service that nobody has enabled."""
    found = ServiceHost(tmp_path / "root", kind)
    program = found.root / "local/sbin/pcibackd"
    for path, data in {**found.service.files(b"text"), str(program): NEW.encode()}.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
        Path(path).chmod(0o755)
    return found


def run_it(host: ServiceHost) -> Running:
    prefix = str(host.root / "local")
    return native_service.run_it(host.run, host.service, prefix=prefix, source_sha256=NEW)


def inspect(host: ServiceHost) -> tuple[bool, str, str]:
    found = native_service.judge(daemon_status(host.run, "pcibackctl"), host.service, NEW)
    assert found.installed
    return found.ready, found.reason, found.outdated


def changes(host: ServiceHost) -> list[str]:
    return [call for call in host.calls if not call.startswith("pcibackctl status")]


def test_it_is_enabled_and_started_once(host: ServiceHost) -> None:
    assert inspect(host)[0] is False
    assert run_it(host) == Running("", ())
    assert host.running and host.running["source_sha256"] == NEW
    assert inspect(host) == (True, "", "")
    host.calls.clear()
    assert run_it(host) == Running("", ())
    assert changes(host) == []


def test_it_is_enabled_for_the_next_boot_alone(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    prefix = str(host.root / "local")
    done = native_service.run_it(host.run, host.service, prefix=prefix, source_sha256=NEW, start=False)
    found = native_service.judge(daemon_status(host.run, "pcibackctl"), host.service, NEW)
    assert (done, host.running, host.service.enabled()) == (Running("", ()), None, True)
    assert (found.starts, found.ready, found.reason) == (True, False, "pcibackd does not run")
    host.service.disable()
    assert not native_service.judge(None, host.service, NEW).starts


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    assert inspect(host) == (False, "pcibackd does not start with the host", "")
    host.service.enable()
    assert inspect(host) == (False, "pcibackd does not run", "")
    host.begin(OLD)
    assert inspect(host) == (False, "the pcibackd that runs is not made of the installed one's sources", "")


def test_an_older_one_without_guests_is_replaced(host: ServiceHost) -> None:
    host.begin(OLD)
    assert run_it(host) == Running("", ())
    assert host.running and host.running["source_sha256"] == NEW


def test_an_older_one_with_guests_stays_and_that_is_said(host: ServiceHost) -> None:
    host.begin(OLD, guests=[5, 3])
    assert run_it(host) == Running(OUTDATED, ())
    assert inspect(host) == (True, "", OUTDATED)
    assert host.running and host.running["source_sha256"] == OLD
    host.begin(OLD)
    assert run_it(host) == Running("", ())
    assert inspect(host) == (True, "", "")


def test_an_older_one_that_can_hand_over_is_replaced_under_guests(host: ServiceHost) -> None:
    host.service.enable()
    host.begin(OLD, guests=[5, 3], hands_over=True)
    assert run_it(host) == Running("", ())
    assert host.running and host.running["source_sha256"] == NEW
    assert [guest["domain"] for guest in host.running["guests"]] == [5, 3]
    assert not [call for call in changes(host) if call.endswith(("stop", "restart"))]


def test_what_is_to_be_handed_over_is_to_be_done(host: ServiceHost) -> None:
    host.service.enable()
    host.begin(OLD, guests=[5, 3], hands_over=True)
    if host.service.enabled():
        assert inspect(host) == (False, "the pcibackd that runs is not made of the installed one's sources", "")


def test_one_that_does_not_hand_over_in_the_end_is_an_error(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    host.service.enable()
    host.begin(OLD, guests=[5], hands_over=True)
    host.fails = "it is busy"
    with pytest.raises(PcibackError, match="pcibackd was not replaced, process 4711 still runs: "):
        run_it(host)


def test_one_that_hangs_is_not_touched(host: ServiceHost) -> None:
    hung = mock.patch.object(host, "run", lambda argv: (1, "", "pcibackctl: pcibackd gave no answer"))
    with hung, pytest.raises(PcibackError, match="pcibackd does not tell its state"):
        run_it(host)


@pytest.mark.parametrize(
    ("says", "remedy"),
    [
        (
            "the kernel's own backend is at work (/kern/xen/pci): unload it, or boot without a hide list",
            "give back what the kernel's backend has with pciback_state: absent, or stay with it: pciback_backend: kernel",
        ),
        (
            "the Xen 4.17 that runs has no libxenctrl.so.4.17 here",
            "see by hand what 'pcibackd --foreground' prints; with the cause gone, run again",
        ),
    ],
)
def test_why_it_does_not_start_is_said(tmp_path: Path, says: str, remedy: str) -> None:
    host = installed(tmp_path, RC)
    host.fails = says
    with pytest.raises(PcibackError) as caught:
        run_it(host)
    script = f"{host.root}/etc/rc.d/pcibackd"
    assert str(caught.value) == (
        f"pcibackd was installed, but does not run: '{script} start' ended with status 1 and said: {says}"
    )
    assert caught.value.remedy == remedy


def test_what_the_log_says_is_said_too(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    host.fails = "xenstore can't be opened"
    real = host.run

    def run(argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        return (0, f"pcibackd: {host.fails}\n", "") if argv[0] == "journalctl" else real(argv, cwd)

    with mock.patch.object(host, "run", run), pytest.raises(PcibackError) as caught:
        run_it(host)
    assert str(caught.value) == (
        "pcibackd was installed, but does not run: 'systemctl start pcibackd.service' ended with status 1 and said: "
        "Job for pcibackd.service failed. | xenstore can't be opened"
    )


def test_one_that_ends_at_once_and_says_nothing(tmp_path: Path) -> None:
    host = installed(tmp_path, RC)
    with mock.patch.object(host, "_start", lambda: (0, "", "")), pytest.raises(PcibackError) as caught:
        run_it(host)
    assert str(caught.value).endswith("does not run: its service says that it was started, and the log has nothing")


def test_one_that_can_not_be_replaced(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    host.begin(OLD)
    with mock.patch.object(host, "_switch", lambda how: (0, "", "")), pytest.raises(PcibackError) as caught:
        run_it(host)
    assert "pcibackd was not replaced, process 4711 still runs: " in str(caught.value)


def test_a_service_that_is_not_enabled_in_the_end(tmp_path: Path) -> None:
    host = installed(tmp_path, SYSTEMD)
    with mock.patch.object(host, "_systemctl", lambda how, unit="": (0, "", "")), pytest.raises(PcibackError) as caught:
        run_it(host)
    assert str(caught.value) == (
        "the host's tools say that the service pcibackd was enabled, but it would not start with the host"
    )
    assert caught.value.remedy == "enable it by hand, and see what its init system says"


def test_guests_that_the_service_could_not_start_are_a_warning(tmp_path: Path) -> None:
    host = installed(tmp_path, RC)
    real = host._start

    def start() -> tuple[int, str, str]:
        real()
        return 1, "", "pcibackd-guests: firewall is not started\n"

    with mock.patch.object(host, "_start", start):
        running = run_it(host)
    script = f"{host.root}/etc/rc.d/pcibackd"
    assert running.warnings == (
        f"pcibackd runs, but not all that its service does has succeeded: '{script} start' ended with status 1 and said: "
        "pcibackd-guests: firewall is not started",
    )


def end_it(host: ServiceHost) -> tuple[str, ...]:
    return native_service.end_it(host.run, host.service, "pcibackctl")


def test_it_is_ended_and_does_not_come_back(host: ServiceHost) -> None:
    run_it(host)
    assert end_it(host) == ()
    assert host.running is None and (host.kind == RC or not host.service.enabled())
    assert end_it(host) == ()


def test_it_is_not_ended_under_guests(host: ServiceHost) -> None:
    run_it(host)
    host.begin(NEW, guests=[7])
    with pytest.raises(PcibackError) as caught:
        end_it(host)
    assert str(caught.value) == "pcibackd can't be removed while domains have devices of it: 7"
    assert caught.value.remedy == "shut these guests down, or take their devices away with 'pcibackctl detach'"
    assert host.running and host.service.enabled()


def test_devices_that_stay_out_of_dom0_are_named(host: ServiceHost) -> None:
    run_it(host)
    host.begin(NEW, taken=["0000:03:00.0", "0000:04:00.0"])
    assert end_it(host) == (
        "nobody can give these devices back to dom0 before it reboots, pcibackd was ended: 0000:03:00.0, 0000:04:00.0",
    )


@pytest.mark.parametrize("problem", ["", ": 'pcibackd' ended with status 1 and said: no"])
def test_one_that_was_started_by_hand_is_told(tmp_path: Path, problem: str) -> None:
    host = installed(tmp_path, SYSTEMD)
    run_it(host)
    stop = mock.patch.object(KINDS[SYSTEMD], "stop", lambda _self: problem[2:])
    with stop, pytest.raises(PcibackError) as caught:
        end_it(host)
    assert str(caught.value) == f"pcibackd still runs after its service was stopped, as process 4711{problem}"
    assert caught.value.remedy == "end it with 'kill 4711', and run again"


# --- which files

STAGED = {
    f"/usr/local/{name}": name.encode()
    for name in (
        *("sbin/pcibackctl", "sbin/pcibackd", "sbin/pcibackd-guests", "man/man8/pcibackctl.8"),
        *("share/xen-pciback/pcibackd.rc", "share/xen-pciback/pcibackd.service", "share/xen-pciback/pcibackd.init"),
        "share/xen-pciback/pciback_guests.rc",
    )
}


def test_without_pcibackd_nothing_of_it_is_installed() -> None:
    files = native_service.placed(STAGED, "/usr/local", None, attachments="/db/attachments")
    assert sorted(files) == ["/usr/local/man/man8/pcibackctl.8", "/usr/local/sbin/pcibackctl"]
    assert not native_service.is_installed(files)


def test_netbsd_starts_guests_of_the_kernels_backend_without_pcibackd(tmp_path: Path) -> None:
    host = ServiceHost(tmp_path, RC)
    assert host.guests is not None
    alone = native_service.placed(STAGED, "/usr/local", None, host.guests, attachments="/db/attachments")
    of_guests = host.guests.files(b"share/xen-pciback/pciback_guests.rc")
    script = "/usr/local/sbin/pcibackd-guests"
    assert alone == {
        **native_service.placed(STAGED, "/usr/local", None, attachments="/db/attachments"),
        **of_guests,
        script: b"sbin/pcibackd-guests",
    }
    assert native_service.of_daemon(alone) == frozenset()
    # It stays when pcibackd goes, where without such a service it goes, too.
    both = native_service.placed(STAGED, "/usr/local", host.service, host.guests, attachments="/db/attachments")
    assert set(both) - native_service.of_daemon(both) == set(alone)
    assert script in native_service.of_daemon([script, "/usr/local/sbin/pcibackctl"])


def test_with_pcibackd_only_the_service_of_this_host_is(host: ServiceHost) -> None:
    files = native_service.placed(STAGED, "/usr/local", host.service, attachments="/db/attachments")
    of_service = host.service.files(f"share/xen-pciback/{host.service.source}".encode())
    assert files == {
        **native_service.placed(STAGED, "/usr/local", None, attachments="/db/attachments"),
        **of_service,
        **programs(),
    }
    assert native_service.is_installed(files)


def programs() -> dict[str, bytes]:
    return {f"/usr/local/sbin/{name}": f"sbin/{name}".encode() for name in ("pcibackd", "pcibackd-guests")}


@pytest.mark.parametrize("missing", ["sbin/pcibackd", "share/xen-pciback/pcibackd.rc"])
def test_sources_that_make_no_service(tmp_path: Path, missing: str) -> None:
    staged = {path: data for path, data in STAGED.items() if not path.endswith(missing)}
    with pytest.raises(PcibackError, match="what was built has no pcibackd with a service for this host"):
        native_service.placed(staged, "/usr/local", ServiceHost(tmp_path, RC).service, attachments="/db/attachments")


def test_the_script_of_the_host_s_start_is_told_where_the_record_is(tmp_path: Path) -> None:
    script = b"a=1\nrecord=/var/db/xen-pciback/attachments\nread $record\n"
    staged = {**STAGED, "/usr/local/sbin/pcibackd-guests": script}
    service = ServiceHost(tmp_path, RC).service
    files = native_service.placed(staged, "/usr/local", service, attachments="/var/lib/xen's/attachments")
    told = files["/usr/local/sbin/pcibackd-guests"].decode().splitlines()
    assert (told[0], told[2]) == ("a=1", "read $record")
    assert shlex.split(told[1]) == ["record=/var/lib/xen's/attachments"]
    script = (Path(__file__).parents[3] / "native/service/pcibackd-guests").read_text()
    assert script.count("\nrecord=") == 1
