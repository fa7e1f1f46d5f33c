# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A plan while it is made: what is wanted and seen, and what the steps so far have found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Selection
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AT_BOOT, Backend
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import (
    Action,
    Plan,
    PlannedDevice,
    Refusal,
    Step,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, NEVER, Wanted
from ansible_collections.xen.pciback.plugins.module_utils.refusals import (
    ALLOWABLE,
    BRIDGE,
    GUARDS,
    INVENTORY_INVALID,
    REFUSALS,
)


@dataclass
class Draft:
    """What each step of planning reads and adds to.

    :ivar selection: what the selectors mean on this host
    :ivar backend: what gives the devices to guests
    :ivar reasons: why a reboot is required
    :ivar pending: what is wanted and not done by this plan, such as a restart of a guest that nobody allows
    :ivar trial: how many seconds the reboot waits to be confirmed; ``None`` for a plain one
    :ivar no_trial: why the reboot is a plain one, though a trial is wanted
    :ivar to_confirm: whether what this boot tries is what is wanted
    :ivar files: the guests' files as the plan leaves them, by the names of the guests
    """

    wanted: Wanted
    observed: Observed
    selection: Selection
    backend: Backend
    actions: list[Action] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    files: dict[str, XlConfig] = field(default_factory=dict)
    devices: list[PlannedDevice] = field(default_factory=list)
    recovery: tuple[str, ...] = ()
    trial: int | None = None
    no_trial: NoTrial | None = None
    to_confirm: bool = False

    # --- what is known so far

    @property
    def claims(self) -> tuple[Address, ...]:
        """What the backend can offer to guests now."""
        return self.observed.claims or ()

    @property
    def hidden(self) -> list[Address]:
        """What dom0 has to be without."""
        return sorted({planned.device.address for planned in self.devices})

    @property
    def listed(self) -> list[Address]:
        """What the boot configuration has to hide."""
        return self.hidden if self.backend.hides else []

    @property
    def missing(self) -> list[Device]:
        """The devices that dom0 still has."""
        return [planned.device for planned in self.devices if not planned.held]

    @property
    def returning(self) -> list[Device]:
        """The devices that dom0 gets back while it is to be without others."""
        back = {*self.claims, *(self.released or ())}.difference(self.hidden) if self.devices else ()
        return [device for device in self.observed.devices if device.address in back]

    @property
    def released(self) -> tuple[Address, ...] | None:
        """What the other backend has to let go of while dom0 runs; ``None`` if it is not in the way, or a boot ends it.

        Without devices pcibackd is in nobody's way; xen-pciback is, as long as it is loaded.
        """
        other = self.observed.other_claims
        if self.wanted.state == ABSENT or self.backend.follows == AT_BOOT or self.reboots:
            return None
        return other or (other if self.devices and not self.backend.hides else None)

    @property
    def reboots(self) -> bool:
        """Whether a reboot is needed and allowed."""
        return bool(self.reasons) and self.wanted.reboot != NEVER

    @property
    def waits(self) -> bool:
        """Whether nothing changes hands before a reboot that nobody allows."""
        return bool(self.reasons) and not self.reboots

    @property
    def irqs(self) -> dict[Address, int]:
        """The interrupts that devices have by the owner's word."""
        return {planned.device.address: planned.irq for planned in self.devices if planned.irq is not None}

    def devices_of(self, guest: str) -> list[PlannedDevice]:
        """The devices that a guest gets."""
        return [planned for planned in self.devices if planned.guest == guest]

    @property
    def is_settled(self) -> bool:
        """Whether it is certain which devices are wanted; what a guard refuses leaves no doubt about that."""
        return all(refusal.code in (BRIDGE, *GUARDS) for refusal in self.refusals)

    # --- what steps add

    def add_device(
        self,
        device: Device,
        guest: str | None,
        options: tuple[tuple[str, Any], ...] = (),
        irq: int | None = None,
    ) -> None:
        """Plan that a device leaves dom0, for a guest or for nobody yet."""
        attached = any(device.address in each.devices and each.name == guest for each in self.observed.running)
        self.devices.append(PlannedDevice(device, guest, options, device.address in self.claims, attached, irq))

    def act(self, step: Step, summary: str, arguments: Mapping[str, Any] | None = None) -> None:
        """Add a step at the end."""
        self.actions.append(Action(step, summary, arguments or {}))

    def pend(self, sentence: str) -> None:
        """Warn that something is wanted and waits."""
        self.warnings.append(sentence)
        self.pending.append(sentence)

    def refuse(
        self, code: str, message: str, *, device: Address | str | None = None, remedy: str | None = None
    ) -> None:
        """Refuse the whole plan, unless the owner overrides this code, for this device if it is about one."""
        shown = device.bdf if isinstance(device, Address) else device
        if code in ALLOWABLE and (code, device) in self.wanted.allow:
            about = "" if shown is None else f" for {shown}"
            self.warnings.append(f"overridden by the owner: {code}{about}: {message}")
            return
        self.refusals.append(Refusal(code, message, shown, remedy))

    def refuse_error(self, error: PcibackError, code: str) -> None:
        """Refuse because of an error; ``code`` is for one that has none of its own."""
        self.refuse(error.code or code, str(error), remedy=error.remedy)

    def refuse_problems(self) -> None:
        """Refuse because of what can't be meant in the inventory."""
        for problem in self.wanted.problems:
            self.refuse(INVENTORY_INVALID, problem, remedy=REFUSALS[INVENTORY_INVALID].remedy)

    def without_actions(self) -> Plan:
        """The plan that is refused."""
        return self._plan(())

    def finish(self) -> Plan:
        """The plan that can be applied, if nothing is refused."""
        return self._plan(() if self.refusals else self.actions)

    def _plan(self, actions: Collection[Action]) -> Plan:
        return Plan(
            actions=tuple(actions),
            refusals=tuple(self.refusals),
            warnings=tuple(self.warnings),
            reasons=tuple(self.reasons),
            devices=tuple(self.devices),
            recovery=self.recovery,
            moves=self.selection.moves,
            backend=self.backend.name,
            pending=tuple(self.pending),
            trial=self.trial,
            no_trial=self.no_trial,
        )
