# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What one host shows, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import Originals
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial, TrialState
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts


class BootState(Protocol):
    """What a platform has for its next boot, as far as anybody but the platform has to know."""

    @property
    def path(self) -> str:
        """The boot configuration."""

    @property
    def predictable(self) -> bool:
        """Whether pcibackctl can predict the next boot."""

    @property
    def loader(self) -> str | None:
        """Which boot loaders may read it, in the words of ``pcibackctl boot --loader``; ``None`` if it predicts nothing."""

    @property
    def predicted_claims(self) -> tuple[Address, ...] | None:
        """What the C model says that the next boot will claim if nobody chooses another entry, if it could be asked."""


@dataclass(frozen=True)
class RunningGuest:
    """A domain that xl knows, with the devices that it has now.

    :ivar options: with which options it has each device, under xl's names, as far as xl shows them
    :ivar reaches: devices that it has no more, and that pcibackd keeps from others because it may still reach them
    :ivar passthrough: whether Xen set up an IOMMU for it, as far as is known, so that it can get devices while it runs
    :ivar irqs: the interrupts that were stated of devices when NetBSD's own backend gave them to it
    """

    name: str
    domid: int
    devices: tuple[Address, ...] = ()
    passthrough: bool = True
    options: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict)
    reaches: tuple[Address, ...] = ()
    irqs: Mapping[Address, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DaemonState:
    """The service of pcibackd.

    :ivar installed: whether it is recorded as installed
    :ivar ready: whether it is installed as recorded, starts with the host, and runs; ``False`` if nobody asked
    :ivar reason: why it is not ready
    :ivar outdated: a sentence, if it runs, is made of other sources, and can't be replaced while guests have devices of it
    :ivar status: what the one that runs says of itself, ``None`` if none runs or nobody asked
    :ivar starts: whether it is installed as recorded and starts with the host; ``False`` if nobody asked
    """

    installed: bool = False
    ready: bool = False
    reason: str = ""
    outdated: str = ""
    status: PcibackdStatus | None = None
    starts: bool = False


@dataclass(frozen=True)
class NativeState:
    """Whether pcibackctl on the host is the one that was built and checked; ``reason`` says why not.

    :ivar trial: whether pciback-trial is recorded as installed
    """

    ready: bool
    reason: str = ""
    daemon: DaemonState = DaemonState()
    trial: bool = False


@dataclass(frozen=True)
class Traces:
    """What runs of this collection have left on a host.

    :param originals: the record of originals
    :param files: what the recorded boot configurations and guests' files hold now; ``None`` for one that is gone, an
        error for one that can't be read
    :param places: the paths under which the boot configuration and the guests' files would be recorded
    :param devices: whether the record of devices is there
    :param native: whether something of the native component is recorded
    """

    originals: Originals = field(default_factory=Originals)
    files: Mapping[str, bytes | PcibackError | None] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    devices: bool = False
    native: bool = False


@dataclass(frozen=True)
class TrialFacts:
    """What there is of boots that undo themselves.

    :ivar state: what became of the last one
    :ivar began: when this boot began, in seconds since 1970; ``None`` if nobody asked
    :ivar obstacle: why this host can make none, whatever is tried
    :ivar starts: whether the host would start pciback-trial, if it is installed
    :ivar used: names that the link of the next one can't have
    """

    state: TrialState = field(default_factory=TrialState)
    began: float | None = None
    obstacle: NoTrial | None = None
    starts: bool = True
    used: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observed:
    """What the host shows, read once. A file that can't be read is kept as the error that says so.

    :ivar claims: what the backend of the plan can offer to guests now, ``None`` if it is not up
    :ivar other_claims: the same of the other backend
    :ivar is_built_in: whether the kernel's backend is up, is not wanted, and can't be unloaded
    :ivar attachments: what the host's start-up gives to guests through pcibackd; ``None`` if nothing is recorded
    :ivar boot: what the next boot does
    :ivar facts: what the guards judge by, ``None`` if no device is to leave dom0 or to go back
    :ivar deaf_kernels: by guests' files, kernels that can't use passed devices
    :ivar traces: what is left of us, read if everything is to be undone
    :ivar stale: devices that xenstore lists for domains that are gone, by the numbers of these
    :ivar written: what each kind of step replaces, whatever its arguments are
    :ivar not_replaceable: why files can't be replaced that a plan may have to replace, by their paths
    """

    devices: tuple[Device, ...]
    claims: tuple[Address, ...] | None
    boot: BootState
    guest_configs: Mapping[str, bytes | PcibackError] = field(default_factory=dict)
    deaf_kernels: Mapping[str, str] = field(default_factory=dict)
    running: tuple[RunningGuest, ...] = ()
    native: NativeState = NativeState(True)
    attachments: bytes | None = None
    other_claims: tuple[Address, ...] | None = None
    is_built_in: bool = False
    pins: Mapping[Address, Pin] = field(default_factory=dict)
    facts: Facts | None = None
    traces: Traces = field(default_factory=Traces)
    stale: Mapping[int, tuple[Address, ...]] = field(default_factory=dict)
    written: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_replaceable: Mapping[str, PcibackError] = field(default_factory=dict)
    trial: TrialFacts = TrialFacts()
