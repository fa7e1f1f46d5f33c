# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Xen's watchdog of dom0: when its time has passed, the machine is reset, whatever dom0 does.

Nobody waits for that time. It stands in a file, and whoever next has to do with the machine looks at it (lab/enter, dom0.py,
what asks for the watchdog itself) and resets the machine first.
"""

from __future__ import annotations

import os
import time

from . import boot, services
from .state import Machine

LAST_WORDS = "(XEN) Watchdog timer fired for domain 0\n(XEN) Hardware Dom0 shutdown: watchdog rebooting machine\n"


def deadline(machine: Machine) -> float | None:
    """When it fires, in seconds since 1970; None: it does not run."""
    try:
        with open(machine.path(boot.WATCHDOG), encoding="ascii") as file:
            return float(file.read())
    except (OSError, ValueError):
        return None


def is_due(machine: Machine) -> bool:
    """Whether its time has passed."""
    at = deadline(machine)
    return at is not None and time.time() >= at


def look(machine: Machine) -> bool:
    """Reset the machine if it is due; whether it was. Nobody may hold the lock."""
    if not is_due(machine):
        return False
    with machine.changing():
        # Somebody else was faster.
        if not is_due(machine):
            return False
        boot.power_on(machine, last_words=LAST_WORDS)
    services.start(machine)
    return True


def environment(machine: Machine) -> dict[str, str]:
    """What pciback-trial-simulated is told of this boot and its Xen."""
    settings, booted = machine.state["settings"], machine.state["boot"]
    return {
        "PCIBACK_SIMULATED_WATCHDOG": f"/.machine/{boot.WATCHDOG}" if booted["under_xen"] else "",
        "PCIBACK_SIMULATED_SECOND": str(int(settings["watchdog_second"] * 1000)),
        "PCIBACK_SIMULATED_BOOT": f"{booted['boottime']}.{booted['number']:06d}",
    }


def advance(machine: Machine, seconds: float) -> None:
    """Let so much of its time pass at once, as if the machine had run that long."""
    at = deadline(machine)
    if at is not None and os.path.exists(machine.path(boot.WATCHDOG)):
        with open(machine.path(boot.WATCHDOG), "w", encoding="ascii") as file:
            file.write(f"{int(at - seconds)}\n")
