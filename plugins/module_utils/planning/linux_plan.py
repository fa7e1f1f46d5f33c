# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of a Linux dom0, where devices change hands at run time.

The boot configuration is written as well, so that the next boot keeps what was done; no reboot is needed for it::

    hide -> configure -> assign -> run -> return

and, if everything is to be given back::

    restore -> run -> return -> remove

Devices leave dom0 before guests want them, and come back after guests have let go of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub import XEN
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import GUEST, SETTING
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import BootEdit, LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import (
    ABSENT,
    CHANGE,
    Action,
    Observed,
    Plan,
    Planner,
    RunningGuest,
    Wanted,
    WantedGuest,
    make_plan,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo_plan import UndoPlanner, plan_undo
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BOOT_CONFIG_INVALID, BRIDGE, GUARDS


def plan_host(wanted: Wanted, observed: Observed) -> Plan:
    """The plan of a host, whatever it runs and whatever is wanted of it."""
    if observed.linux is not None:
        return (LinuxUndoPlanner if wanted.state == ABSENT else LinuxPlanner)(wanted, observed).plan()
    return (plan_undo if wanted.state == ABSENT else make_plan)(wanted, observed)


class _LinuxWays(Planner):
    """What is otherwise than on NetBSD, whether devices are given away or back."""

    bridge_loss = "dom0 would lose what is behind it, and a guest can't use it"

    @property
    def boot(self) -> LinuxBoot:
        """What the host has for its next boot."""
        if self.observed.linux is None:
            raise TypeError("this plan is for Linux")
        return self.observed.linux

    def _install(self) -> None:
        """pcibackctl predicts what NetBSD boots; here nobody would ask it."""

    def _explain_reboot(self) -> None:
        """Nothing here needs a reboot."""

    def _hide(self) -> list[Action]:
        self._name_stale_backends()
        addresses = self._hidden()
        if any(refusal.code not in (BRIDGE, *GUARDS) for refusal in self.refusals):
            return []
        if self.wanted.boot_entries != "xen":
            self._refuse(
                BOOT_CONFIG_INVALID,
                "on Linux every entry that starts Xen gets the hide list",
                remedy="set pciback_boot_entries to xen",
            )
            return []
        try:
            edit = self.boot.edit(addresses, previous=self.wanted.keep_previous)
        except PcibackError as error:
            self._refuse_error(error, BOOT_CONFIG_INVALID)
            return []
        self.warnings += self.boot.warnings()
        self._check_default(addresses)
        self.recovery = self._recovery(edit)
        pins = self.selection.record(keep_held=False)
        if not edit.changed and pins == self.observed.pins:
            return []
        listed = " ".join(address.bdf for address in addresses) or "nothing"
        summary = f"make the next boot hide {listed}" if edit.changed else f"pin {listed}"
        arguments = {"devices": [str(address) for address in addresses], "pins": to_mapping(pins)}
        return [Action("hide", summary, arguments)]

    def _check_default(self, addresses: Sequence[Address]) -> None:
        menu = self.boot.read_menu()
        if addresses and menu.default is not None and menu.default.kind != XEN:
            self.warnings.append(
                f"{self.boot.menu_path} boots '{menu.default.title}' by default, which does not start Xen; "
                "set GRUB_DEFAULT to an entry that does"
            )

    def _recovery(self, edit: BootEdit) -> tuple[str, ...]:
        lines = [
            "In GRUB's menu, press 'e' at the entry that starts Xen, take the word that begins with "
            f"{hide_parameter.PARAMETER} out of its line and boot it with Ctrl-x: dom0 then keeps its devices."
        ]
        if edit.previous:
            lines.insert(0, f"In GRUB's menu, choose '{edit.previous}': it boots with the list from before.")
        return tuple(lines)

    # --- run time

    def _reboot_and_run(self, claims: Sequence[Address]) -> None:
        self._assign()
        self._run(False)
        kept = self._kept_by_guests()
        back = [address for address in self.observed.claims or () if address not in claims and address not in kept]
        if back:
            listed = " ".join(address.bdf for address in back)
            self.actions.append(Action("return", f"give {listed} back to dom0", _selectors(back)))

    def _assign(self) -> None:
        missing = [device.address for device in self._missing()]
        if missing:
            listed = " ".join(address.bdf for address in missing)
            self.actions.append(Action("assign", f"hand {listed} to pciback", _selectors(missing)))

    def _kept_by_guests(self) -> Mapping[Address, str]:
        """Devices of guests that run on with them."""
        changing = {
            domain["name"] for action in self.actions if action.kind == "run" for domain in action.arguments["domains"]
        }
        kept: dict[Address, str] = {}
        for guest in self.observed.running:
            mine = {planned.device.address for planned in self.devices if planned.guest == guest.name}
            for address in guest.devices:
                if guest.name not in changing and address not in mine:
                    kept[address] = guest.name
                    self.warnings.append(
                        f"{address.bdf} is with guest {guest.name}, which runs on and is not to have it: it stays there"
                    )
        return kept

    def _name_stale_backends(self) -> None:
        for domid, addresses in self.observed.stale.items():
            names = " ".join(address.bdf for address in addresses)
            self.warnings.append(
                f"xenstore still lists {names} for domain {domid}, which is gone: xl leaves that behind when a guest "
                f"shuts itself down, and it hinders nobody; 'xenstore-rm /local/domain/0/backend/pci/{domid}' removes it"
            )

    def _ways(self, step: str, alive: bool) -> Mapping[str, Any]:
        if step == CHANGE:
            return {"hot_plug": True, "restart": self.wanted.restart_guests == "when_needed"}
        return super()._ways(step, alive)

    def _change(self, guest: RunningGuest) -> str:
        # Only what Xen does when it makes a domain lets it have devices.
        return CHANGE if guest.passthrough else super()._change(guest)

    def _obstacle(self, guest: WantedGuest, kept: Mapping[Address, str], reboots: bool) -> str:
        # What pciback does not hold yet it will hold by then.
        return super()._obstacle(guest, kept, True)


def _selectors(addresses: Sequence[Address]) -> Mapping[str, Any]:
    """The arguments of the module ``assignable``."""
    return {"devices": [{"address": str(address)} for address in addresses]}


class LinuxPlanner(_LinuxWays):
    """Gives devices away."""


class LinuxUndoPlanner(_LinuxWays, UndoPlanner):
    """Gives everything back."""

    def _read_boot_config(self, restored: Mapping[str, bytes | None]) -> None:
        try:
            own = self.boot.own_list()
        except PcibackError as error:
            # Where nothing of it is ours, it hinders nobody.
            if self.observed.traces.originals.of_kind(SETTING):
                self._refuse_error(error, BOOT_CONFIG_INVALID)
            return
        reading = hide_parameter.read(own or "")
        self._own_claims = tuple(device.address for device in self.observed.devices if reading.hides(device.address))

    def _explain_return(self) -> None:
        """Nothing here needs a reboot."""

    def _assign(self) -> None:
        """A device that the owner's own files name and that pciback does not hold is the owner's affair, as before."""

    def _restore(self) -> None:
        traces = self.observed.traces
        settings, guests = traces.originals.of_kind(SETTING), traces.originals.of_kind(GUEST)
        boot = [self.observed.boot_path] if settings or traces.devices or self.boot.pending else []
        if boot or guests:
            listed = ", ".join([*guests, *settings] or boot)
            self.actions.append(
                Action(
                    "restore",
                    f"put back what was before the first run: {listed}",
                    {"boot": boot, "guests": [{"config": path} for path in guests]},
                )
            )

    def _obstacle(self, guest: WantedGuest, kept: Mapping[Address, str], reboots: bool) -> str:
        return UndoPlanner._obstacle(self, guest, kept, False)
