# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an installed native component is trusted."""

from __future__ import annotations

import json
import stat
from types import SimpleNamespace
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect, native_install
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_build import find_make
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import DaemonState, NativeState
from tests.service_host import KINDS, RC, SYSTEMD, ServiceHost
from tests.unit.engines.native import ORIGIN, remove


def inspect(installed, **changes):
    prefix, record = installed
    wanted = {"source_sha256": "a" * 64, "compiler": "cc 12.2.0", "flags": "", **changes}
    return native_inspect.inspect(StateDirectory(str(record.parent)), prefix=str(prefix), **wanted)


def test_what_was_installed_is_ready(installed):
    assert inspect(installed).ready
    assert stat.S_IMODE((installed[0] / "sbin/pcibackctl").stat().st_mode) == 0o755
    assert stat.S_IMODE((installed[0] / "man/x.8").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source_sha256": "b" * 64}, "its sources have changed"),
        ({"compiler": "cc 13.0.0"}, "the host's compiler has changed"),
        ({"flags": "-O3"}, "its compiler flags have changed"),
    ],
)
def test_changed_origin_needs_a_new_build(installed, changes, reason):
    assert inspect(installed, **changes) == NativeState(False, reason)


def test_what_is_not_asked_for_does_not_matter(installed):
    assert inspect(installed, source_sha256=None, compiler=None, flags=None).ready


@pytest.mark.parametrize("name", ["sbin/pcibackctl", "man/x.8"])
def test_tampered_and_missing_files_are_named(installed, name):
    path = installed[0] / name
    path.write_bytes(b"something else")
    assert inspect(installed).reason == f"{path} is not the file that was installed and checked"
    path.unlink()
    assert inspect(installed).reason == f"{path} is missing"
    path.symlink_to("/bin/true")
    assert inspect(installed).reason == f"{path} is missing", "a link is not the installed file"


def test_a_program_that_can_not_be_run_is_not_ready(installed):
    control = installed[0] / "sbin/pcibackctl"
    control.chmod(0o644)
    assert inspect(installed).reason == f"{control} has lost the right to be run"


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"schema": "xen.pciback/native/2"}', '{"schema": 1', "\xff"])
def test_a_record_that_can_not_be_understood_verifies_nothing(installed, text):
    record = installed[1]
    record.unlink()
    if text is not None:
        record.write_text(text, encoding="latin-1")
    assert inspect(installed).reason == f"nothing of it is recorded in {record}"


@pytest.mark.parametrize("files", [5, None, ["/usr/local/sbin/pcibackctl"], {"sbin/pcibackctl": "0" * 64}, {"/x": 1}])
def test_a_record_of_other_types_verifies_nothing(installed, files):
    prefix, record = installed
    document = {**json.loads(record.read_text()), "files": files}
    record.write_text(json.dumps(document))
    assert inspect(installed).reason == f"nothing of it is recorded in {record}"
    record.with_name("originals.json").unlink()
    assert remove(record).paths == (str(record),)
    assert (prefix / "sbin/pcibackctl").exists()


def test_other_prefix(installed, tmp_path):
    state = native_inspect.inspect(StateDirectory(str(installed[1].parent)), prefix=str(tmp_path / "other"))
    assert "was not installed under" in state.reason


def test_the_compiler_is_looked_for_where_paths_of_ssh_do_not_lead():
    places = {"gcc": "/usr/bin/gcc", "make": "/usr/bin/make"}
    asked = []

    def find(name, opt_dirs=None):
        asked.append((name, opt_dirs))
        return places.get(name)

    assert (native_inspect.find_compiler(find), find_make(find)) == ("/usr/bin/gcc", "/usr/bin/make")
    directories = ["/usr/pkg/bin", "/usr/local/bin"]
    assert asked == [("cc", directories), ("gcc", None), ("make", directories)]


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ((0, "cc (nb3 20190319) 7.4.0\nCopyright\n", ""), "cc (nb3 20190319) 7.4.0"),
        ((0, "", ""), None),
        ((1, "x", ""), None),
    ],
)
def test_the_version_is_the_first_line(answer, version):
    assert native_inspect.compiler_version(lambda argv: answer, "/usr/bin/cc") == version
    assert native_inspect.compiler_version(lambda argv: answer, None) is None


# --- pcibackd


@pytest.fixture(params=KINDS)
def host(request, tmp_path):
    """A host on which pcibackd was installed and runs."""
    found = ServiceHost(tmp_path / "root", request.param)
    prefix = f"{found.root}/local"
    programs = {f"{prefix}/sbin/{name}": b"a" * 64 for name in ("pcibackctl", "pcibackd")}
    state = StateDirectory(str(tmp_path / "db"))
    native_install.install({**programs, **found.service.files(b"text")}, state, **ORIGIN)
    found.service.enable()
    found.service.start()
    found.calls.clear()
    with found.in_place():
        yield found


def daemon(host, **changes):
    state = StateDirectory(str(host.root.parent / "db"))
    native = native_inspect.inspect(state, prefix=f"{host.root}/local", run=host.run, **{"daemon": True, **changes})
    return native.ready, native.daemon


def test_a_service_that_runs_is_ready(host):
    native_ready, found = daemon(host)
    assert (native_ready, found.installed, found.ready, found.reason, found.outdated) == (True, True, True, "", "")
    assert found.status.pid == 4711
    assert host.calls == ["pcibackctl status --json"]


def test_who_does_not_ask_for_it_pays_nothing(host):
    assert daemon(host, daemon=False) == (True, DaemonState(True))
    assert host.calls == []


def test_one_that_does_not_run(host):
    host.end()
    native_ready, found = daemon(host)
    assert native_ready and not found.ready and found.reason == "pcibackd does not run"


def test_one_that_hangs(host):
    with mock.patch.object(host, "run", lambda argv: (1, "", "pcibackctl: pcibackd gave no answer")):
        native_ready, found = daemon(host)
    assert (native_ready, found.installed, found.ready) == (True, True, False)
    assert "pcibackd does not tell its state: " in found.reason


def test_a_damaged_file_of_the_service(host):
    path = next(iter(host.service.files(b"text")))
    with open(path, "a") as file:
        file.write("x")
    native_ready, found = daemon(host)
    sentence = f"{path} is not the file that was installed and checked"
    assert (native_ready, found.installed, found.ready, found.reason) == (False, True, False, sentence)
    assert found.status.pid == 4711, "who has devices of it has to be known all the same"


def test_other_sources_are_wanted_than_those_that_run(host):
    native_ready, found = daemon(host, source_sha256="b" * 64)
    assert (native_ready, found.ready, found.reason) == (False, False, "its sources have changed")
    assert found.status.pid == 4711


def test_a_pcibackctl_that_is_not_the_installed_one_is_not_run(host):
    with open(f"{host.root}/local/sbin/pcibackctl", "a") as file:
        file.write("x")
    assert daemon(host)[1].status is None
    assert host.calls == []


def test_another_init_system_needs_another_file(host):
    host.kind = RC if host.kind != RC else SYSTEMD
    native_ready, found = daemon(host)
    assert (native_ready, found.installed) == (True, False)
    assert found.reason == "pcibackd was not installed for the init system of this host"


def test_no_init_system(host):
    def service():
        raise PcibackError("no init system is known here")

    with mock.patch.object(platforms, "here", lambda _run: SimpleNamespace(service=service)):
        assert daemon(host) == (True, DaemonState(True, reason="no init system is known here"))


def test_pcibackctl_alone_is_no_daemon(installed):
    not_running = mock.Mock(return_value=(1, "", "pcibackctl: pcibackd is not running: nobody listens"))
    found = inspect(installed, daemon=True, run=not_running).daemon
    assert found == DaemonState(reason="pcibackd was not installed")
    assert inspect(installed).daemon == DaemonState()


def test_one_that_somebody_else_runs(installed):
    status = {"schema": "xen.pciback/status/1", "pid": 7, "guests": [], "held_back": [], "taken": []}
    found = inspect(installed, daemon=True, run=lambda argv: (0, json.dumps(status), "")).daemon
    assert (found.installed, found.ready, found.reason) == (False, False, "pcibackd was not installed")
    assert found.status.pid == 7


def test_nothing_is_there(tmp_path):
    native = native_inspect.inspect(StateDirectory(str(tmp_path)), daemon=True)
    assert native.daemon == DaemonState(reason=native.reason)
