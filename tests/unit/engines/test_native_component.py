# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The native component comes to a host, in two calls, and goes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import (
    native_component,
    native_inspect,
    native_service,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import NativeRequest, bring, remove
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.service_host import KINDS, SOURCES, ServiceHost


class Host:
    """A host with some tools, whose make makes pcibackctl."""

    def __init__(self, folder: Path, *tools: str) -> None:
        self.folder = folder
        self.tools = tools
        self.calls: list[list[str]] = []
        self.state = StateDirectory(str(folder / "db"))
        self.request = NativeRequest(
            prefix=str(folder / "local"),
            source_sha256="a" * 64,
            method="auto",
            target=None,
            flags="",
            daemon=False,
            archive=None,
            archive_compiler="",
            scratch=str(folder),
            who="test",
            check_mode=False,
        )

    def find(self, name: str, opt_dirs: object = None, required: bool = False) -> str | None:
        return f"/usr/bin/{name}" if name in self.tools or required else None

    def run(self, argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        self.calls.append(argv)
        if argv[-1] == "--version":
            return 0, "cc 12.2.0\n", ""
        if argv[-1] == "-sm":
            return 0, "NetBSD amd64\n", ""
        if argv[:2] == ["/usr/bin/make", "install"]:
            settings = dict(word.split("=", 1) for word in argv[2:])
            target = Path(settings["DESTDIR"] + settings["PREFIX"]) / "sbin/pcibackctl"
            target.parent.mkdir(parents=True)
            target.write_bytes(b"built")
        return 0, "", ""

    def archive(self, name: str, data: bytes) -> str:
        path = self.folder / "archive.tar"
        with tarfile.open(path, "w") as tar:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        return str(path)

    def bring(self, **changes: object) -> dict[str, object]:
        return dict(bring(self.run, self.find, self.state, replace(self.request, **changes)).values)  # type: ignore[arg-type]

    @property
    def control(self) -> Path:
        return self.folder / "local/sbin/pcibackctl"


def test_a_host_with_a_compiler_needs_sources_and_builds_them(tmp_path: Path) -> None:
    host = Host(tmp_path, "cc", "make")
    asked = host.bring()
    assert (asked["changed"], asked["needs"]) == (True, "sources")
    done = host.bring(archive=host.archive("core/a.c", b"int a;"))
    assert (done["changed"], done["needs"], done["method"], done["compiler"]) == (True, "nothing", "host", "cc 12.2.0")
    assert host.control.read_bytes() == b"built"
    steps = [call[1] for call in host.calls if call[0] == "/usr/bin/make"]
    assert steps == ["control", "check-control", "install"]
    assert host.calls[-2][1:] == ["selftest"]
    assert host.bring() == {"changed": False, "reason": "", "needs": "nothing"}
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar", "local", "db"] or len(
        list(tmp_path.iterdir())
    ) == 3


def test_a_host_without_one_needs_binaries(tmp_path: Path) -> None:
    host = Host(tmp_path)
    asked = host.bring()
    assert (asked["needs"], asked["target"], asked["prefix"]) == ("binaries", "x86_64-netbsd", f"{tmp_path}/local")
    assert host.bring(target="aarch64-netbsd")["target"] == "aarch64-netbsd"
    archive = host.archive(str(host.control).lstrip("/"), b"sent")
    done = host.bring(archive=archive, archive_compiler="zig 0.13")
    assert (done["method"], done["compiler"]) == ("cross", "zig 0.13")
    assert host.control.read_bytes() == b"sent"


@pytest.mark.parametrize(("tool", "lacks"), [("cc", "make"), ("make", "C compiler")])
def test_a_host_that_is_to_build_and_can_not(tmp_path: Path, tool: str, lacks: str) -> None:
    with pytest.raises(PcibackError, match=f"the host has no {lacks}"):
        Host(tmp_path, tool).bring(method="host")


def test_it_goes_without_a_trace(tmp_path: Path) -> None:
    host = Host(tmp_path, "cc", "make")
    host.bring(archive=host.archive("core/a.c", b"int a;"))
    foreseen = remove(host.run, host.state, who="test", check_mode=True)
    assert host.control.exists()
    done = remove(host.run, host.state, who="test", check_mode=False)
    assert dict(foreseen.values) == dict(done.values)
    assert str(host.control) in done.values["removed"] and done.values["changed"]
    assert [path.name for path in tmp_path.iterdir()] == ["archive.tar"]
    assert remove(host.run, host.state, who="test", check_mode=False).values["changed"] is False


# --- with pcibackd


class DaemonHost(Host):
    """A host without a compiler, whose init system starts what was sent."""

    def __init__(self, folder: Path, kind: str) -> None:
        super().__init__(folder)
        self.services = ServiceHost(folder / "root", kind)
        self.request = replace(self.request, prefix=f"{folder}/root/local", daemon=True)

    def run(self, argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        answer = self.services.run(argv, cwd)
        return super().run(argv, cwd) if answer == (0, "", "") else answer

    def sent(self, sources: str, *left_out: str) -> dict[str, object]:
        """Send what was built of some sources."""
        path = self.folder / "archive.tar"
        names = ["sbin/pcibackctl", "sbin/pcibackd", "sbin/pcibackd-guests"]
        names += [f"share/xen-pciback/{name}" for name in SOURCES.values()]
        with tarfile.open(path, "w") as tar:
            for name in names:
                data = f"{name} {sources * 64}".encode()
                member = tarfile.TarInfo(f"{self.request.prefix}/{name}".lstrip("/"))
                member.size = len(data)
                if name not in left_out:
                    tar.addfile(member, io.BytesIO(data))
        return {"archive": str(path), "archive_compiler": "zig 0.17", "source_sha256": sources * 64}

    def files(self) -> list[str]:
        root = self.folder / "root"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def remove(self, check_mode: bool = False) -> dict[str, object]:
        return dict(remove(self.services.run, self.state, who="test", check_mode=check_mode).values)


@pytest.fixture(params=KINDS)
def daemon_host(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DaemonHost]:
    monkeypatch.setattr(native_service, "PATIENCE", 0.0)
    monkeypatch.setattr(native_service, "SHORT_PATIENCE", 0.0)
    host = DaemonHost(tmp_path, request.param)
    with host.services.in_place():
        yield host


def test_pcibackd_comes_with_its_service_and_runs(daemon_host: DaemonHost) -> None:
    asked = daemon_host.bring()
    assert (asked["changed"], asked["needs"]) == (True, "binaries")
    done = daemon_host.bring(**daemon_host.sent("a"))
    assert (done["changed"], done["outdated"], done["needs"]) == (True, "", "nothing")
    prefix = daemon_host.request.prefix
    programs = {f"{prefix}/sbin/{name}" for name in ("pcibackctl", "pcibackd", "pcibackd-guests")}
    assert set(done["files"]) == {*programs, *daemon_host.services.service.files(b"")}  # type: ignore[call-overload]
    assert daemon_host.services.running and daemon_host.services.service.enabled()
    again = {"changed": False, "reason": "", "needs": "nothing", "outdated": ""}
    assert daemon_host.bring() == again == daemon_host.bring(check_mode=True)


def test_a_pcibackd_that_could_load_nothing_is_not_built(daemon_host: DaemonHost) -> None:
    with pytest.raises(PcibackError, match="is static, and can't load Xen's libraries"):
        daemon_host.bring(target="x86_64-linux-musl")
    assert daemon_host.bring(target="x86_64-linux-musl", daemon=False)["needs"] == "binaries"


def test_what_does_not_run_is_started_without_sending_anything(daemon_host: DaemonHost) -> None:
    daemon_host.bring(**daemon_host.sent("a"))
    daemon_host.services.end()
    foreseen = daemon_host.bring(check_mode=True)
    assert (foreseen["changed"], foreseen["reason"], foreseen["needs"]) == (True, "pcibackd does not run", "nothing")
    assert daemon_host.services.running is None
    done = daemon_host.bring()
    assert (done["changed"], done["reason"], done["outdated"]) == (True, "pcibackd does not run", "")
    assert daemon_host.services.running


def test_for_the_next_boot_it_is_installed_and_not_started(daemon_host: DaemonHost) -> None:
    done = daemon_host.bring(**daemon_host.sent("a"), start=False)
    assert done["changed"] and daemon_host.services.running is None
    assert daemon_host.services.service.enabled()
    for check in (True, False):
        assert daemon_host.bring(start=False, check_mode=check)["changed"] is False
    # The boot starts it; check mode knows that before there is anything of it.
    assert daemon_host.bring(check_mode=True)["reason"] == "pcibackd does not run"
    foreseen = daemon_host.bring(check_mode=True, after_reboot=True, source_sha256="b" * 64)
    assert foreseen == {"changed": False, "reason": "", "needs": "nothing", "outdated": ""}
    assert daemon_host.bring(after_reboot=True)["changed"] and daemon_host.services.running


def test_new_sources_replace_it_unless_guests_have_devices(daemon_host: DaemonHost) -> None:
    daemon_host.bring(**daemon_host.sent("a"))
    daemon_host.bring(**daemon_host.sent("b"))
    assert (daemon_host.services.running or {})["source_sha256"] == "b" * 64
    daemon_host.services.begin("b" * 64, guests=[3])
    sent = daemon_host.sent("c")
    done = bring(daemon_host.run, daemon_host.find, daemon_host.state, replace(daemon_host.request, **sent))  # type: ignore[arg-type]
    assert (daemon_host.services.running or {})["source_sha256"] == "b" * 64
    assert "is older than the installed one and was left running" in done.values["outdated"]
    assert list(done.warnings) == [done.values["outdated"]]
    converged = daemon_host.bring(source_sha256="c" * 64)
    assert (converged["changed"], converged["outdated"]) == (False, done.values["outdated"])


def test_pcibackd_that_is_not_wanted_any_more_goes(daemon_host: DaemonHost) -> None:
    daemon_host.bring(**daemon_host.sent("a"))
    daemon_host.services.begin("a" * 64, guests=[3])
    for check_mode in (True, False):
        with pytest.raises(PcibackError, match="while domains have devices of it: 3"):
            daemon_host.bring(daemon=False, check_mode=check_mode)
    kept = daemon_host.bring(daemon=False, keeps_daemon=True)
    assert kept == {"changed": False, "reason": "", "needs": "nothing"} and daemon_host.services.running
    # No guest has one any more by then.
    rebooted = daemon_host.bring(daemon=False, check_mode=True, after_reboot=True)
    daemon_host.services.begin("a" * 64)
    foreseen = daemon_host.bring(daemon=False, check_mode=True)
    done = daemon_host.bring(daemon=False)
    assert (
        rebooted
        == foreseen
        == done
        == {"changed": True, "reason": "pcibackd is installed and not wanted", "needs": "nothing"}
    )
    assert daemon_host.services.running is None
    assert daemon_host.files() == ["local/sbin/pcibackctl"]
    assert daemon_host.bring(daemon=False)["changed"] is False


def test_new_sources_without_pcibackd_end_it(daemon_host: DaemonHost) -> None:
    daemon_host.bring(**daemon_host.sent("a"))
    assert daemon_host.bring(**daemon_host.sent("b"), daemon=False)["changed"]
    assert daemon_host.services.running is None
    assert daemon_host.files() == ["local/sbin/pcibackctl"]


def test_pcibackd_goes_without_a_trace(daemon_host: DaemonHost) -> None:
    daemon_host.bring(**daemon_host.sent("a"))
    foreseen = daemon_host.remove(check_mode=True)
    assert daemon_host.services.running
    assert daemon_host.remove() == foreseen
    assert daemon_host.services.running is None
    assert daemon_host.files() == [] and sorted(path.name for path in daemon_host.folder.iterdir()) == ["archive.tar"]
    assert daemon_host.remove()["changed"] is False


def test_it_is_not_removed_under_guests(daemon_host: DaemonHost) -> None:
    daemon_host.bring(**daemon_host.sent("a"))
    daemon_host.services.begin("a" * 64, guests=[3])
    before = daemon_host.files()
    for check_mode in (True, False):
        with pytest.raises(PcibackError, match="while domains have devices of it: 3"):
            daemon_host.remove(check_mode)
    assert daemon_host.files() == before and daemon_host.services.running


def test_sources_without_a_service_are_refused_before_anything_changes(daemon_host: DaemonHost) -> None:
    left_out = f"share/xen-pciback/{SOURCES[daemon_host.services.kind]}"
    with pytest.raises(PcibackError, match=f"no pcibackd with a service for this host: .*{left_out} is missing"):
        daemon_host.bring(**daemon_host.sent("a", left_out))
    assert daemon_host.files() == []


def test_a_link_in_the_place_of_the_service_is_refused(daemon_host: DaemonHost) -> None:
    place = Path(next(iter(daemon_host.services.service.files(b""))))
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/null")
    with pytest.raises(PcibackError, match=f"{place}: it is a symbolic link"):
        daemon_host.bring(**daemon_host.sent("a"))
    assert daemon_host.services.running is None


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """The trials of a host whose init system has to be told to start pciback-trial."""
    made = mock.Mock(**{"starts.return_value": False})
    made.placed.side_effect = lambda staged: {path: data for path, data in staged.items() if "rc.d" not in path}
    made.enable.side_effect = lambda: made.starts.configure_mock(return_value=True)
    monkeypatch.setattr(platforms, "here", lambda _run: mock.Mock(trials=lambda: made, guests_service=lambda: None))
    for module in (native_inspect, native_component):
        monkeypatch.setattr(module, "TRIAL", str(tmp_path / "sbin/pciback-trial"))
    return made


def test_the_program_of_trials_comes_and_goes(tmp_path: Path, trials: mock.Mock) -> None:
    host = Host(tmp_path)
    path = tmp_path / "archive.tar"
    with tarfile.open(path, "w") as tar:
        for name in (host.control, tmp_path / "sbin/pciback-trial", tmp_path / "etc/rc.d/pciback_trial"):
            tar.addfile(tarfile.TarInfo(str(name).lstrip("/")), io.BytesIO())
    done = host.bring(trial=True, archive=str(path), archive_compiler="zig 0.13")
    assert done["changed"] is True
    assert (tmp_path / "sbin/pciback-trial").exists() and not (tmp_path / "etc/rc.d").exists()
    assert trials.starts()
    assert host.bring(trial=True)["changed"] is False
    # Somebody has told the init system otherwise.
    trials.starts.return_value = False
    assert host.bring(trial=True, check_mode=True)["reason"] == "pciback-trial does not start with the host"
    assert not trials.starts()
    assert host.bring(trial=True)["changed"] is True
    assert trials.starts()
    remove(host.run, host.state, who="test", check_mode=False)
    assert trials.disable.called
    assert not (tmp_path / "sbin").exists()


def test_nothing_is_built_for_a_host_that_would_not_start_it(tmp_path: Path, trials: mock.Mock) -> None:
    trials.check_start.side_effect = PcibackError("nothing starts it")
    with pytest.raises(PcibackError, match="nothing starts it"):
        Host(tmp_path, "cc", "make").bring(trial=True)


def test_a_system_without_trials_gets_no_program_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platforms, "here", lambda _run: mock.Mock(trials=lambda: None))
    with pytest.raises(PcibackError, match="no use on a system whose boots can't undo themselves"):
        Host(tmp_path, "cc", "make").bring(trial=True)


def test_a_host_without_the_program_of_trials_that_is_wanted(tmp_path: Path, trials: mock.Mock) -> None:
    host = Host(tmp_path, "cc", "make")
    archive = host.archive("core/a.c", b"source")
    host.bring(archive=archive)
    assert host.bring()["needs"] == "nothing"
    asked = host.bring(trial=True)
    assert (asked["reason"], asked["needs"]) == ("pciback-trial was not installed", "sources")
    assert host.bring(trial=True, method="cross")["trial"] is True
