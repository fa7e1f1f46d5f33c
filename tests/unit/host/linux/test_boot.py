# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change so that a Linux dom0's next boot hides devices."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot as linux_boot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import ForeignList, LinuxBoot

DEBIAN = (Path(__file__).parents[2] / "formats/data/debian-12-xen-grub.cfg").read_bytes()
WITHOUT = DEBIAN.replace(b" xen-pciback.hide=(00:05.0)(00:06.1)", b"")
CARD, NVME = parse_address("00:05.0"), parse_address("01:00.0")
BOOT = LinuxBoot(
    path=grub.MENU,
    menu=WITHOUT,
    files=dict.fromkeys(linux_boot.MODES),
    early=linux_boot.INITRAMFS_TOOLS,
    modules={CARD: ("e1000",), NVME: ("nvme",)},
)
ADDRESSES = st.builds(Address, st.integers(0, 3), st.integers(0, 0xFF), st.integers(0, 0x1F), st.integers(0, 7))


def applied(boot: LinuxBoot, edit: linux_boot.BootEdit) -> LinuxBoot:
    """The host after an edit; grub-mkconfig puts our list behind all others of an entry that starts Xen."""
    files = {**boot.files, **{each.path: each.after for each in edit.files}}
    menu = boot.menu
    if edit.menu:
        word = b"" if edit.value is None else f" xen-pciback.hide={edit.value}".encode()
        menu = re.sub(
            rb"(?m)^(\s*module2\s+/boot/vmlinuz.*?)(?: xen-pciback.hide=\S*)*[ ]*$", rb"\g<1>" + word, WITHOUT
        )
    return replace(boot, files=files, menu=menu, pending=False)


@given(st.lists(st.lists(ADDRESSES, max_size=5, unique=True), min_size=1, max_size=4), st.booleans())
def test_an_edit_leaves_nothing_to_do_and_the_last_one_counts(lists, previous):
    boot = BOOT
    for addresses in lists:
        boot = applied(boot, boot.edit(addresses, previous=previous))
        assert not boot.edit(addresses, previous=previous).changed
    entries = linux_boot.xen_entries(boot.read_menu())
    expected = ("".join(f"({address})" for address in lists[-1]),) if lists[-1] else ()
    assert {entry.lists for entry in entries} == {expected}
    assert (boot.files == BOOT.files) == (not lists[-1])


def test_the_files():
    files = applied(BOOT, BOOT.edit([NVME, CARD])).files
    assert b'XEN_REPLACE="${' in files[grub.SETTINGS]
    assert files[linux_boot.SOFTDEP].endswith(b"softdep e1000 pre: xen-pciback\nsoftdep nvme pre: xen-pciback\n")
    assert files[linux_boot.INITRAMFS_TOOLS].startswith(b"#!/bin/sh\n")
    assert files[linux_boot.DRACUT] is None
    assert b"(previous pciback)" in files[grub.PREVIOUS_SCRIPT]


def test_dracut():
    files = applied(BOOT, replace(BOOT, early=linux_boot.DRACUT).edit([CARD])).files
    assert files[linux_boot.DRACUT].endswith(b'force_drivers+=" xen-pciback "\n')
    assert files[linux_boot.INITRAMFS_TOOLS] is None


def test_an_initramfs_is_not_made_for_another_card_of_the_same_driver():
    twin = parse_address("00:06.1")
    boot = replace(BOOT, modules={**BOOT.modules, twin: ("e1000",)})
    edit = applied(boot, boot.edit([CARD])).edit([CARD, twin])
    assert (edit.menu, edit.initramfs) == (True, False)


def test_what_was_interrupted_is_made_again():
    boot = replace(applied(BOOT, BOOT.edit([CARD])), pending=True)
    edit = boot.edit([CARD])
    assert (edit.files, edit.menu, edit.initramfs, edit.changed) == ((), True, True, True)
    assert boot.without(BOOT.files).menu


def test_a_list_of_the_owner_is_overridden_even_by_nothing():
    mine = ForeignList("/etc/default/grub", 3, "GRUB_CMDLINE_LINUX", "(00:05.0)")
    boot = replace(BOOT, menu=DEBIAN, foreign=(mine,))
    assert boot.own_list() == "(00:05.0)(00:06.1)"
    assert boot.edit([]).value == ""
    assert boot.warnings() == (
        "/etc/default/grub, line 3: GRUB_CMDLINE_LINUX sets xen-pciback.hide=(00:05.0); "
        "the list of this collection comes later and counts",
    )


def test_our_list_is_not_the_owner_s():
    assert applied(BOOT, BOOT.edit([CARD])).own_list() is None


def test_lists_in_settings():
    text = (
        '#GRUB_CMDLINE_LINUX="xen-pciback.hide=(00:01.0)"\n'
        'GRUB_CMDLINE_LINUX="quiet xen-pciback.hide=(00:05.0) xen_pciback.hide=(00:06.0)"\n'
        "export GRUB_CMDLINE_LINUX_DEFAULT+='xen-pciback.hide=(00:07.*)'\n"
    )
    assert [(found.line, found.variable, found.value) for found in linux_boot.find_lists(text, "grub")] == [
        (2, "GRUB_CMDLINE_LINUX", "(00:05.0)"),
        (2, "GRUB_CMDLINE_LINUX", "(00:06.0)"),
        (3, "GRUB_CMDLINE_LINUX_DEFAULT", "(00:07.*)"),
    ]


@given(st.text(max_size=200))
def test_any_text_can_be_looked_through(text):
    assert all(found.line >= 1 for found in linux_boot.find_lists(text, "grub"))


@pytest.mark.parametrize(
    ("menu", "value", "problem"),
    [
        (WITHOUT, "(0000:00:05.0)", "would hide nothing, not (0000:00:05.0)"),
        (DEBIAN, "", "would hide (00:05.0)(00:06.1), not nothing"),
        (DEBIAN[: DEBIAN.index(b"### BEGIN /etc/grub.d/20_linux_xen")], None, "no entry that starts Xen any more"),
        (
            DEBIAN.replace(b'set default="Debian GNU/Linux, with Xen hypervisor"', b'set default="0"'),
            None,
            "it boots 'Debian GNU/Linux' by default, not 'Debian GNU/Linux, with Xen hypervisor'",
        ),
    ],
)
def test_a_menu_that_must_not_be_used(menu, value, problem):
    with pytest.raises(PcibackError) as refused:
        linux_boot.check_menu(menu, grub.MENU, value, grub.read_menu(DEBIAN).default)
    assert problem in str(refused.value) and refused.value.code == "prediction-mismatch"


def test_a_menu_as_wanted():
    linux_boot.check_menu(DEBIAN, grub.MENU, "(00:05.0)(00:06.1)", grub.read_menu(DEBIAN).default)
    linux_boot.check_menu(WITHOUT, grub.MENU, None, None)


def test_a_list_that_is_too_long():
    with pytest.raises(PcibackError) as refused:
        BOOT.edit([Address(0, bus, 0, 0) for bus in range(80)])
    assert refused.value.code == "list-too-long"
