# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries that do not boot as their writer thinks."""

from __future__ import annotations

import pytest

from tests.unit.formats.boot_cfg.edits import refused

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
