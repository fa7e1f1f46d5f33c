# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries that do not boot as their writer thinks."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, NEW, OLD, Loaders
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from tests.unit.formats.boot_cfg.edits import devices, refused

NOT_BOOTABLE = [
    (
        "menu=X:multiboot /x a\n",
        "/boot.cfg, line 1, column 8: entry 1 'X' starts Xen without a dom0 kernel; "
        "a 'load /netbsd-XEN3_DOM0.gz' must come before multiboot",
    ),
    (
        "menu=X:multiboot /x;load /n\n",
        "/boot.cfg, line 1, column 21: this load comes after multiboot and is never reached, "
        "so Xen gets no dom0 kernel; put it before multiboot",
    ),
    (
        "menu=X:load netbsd;multiboot /x\n",
        "/boot.cfg, line 1, column 13: the loader takes 'netbsd' for the name of a kernel module; "
        "the path of the dom0 kernel must start with '/' or 'DEVICE:/'",
    ),
    (
        "menu=X:load /n;multiboot\n",
        "/boot.cfg, line 1, column 16: multiboot names no file, such as /xen.gz",
    ),
    (
        "menu=X:frob;load /n;multiboot /x\n",
        "/boot.cfg, line 1, column 8: the loader has no command 'frob'; see boot(8)",
    ),
    (
        "menu=X: load /n;multiboot /x\n",
        "/boot.cfg, line 1, column 8: the loader takes the blank or tab before this command for its end "
        "and finds no name; delete it",
    ),
    (
        "menu=X:load /n;;;multiboot /x\n",
        "/boot.cfg, line 1, column 17: there is no command here, and the loader may loop for ever; delete the ';'",
    ),
    (
        "menu=X:;load /n;multiboot /x\n",
        "/boot.cfg, line 1, column 8: there is no command here, and the loader may loop for ever; delete the ';'",
    ),
    (
        "menu=X:rndseed /e;load /n;multiboot /x\n",
        "/boot.cfg, line 1, column 8: what 'rndseed' loads would become the dom0 kernel, "
        "because Xen takes the first file; put it after load",
    ),
    (
        "menu=X:load /n -v\tconsole=pc;multiboot /x\n",
        "/boot.cfg, line 1, column 18: a tab ends no word of dom0's command line, so all that follows '-' "
        "up to the next blank is taken for boot flags; put a blank here",
    ),
    (
        "menu=X:load /n;multiboot /x\r\n",
        "/boot.cfg, line 1, column 26: the path of Xen ends with a carriage return, "
        "which the loader takes for a part of it; convert the file to LF line ends",
    ),
    (
        "load=/n\r\nmenu=X:multiboot /x\n",
        "/boot.cfg, line 1, column 6: the path of the dom0 kernel ends with a carriage return, "
        "which the loader takes for a part of it; convert the file to LF line ends",
    ),
    (
        "menu=X:load /n pciback.hide=(0:9.0)(junk);multiboot /x\n",
        "/boot.cfg, line 1, column 36: entry 1 'X' already has a list that stops the machine: "
        "the kernel faults at '(junk)', because it holds no ':'; "
        "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), NOT_BOOTABLE)
def test_what_does_not_boot_is_refused(text: str, sentence: str) -> None:
    refusal = refused(text)
    assert str(refusal) == sentence
    assert refusal.code == "boot-config-invalid"


NOT_LOAD = (
    "loaders before NetBSD 10 take '{0}=' for 'load=', newer ones ignore it, and which one this host has is not known; "
    "write 'load=', which all of them read, or delete the line"
)
DATA = (
    "loaders that know '{0}=' load this file before all others, so that Xen takes it for the dom0 kernel; "
    "put '{0} FILE' behind load in the entries that are to have it"
)
XEN = "menu=X:load /n;multiboot /x\n"

# What stands before a menu, for whom it is refused and how, and for whom it is not; what helps.
LOADERS: list[tuple[str, tuple[Loaders, ...], str, tuple[Loaders, ...], str]] = [
    ("loader=/m\n", (EITHER,), NOT_LOAD.format("loader"), (OLD, NEW), "load=/m\n"),
    ("load =/m\n", (EITHER,), NOT_LOAD.format("load "), (OLD, NEW), ""),
    ("rndseed=/e\n", (EITHER, NEW), DATA.format("rndseed"), (OLD,), ""),
    ("fs=/f\n", (EITHER, OLD, NEW), DATA.format("fs"), (), ""),
    ("load=/m\nloader=/k\nfs=/f\nrndseed=/e\n", (), "", (EITHER, OLD, NEW), ""),
    ("dev=hd0a:\nuserconf =x\n", (), "", (EITHER, OLD, NEW), ""),
]


@pytest.mark.parametrize(("lines", "refused_by", "sentence", "taken_by", "instead"), LOADERS)
def test_lines_that_loaders_read_otherwise(
    lines: str, refused_by: tuple[Loaders, ...], sentence: str, taken_by: tuple[Loaders, ...], instead: str
) -> None:
    for loaders in refused_by:
        boot_cfg = BootCfg.parse((lines + XEN).encode(), loaders=loaders)
        with pytest.raises(PcibackError) as refusal:
            hide(boot_cfg, devices(1))
        assert str(refusal.value) == f"/boot.cfg, line 1, column 1: {sentence}"
        assert refusal.value.code == "boot-config-invalid"
        assert hide(BootCfg.parse((instead + XEN).encode(), loaders=loaders), devices(1)).changed
    for loaders in taken_by:
        assert hide(BootCfg.parse((lines + XEN).encode(), loaders=loaders), devices(1)).changed


def test_a_seed_behind_load_is_what_the_remedy_says() -> None:
    text = "menu=X:load /n;rndseed /e;multiboot /x\n"
    assert hide(BootCfg.parse(text.encode(), loaders=NEW), devices(1)).changed


def test_lists_go_from_wherever_a_loader_may_read_them() -> None:
    text = "loader=/m pciback.hide=(0:4.0)\nload =/k pciback.hide=(0:5.0)\n" + XEN
    edit = unhide(BootCfg.parse(text.encode()))
    assert edit.boot_cfg.render().decode() == "loader=/m\nload =/k\n" + XEN


WITHOUT_PCIBACK = [
    (
        "menu=X:load /n;multiboot /x dom0=pvh\n",
        "entry 1 'X' can't hide anything: a kernel started with dom0=pvh has no pciback",
    ),
    (
        "menu=X:load /n;multiboot /x a dom0=pv,verbose,pvh -- b\n",
        "entry 1 'X' can't hide anything: a kernel started with dom0=pvh has no pciback",
    ),
    (
        "menu=X:load hd0a:/netbsd-GENERIC.gz -v;multiboot /x\n",
        "entry 1 'X' can't hide anything: a GENERIC kernel has no pciback",
    ),
    ("load=/netbsd.generic\nmenu=X:multiboot /x\n", "entry 1 'X' can't hide anything: a GENERIC kernel has no pciback"),
]


@pytest.mark.parametrize(("text", "sentence"), WITHOUT_PCIBACK)
def test_a_kernel_without_pciback_is_refused(text: str, sentence: str) -> None:
    refusal = refused(text)
    assert refusal.code == "boot-config-invalid"
    assert str(refusal).endswith(f": {sentence}")
    assert refusal.remedy == "name the entries that start an XEN3_DOM0 kernel, or start one here, without dom0=pvh"
    other = text + "menu=Y:load /netbsd-XEN3_DOM0.gz;multiboot /x dom0=pvh dom0=pv -- dom0=pvh\n"
    if "load=" not in text:
        assert hide(BootCfg.parse(other.encode()), devices(1), ["Y"]).changed
    listed = BootCfg.parse(text.replace("multiboot /x", "multiboot /x a -- pciback.hide=(0:4.0)").encode())
    if " -- b" not in text and "dom0=" not in text:
        assert listed.entries[0].hide is None
