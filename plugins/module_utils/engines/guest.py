# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""One guest on its way into its state: what is wanted of it, what it is, what has to be done, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference, difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import ABSENT, NEVER_RAN, RUNNING, RunningDomain
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID

MOST_BYTES = 1 << 20
"""Far more than xl reads; what is too large for it is xl's to say."""

STOPPED = "stopped"
STATES = (RUNNING, STOPPED, ABSENT)
"""What a guest can be wanted to be. A domain has more states, see :class:`RunningDomain`."""

SHUT_DOWN = "shut down"
DESTROYED = "destroyed"
CREATED = "created"
UNPAUSED = "unpaused"


def detached(address: Address) -> str:
    """The action of taking a device from a guest that runs."""
    return f"detached {address.bdf}"


def attached(spec: PciSpec) -> str:
    """The action of giving a device to a guest that runs."""
    return f"attached {spec.device}"


@dataclass
class Guest:
    """One guest.

    :ivar path: its configuration file; empty if none is given
    :ivar state: what it is wanted to be, of :data:`STATES`
    :ivar restart: whether it may be shut down to start with what its file says now
    :ivar hot_plug: whether its devices are changed while it runs
    :ivar allow: what its owner allows for its devices, in pcibackctl's words
    :ivar irqs: the interrupts that its owner states of devices
    :ivar now: its domain, as far as is known; ``None`` if it has none
    :ivar config: its file, read if it is to start or to change its devices
    :ivar planned: what leads from what was there to the state, as far as can be foreseen
    :ivar actions: what was done
    :ivar failure: why it is not in its state
    :ivar restart_cause: why it is restarted, although its devices were to change while it runs
    :ivar detach: devices that it is to lose while it runs
    :ivar attach: devices that it is to get while it runs
    """

    name: str
    path: str
    state: str
    restart: bool
    hot_plug: bool = False
    allow: tuple[str, ...] = ()
    irqs: Mapping[Address, int] = field(default_factory=dict)
    before: str = ABSENT
    shown_before: str = ""
    now: RunningDomain | None = None
    config: XlConfig | None = None
    planned: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    failure: PcibackError | None = None
    restart_cause: PcibackError | None = None
    detach: tuple[Address, ...] = ()
    attach: tuple[PciSpec, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether a system runs in its domain, or can go on."""
        return self.now is not None and self.now.alive

    @property
    def restarts_to_change(self) -> bool:
        """Whether its devices could not be changed while it runs, and it may be restarted for that."""
        return self.restart and self.failure is not None

    @property
    def shown(self) -> str:
        """What diff mode shows: the state, and the devices if they may change without the state."""
        lines = [self.now.state if self.now else ABSENT]
        if self.hot_plug and self.now:
            lines += sorted(address.bdf for address in self.now.devices)
        return "".join(f"{line}\n" for line in lines)

    # --- planning

    def plan(self) -> None:
        """Note what it was, and what leads from there to its state.

        :raises PcibackError: its file can't be used, and has to be
        """
        self.before = self.now.state if self.now else ABSENT
        self.shown_before = self.shown
        if self.hot_plug and self.state == RUNNING and self.alive:
            self._compare_devices()
        self.planned = self._actions()
        if CREATED in self.planned:
            self.config = self.read_config()
            if self._lacks_only_to_run:
                self.planned = [UNPAUSED]

    @property
    def _lacks_only_to_run(self) -> bool:
        """Whether somebody made it paused, gave it what its file lists, and came no further."""
        if self.now is None or self.now.state != NEVER_RAN or self.config is None or not self.now.devices:
            return False
        return set(self.now.devices) == set(self.config.addresses)

    def _actions(self) -> list[str]:
        if self.state == STOPPED and self.now is not None and self.now.state == NEVER_RAN:
            return [DESTROYED]
        if self.state == STOPPED:
            return [SHUT_DOWN] if self.alive else []
        if self.state == ABSENT:
            return [SHUT_DOWN] if self.alive else [DESTROYED] if self.now else []
        if self.alive and self.hot_plug:
            return [*map(detached, self.detach), *map(attached, self.attach)]
        if self.alive:
            return [SHUT_DOWN, CREATED] if self.restart else []
        return [DESTROYED, CREATED] if self.now else [CREATED]

    def read_config(self) -> XlConfig:
        """Its file.

        :raises PcibackError: it is missing, xl would refuse it, or it is another guest's
        """
        try:
            config = XlConfig.parse(read_file(self.path, limit=MOST_BYTES), self.path)
        except PcibackError as error:
            error.code = DOMAIN_CONFIG_INVALID
            raise
        if config.name != self.name:
            says = "no name" if config.name is None else f"the name '{config.name}'"
            raise PcibackError(
                f"it has {says}; the guest is '{self.name}' here", code=DOMAIN_CONFIG_INVALID, file=self.path
            )
        twice = config.twice
        if twice is not None:
            raise PcibackError(
                f"it lists {twice.spec.device} twice, and xl fails on that half way; list each device once",
                code=DOMAIN_CONFIG_INVALID,
                file=self.path,
                line=twice.line,
                column=twice.column,
            )
        return config

    def _compare_devices(self) -> None:
        """Note what it has to lose and to get. Entries by name are xl's to resolve, so with one nothing is lost."""
        config = self.config = self.read_config()
        here = self.now.devices if self.now else ()
        specs = [entry.spec for entry in config.pci]
        if all(spec.address is not None for spec in specs):
            self.detach = tuple(address for address in here if not any(spec.covers(address) for spec in specs))
        self.attach = tuple(
            config.with_defaults(spec)
            for spec in specs
            if spec.address is not None and not any(spec.covers(address) for address in here)
        )

    @property
    def gets(self) -> tuple[Address, ...]:
        """The devices that it has to get, when it starts or while it runs."""
        starts = self.config is not None and CREATED in self.planned
        specs = [entry.spec for entry in self.config.pci] if self.config is not None and starts else self.attach
        return tuple(spec.address for spec in specs if spec.address is not None)

    def foresee(self) -> None:
        """Note what would be if all went well, for check mode."""
        self.actions = self.planned
        if CREATED in self.actions:
            self.now = RunningDomain(0, self.name, RUNNING, self.config.addresses if self.config else ())
        elif self.now is not None and UNPAUSED in self.actions:
            self.now = replace(self.now, state=RUNNING)
        elif self.now is not None and (self.attach or self.detach):
            kept = [address for address in self.now.devices if address not in self.detach]
            new = [spec.address for spec in self.attach if spec.address is not None]
            self.now = replace(self.now, devices=(*kept, *new))
        elif self.actions:
            self.now = None

    # --- what was done

    def attempt(self, action: str, call: Callable[[Any], None], argument: Any) -> bool:
        """Do a thing and note it, or note why it failed."""
        try:
            call(argument)
        except PcibackError as error:
            self.failure = error
            return False
        self.actions.append(action)
        return True

    def check(self) -> PcibackError | None:
        """Why it is not in its state although nothing failed."""
        if self.state == RUNNING and not self.alive:
            return PcibackError(
                f"guest {self.name} was started and runs no more",
                remedy="start it by hand with 'xl create -c' and watch",
            )
        if self.alive and (self.state != RUNNING or (CREATED in self.planned and CREATED not in self.actions)):
            return PcibackError(
                f"guest {self.name} shut down and runs again, without what its configuration file says now",
                remedy="write on_poweroff = 'destroy' in its configuration file, and see who starts it",
            )
        left = [address for address in self.detach if self.now and address in self.now.devices]
        lacks = [spec for spec in self.attach if self.now and not any(map(spec.covers, self.now.devices))]
        if left or lacks:
            return PcibackError(
                f"guest {self.name} has other devices than its configuration file lists: "
                + ", ".join([f"still {address.bdf}" for address in left] + [f"not {spec.device}" for spec in lacks]),
                remedy="restart it, or let the task do so with 'restart: true'",
            )
        return None

    @property
    def warnings(self) -> list[str]:
        """What the owner should know of it."""
        found = [*self.config.warnings] if self.config else []
        if self.restart_cause is not None:
            found.append(f"guest {self.name} had to be restarted: {self.restart_cause}")
        return found

    def difference(self) -> Difference:
        """What diff mode shows of it."""
        return difference(self.name, self.shown_before, self.shown)

    def describe(self) -> dict[str, Any]:
        """The documented result."""
        return {
            "name": self.name,
            "before": self.before,
            "after": self.now.state if self.now else ABSENT,
            "actions": self.actions,
            "domid": (self.now.domid or None) if self.now else None,
            "devices": [str(address) for address in self.now.devices] if self.now else [],
            "failure": None if self.failure is None else str(self.failure),
        }
