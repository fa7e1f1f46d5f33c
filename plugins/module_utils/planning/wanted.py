# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the owner wants of one host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address

RUNNING = "running"
STOPPED = "stopped"
UNMANAGED = "unmanaged"
GUEST_STATES = (RUNNING, STOPPED, UNMANAGED)

PRESENT = "present"
ABSENT = "absent"

NEVER = "never"
WHEN_NEEDED = "when_needed"
WHEN_CHANGED = "when_changed"
"""Of a reboot: also to see the next boot do what it was told, where the devices change hands without one."""
WHEN_POSSIBLE = "when_possible"

AUTO = "auto"
MANUAL = "manual"
NOW = "now"
CONFIRMATIONS = (AUTO, MANUAL, NOW)
"""Who confirms a trial: a run that finds all as it is wanted, a person, or this run although else a person does."""


@dataclass(frozen=True)
class WantedTrial:
    """Which reboots are trials.

    :ivar trial: ``never`` or ``when_possible``
    :ivar confirm: one of :data:`CONFIRMATIONS`
    :ivar within: seconds that a boot waits to be confirmed
    :ivar retry_failed: try again what the host has undone
    """

    trial: str = NEVER
    confirm: str = AUTO
    within: int = 600
    retry_failed: bool = False


@dataclass(frozen=True)
class WantedDevice:
    """One device line of the owner: how to find it, and what xl is to be told of it.

    :ivar irq: the interrupt that it has by the owner's word, ``None`` if the owner leaves that to the system
    """

    selector: Selector
    options: tuple[tuple[str, Any], ...] = ()
    irq: int | None = None


@dataclass(frozen=True)
class WantedGuest:
    """A guest: its name, its xl configuration file, its state and its devices."""

    name: str
    config: str
    state: str = RUNNING
    devices: tuple[WantedDevice, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What the owner wants of one host.

    :ivar allow: pairs of refusal code and address, ``None`` for a code that is about the whole host
    :ivar state: with ``absent`` everything is undone; no guest has devices then
    :ivar problems: what of the inventory can't be meant, a sentence each
    :ivar malformed: what of it can't be read, and is left out here
    """

    guests: tuple[WantedGuest, ...] = ()
    extra_devices: tuple[WantedDevice, ...] = ()
    reboot: str = NEVER
    restart_guests: str = NEVER
    boot_entries: Any = "xen"
    keep_previous: bool = True
    native: bool = True
    allow: tuple[tuple[str, Address | None], ...] = ()
    follow_moves: bool = False
    state: str = PRESENT
    problems: tuple[str, ...] = ()
    malformed: tuple[PcibackError, ...] = ()
    trials: WantedTrial = WantedTrial()

    @property
    def states_interrupts(self) -> bool:
        """Whether the owner states the interrupt of a device."""
        return any(item.irq is not None for guest in self.guests for item in guest.devices)

    @property
    def requests(self) -> tuple[tuple[str | None, Selector], ...]:
        """Every selector, with the guest in whose list it is."""
        mine: list[tuple[str | None, Selector]] = [
            (guest.name, item.selector) for guest in self.guests for item in guest.devices
        ]
        return (*mine, *((None, item.selector) for item in self.extra_devices))
