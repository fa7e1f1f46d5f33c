# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a boot.cfg says, and what loader, Xen and kernel make of it."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg

MENUS = [
    ("", [], None),
    ("banner=Hello\n", [], None),
    ("menu=One:dev\nmenu=Two:boot", ["One", "Two"], 1),
    ("menu = One:dev\nmenu =Two:boot\n menu=Blank:dev\n\tmenu=Tab:dev\n", [" One", "Two"], 1),
    ("menux=One:dev\n", ["One"], 1),
    ("menu=One#comment:help\nmenu=Two:dev # trailing\n#menu=Three:dev\ndefault=2", ["Two"], 1),
    ("menu=:dev\nmenu=NoColon\nmenu=\nmenu=Three:\n", ["dev", "Three"], 1),
    ("menu=Xen 4.17: passthrough:dev\n", ["Xen 4.17"], 1),
    ("menu=A:dev\nmenu=B:dev\ndefault=2\n", ["A", "B"], 2),
    ("menu=A:dev\nmenu=B:dev\ndefault= 2\n", ["A", "B"], 1),
    ("menu=A:dev\nmenu=B:dev\ndefault=2x\n", ["A", "B"], 2),
    ("menu=A:dev\nmenu=B:dev\ndefault=99\n", ["A", "B"], 2),
    ("menu=A:dev\nmenu=B:dev\ndefault=-7\n", ["A", "B"], 1),
    ("menu=A:dev\nmenu=B:dev\ndefault=4294967298\n", ["A", "B"], 2),
    (f"menu=A:dev\nmenu=B:dev\ndefault=1{5000 * '0'}2\n", ["A", "B"], 2),
    (f"menu=A:dev\nmenu=B:dev\ndefault=-1{5000 * '0'}2\n", ["A", "B"], 1),
    ("default=2\nmenu=A:dev\nmenu=B:dev\ndefault=1\n", ["A", "B"], 1),
    ("menu=A:dev\r\nmenu=B:dev\r\ndefault=2\r\n", ["A", "B"], 2),
]


@pytest.mark.parametrize(("text", "titles", "default"), MENUS)
def test_the_menu_is_the_loaders(text: str, titles: list[str], default: int | None) -> None:
    boot_cfg = BootCfg.parse(text.encode())
    assert [entry.title for entry in boot_cfg.entries] == titles
    assert [entry.number for entry in boot_cfg.entries if entry.default] == ([] if default is None else [default])
    assert (boot_cfg.default.number if boot_cfg.default else None) == default
    assert boot_cfg.render() == text.encode()


K79 = "/netbsd-XEN3_DOM0.gz " + "x" * 27 + " pciback.hide="  # 62 characters

DOM0_LINES = [
    ("menu=X:load /n -v;multiboot /x", "-v", None, None, 0, 0),
    ("menu=X:load /n pciback.hide=(0:4.0);multiboot /x", "pciback.hide=(0:4.0)", "(0:4.0)", "load", 1, 29),
    ("menu=X:load  /n  PciBack.Hide=(0:4.0)  ;multiboot /x", "PciBack.Hide=(0:4.0)", "(0:4.0)", "load", 1, 31),
    ("\nload=/n pciback.hide=(0:4.0)\nmenu=X:multiboot /x", "pciback.hide=(0:4.0)", "(0:4.0)", "top-level", 2, 22),
    (
        "menu=X:load /n pciback.hide=(0:4.0);multiboot /x a -- -v pciback.hide=(0:5.0)",
        "pciback.hide=(0:4.0) -v pciback.hide=(0:5.0)",
        "(0:5.0)",
        "multiboot",
        1,
        71,
    ),
    # Xen drops its first word before it looks for ' -- '.
    ("menu=X:load /n;multiboot /x -- pciback.hide=(0:5.0)", "", None, None, 0, 0),
    ("menu=X:load /n;multiboot /x a --  -v", " -v", None, None, 0, 0),
    ("menu=X:load /n;multiboot /x pciback.hide=(0:5.0)", "", None, None, 0, 0),
    ("menu=X:load /n;multiboot /x a\t-- pciback.hide=(0:5.0)", "", None, None, 0, 0),
    # Only a blank ends Xen's first word.
    ("menu=X:load /n\tpciback.hide=(0:5.0);multiboot /x", "", None, None, 0, 0),
    ("menu=X:load /n\t-v -s;multiboot /x", "-s", None, None, 0, 0),
    ("menu=X:load /n -v\tpciback.hide=(0:5.0);multiboot /x", "-v\tpciback.hide=(0:5.0)", None, None, 0, 0),
    # The first load is dom0's, and a later one none.
    ("menu=X:load /n -v;load /m pciback.hide=(0:5.0);multiboot /x", "-v", None, None, 0, 0),
    ("load=/n -v\nmenu=X:load /m pciback.hide=(0:5.0);multiboot /x", "-v", None, None, 0, 0),
    ("menu=X:multiboot /x;load /m pciback.hide=(0:5.0)", "", None, None, 0, 0),
    # 79 characters reach Xen.
    (
        f"menu=X:load {K79}(0:4.0)(00:05.0);multiboot /x",
        f"{'x' * 27} pciback.hide=(0:4.0)(00:05.0)",
        "(0:4.0)(00:05.0)",
        "load",
        1,
        75,
    ),
    (
        f"menu=X:load {K79}(00:04.0)(00:05.0);multiboot /x",
        f"{'x' * 27} pciback.hide=(00:04.0)(00:05.0",
        "(00:04.0)(00:05.0",
        "load",
        1,
        75,
    ),
    ("menu=X:boot netbsd pciback.hide=(0:4.0)", "", None, None, 0, 0),
    ("menu=X:load /n pciback.hide=;multiboot /x", "pciback.hide=", "", "load", 1, 29),
    ("menu=X:load /n pciback.hide=(0:4.0)#;multiboot /x\nmenu=Y:dev", "", None, None, 0, 0),
]


@pytest.mark.parametrize(("text", "dom0_line", "value", "place", "line", "column"), DOM0_LINES)
def test_what_dom0_gets(
    text: str, dom0_line: str, value: str | None, place: str | None, line: int, column: int
) -> None:
    entry = BootCfg.parse(text.encode()).entries[0]
    assert entry.dom0_line.decode() == dom0_line
    if value is None:
        assert entry.hide is None
    else:
        assert entry.hide is not None
        assert entry.hide.reading.value.decode() == value
        assert (entry.hide.place, entry.hide.line, entry.hide.column) == (place, line, column)


UNREADABLE = [
    (b"x" * 32769, "x.cfg: it has 32769 bytes, and the loader ignores a boot.cfg of more than 32768"),
    (b"a=b\nmenu\0", "x.cfg, line 2, column 5: there is a NUL byte, and the loader reads no further; delete it"),
    (
        b"\xef\xbb\xbfmenu=One:dev\n",
        "x.cfg, line 1, column 1: it begins with a byte order mark (EF BB BF), and the loader then knows no word of its "
        "first line",
    ),
    (b"\0", "x.cfg, line 1, column 1: there is a NUL byte, and the loader reads no further; delete it"),
]


def test_a_byte_order_mark_can_be_taken_away() -> None:
    with pytest.raises(PcibackError) as refusal:
        BootCfg.parse(b"\xef\xbb\xbfmenu=One:dev\n", "x.cfg")
    assert refusal.value.remedy == (
        "save it as UTF-8 without that, or: tail -c +4 x.cfg > x.cfg.new && cp x.cfg.new x.cfg"
    )


@pytest.mark.parametrize(("data", "sentence"), UNREADABLE)
def test_parse_refuses(data: bytes, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        BootCfg.parse(data, "x.cfg")
    assert str(refusal.value) == sentence
    assert refusal.value.code == "boot-config-invalid"
