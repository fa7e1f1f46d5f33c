# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, grub_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_start import start

DEBIAN = (Path(__file__).parent / "data" / "debian-12-xen-grub.cfg").read_bytes()
NEW = "(00:09.0)"


def with_script(script: bytes, menu: bytes = DEBIAN) -> bytes:
    """The menu that grub-mkconfig makes with one more script."""
    return menu + b"\n" + script.split(b"\n", 2)[2]


def usual() -> grub.Entry:
    entry = grub.read_menu(DEBIAN).default
    assert entry is not None
    return entry


@pytest.mark.parametrize("value", [NEW, "(00:09.0)(00:0a.0)", None])
def test_a_menu_that_tries_a_list(value: str | None) -> None:
    menu = with_script(grub_trial.script(usual(), value))
    grub_trial.check(menu, value, {})
    read = grub.read_menu(menu)
    assert grub_trial.read(read) == grub_trial.Trial(f"{usual().title} (pciback trial)", value)
    assert grub_trial.read(grub.read_menu(DEBIAN)) is None
    # Its owner's choice is still the default.
    assert read.default == usual()
    # What is told to the kernel: nothing waits at a console, and the host knows which boot this is.
    words = read.entries[-1].command_line.split()
    assert words[-4:] == ["xen-pciback-trial.run", "panic=30", "rd.shell=0", "rd.emergency=reboot"]


def test_from_one_start_to_the_next() -> None:
    menu = with_script(grub_trial.script(usual(), NEW))
    first = start(menu, {"xen_pciback_trial": "armed", "saved_entry": "x"})
    assert first.entry == grub.read_menu(menu).entries[-1]
    assert first.variables == {"xen_pciback_trial": "tried", "saved_entry": "x"}
    assert start(menu, first.variables).entry == usual()
    # It was confirmed.
    assert start(menu, {"xen_pciback_trial": "final"}).entry == first.entry
    # GRUB can't write, the block is lost, somebody's own choice comes first.
    assert start(menu, {"xen_pciback_trial": "armed"}, writable=False).entry == usual()
    assert start(menu, {}).entry == usual()
    chosen = start(menu, {"xen_pciback_trial": "armed", "next_entry": "0"})
    assert chosen.entry is not None
    assert (chosen.entry.title, chosen.variables["xen_pciback_trial"]) == ("Debian GNU/Linux", "armed")


def test_a_mark_that_the_kernel_would_not_see() -> None:
    menu = DEBIAN.replace(b"net.ifnames=0", b"x=" + b"y" * 1950)
    entry = grub.read_menu(menu).default
    assert entry is not None
    with pytest.raises(PcibackError) as error:
        grub_trial.check(with_script(grub_trial.script(entry, NEW), menu), NEW, {})
    assert "its kernel would be told 21" in error.value.message
    assert "characters, and Linux keeps 2047" in error.value.message


def test_what_the_owner_says_of_panics_stays() -> None:
    menu = DEBIAN.replace(b"net.ifnames=0", b"net.ifnames=0 panic=5")
    entry = grub.read_menu(menu).default
    assert entry is not None
    words = grub.read_menu(with_script(grub_trial.script(entry, NEW))).entries[-1].command_line.split()
    assert [word for word in words if word.startswith("panic")] == ["panic=5"]


def test_a_boot_of_it_is_not_remembered() -> None:
    lines = usual().text.splitlines(keepends=True)
    entry = grub.Entry(("Xen",), ("xen",), 1, grub.XEN, "", "".join([lines[0], "\tsavedefault\n", *lines[1:]]))
    assert b"savedefault" in grub.previous_script(entry, NEW)
    assert b"savedefault" not in grub_trial.script(entry, NEW)


@pytest.mark.parametrize(
    ("menu", "problem"),
    [
        (DEBIAN, "it has no entry for the trial"),
        (
            with_script(grub_trial.script(usual(), "(00:0b.0)")),
            "its entry for the trial would hide (00:0b.0)",
        ),
        (with_script(grub_trial.script(usual(), None)), "its entry for the trial would hide nothing"),
        (
            with_script(grub_trial.script(usual(), NEW)) + b"\nset default=0\n",
            "it would not boot the entry for the trial",
        ),
        (
            with_script(grub_trial.script(usual(), NEW)) + b"\ndefault=xen-pciback-trial\n",
            "what it boots after the trial is not certain",
        ),
        (
            with_script(grub_trial.script(usual(), NEW)) + b"\nif keystatus; then default=0; fi\n",
            "what it boots after the trial is not certain",
        ),
        (
            with_script(grub_trial.script(usual(), NEW).replace(b"trial=tried", b"trial=final")),
            "after the trial it would not boot 'Debian GNU/Linux, with Xen hypervisor' again",
        ),
        (
            with_script(
                grub_trial.script(usual(), NEW).replace(b"if save_env xen_pciback_trial;", b"if save_env; [ 1 ];")
            ),
            "after the trial it would not boot 'Debian GNU/Linux, with Xen hypervisor' again",
        ),
        (
            with_script(
                grub_trial.script(usual(), NEW).replace(
                    b"if save_env xen_pciback_trial;", b"save_env xen_pciback_trial; if [ 1 ];"
                )
            ),
            "it would try without end where GRUB can't write its environment block",
        ),
        (
            with_script(grub_trial.script(usual(), NEW).replace(b'"final"', b'"other"')),
            "it would not go on booting what was confirmed",
        ),
    ],
)
def test_a_menu_that_is_none(menu: bytes, problem: str) -> None:
    with pytest.raises(PcibackError) as error:
        grub_trial.check(menu, NEW, {})
    assert error.value.message == f"the menu that grub-mkconfig made is no trial: {problem}; nothing was changed"


@pytest.mark.parametrize(
    ("file_system", "abstractions", "variables", "code", "reason"),
    [
        ("ext2", "", {}, "", ""),
        ("fat", "\n", {"next_entry": "", "saved_entry": "x"}, "", ""),
        (
            "ext2",
            "lvm\n",
            {},
            "grub-cannot-write",
            "GRUB's environment block lies on lvm, and GRUB writes on plain disks only, so it can't note that it has tried "
            "the list",
        ),
        (
            "ext2",
            "diskfilter mdraid1x\n",
            {},
            "grub-cannot-write",
            "GRUB's environment block lies on diskfilter mdraid1x, and GRUB writes on plain disks only, so it can't note "
            "that it has tried the list",
        ),
        (
            "btrfs",
            "",
            {},
            "grub-cannot-write",
            "GRUB's environment block lies in a file system of kind btrfs, and GRUB writes only in ext2, fat, xfs, so it "
            "can't note that it has tried the list",
        ),
        (
            "ext2",
            "",
            {"next_entry": "0"},
            "next-entry-set",
            "somebody has chosen '0' for the next boot (grub-reboot), which comes first",
        ),
    ],
)
def test_what_is_in_the_way(
    file_system: str, abstractions: str, variables: dict[str, str], code: str, reason: str
) -> None:
    found = grub_trial.hindrance(variables, file_system, abstractions)
    assert (found.code, found.reason) == (code, reason) if found else not code
