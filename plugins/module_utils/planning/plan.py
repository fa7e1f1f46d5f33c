# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""The plan of one host: a pure function from what the owner wants and what the host shows.

The order of the actions is the order in which they are applied::

    native -> hide -> configure -> shut_down -> reboot -> run

and, if everything is to be given back (undo_plan.py)::

    native -> restore -> shut_down -> reboot -> run -> remove

Nothing of a plan with a refusal is applied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.device import Device, Selector
from ansible_collections.xen.pciback.plugins.module_utils.devices.pinning import (
    ChangedError,
    Move,
    Pinning,
)
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin, to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import PREVIOUS_SUFFIX, XEN, BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.hide_list import OPTION
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.guards.safety import (
    ALLOWABLE,
    BRIDGE,
    GUARDS,
    IDENTITY_CHANGED,
    Facts,
    guard,
    siblings,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import Prediction, disagreement
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Traces

GUEST_STATES = ("running", "stopped", "unmanaged")

PRESENT = "present"
ABSENT = "absent"

# Steps that need a guest's devices, and what is said of one that is not made.
CHANGE = "change the devices of"
_DONE = {"start": "is not started", "restart": "is not restarted", CHANGE: "keeps the devices that it has"}

_HIDE_OPTION = re.compile(rf"(?: --)? {re.escape(OPTION)}\S*", re.IGNORECASE)


@dataclass(frozen=True)
class WantedDevice:
    """One device line of the owner: how to find it, and what xl is to be told of it."""

    selector: Selector
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class WantedGuest:
    """A guest: its name, its xl configuration file, its state and its devices."""

    name: str
    config: str
    state: str = "running"
    devices: tuple[WantedDevice, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What the owner wants of one host. ``allow`` holds pairs of refusal code and address.

    With ``state`` absent everything is given back; no guest has devices then.
    """

    guests: tuple[WantedGuest, ...] = ()
    extra_devices: tuple[WantedDevice, ...] = ()
    reboot: str = "never"
    restart_guests: str = "never"
    boot_entries: Any = "xen"
    keep_previous: bool = True
    native: bool = True
    allow: tuple[tuple[str, Address], ...] = ()
    follow_moves: bool = False
    state: str = PRESENT

    @property
    def requests(self) -> tuple[tuple[str | None, Selector], ...]:
        """Every selector, with the guest in whose list it is."""
        mine: list[tuple[str | None, Selector]] = [
            (guest.name, item.selector) for guest in self.guests for item in guest.devices
        ]
        return (*mine, *((None, item.selector) for item in self.extra_devices))


@dataclass(frozen=True)
class RunningGuest:
    """A domain that xl knows, with the devices that it has now.

    :ivar passthrough: whether Xen set up an IOMMU for it, as far as is known, so that it can get devices while it runs
    """

    name: str
    domid: int
    devices: tuple[Address, ...] = ()
    passthrough: bool = True


@dataclass(frozen=True)
class NativeState:
    """Whether pcibackctl on the host is the one that was built and checked; ``reason`` says why not."""

    ready: bool
    reason: str = ""


@dataclass(frozen=True)
class Observed:
    """What the host shows, read once. A file that can't be read is kept as the error that says so.

    ``claims`` is ``None`` if the running kernel has no backend. ``prediction`` is what the C model says that the
    next boot will do if nobody chooses another entry, ``None`` if it can't be asked. ``facts`` is what the guards judge
    by, ``None`` if no device is to leave dom0. ``traces`` is what is left of us, read if everything is to be given back.
    ``linux`` is what a Linux dom0 has for its next boot, ``None`` on NetBSD. ``stale`` are devices that xenstore lists for
    domains that are gone, by the numbers of these.
    """

    devices: tuple[Device, ...]
    claims: tuple[Address, ...] | None
    boot_path: str
    boot_config: bytes | PcibackError
    guest_configs: Mapping[str, bytes | PcibackError] = field(default_factory=dict)
    running: tuple[RunningGuest, ...] = ()
    native: NativeState = NativeState(True)
    prediction: Prediction | None = None
    pins: Mapping[Address, Pin] = field(default_factory=dict)
    facts: Facts | None = None
    traces: Traces = field(default_factory=Traces)
    linux: LinuxBoot | None = None
    stale: Mapping[int, tuple[Address, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """One step: its kind, one sentence for a person, and the arguments of the module that applies it."""

    kind: str
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
    """A device that leaves dom0, and the guest that gets it (``None``: hidden, given to nobody yet)."""

    device: Device
    guest: str | None
    options: tuple[tuple[str, Any], ...]
    held: bool
    attached: bool


@dataclass(frozen=True)
class Plan:
    """What would be done, why not, and what the owner should know."""

    actions: tuple[Action, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    reboot_required: bool
    reasons: tuple[str, ...]
    devices: tuple[PlannedDevice, ...]
    recovery: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether applying the plan changes the host."""
        return bool(self.actions)


def recovery(config: BootCfg) -> tuple[str, ...]:
    """What a person at the console does if the host does not come back, in the order of trying."""
    lines = [
        f"At its console, choose entry {entry.number} '{entry.title}' in the loader's menu: it boots with the list from before."
        for entry in config.entries
        if entry.title.endswith(PREVIOUS_SUFFIX)
    ]
    default = config.default
    if default is not None and default.kind == XEN:
        typed = [_HIDE_OPTION.sub("", command).strip() for command in default.commands]
        lines.append(
            "At the loader's prompt (choose it in the menu), these lines boot dom0 with nothing hidden: "
            + " | ".join(typed)
        )
    return tuple(lines)


def takes_devices(
    wanted: Wanted,
    devices: Sequence[Device],
    claims: Sequence[Address] | None,
    pins: Mapping[Address, Pin],
    *,
    units: bool = True,
) -> bool:
    """Whether a device is wanted that pciback does not hold yet: only then do the guards need their facts.

    :param units: whether the names of drivers end with the numbers of their units, as on NetBSD
    """
    pinning = _pinning(wanted, devices, claims, pins, units)
    for guest, selector in wanted.requests:
        try:
            found = pinning.choose(selector, guest)
        except PcibackError:
            continue
        if any(device.address not in (claims or ()) for device in found):
            return True
    return False


def _pinning(
    wanted: Wanted,
    devices: Sequence[Device],
    claims: Sequence[Address] | None,
    pins: Mapping[Address, Pin],
    units: bool,
) -> Pinning:
    return Pinning(
        devices,
        pins,
        claims or (),
        wanted.requests,
        follow=wanted.follow_moves,
        accepted=[address for code, address in wanted.allow if code == IDENTITY_CHANGED],
        units=units,
    )


def make_plan(wanted: Wanted, observed: Observed) -> Plan:
    """Decide what has to be done, in which order, and what must not be done."""
    return Planner(wanted, observed).plan()


class Planner:
    """The state of one planning run; each step reads what the earlier ones found."""

    bridge_loss = "a NetBSD dom0 that hides it panics while it boots"

    def __init__(self, wanted: Wanted, observed: Observed) -> None:
        self.wanted = wanted
        self.observed = observed
        self.actions: list[Action] = []
        self.refusals: list[Refusal] = []
        self.warnings: list[str] = []
        self.reasons: list[str] = []
        self.devices: list[PlannedDevice] = []
        self.recovery: tuple[str, ...] = ()
        self.pinning = _pinning(wanted, observed.devices, observed.claims, observed.pins, units=observed.linux is None)

    def plan(self) -> Plan:
        self._choose_devices()
        self._refuse_bridges()
        self._guard()
        self._explain_reboot()
        hide = self._hide()
        configure = self._configure()
        if self.refusals:
            return self._result(())
        self._install()
        self.actions += hide + configure
        self._reboot_and_run(self._hidden())
        return self._result(self.actions)

    def _install(self) -> None:
        if self.wanted.native and not self.observed.native.ready:
            self.actions.append(Action("native", f"install pcibackctl: {self.observed.native.reason}"))

    def _result(self, actions: Sequence[Action]) -> Plan:
        return Plan(
            actions=tuple(actions),
            refusals=tuple(self.refusals),
            warnings=tuple(self.warnings),
            reboot_required=bool(self.reasons),
            reasons=tuple(self.reasons),
            devices=tuple(self.devices),
            recovery=self.recovery,
            moves=tuple(self.pinning.moves),
        )

    # --- which devices

    def _choose_devices(self) -> None:
        owners: dict[Address, str] = {}
        names: set[str] = set()
        for guest in self.wanted.guests:
            if guest.name in names:
                self._refuse("domain-config-invalid", f"guest {guest.name} is listed twice", remedy="list it once")
            names.add(guest.name)
            for item in guest.devices:
                self._choose(item, guest.name, owners)
        for item in self.wanted.extra_devices:
            self._choose(item, None, owners)
        self.warnings += self.pinning.warnings

    def _choose(self, item: WantedDevice, guest: str | None, owners: dict[Address, str]) -> None:
        whose = f"guest {guest}" if guest else "the extra devices"
        try:
            found = self.pinning.choose(item.selector, guest)
        except ChangedError as error:
            self.refusals.append(Refusal(error.code or IDENTITY_CHANGED, str(error), error.address.bdf, error.remedy))
            return
        except PcibackError as error:
            self._refuse(
                error.code or "no-such-device", f"{whose}: {error}", device=str(item.selector), remedy=error.remedy
            )
            return
        for device in found:
            owner = owners.setdefault(device.address, whose)
            if any(planned.device.address == device.address for planned in self.devices):
                self._refuse(
                    "assigned-twice",
                    f"{device.describe()} is wanted by {owner} and by {whose}; a device belongs to one guest",
                    device=device.address.bdf,
                    remedy="take it out of one of the two lists, or make the selectors more exact",
                )
                continue
            self.devices.append(
                PlannedDevice(
                    device=device,
                    guest=guest,
                    options=item.options,
                    held=device.address in (self.observed.claims or ()),
                    attached=any(
                        device.address in running.devices and running.name == guest for running in self.observed.running
                    ),
                )
            )

    def _refuse_bridges(self) -> None:
        for planned in self.devices:
            device = planned.device
            if device.is_pci_bridge:
                self.refusals.append(
                    Refusal(
                        BRIDGE,
                        f"{device.describe()} is a PCI bridge: {self.bridge_loss}",
                        device.address.bdf,
                        "give away the functions behind the bridge instead; this can't be overridden",
                    )
                )
            elif device.is_bridge:
                self._refuse(
                    BRIDGE,
                    f"{device.describe()} is a bridge that the machine itself needs",
                    device=device.address,
                    remedy="leave it to dom0, or allow code 'bridge' for this address",
                )

    def _guard(self) -> None:
        """Refuse what dom0 itself needs, unless it has left dom0 already."""
        for planned in self.devices:
            for code, address in self.wanted.allow:
                if planned.held and code in GUARDS and address == planned.device.address:
                    self.warnings.append(f"overridden by the owner: {code} for {address.bdf}, which pciback holds")
        missing = self._missing()
        self.warnings += siblings(
            self.observed.devices, [planned.device for planned in self.devices] if missing else ()
        )
        if not missing or self.observed.facts is None:
            return
        owners = {planned.device.address: planned.guest for planned in self.devices}
        verdict = guard(self.observed.facts, self.observed.devices, missing, owners)
        for finding in verdict.findings:
            self._refuse(finding.code, finding.message, device=finding.device, remedy=finding.remedy)
        self.warnings += verdict.warnings

    # --- the boot configuration

    def _hide(self) -> list[Action]:
        addresses = self._hidden()
        data = self.observed.boot_config
        if isinstance(data, PcibackError):
            self._refuse_error(data, "boot-config-invalid")
            return []
        if any(refusal.code not in (BRIDGE, *GUARDS) for refusal in self.refusals):
            return []
        try:
            config = BootCfg.parse(data, file=self.observed.boot_path)
            edit = config.hide(addresses, entries=self.wanted.boot_entries, previous=self.wanted.keep_previous)
        except PcibackError as error:
            self._refuse_error(error, "boot-config-invalid")
            return []
        self.recovery = recovery(edit.boot_cfg)
        edited = [placement.number for placement in edit.entries]
        self._check_default_entry(config, edited, addresses)
        pins = self.pinning.record(keep_held=not self._reboots())
        if not edit.changed:
            self._check_prediction(config, edited, addresses)
            if pins == self.observed.pins:
                return []
        listed = " ".join(address.bdf for address in addresses) or "nothing"
        summary = f"make {self.observed.boot_path} hide {listed}" if edit.changed else f"pin {listed}"
        arguments = {"devices": [str(address) for address in addresses], "pins": to_mapping(pins)}
        return [Action("hide", summary, arguments)]

    def _hidden(self) -> list[Address]:
        return sorted({planned.device.address for planned in self.devices})

    def _check_default_entry(self, config: BootCfg, edited: Sequence[int], addresses: Sequence[Address]) -> None:
        default = config.default
        if not addresses or default is None or default.number in edited:
            return
        sentence = (
            f"{self.observed.boot_path} boots entry {default.number} '{default.title}' by default, "
            "which hides nothing, so a reboot would not give the devices away"
        )
        if self.wanted.reboot == "when_needed" and self._missing():
            self._refuse(
                "boot-config-invalid",
                sentence,
                remedy="set default= to an entry that starts Xen, or include that entry in pciback_boot_entries",
            )
        else:
            self.warnings.append(sentence)

    def _check_prediction(self, config: BootCfg, edited: Sequence[int], addresses: Sequence[Address]) -> None:
        prediction = self.observed.prediction
        default = config.default
        if prediction is None or default is None or default.kind != XEN:
            return
        # The model was asked about the default entry only; one that is not to hide anything is no disagreement.
        if addresses and default.number not in edited:
            return
        doubt = disagreement(prediction, addresses)
        if doubt is not None:
            self._refuse(
                "prediction-mismatch",
                f"{self.observed.boot_path} reads as wanted, but the model of the boot disagrees: {doubt}",
                remedy=f"run 'pcibackctl boot --config {self.observed.boot_path}' on the host to see why",
            )

    # --- the guests' files

    def _configure(self) -> list[Action]:
        names, domains = [], []
        for guest in self.wanted.guests:
            data = self.observed.guest_configs.get(guest.config)
            if data is None or isinstance(data, PcibackError):
                self._refuse_error(
                    data or PcibackError(f"guest {guest.name} has no configuration file", file=guest.config),
                    "domain-config-invalid",
                )
                continue
            specs = [
                {"address": str(planned.device.address), **dict(planned.options)} for planned in self._devices_of(guest)
            ]
            moves = {move.old: move.new for move in self.pinning.moves if move.guest == guest.name}
            try:
                config = XlConfig.parse(data, guest.config)
                changed = with_pci(config, specs, moves).render() != data
            except PcibackError as error:
                self._refuse_error(error, "domain-config-invalid")
                continue
            self.warnings += config.warnings
            if config.name != guest.name:
                described = "no guest by name" if config.name is None else f"a guest named '{config.name}'"
                self._refuse(
                    "domain-config-invalid",
                    f"{guest.config} describes {described}, not '{guest.name}'",
                    remedy="correct the name in the inventory or in the file",
                )
            if changed:
                names.append(guest.name)
                domain: dict[str, Any] = {"config": guest.config, "devices": specs}
                if moves:
                    domain["moves"] = {str(old): str(new) for old, new in moves.items()}
                domains.append(domain)
        if not domains:
            return []
        summary = f"list the devices in the configuration of {', '.join(names)}"
        return [Action("configure", summary, {"domains": domains})]

    # --- the reboot and what runs after it

    def _missing(self) -> list[Device]:
        return [planned.device for planned in self.devices if not planned.held]

    def _explain_reboot(self) -> None:
        for device in self._missing():
            holder = f"{device.driver or 'no driver'} holds it now"
            if device.held_by_pciback:
                holder = f"{device.driver} holds it, but its backend is not up and offers nothing to guests"
            self.reasons.append(f"{device.describe()} has to be taken by pciback: {holder}")
        hidden = set(self._hidden())
        for address in self.observed.claims or ():
            if address not in hidden:
                self.reasons.append(f"{address.bdf} is held by pciback and wanted by nobody: dom0 gets it back")

    def _reboots(self) -> bool:
        return bool(self.reasons) and self.wanted.reboot == "when_needed"

    def _reboot_and_run(self, claims: Sequence[Address]) -> None:
        """Reboot, if that is needed and allowed, and see to the guests.

        :param claims: what pciback has to hold after the reboot
        """
        reboots = self._reboots()
        if self.reasons and not reboots:
            self.warnings.append("a reboot is pending; pciback_reboot: when_needed allows it")
        if reboots:
            managed = {guest.name for guest in self.wanted.guests if guest.state != "unmanaged"}
            for guest in self.observed.running:
                if guest.name not in managed:
                    self.warnings.append(
                        f"guest {guest.name} is running and not managed here: the reboot shuts it down, "
                        "and only the host's own start-up brings it back"
                    )
            if self.observed.running:
                names = sorted(guest.name for guest in self.observed.running)
                self.actions.append(
                    Action(
                        "shut_down",
                        f"shut down {', '.join(names)} before the reboot",
                        {"domains": [{"name": name, "state": "stopped"} for name in names]},
                    )
                )
            arguments = {"reasons": list(self.reasons), "claims": [str(address) for address in claims]}
            self.actions.append(Action("reboot", "reboot dom0", arguments))
        self._run(reboots)

    def _run(self, reboots: bool) -> None:
        alive = {guest.name: guest for guest in self.observed.running}
        running = {} if reboots else alive
        steps = {guest.name: self._step(guest, running.get(guest.name)) for guest in self.wanted.guests}
        self._leave_alone_what_would_fail(steps, running, reboots)
        domains: list[dict[str, Any]] = []
        for guest in self.wanted.guests:
            domain = {"name": guest.name, "config": guest.config, "state": guest.state}
            if steps[guest.name] == "shut down":
                domains.insert(0, domain)
            elif steps[guest.name]:
                domains.append({**domain, **self._ways(steps[guest.name], guest.name in alive)})
        if domains:
            summary = "; ".join(f"{steps[domain['name']]} {domain['name']}" for domain in domains)
            self.actions.append(Action("run", summary, {"domains": domains}))

    def _ways(self, step: str, alive: bool) -> Mapping[str, Any]:
        """How the module ``domain`` may bring a guest to its devices."""
        # Check mode still sees it running before a reboot: said as a restart, it predicts what happens.
        return {"restart": True} if alive else {}

    def _step(self, guest: WantedGuest, now: RunningGuest | None) -> str:
        """What brings a guest into its state, empty if it is there already or has to be left alone."""
        if guest.state == "stopped" and now is not None:
            return "shut down"
        if guest.state != "running":
            return ""
        if now is None:
            return "start"
        if set(now.devices) == {planned.device.address for planned in self._devices_of(guest)}:
            return ""
        return self._change(now)

    def _change(self, guest: RunningGuest) -> str:
        """The step of a running guest whose devices are others than wanted."""
        if self.wanted.restart_guests == "when_needed":
            return "restart"
        self.warnings.append(
            f"guest {guest.name} runs with other devices than its configuration lists, until it is "
            "restarted; allow that with pciback_restart_guests: when_needed"
        )
        return ""

    def _leave_alone_what_would_fail(
        self, steps: dict[str, str], running: Mapping[str, RunningGuest], reboots: bool
    ) -> None:
        """Take back starts that xl would refuse: a guest that was shut down for one would stay down."""
        refused = True
        while refused:
            # One that is left alone keeps its devices from others, so look again.
            kept = {address: name for name, now in running.items() if not steps.get(name) for address in now.devices}
            refused = False
            for guest in self.wanted.guests:
                obstacle = self._obstacle(guest, kept, reboots)
                if steps[guest.name] in _DONE and obstacle:
                    self.warnings.append(f"guest {guest.name} {_DONE[steps[guest.name]]}: {obstacle}")
                    steps[guest.name] = ""
                    refused = True

    def _obstacle(self, guest: WantedGuest, kept: Mapping[Address, str], reboots: bool) -> str:
        for planned in self._devices_of(guest):
            if not planned.held and not reboots:
                return "its devices wait for the reboot"
            owner = kept.get(planned.device.address, guest.name)
            if owner != guest.name:
                return f"{planned.device.address.bdf} is still with guest {owner}, which runs on; shut that down first"
        return ""

    def _devices_of(self, guest: WantedGuest) -> list[PlannedDevice]:
        return [planned for planned in self.devices if planned.guest == guest.name]

    # --- refusals

    def _refuse(
        self, code: str, message: str, *, device: Address | str | None = None, remedy: str | None = None
    ) -> None:
        shown = device.bdf if isinstance(device, Address) else device
        if code in ALLOWABLE and (code, device) in self.wanted.allow:
            self.warnings.append(f"overridden by the owner: {code} for {shown}: {message}")
            return
        self.refusals.append(Refusal(code, message, shown, remedy))

    def _refuse_error(self, error: PcibackError, code: str) -> None:
        self._refuse(error.code or code, str(error), remedy=error.remedy)
