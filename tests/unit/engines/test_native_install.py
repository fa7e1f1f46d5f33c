# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the files of the native component are put in place, and how they go."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect, native_install
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from tests.unit.engines.native import ORIGIN, remove


def test_another_prefix_leaves_nothing_behind_in_the_old_one(installed, tmp_path):
    prefix, record = installed
    (prefix / "man/x.8").unlink()
    (prefix / "sbin/other").write_bytes(b"not ours")
    where = StateDirectory(str(record.parent))
    _record, warnings = native_install.install({f"{tmp_path}/opt/sbin/pcibackctl": b"binary"}, where, **ORIGIN)
    assert warnings == ()
    assert os.listdir(prefix / "sbin") == ["other"]
    assert native_inspect.inspect(StateDirectory(str(record.parent)), prefix=str(tmp_path / "opt")).ready


def test_remove_takes_exactly_what_was_recorded(installed):
    prefix, record = installed
    stranger = prefix / "sbin/stranger"
    stranger.touch()
    removal = remove(record)
    assert sorted(removal.paths) == sorted(
        [f"{prefix}/sbin/pcibackctl", f"{prefix}/man/x.8", f"{prefix}/man", str(record)]
    )
    assert removal.warnings == ()
    assert [path.name for path in prefix.rglob("*")] == ["sbin", "stranger"]
    assert os.listdir(record.parent) == []
    assert remove(record) == native_install.Removal((), (), (), ())


def test_remove_leaves_nothing_but_directories_that_were_there(installed, tmp_path):
    record = installed[1]
    (tmp_path / "opt").mkdir()
    native_install.install({f"{tmp_path}/opt/sbin/pcibackctl": b"binary"}, StateDirectory(str(record.parent)), **ORIGIN)
    remove(record)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["db", "opt"]


def test_remove_leaves_what_is_not_the_installed_file_and_says_so(installed):
    prefix, record = installed
    control = prefix / "sbin/pcibackctl"
    control.write_bytes(b"the owner's own")
    (prefix / "man/x.8").unlink()
    removal = remove(record)
    assert removal.warnings == (f"{control} is not the file that was installed; it is left as it is",)
    assert control.read_bytes() == b"the owner's own"
    assert removal.paths == (str(record), f"{prefix}/man")
    assert remove(record).warnings == ()


def test_a_stale_file_that_is_not_ours_stays_too(installed, tmp_path):
    prefix, record = installed
    (prefix / "man/x.8").write_bytes(b"the owner's own")
    where = StateDirectory(str(record.parent))
    _record, warnings = native_install.install({f"{tmp_path}/opt/sbin/pcibackctl": b"binary"}, where, **ORIGIN)
    assert warnings == (f"{prefix}/man/x.8 is not the file that was installed; it is left as it is",)
    assert (prefix / "man/x.8").exists() and not (prefix / "sbin/pcibackctl").exists()


def test_a_file_that_was_there_before_comes_back(tmp_path):
    control, same, record = tmp_path / "sbin/pcibackctl", tmp_path / "sbin/same", tmp_path / "db/native.json"
    control.parent.mkdir()
    control.write_bytes(b"the owner's own")
    control.chmod(0o711)
    same.write_bytes(b"same")
    files = {str(control): b"binary", str(same): b"same"}
    native_install.install(files, StateDirectory(str(record.parent)), **ORIGIN)
    assert control.read_bytes() == b"binary"
    assert remove(record).paths == (str(control), str(record))
    assert (control.read_bytes(), stat.S_IMODE(control.stat().st_mode)) == (b"the owner's own", 0o711)
    assert same.read_bytes() == b"same"


def test_what_an_installation_without_a_record_of_originals_left_goes_too(installed):
    prefix, record = installed
    record.with_name("originals.json").unlink()
    remove(record)
    assert [path for path in prefix.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("left", ["sbin/pcibackctl", "man/x.8", None])
def test_an_interrupted_installation_can_be_removed(installed, left):
    prefix, record = installed
    record.unlink()
    for name in ("sbin/pcibackctl", "man/x.8"):
        if name != left:
            (prefix / name).unlink()
    remove(record)
    assert not prefix.exists()
    assert os.listdir(record.parent) == []


def test_install_refuses_a_link_in_the_place_before_it_changes_anything(tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    link = tmp_path / "link"
    os.symlink(target, link)
    with pytest.raises(PcibackError, match="symbolic link"):
        where = StateDirectory(str(tmp_path / "state"))
        native_install.install({str(tmp_path / "first"): b"x", str(link): b"x"}, where, **ORIGIN)
    assert target.read_text() == "precious"


def test_some_of_the_files_go_and_the_others_stay(installed):
    prefix, record = installed
    where = StateDirectory(str(record.parent))
    page = f"{prefix}/man/x.8"
    assert native_install.uninstall([page, "/never/there"], where) == ()
    assert sorted(path.name for path in prefix.rglob("*") if path.is_file()) == ["pcibackctl"]
    assert list(where.native().value.files) == [f"{prefix}/sbin/pcibackctl"]
    assert native_inspect.inspect(where, prefix=str(prefix)).ready
    assert native_install.uninstall([page], where) == ()
    remove(record)
    assert not prefix.exists()


def test_what_was_there_before_one_of_them_comes_back(installed):
    prefix, record = installed
    where = StateDirectory(str(record.parent))
    (prefix / "etc").mkdir()
    setting = prefix / "etc/setting"
    setting.write_bytes(b"the owner's own")
    program = f"{prefix}/sbin/pcibackctl"
    native_install.install({program: b"binary", str(setting): b"ours"}, where, **ORIGIN)
    assert setting.read_bytes() == b"ours"
    assert native_install.uninstall([str(setting)], where) == ()
    assert setting.read_bytes() == b"the owner's own"
    native_install.install({program: b"binary", str(setting): b"ours"}, where, **ORIGIN)
    setting.write_bytes(b"edited")
    sentence = f"{setting} is not the file that was installed; it is left as it is"
    assert native_install.uninstall([str(setting)], where) == (sentence,)


@pytest.mark.parametrize(
    ("folder", "mode"), [("sbin", 0o755), ("etc/rc.d", 0o755), ("etc/init.d", 0o755), ("etc/rc.conf.d", 0o644)]
)
def test_scripts_can_be_run(tmp_path, folder, mode):
    path = tmp_path / folder / "pcibackd"
    native_install.install({str(path): b"text"}, StateDirectory(str(tmp_path / "db")), **ORIGIN)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("content", [b"text", b"other"])
def test_a_program_that_can_not_be_run_is_repaired(tmp_path, content):
    path, where = tmp_path / "etc/rc.d/pcibackd", StateDirectory(str(tmp_path / "db"))
    files = {f"{tmp_path}/sbin/pcibackctl": b"binary", str(path): b"text"}
    native_install.install(files, where, **ORIGIN)
    path.write_bytes(content)
    path.chmod(0o640)
    native_install.install(files, where, **ORIGIN)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"text", 0o751)
