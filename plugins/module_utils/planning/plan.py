# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""A plan of one host: the steps, or the refusals because of which nothing is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Move
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial


class Step(str, Enum):
    """The kinds of actions, in the order in which they are applied."""

    NATIVE = "native"
    RESTORE = "restore"
    HIDE = "hide"
    CONFIGURE = "configure"
    SHUT_DOWN = "shut_down"
    REBOOT = "reboot"
    RELEASE = "release"
    SERVICE = "service"
    ASSIGN = "assign"
    START_UP = "start_up"
    RUN = "run"
    RETURN = "return"
    REMOVE = "remove"
    CONFIRM = "confirm"


@dataclass(frozen=True)
class Action:
    """One step: its kind, one sentence for a person, and the arguments of the module that applies it."""

    kind: Step
    summary: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """Why nothing is done, and what the owner can do about it."""

    code: str
    message: str
    device: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class PlannedDevice:
    """A device that leaves dom0, and the guest that gets it (``None``: hidden, given to nobody yet).

    :ivar irq: the interrupt that it has by the owner's word
    """

    device: Device
    guest: str | None
    options: tuple[tuple[str, Any], ...]
    held: bool
    attached: bool
    irq: int | None = None


@dataclass(frozen=True)
class Plan:
    """What would be done, why not, and what the owner should know. Nothing of a plan with a refusal is applied.

    :ivar reasons: why a reboot is required, a sentence each
    :ivar backend: the name of the backend that gives devices to guests
    :ivar pending: what is wanted and waits for somebody's leave or for another guest, a sentence each; also among the warnings
    :ivar trial: how many seconds the reboot waits to be confirmed; ``None`` for a plain one, or none
    :ivar no_trial: why a reboot is a plain one, though a trial is wanted
    :ivar recovery: what a person at the console does if the host does not come back, in the order of trying
    """

    actions: tuple[Action, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]
    devices: tuple[PlannedDevice, ...]
    recovery: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    backend: str = ""
    pending: tuple[str, ...] = ()
    trial: int | None = None
    no_trial: NoTrial | None = None

    @property
    def changed(self) -> bool:
        """Whether applying the plan changes the host."""
        return bool(self.actions)

    @property
    def reboot_required(self) -> bool:
        """Whether only a reboot brings what is wanted."""
        return bool(self.reasons)
