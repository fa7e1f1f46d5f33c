# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's boot loader: the file /boot, and how its release of NetBSD reads boot.cfg."""

from __future__ import annotations

import os
import re
from typing import Any

from .kernel import KERNEL_RELEASE
from .state import Machine

PATH = "/boot"
REVISION = "5.10"

# What pcibackctl calls the loaders, by the release that each is of.
_NEWER = ((11, "11"), (10, "10"))


def program(release: str) -> bytes:
    """What is in the file: code, and between it the strings that the loader prints."""
    strings = (
        "NetBSD/x86 BIOS Boot",
        f"{REVISION} (Sun Nov 22 17:04:00 UTC 2026)",
        release,
        "\n>> %s, Revision %s (from NetBSD %s)\n",
    )
    return b"\xeb\x4e\x90" + b"".join(b"\0" + text.encode() + b"\0" for text in strings) + b"\xf4"


def release(machine: Machine) -> str:
    """The NetBSD that the loader is of; that of the kernel if somebody removed the file."""
    path = machine.file(PATH)
    found = None
    if os.path.isfile(path):
        with open(path, "rb") as file:
            found = re.search(rb"\0([0-9]+\.[0-9][0-9A-Z_.]*)\0", file.read())
    return found.group(1).decode() if found else KERNEL_RELEASE


def generation(machine: Machine) -> str:
    """How it reads boot.cfg, for ``pcibackctl boot --loader``."""
    major = int(release(machine).partition(".")[0])
    return next((name for first, name in _NEWER if major >= first), "old")


def xen_arguments(machine: Machine, prediction: dict[str, Any]) -> str:
    """The line of boot.cfg that holds what Xen is told; empty without an entry."""
    entry = next((each for each in prediction["entries"] if each["number"] == prediction["entry"]), None)
    if entry is None:
        return ""
    with open(machine.file("/boot.cfg"), encoding="latin-1", newline="\n") as stream:
        lines = stream.read().split("\n")
    return lines[int(entry["line"]) - 1].partition(" -- ")[0]
