# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0 for engines."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Selection
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import observe
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState, Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedGuest
from tests.linux_dom0 import LinuxDom0
from tests.unit.planning.hosts import device


class Place:
    """A Linux dom0, its records, and the file of a guest."""

    def __init__(self, folder: Path) -> None:
        self.dom0 = LinuxDom0(folder)
        self.platform = Linux(self.dom0.run)
        self.state = StateDirectory(str(folder / "db"))
        self.config = folder / "firewall"
        self.config.write_text("name = 'firewall'\n")
        self.wanted = Wanted(guests=(WantedGuest("firewall", str(self.config), devices=(device(address="00:05.0"),)),))

    def observe(self, wanted: Wanted | None = None, xl: str | None = "/usr/sbin/xl") -> tuple[Observed, Selection]:
        return observe(
            self.dom0.run,
            self.platform,
            wanted or self.wanted,
            boot_path=None,
            state=self.state,
            native=NativeState(True),
            prefix="/usr/local",
            xl=xl,
        )
