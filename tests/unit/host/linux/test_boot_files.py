# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a Linux dom0's boot are read and written, and menu and initramfs are made of them, on a tree in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot as linux_boot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import BootEdit, ForeignList, LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_files import (
    PENDING,
    Host,
    apply,
    commands,
    default_menu,
    read,
)
from tests.linux_dom0 import LinuxDom0

MENU = "/boot/grub/grub.cfg"
CARD = parse_address("00:05.0")


class Place:
    """A dom0 in a folder, and its records beside it."""

    def __init__(self, folder: Path) -> None:
        self.dom0 = LinuxDom0(folder)
        self.host = Host(str(self.dom0.root))
        self.records = folder / "db"
        self.pending = self.records / PENDING

    def read(self, menu: str = MENU) -> LinuxBoot:
        return read(menu, str(self.records), self.host, str(self.dom0.sys))

    def apply(self, *, backup: bool = False) -> str:
        """Hide the card."""
        boot = self.read()
        return apply(self.dom0.run, boot, boot.edit([CARD]), str(self.records), backup=backup, host=self.host)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_tree_in_a_folder_has_the_names_of_the_host() -> None:
    host = Host("/tmp/x")
    assert (host.path("/etc/default/grub"), host.name("/tmp/x/etc/default/grub")) == (
        "/tmp/x/etc/default/grub",
        "/etc/default/grub",
    )
    assert host.name("/etc") == "/etc"
    assert (Host().path("/etc"), Host().name("/etc")) == ("/etc", "/etc")


@pytest.mark.parametrize(
    ("there", "menu"),
    [
        ([], "/boot/grub/grub.cfg"),
        (["/boot/grub2/grub.cfg"], "/boot/grub2/grub.cfg"),
        (["/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"], "/boot/grub/grub.cfg"),
    ],
)
def test_the_menu_is_at_one_of_the_usual_places(tmp_path: Path, there: list[str], menu: str) -> None:
    for name in there:
        (tmp_path / name[1:]).parent.mkdir(parents=True)
        (tmp_path / name[1:]).touch()
    assert default_menu(Host(str(tmp_path))) == menu


# --- reading


def test_a_host_that_was_never_touched(place: Place) -> None:
    boot = place.read()
    assert boot.menu == place.dom0.path(MENU).read_bytes()
    assert boot.files == dict.fromkeys(linux_boot.MODES)
    assert (boot.early, boot.foreign, boot.pending) == (linux_boot.INITRAMFS_TOOLS, (), False)
    assert boot.modules[CARD] == ("e1000",)
    assert boot.modules[parse_address("00:06.0")] == ("8139cp", "8139too")


def test_a_menu_that_can_not_be_read_is_kept_as_the_error(place: Place) -> None:
    menu = place.read("/boot/nowhere.cfg").menu
    assert isinstance(menu, PcibackError)
    assert (menu.code, menu.message) == ("boot-config-invalid", "it does not exist")


@pytest.mark.parametrize(
    ("tools", "early"),
    [
        (["update-initramfs"], linux_boot.INITRAMFS_TOOLS),
        (["dracut"], linux_boot.DRACUT),
        (["update-initramfs", "dracut"], linux_boot.INITRAMFS_TOOLS),
        ([], ""),
    ],
)
def test_what_makes_the_initramfs(place: Place, tools: list[str], early: str) -> None:
    place.dom0.path("/usr/sbin/update-initramfs").unlink()
    for tool in tools:
        place.dom0.write_file(f"/usr/sbin/{tool}", "", 0o755)
    assert place.read().early == early


def test_lists_of_others_are_found_and_ours_is_none_of_them(place: Place) -> None:
    for name in ("/etc/default/grub.d/zz.cfg", grub.SETTINGS):
        place.dom0.write_file(name, 'GRUB_CMDLINE_LINUX="xen-pciback.hide=(00:07.0)"\n')
    boot = place.read()
    assert boot.foreign == (ForeignList("/etc/default/grub.d/zz.cfg", 1, "GRUB_CMDLINE_LINUX", "(00:07.0)"),)
    assert boot.files[grub.SETTINGS] == place.dom0.path(grub.SETTINGS).read_bytes()


def test_without_a_list_of_modules_none_are_known(place: Place) -> None:
    for file in place.dom0.path("/lib/modules").rglob("modules.alias"):
        file.unlink()
    assert place.read().modules == {}


# --- what has to be run


@pytest.mark.parametrize(
    ("menu", "initramfs", "early", "expected"),
    [
        (False, False, linux_boot.DRACUT, []),
        (True, False, linux_boot.DRACUT, [["/usr/sbin/grub-mkconfig"]]),
        (False, True, linux_boot.DRACUT, [["/usr/bin/dracut", "--force", "--regenerate-all"]]),
        (
            True,
            True,
            linux_boot.INITRAMFS_TOOLS,
            [["/usr/sbin/grub-mkconfig"], ["/usr/sbin/update-initramfs", "-u", "-k", "all"]],
        ),
    ],
)
def test_commands(place: Place, menu: bool, initramfs: bool, early: str, expected: list[list[str]]) -> None:
    place.dom0.write_file("/usr/bin/dracut", "", 0o755)
    edit = BootEdit((), None, menu, initramfs)
    assert commands(edit, LinuxBoot(MENU, b"", early=early), place.host) == expected


@pytest.mark.parametrize(
    ("menu", "sentence"),
    [
        (True, "the menu can't be made: there is none of /usr/sbin/grub-mkconfig, /usr/sbin/grub2-mkconfig"),
        (False, "the initramfs can't be made: there is none of /usr/bin/dracut, /usr/sbin/dracut"),
    ],
)
def test_a_tool_that_is_missing(tmp_path: Path, menu: bool, sentence: str) -> None:
    with pytest.raises(PcibackError) as refused:
        commands(BootEdit((), None, menu, not menu), LinuxBoot(MENU, b"", early=linux_boot.DRACUT), Host(str(tmp_path)))
    assert (str(refused.value), refused.value.code) == (sentence, "boot-config-invalid")


# --- writing


def test_files_are_written_and_menu_and_initramfs_made_of_them(place: Place) -> None:
    before = place.dom0.path(MENU).read_bytes()
    backup = place.apply(backup=True)
    assert Path(backup).read_bytes() == before
    assert b"xen-pciback.hide=(0000:00:05.0)" in place.dom0.path(MENU).read_bytes()
    assert place.dom0.initramfs["conf/modules"] == b"xen-pciback\n"
    assert place.dom0.path(linux_boot.INITRAMFS_TOOLS).stat().st_mode & 0o777 == 0o755
    assert not place.pending.exists()
    assert not place.read().edit([CARD]).changed
    assert place.apply() == "", "nothing is left to do"


def test_a_menu_that_can_not_be_made_leaves_all_as_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.dom0.tree()
    monkeypatch.setattr(place.dom0, "_grub_mkconfig", lambda _words: (1, "", "a warning\nno space left\n"))
    with pytest.raises(PcibackError) as failed:
        place.apply()
    assert str(failed.value) == "'/usr/sbin/grub-mkconfig' failed with status 1: no space left"
    assert (place.dom0.tree(), place.pending.exists()) == (before, False)


def test_an_initramfs_that_can_not_be_made_is_made_by_the_next_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(place.dom0, "_update_initramfs", lambda _words: (1, "", ""))
        with pytest.raises(PcibackError, match="failed with status 1: it said nothing"):
            place.apply()
    assert place.pending.exists() and place.read().pending
    place.apply()
    assert not place.pending.exists()
    assert place.dom0.initramfs["conf/modules"] == b"xen-pciback\n"


@pytest.mark.parametrize(
    ("text", "language"),
    [('#  by update-locale\nLANG="de_DE.UTF-8"\n', "de_DE.UTF-8"), ("LANG=C\nLC_ALL=x\n", "C"), ("LANG=$(x)\n", "")],
)
def test_the_menu_is_made_in_the_language_of_the_host(place: Place, text: str, language: str) -> None:
    place.dom0.write_file("/etc/default/locale", text)
    place.apply()
    assert place.dom0.language == language
