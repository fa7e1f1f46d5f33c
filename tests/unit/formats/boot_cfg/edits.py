# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of a boot.cfg given as text, for the tests of this package."""

from __future__ import annotations

from typing import Sequence

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import Edit, hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg

PLAIN = "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M\n"


def devices(count: int) -> list[Address]:
    return [Address(0, 0, number, 0) for number in range(4, 4 + count)]


def edited(text: str, count: int = 2, entries: str | Sequence[str] = "xen", previous: bool = False) -> Edit:
    """The text with so many devices hidden."""
    return hide(BootCfg.parse(text.encode()), devices(count), entries, previous=previous)


def refused(text: str, count: int = 2, entries: str | Sequence[str] = "xen") -> PcibackError:
    """What is said of a text in which so many devices can't be hidden; the document stays as it was."""
    boot_cfg = BootCfg.parse(text.encode())
    with pytest.raises(PcibackError) as refusal:
        hide(boot_cfg, devices(count), entries)
    assert boot_cfg.render() == text.encode()
    return refusal.value


def written(edit: Edit) -> str:
    return edit.boot_cfg.render().decode()
