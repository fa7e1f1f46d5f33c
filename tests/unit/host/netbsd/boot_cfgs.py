# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A boot.cfg(5) before and after two devices were hidden, and what pcibackctl may say of it."""

from __future__ import annotations

import json

BEFORE = (
    b"menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /xen.gz dom0_mem=512M\n"
    b"menu=B\xfcro:boot netbsd\n"
    b"timeout=5\n"
)
PREVIOUS = BEFORE.splitlines(keepends=True)[0].replace(b"Xen:", b"Xen (previous pciback):")
AFTER = b"".join(
    [
        b"menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc pciback.hide=(03:00.0)(00:04.1);multiboot /xen.gz dom0_mem=512M\n",
        b"menu=B\xfcro:boot netbsd\n",
        PREVIOUS,
        b"timeout=5\n",
    ]
)
DEVICES = ["03:00.0", "0000:00:04.1"]
CARD = {
    "id": "8086:100e",
    "subsystem": None,
    "class": "020000",
    "driver": "wm0",
    "slot": "0000:00/04.0",
    "mac": "52:54:00:12:34:56",
    "serial": None,
    "known_as": None,
}
OWN = BEFORE.replace(b"console=pc", b"console=pc pciback.hide=(00:1d.0)") + b"# by hand"


def answer(outcome: str, claims: list[str], default: int = 1) -> str:
    """A prediction for entry 1 of two, as pcibackctl prints it."""
    entries = [{"number": number, "title": "", "kind": "xen", "default": number == default} for number in (1, 2)]
    return json.dumps(
        {
            "schema": "xen.pciback/boot/1",
            "entry": 1,
            "entries": entries,
            "claims": claims,
            "outcome": outcome,
            "findings": [{"severity": "error", "code": "x", "message": "it faults"}],
        }
    )
