# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of dom0 by what is hidden follows from the board; test_watchdog.py has what comes of that."""

from __future__ import annotations

import pytest

from tests.unit.lab.conftest import Host


@pytest.mark.parametrize(
    ("device", "options", "power"),
    [
        # Its line is the management card's.
        ("00:04.0", ["--lost-lines"], "lost"),
        ("00:04.0", [], "up"),
        ("00:04.0", ["--lost-lines", "--management", "0000:00:05.0"], "up"),
        ("00:04.0", ["--lost-lines", "--management", "none"], "up"),
        ("00:06.0", ["--lost-lines"], "up"),
        ("00:06.0", ["--hidden-fault", "0000:00:06.0=hang"], "lost"),
    ],
)
def test_what_is_left_of_dom0(host: Host, device: str, options: list[str], power: str) -> None:
    host.create(*options)
    (host.root / "boot.cfg").write_text(
        f"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M -- pciback.hide=({device})\ntimeout=5\n"
    )
    host.run("/sbin/shutdown", "-r", "now")
    assert (host.status()["boot"], host.status()["claims"]) == (2, [f"0000:{device}"])
    assert host.status()["power"] == power
