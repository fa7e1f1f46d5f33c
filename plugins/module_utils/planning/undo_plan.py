# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of a host that gets everything back: files as they were before the first run, and nothing of us left.

Guests keep the state that is wanted of them, with the devices that their own files listed before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import XEN, BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT, GUEST
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import PciEntry, XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import (
    Action,
    Observed,
    Plan,
    PlannedDevice,
    Planner,
    RunningGuest,
    Wanted,
    WantedGuest,
    recovery,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import restore

_CODES = {BOOT: "boot-config-invalid", GUEST: "domain-config-invalid"}


def plan_undo(wanted: Wanted, observed: Observed) -> Plan:
    """Decide what has to be done to give everything back, and in which order."""
    return UndoPlanner(wanted, observed).plan()


class UndoPlanner(Planner):
    """Reads what each recorded file will be, and plans for a host with these."""

    def __init__(self, wanted: Wanted, observed: Observed) -> None:
        super().__init__(wanted, observed)
        self._own_claims: tuple[Address, ...] = ()
        self._own_lists: dict[str, tuple[PciEntry, ...]] = {}

    def plan(self) -> Plan:
        self._choose_devices()
        restored = self._restored()
        self._read_boot_config(restored)
        self._read_guests(restored)
        self._explain_return()
        if self.refusals:
            return self._result(())
        installs = self._reboots() and self.wanted.native and not self.observed.native.ready
        if installs:
            reason = self.observed.native.reason
            self.actions.append(Action("native", f"install pcibackctl, to predict the reboot: {reason}"))
        self._restore()
        self._reboot_and_run(self._own_claims)
        if installs or self.observed.traces.native:
            self.actions.append(Action("remove", "remove pcibackctl and what is recorded of it"))
        return self._result(self.actions)

    # --- the files as they will be

    def _restored(self) -> Mapping[str, bytes | None]:
        """What each recorded file was, by its path."""
        traces = self.observed.traces
        restored = {}
        for path in traces.originals.of_kind(BOOT, GUEST):
            original, current = traces.originals.files[path], traces.files.get(path)
            try:
                if isinstance(current, PcibackError):
                    raise current
                found = restore(path, original, current)
            except PcibackError as error:
                self._refuse_error(error, _CODES[original.kind])
                continue
            self.warnings += found.warnings
            restored[path] = found.data
        return restored

    def _read_boot_config(self, restored: Mapping[str, bytes | None]) -> None:
        path, data = self.observed.boot_path, self.observed.boot_config
        try:
            if isinstance(data, PcibackError):
                raise data
            own = restored.get(self._place(path))
            config = BootCfg.parse(data if own is None else own, file=path)
        except PcibackError as error:
            self._refuse_error(error, "boot-config-invalid")
            return
        self.recovery = recovery(config)
        default = config.default
        if default is not None and default.kind == XEN and default.hide is not None:
            self._own_claims = tuple(sorted(set(default.hide.claims)))
        if config.render() != data:
            self._warn_of_own_list()

    def _warn_of_own_list(self) -> None:
        """Name what the next boot takes from dom0: the owner's list may be older than the hardware."""
        held = self.observed.claims or ()
        for device in self.observed.devices:
            if device.address in self._own_claims and device.address not in held:
                self.warnings.append(
                    f"{self.observed.boot_path} hid {device.describe()} before the first run and does so again: "
                    "the next boot takes it from dom0"
                )

    def _read_guests(self, restored: Mapping[str, bytes | None]) -> None:
        for guest in self.wanted.guests:
            place = self._place(guest.config)
            data = restored[place] if place in restored else self.observed.guest_configs.get(guest.config)
            try:
                if isinstance(data, PcibackError):
                    raise data
                if data is None:
                    raise PcibackError("it does not exist", file=guest.config)
                config = XlConfig.parse(data, guest.config)
            except PcibackError as error:
                # Nothing of it is to be changed, so it hinders nobody else.
                self.warnings.append(f"guest {guest.name} is left alone: {error}")
                continue
            self._own_lists[guest.name] = config.pci
            self._add_devices(config.addresses, guest.name)
        given = {planned.device.address for planned in self.devices}
        self._add_devices([address for address in self._own_claims if address not in given], None)

    def _add_devices(self, addresses: Sequence[Address], guest: str | None) -> None:
        for device in self.observed.devices:
            if device.address in addresses:
                held = device.address in (self.observed.claims or ())
                attached = any(
                    device.address in running.devices and running.name == guest for running in self.observed.running
                )
                self.devices.append(PlannedDevice(device, guest, (), held, attached))

    def _place(self, path: str) -> str:
        return self.observed.traces.places.get(path, path)

    def _restore(self) -> None:
        traces = self.observed.traces
        boot, guests = traces.originals.of_kind(BOOT), traces.originals.of_kind(GUEST)
        if traces.devices and not boot:
            # The record of devices goes with the boot configuration, whether that was changed or not.
            boot = (self.observed.boot_path,)
        if boot or guests:
            listed = ", ".join([*guests, *boot])
            self.actions.append(
                Action(
                    "restore",
                    f"put back what was before the first run: {listed}",
                    {"boot": list(boot), "guests": [{"config": path} for path in guests]},
                )
            )

    # --- the reboot and what runs after it

    def _explain_return(self) -> None:
        for address in self.observed.claims or ():
            if address not in self._own_claims:
                self.reasons.append(f"{address.bdf} is held by pciback: dom0 gets it back")

    def _step(self, guest: WantedGuest, now: RunningGuest | None) -> str:
        if guest.name not in self._own_lists:
            return ""
        # A device that its own file lists and that it does not have is its owner's affair, as it was before.
        if guest.state == "running" and now is not None and not self._surplus(guest, now):
            return ""
        return super()._step(guest, now)

    def _surplus(self, guest: WantedGuest, now: RunningGuest) -> list[Address]:
        """The devices of a running guest that its own file does not list."""
        specs = [entry.spec for entry in self._own_lists[guest.name]]
        if any(spec.address is None for spec in specs):
            # xl knows what the name stands for.
            return []
        listed = {spec.address for spec in specs}
        whole = {spec.address for spec in specs if spec.all_functions}
        return [
            address for address in now.devices if address not in listed and replace(address, function=0) not in whole
        ]

    def _obstacle(self, guest: WantedGuest, kept: Mapping[Address, str], reboots: bool) -> str:
        offered = self._own_claims if reboots else self.observed.claims or ()
        for planned in self._devices_of(guest):
            if planned.device.address not in offered:
                return f"its own file lists {planned.device.address.bdf}, which pciback does not hold"
        return super()._obstacle(guest, kept, reboots)
