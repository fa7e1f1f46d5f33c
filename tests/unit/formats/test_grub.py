# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address

DEBIAN = (Path(__file__).parent / "data" / "debian-12-xen-grub.cfg").read_bytes()
TWO = [parse_address("00:05.0"), parse_address("00:06.1")]


def test_the_menu_of_a_real_dom0():
    menu = grub.read_menu(DEBIAN)
    assert [entry.kind for entry in menu.entries].count(grub.XEN) == 5
    assert menu.default is not None
    assert menu.default.title == "Debian GNU/Linux, with Xen hypervisor"
    assert menu.default.lists == ("(00:05.0)(00:06.1)",)
    assert menu.default.command_line.startswith("placeholder root=UUID=")
    deep = menu.entries[-1]
    assert deep.path[0] == "Advanced options for Debian GNU/Linux (with Xen hypervisor)"
    assert len(deep.path) == len(deep.ids) == 3


def with_default(value: str) -> bytes:
    return DEBIAN.replace(b'set default="Debian GNU/Linux, with Xen hypervisor"', f'set default="{value}"'.encode())


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("0", "Debian GNU/Linux"),
        ("2", "Debian GNU/Linux, with Xen hypervisor"),
        ("xen-gnulinux-simple-940ce59c-3030-47fc-a8e8-188302eb9fdf", "Debian GNU/Linux, with Xen hypervisor"),
        ("1>1", "Advanced options for Debian GNU/Linux > Debian GNU/Linux, with Linux 6.1.0-56-amd64 (recovery mode)"),
        ("no such entry", "Debian GNU/Linux"),
        ("99", "Debian GNU/Linux"),
        (5000 * "9", "Debian GNU/Linux"),
        (5000 * "0" + "2", "Debian GNU/Linux, with Xen hypervisor"),
        ("\u00b2", "Debian GNU/Linux"),
    ],
)
def test_default(value, title):
    menu = grub.read_menu(with_default(value))
    assert menu.default is not None
    assert menu.default.title == title


def test_a_saved_default_is_not_known():
    assert grub.read_menu(with_default("${saved_entry}")).default is None


def test_settings_reach_only_entries_that_start_xen():
    """The file is shell; it is given to one, as grub-mkconfig does."""
    text = grub.settings(TWO).decode()
    script = f"GRUB_CMDLINE_LINUX='console=hvc0'\n{text}\nprintf '%s|%s' \"$GRUB_CMDLINE_LINUX\" \"$GRUB_CMDLINE_LINUX_XEN_REPLACE\""
    done = subprocess.run(["/bin/sh", "-euc", script], check=True, capture_output=True, text=True)
    assert done.stdout == "console=hvc0|console=hvc0 xen-pciback.hide=(0000:00:05.0)(0000:00:06.1)"
    done = subprocess.run(
        ["/bin/sh", "-euc", f"GRUB_CMDLINE_LINUX_XEN_REPLACE=quiet\n{script}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("|quiet xen-pciback.hide=(0000:00:05.0)(0000:00:06.1)")


@pytest.mark.parametrize("value", ["(00:07.0)", None])
def test_the_previous_entry_boots_the_same_kernel_with_the_list_from_before(value, tmp_path):
    entry = grub.read_menu(DEBIAN).default
    script = tmp_path / "42_xen_pciback"
    script.write_bytes(grub.previous_script(entry, value))
    printed = subprocess.run(["/bin/sh", str(script)], check=True, capture_output=True).stdout
    menu = grub.read_menu(DEBIAN + printed)
    kept = menu.entries[-1]
    assert kept.path == ("Debian GNU/Linux, with Xen hypervisor (previous pciback)",)
    assert kept.ids == (grub.PREVIOUS_ID,)
    assert kept.lists == (() if value is None else (value,))
    assert kept.kind == grub.XEN
    assert kept.command_line.split()[:4] == entry.command_line.split()[:4]
    assert menu.default.line == entry.line, "it is never the default"
    assert kept.text.count("\n") == entry.text.count("\n")


def test_quotes_in_titles(tmp_path):
    data = b"menuentry 'it'\\''s \"mine\"' --class xen {\n\tmultiboot2 /xen.gz placeholder\n\tmodule2 /vmlinuz placeholder ro\n}\n"
    entry = grub.read_menu(data).default
    assert entry.path == ('it\'s "mine"',)
    script = tmp_path / "script"
    script.write_bytes(grub.previous_script(entry, None))
    printed = subprocess.run(["/bin/sh", str(script)], check=True, capture_output=True).stdout
    assert grub.read_menu(printed).entries[0].path == ('it\'s "mine" (previous pciback)',)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"menuentry 'open {\n}\n", "line 1: the title of an entry has an open quote"),
        (b"\nmenuentry 'Xen' {\n", "line 2: 'Xen' does not end"),
        (b"menuentry 'a' {\nmenuentry 'b' {\n}\n}\n", "line 2: an entry begins inside another one"),
        (b"menuentry  {\n}\n", "line 1: an entry has no title"),
        (b"#" * (grub.MAX_MENU + 1), "it has 4194305 bytes, and a menu of GRUB never has more than 4194304"),
    ],
)
def test_what_is_no_menu(data, sentence):
    with pytest.raises(PcibackError, match=sentence) as caught:
        grub.read_menu(data)
    assert caught.value.code == "boot-config-invalid"
    assert caught.value.remedy


words = st.sampled_from(
    [
        "menuentry 'a' {",
        "submenu 'b' --id x {",
        "}",
        "\tmodule2 /k a",
        "multiboot2 /x",
        'set default="1>0"',
        "if x; then",
        "{",
        "'",
    ]
)


@given(st.lists(words, max_size=12))
def test_any_lines_are_read_or_refused(lines):
    try:
        menu = grub.read_menu("\n".join(lines).encode())
    except PcibackError as refusal:
        assert refusal.code == "boot-config-invalid"
        return
    assert all(entry.text.count("\n") >= 1 for entry in menu.entries)
