# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Sequence

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import MAX_FILE, BootCfg, Edit

PLAIN = "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M\n"


def _devices(count: int) -> list[Address]:
    return [Address(0, 0, number, 0) for number in range(4, 4 + count)]


def _hide(text: str, count: int = 2, entries: str | Sequence[str] = "xen", previous: bool = False) -> Edit:
    return BootCfg.parse(text.encode()).hide(_devices(count), entries, previous=previous)


def _refusal(text: str, count: int = 2, entries: str | Sequence[str] = "xen") -> PcibackError:
    boot_cfg = BootCfg.parse(text.encode())
    with pytest.raises(PcibackError) as refusal:
        boot_cfg.hide(_devices(count), entries)
    assert boot_cfg.render() == text.encode()
    return refusal.value


def _text(edit: Edit) -> str:
    return edit.boot_cfg.render().decode()


# The menu


@pytest.mark.parametrize(
    ("text", "titles", "default"),
    [
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
        ("default=2\nmenu=A:dev\nmenu=B:dev\ndefault=1\n", ["A", "B"], 1),
        ("menu=A:dev\r\nmenu=B:dev\r\ndefault=2\r\n", ["A", "B"], 2),
    ],
)
def test_the_menu_is_the_loaders(text: str, titles: list[str], default: int | None) -> None:
    boot_cfg = BootCfg.parse(text.encode())
    assert [entry.title for entry in boot_cfg.entries] == titles
    assert [entry.number for entry in boot_cfg.entries if entry.default] == ([] if default is None else [default])
    assert (boot_cfg.default.number if boot_cfg.default else None) == default
    assert boot_cfg.render() == text.encode()


@pytest.mark.parametrize(
    ("count", "more", "shown", "default"),
    [
        (12, "default=11", 12, 11),
        (12, "default=11\nformat=n", 9, 9),
        (12, "default=11\nformat=n\ntimeout=0", 12, 11),
        (12, "default=11\nformat=letters", 12, 11),
        (25, "default=25", 20, 20),
    ],
)
def test_the_menu_has_limits(count: int, more: str, shown: int, default: int) -> None:
    text = "".join(f"menu=Entry{number}:dev\n" for number in range(1, count + 1)) + more
    boot_cfg = BootCfg.parse(text.encode())
    assert len(boot_cfg.entries) == shown
    assert boot_cfg.default is not None
    assert boot_cfg.default.number == default


@pytest.mark.parametrize(
    ("commands", "kind"),
    [
        ("load /n;multiboot /xen.gz", "xen"),
        ("multiboot /xen.gz", "xen"),
        ("load /n ; multiboot\t/xen.gz", "xen"),
        ("boot netbsd", "kernel"),
        ("dev;pkboot netbsd", "kernel"),
        ("boot netbsd;multiboot /xen.gz", "kernel"),
        ("quit;multiboot /xen.gz", "other"),
        ("prompt", "prompt"),
        ("prompt;dev", "other"),
        ("dev", "other"),
        ("multibooted /xen.gz", "other"),
        ("Multiboot /xen.gz", "other"),
        ("", "other"),
    ],
)
def test_kind(commands: str, kind: str) -> None:
    (entry,) = BootCfg.parse(f"menu=X:{commands}\n".encode()).entries
    assert entry.kind == kind


def test_titles_may_be_utf_8_or_latin_1() -> None:
    entries = BootCfg.parse("menu=B\u00fcro:dev\n".encode() + "menu=B\u00fcro:dev\n".encode("latin-1")).entries
    assert [entry.title for entry in entries] == ["B\u00fcro", "B\u00fcro"]


# What dom0 gets

K79 = "/netbsd-XEN3_DOM0.gz " + "x" * 27 + " pciback.hide="  # 62 characters


@pytest.mark.parametrize(
    ("text", "dom0_line", "value", "place", "line", "column"),
    [
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
    ],
)
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


def test_the_kernel_looks_at_255_characters() -> None:
    text = "menu=X:load /n;multiboot /x a -- " + "y" * 230 + " pciback.hide=(0:4.0)(0:5.0)"
    (entry,) = BootCfg.parse(text.encode()).entries
    assert len(entry.dom0_line) == 255
    assert entry.hide is not None
    assert entry.hide.reading.value == b"(0:4.0)(0:"


# Where a list goes


@pytest.mark.parametrize(
    ("count", "line", "place", "form"),
    [
        (
            3,
            "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(00:04.0)(00:05.0)(00:06.0)"
            ";multiboot /xen.gz dom0_mem=512M",
            "load",
            "long",
        ),
        (
            4,
            "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M"
            " -- pciback.hide=(00:04.0)(00:05.0)(00:06.0)(00:07.0)",
            "multiboot",
            "long",
        ),
        (
            9,
            "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M"
            " -- pciback.hide=(0:4.0)(0:5.0)(0:6.0)(0:7.0)(0:8.0)(0:9.0)(0:a.0)(0:b.0)(0:c.0)",
            "multiboot",
            "short",
        ),
    ],
)
def test_load_then_separator_then_short(count: int, line: str, place: str, form: str) -> None:
    edit = _hide(PLAIN, count)
    assert _text(edit) == line + "\n"
    (placement,) = edit.entries
    assert (placement.number, placement.title, placement.line) == (1, "Xen", 1)
    assert (placement.place, placement.form, placement.changed) == (place, form, True)
    assert edit.changed
    assert edit.boot_cfg.entries[0].hide is not None
    assert edit.boot_cfg.entries[0].hide.claims == tuple(_devices(count))


def test_79_characters_are_kept_and_no_80() -> None:
    path = "/" + "k" * 46  # 79 with a blank, pciback.hide= and two entries
    assert _hide(f"menu=X:load {path};multiboot /x a\n").entries[0].place == "load"
    assert _hide(f"menu=X:load {path}k;multiboot /x a\n").entries[0].place == "multiboot"


PLACES = [
    # Everything that is not a list stays: comments, blanks, line ends, bytes that are no text.
    (
        "# c\n\nmenu=Xen:load /n -v ; multiboot /xen.gz  # why\nx=y",
        "# c\n\nmenu=Xen:load /n -v pciback.hide=(00:04.0)(00:05.0) ; multiboot /xen.gz  # why\nx=y",
    ),
    (
        "menu=Xen:load /n\t;multiboot /xen.gz",
        "menu=Xen:load /n\t pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    (
        "menu=Xen:load /n;multiboot /xen.gz a\r\nmenu=B:boot\r\n",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz a\r\nmenu=B:boot\r\n",
    ),
    # Old lists go, wherever they are, whether the kernel reads them or not.
    (
        "menu=Xen:load /n pciback.hide=(00:09.0) -v;multiboot /xen.gz a -- pciback.hide=(00:08.0)",
        "menu=Xen:load /n -v pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz a",
    ),
    (
        "menu=Xen:load /n PCIBACK.HIDE=(00:09.0);load /m pciback.hide=(0:1.0);multiboot /xen.gz pciback.hide=x a",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);load /m;multiboot /xen.gz a",
    ),
    (
        "menu=Xen:load /n\tpciback.hide=(00:09.0);multiboot /xen.gz",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    (
        "menu=Xen:load /n pciback.hide=(00:04.0),(00:05.0);multiboot /xen.gz",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    (
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0) pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /xen.gz",
    ),
    # One load for all entries.
    (
        "load=/n -v\nmenu=A:multiboot /xen.gz a\nmenu=B:multiboot /xen.gz b\n",
        "load=/n -v pciback.hide=(00:04.0)(00:05.0)\nmenu=A:multiboot /xen.gz a\nmenu=B:multiboot /xen.gz b\n",
    ),
    (
        "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /xen.gz a -- pciback.hide=(0:8.0)\n",
        "load=/n pciback.hide=(00:04.0)(00:05.0)\nmenu=A:multiboot /xen.gz a\n",
    ),
    (
        f"load=/{'k' * 60}\nmenu=A:multiboot /xen.gz a\nmenu=B:multiboot /xen.gz\n",
        f"load=/{'k' * 60}\nmenu=A:multiboot /xen.gz a -- pciback.hide=(00:04.0)(00:05.0)\n"
        "menu=B:multiboot /xen.gz placeholder=pciback -- pciback.hide=(00:04.0)(00:05.0)\n",
    ),
    # What follows ' -- ' stays before it.
    (
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -v\n",
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -v pciback.hide=(00:04.0)(00:05.0)\n",
    ),
    (
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -- \n",
        f"menu=A:load /{'k' * 60};multiboot /xen.gz a -- -- -- pciback.hide=(00:04.0)(00:05.0) \n",
    ),
    # Other entries are none of ours.
    (
        "menu=Xen:load /n;multiboot /x\nmenu=K:boot netbsd pciback.hide=(0:9.0)\n",
        "menu=Xen:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /x\nmenu=K:boot netbsd pciback.hide=(0:9.0)\n",
    ),
]


@pytest.mark.parametrize(("before", "after"), PLACES)
def test_places(before: str, after: str) -> None:
    edit = _hide(before)
    assert _text(edit) == after
    assert all(placement.changed for placement in edit.entries)
    again = edit.boot_cfg.hide(_devices(2), previous=False)
    assert not again.changed
    assert not any(placement.changed for placement in again.entries)
    assert edit.boot_cfg.unhide().boot_cfg.render() == BootCfg.parse(before.encode()).unhide().boot_cfg.render()
    if "pciback.hide=" not in before.lower():
        assert edit.boot_cfg.unhide().boot_cfg.render() == before.encode()


@pytest.mark.parametrize(
    "text",
    [
        "menu=X:load /n pciback.hide=(00:04.0)(00:05.0);multiboot /x",
        "menu=X:load /n pciback.hide=(0000:00:05.0)(0:4.0) -v;multiboot /x",
        "menu=X:load /n Pciback.Hide=(00:04.0)(00:05.0);multiboot /x",
        "menu=X:load /n;multiboot /x a -- pciback.hide=(00:04.0)(00:05.0)",
        "load=/n pciback.hide=(00:04.0)(00:05.0)\nmenu=X:multiboot /x",
    ],
)
def test_a_list_that_says_it_already_is_left_alone(text: str) -> None:
    edit = _hide(text, previous=True)
    assert _text(edit) == text
    assert not edit.changed
    assert edit.previous.reason == "no entry was changed"


def test_only_the_asked_entries_change() -> None:
    text = PLAIN + PLAIN.replace("Xen:", "Other:") + "menu=K:boot\ndefault=2\n"
    other = _hide(text, entries="default")
    assert [placement.title for placement in other.entries] == ["Other"]
    assert _text(other).splitlines()[0] == PLAIN.strip()
    xen = _hide(text, entries=["Xen"])
    assert [placement.number for placement in xen.entries] == [1]
    both = _hide(text, entries=["Other", "Xen"])
    assert [placement.number for placement in both.entries] == [1, 2]
    assert _hide(text.replace("=Xen", "= Xen"), entries=["Xen"]).entries[0].number == 1


def test_a_shared_load_is_left_alone_when_not_all_its_entries_are_asked_for() -> None:
    text = "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /x a\nmenu=B:multiboot /x b\n"
    edit = _hide(text, entries=["B"])
    assert _text(edit) == text.replace(" b\n", " b -- pciback.hide=(00:04.0)(00:05.0)\n")
    first = edit.boot_cfg.entries[0].hide
    assert first is not None
    assert first.claims == (parse_address("00:09.0"),)
    assert not edit.boot_cfg.hide(_devices(2), ["B"], previous=False).changed


def test_no_device_is_no_list() -> None:
    edit = _hide(_text(_hide(PLAIN, previous=True)), 0)
    assert _text(edit) == PLAIN
    assert edit.entries == ()
    assert edit.previous.number is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("menu=X:load /n pciback.hide=();multiboot /x", "menu=X:load /n;multiboot /x"),
        ("menu=X:load /n pciback.hide=(0:4.0\t0:5;multiboot /x", None),
        ("menu=X:load /n  pciback.hide=(0:4.0);multiboot /x", "menu=X:load /n ;multiboot /x"),
        ("menu=X:load /n -- pciback.hide=(0:4.0);multiboot /x", "menu=X:load /n --;multiboot /x"),
        ("menu=X:load /n;multiboot /x a -- pciback.hide=(0:4.0) -v", "menu=X:load /n;multiboot /x a -- -v"),
        ("menu=X:load /n;multiboot /x a -- pciback.hide=(0:4.0) pciback.hide=()", "menu=X:load /n;multiboot /x a"),
        ("menu=X:load /n;multiboot /x a -- pciback.hide=(0:4.0)\r\n", "menu=X:load /n;multiboot /x a\r\n"),
        ("menu=X:load /n;multiboot /x placeholder=pciback -- pciback.hide=(0:4.0)", "menu=X:load /n;multiboot /x"),
        ("menu=X:load /n;multiboot /x placeholder=pciback", "menu=X:load /n;multiboot /x placeholder=pciback"),
        ("menu=X:frob;multiboot pciback.hide=(0:4.0)", "menu=X:frob;multiboot pciback.hide=(0:4.0)"),
        ("menu=X:boot pciback.hide=(0:4.0)", "menu=X:boot pciback.hide=(0:4.0)"),
        ("load=/n pciback.hide=(0:4.0)\nmenu=X:boot", "load=/n pciback.hide=(0:4.0)\nmenu=X:boot"),
        ("load=/n pciback.hide=(0:4.0)\nmenu=X:multiboot /x", "load=/n\nmenu=X:multiboot /x"),
        ("timeout=5\n", "timeout=5\n"),
    ],
)
def test_unhide(before: str, after: str | None) -> None:
    boot_cfg = BootCfg.parse(before.encode())
    if after is None:
        with pytest.raises(PcibackError, match="put a blank behind it"):
            boot_cfg.unhide()
        return
    edit = boot_cfg.unhide()
    assert _text(edit) == after
    assert edit.changed == (before != after)


# What is refused


@pytest.mark.parametrize(
    ("text", "entries", "sentence"),
    [
        (
            "timeout=5\n",
            "xen",
            "/boot.cfg: no menu entry starts Xen; "
            "one looks like 'menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M'",
        ),
        (
            "menu=K:boot\n" + PLAIN,
            "default",
            "/boot.cfg, line 1, column 8: the default entry 1 'K' does not start Xen",
        ),
        (PLAIN, ["Xne"], "/boot.cfg: no menu entry is titled 'Xne'; the titles are 'Xen'"),
        (
            PLAIN + PLAIN,
            ["Xen"],
            "/boot.cfg, line 2, column 10: the title 'Xen' is ambiguous, entries 1 and 2 have it; give each its own",
        ),
        ("menu=K:boot\n" + PLAIN, ["K"], "/boot.cfg, line 1, column 8: entry 'K' does not start Xen"),
        (PLAIN, [], "/boot.cfg: no entry was asked for; name a title, 'xen' or 'default'"),
        (
            "menu=:load /n;multiboot /x",
            ["load /n;multiboot /x"],
            "/boot.cfg, line 1, column 6: entry 1 has no title, so the menu shows its commands, "
            "which an edit changes; give it a title before the ':'",
        ),
        (
            "menu=X:multiboot /x a\n",
            "xen",
            "/boot.cfg, line 1, column 8: entry 1 'X' starts Xen without a dom0 kernel; "
            "a 'load /netbsd-XEN3_DOM0.gz' must come before multiboot",
        ),
        (
            "menu=X:multiboot /x;load /n\n",
            "xen",
            "/boot.cfg, line 1, column 21: this load comes after multiboot and is never reached, "
            "so Xen gets no dom0 kernel; put it before multiboot",
        ),
        (
            "menu=X:load netbsd;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 13: the loader takes 'netbsd' for the name of a kernel module; "
            "the path of the dom0 kernel must start with '/' or 'DEVICE:/'",
        ),
        (
            "menu=X:load /n;multiboot\n",
            "xen",
            "/boot.cfg, line 1, column 16: multiboot names no file, such as /xen.gz",
        ),
        (
            "menu=X:frob;load /n;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 8: the loader has no command 'frob'; see boot(8)",
        ),
        (
            "menu=X: load /n;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 8: the loader takes the blank or tab before this command for its end "
            "and finds no name; delete it",
        ),
        (
            "menu=X:load /n;;;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 17: there is no command here, and the loader may loop for ever; delete the ';'",
        ),
        (
            "menu=X:;load /n;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 8: there is no command here, and the loader may loop for ever; delete the ';'",
        ),
        (
            "menu=X:rndseed /e;load /n;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 8: what 'rndseed' loads would become the dom0 kernel, "
            "because Xen takes the first file; put it after load",
        ),
        (
            "menu=X:load /n -v\tconsole=pc;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 18: a tab ends no word of dom0's command line, so all that follows '-' "
            "up to the next blank is taken for boot flags; put a blank here",
        ),
        (
            "menu=X:load /n x=y\tpciback.hide=(0:4.0)\tz;multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 20: a tab ends no word of dom0's command line, "
            "so the end of this list is uncertain; put a blank behind it",
        ),
        (
            "menu=X:load /n;multiboot /x\r\n",
            "xen",
            "/boot.cfg, line 1, column 26: the path of Xen ends with a carriage return, "
            "which the loader takes for a part of it; convert the file to LF line ends",
        ),
        (
            "load=/n\r\nmenu=X:multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 6: the path of the dom0 kernel ends with a carriage return, "
            "which the loader takes for a part of it; convert the file to LF line ends",
        ),
        (
            f"menu=X:load /{'k' * 60};multiboot /x a\r\n",
            "xen",
            "/boot.cfg, line 1, column 89: the hide list of 2 devices would end this line, and the carriage return "
            "there would become a part of it; convert the file to LF line ends",
        ),
        (
            "menu=X:load /n pciback.hide=(0:9.0)(junk);multiboot /x\n",
            "xen",
            "/boot.cfg, line 1, column 36: entry 1 'X' already has a list that stops the machine: "
            "the kernel faults at '(junk)', because it holds no ':'; "
            "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'",
        ),
    ],
)
def test_refusals(text: str, entries: str | list[str], sentence: str) -> None:
    refusal = _refusal(text, entries=entries)
    assert str(refusal) == sentence
    assert refusal.code == "boot-config-invalid"


@pytest.mark.parametrize(
    ("text", "count", "sentence", "remedy"),
    [
        (
            PLAIN,
            12,
            "/boot.cfg, line 1: the hide list of 12 devices has 84 characters in its short form, "
            "and the kernel keeps 63; 9 of the 12 fit",
            "hide fewer devices",
        ),
        (
            f"menu=X:load /{'k' * 20};multiboot /x a -- {'y' * 200}\n",
            6,
            "/boot.cfg, line 1: the hide list of 6 devices does not fit into entry 1 'X': "
            "dom0's command line would have 257, and the kernel keeps 255; 5 of the 6 fit",
            "hide fewer devices, delete other arguments",
        ),
        (
            f"load=/n -v\nmenu=X:multiboot /x a -- {'y' * 250}\n",
            1,
            "/boot.cfg, line 2: the hide list of 1 device does not fit into entry 1 'X': "
            "dom0's command line would have 274, and the kernel keeps 255; none of the 1 fits",
            "hide fewer devices, delete other arguments",
        ),
        (
            f"menu=X:load /{'k' * 60};multiboot /x {'y' * 1000}\n",
            2,
            "/boot.cfg, line 1: the hide list of 2 devices does not fit into entry 1 'X': "
            "path and arguments of load would have 89 characters, and the loader keeps 79; "
            "behind ' -- ' Xen's command line would have 1034, and Xen keeps 1023; none of the 2 fits",
            "hide fewer devices, delete other arguments, or give the kernel a shorter path, such as a hard link /xen0",
        ),
    ],
)
def test_too_long(text: str, count: int, sentence: str, remedy: str) -> None:
    refusal = _refusal(text, count)
    assert str(refusal) == sentence
    assert refusal.remedy == remedy
    assert refusal.code == "list-too-long"


def test_a_file_that_would_become_too_large_is_refused() -> None:
    text = PLAIN + "#" * (MAX_FILE - len(PLAIN) - 10)
    refusal = _refusal(text)
    assert refusal.code == "list-too-long"
    assert str(refusal) == (
        "/boot.cfg: with the hide list it would have 32790 bytes, and the loader ignores a boot.cfg of more than 32768"
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"x" * 32769, "x.cfg: it has 32769 bytes, and the loader ignores a boot.cfg of more than 32768"),
        (b"a=b\nmenu\0", "x.cfg, line 2, column 5: there is a NUL byte, and the loader reads no further; delete it"),
        (b"\0", "x.cfg, line 1, column 1: there is a NUL byte, and the loader reads no further; delete it"),
    ],
)
def test_parse_refuses(data: bytes, sentence: str) -> None:
    with pytest.raises(PcibackError) as refusal:
        BootCfg.parse(data, "x.cfg")
    assert str(refusal.value) == sentence
    assert refusal.value.code == "boot-config-invalid"


def test_another_domain_is_refused() -> None:
    with pytest.raises(PcibackError, match="domain 0000 only"):
        BootCfg.parse(PLAIN.encode()).hide([parse_address("0001:00:04.0")])


# The entry with the previous list


def test_previous_is_the_line_as_it_was() -> None:
    first = _hide(PLAIN + "menu=K:boot\ntimeout=5\n", 1, previous=True)
    assert _text(first).splitlines() == [
        "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(00:04.0);multiboot /xen.gz dom0_mem=512M",
        "menu=K:boot",
        "menu=Xen (previous pciback):load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M",
        "timeout=5",
    ]
    assert (first.previous.number, first.previous.title, first.previous.reason) == (3, "Xen (previous pciback)", "")
    second = first.boot_cfg.hide(_devices(2))
    assert _text(second).splitlines()[2] == (
        "menu=Xen (previous pciback):load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(00:04.0)"
        ";multiboot /xen.gz dom0_mem=512M"
    )
    assert len(second.boot_cfg.entries) == 3
    assert [placement.number for placement in second.entries] == [1]
    third = second.boot_cfg.hide(_devices(2))
    assert not third.changed
    assert third.previous.number == 3
    assert _text(second.boot_cfg.unhide()) == PLAIN + "menu=K:boot\ntimeout=5\n"
    dropped = second.boot_cfg.hide(_devices(2), previous=False)
    assert dropped.changed
    assert len(dropped.boot_cfg.entries) == 2
    assert not dropped.boot_cfg.hide(_devices(2), previous=False).changed


@pytest.mark.parametrize("end", ["", "\n", "\n\n# end"])
def test_previous_leaves_no_trace(end: str) -> None:
    text = "timeout=5\n" + PLAIN.strip() + end
    edit = _hide(text, previous=True)
    assert len(edit.boot_cfg.entries) == 2
    assert _text(edit.boot_cfg.unhide()) == text


def test_previous_wins_over_the_load_that_all_share() -> None:
    text = "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /x a\n"
    edit = _hide(text, previous=True)
    assert _text(edit).splitlines()[2] == "menu=A (previous pciback):multiboot /x a -- pciback.hide=(0:9.0)"
    without = _hide(text.replace(" pciback.hide=(0:9.0)", ""), previous=True)
    assert _text(without).splitlines()[2] == "menu=A (previous pciback):multiboot /x a -- pciback.hide="
    kept = without.boot_cfg.entries[1].hide
    assert kept is not None
    assert kept.reading.empty


@pytest.mark.parametrize(
    ("text", "entries", "reason"),
    [
        (PLAIN + "default=99\n", "xen", "it would become the entry that default= picks"),
        (
            PLAIN + "menu=K:boot\n" * 8,
            "xen",
            "with a tenth entry the loader would show letters instead of digits",
        ),
        (
            PLAIN + "menu=K:boot\n" * 8 + "format=n\n",
            "xen",
            "with format=number the loader drops all entries past the ninth",
        ),
        (PLAIN + "menu=K:boot\n" * 19, "xen", "the loader shows 20 entries at most"),
        (PLAIN + PLAIN.replace("Xen:", "B:"), ["B"], "the entry that boots by default was not changed"),
        (
            "load=/n\nmenu=X:multiboot /x a\r\n",
            "xen",
            "its line ends with a carriage return, and the list would take it in",
        ),
        (PLAIN.replace("Xen:", "Xen (previous pciback):"), "xen", "the changed entry is such an entry itself"),
        (
            PLAIN + "#" * (MAX_FILE - len(PLAIN) - 40),
            "xen",
            "the file would have more than 32768 bytes, and the loader ignore it",
        ),
    ],
)
def test_previous_stays_away_where_it_would_do_harm(text: str, entries: str | list[str], reason: str) -> None:
    edit = _hide(text, entries=entries, previous=True)
    assert edit.changed
    assert edit.previous.number is None
    assert edit.previous.reason == reason
    assert len(edit.boot_cfg.entries) == len(BootCfg.parse(text.encode()).entries)


def test_previous_of_a_tenth_entry_comes_where_nobody_chooses_by_key() -> None:
    edit = _hide(PLAIN + "menu=K:boot\n" * 8 + "timeout=0\n", previous=True)
    assert edit.previous.number == 10


def test_previous_is_never_edited_and_never_the_default() -> None:
    text = _text(_hide(PLAIN, previous=True))
    with pytest.raises(PcibackError, match="keeps the previous list and is never edited"):
        BootCfg.parse(text.encode()).hide(_devices(1), ["Xen (previous pciback)"])
    chosen = BootCfg.parse((text + "default=2\n").encode()).hide(_devices(1))
    # Once it is the default, it is an entry like any other.
    assert [placement.number for placement in chosen.entries] == [1, 2]
    assert chosen.previous.number is None


def test_previous_in_the_middle_is_replaced_there_and_stays_without_list() -> None:
    text = _text(_hide(PLAIN, 1, previous=True)) + "menu=K:boot\ndefault=3\n"
    edit = BootCfg.parse(text.encode()).hide(_devices(2))
    assert [entry.title for entry in edit.boot_cfg.entries] == ["Xen", "Xen (previous pciback)", "K"]
    assert edit.boot_cfg.entries[1].hide is not None
    assert edit.boot_cfg.entries[1].hide.claims == tuple(_devices(1))
    gone = edit.boot_cfg.unhide().boot_cfg
    assert [entry.title for entry in gone.entries] == ["Xen", "Xen (previous pciback)", "K"]
    assert all(entry.hide is None for entry in gone.entries)
