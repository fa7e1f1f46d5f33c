# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How guests get their devices: from xl itself, or from pcibackctl while xl sees to the rest of their lives."""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import spec_word
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import CONNECTED, PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host import xenstore
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.kernel_pciback import KernelPciback
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import RUNNING, RunningDomain, Xl
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import NATIVE, Backend
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID

# States of the kernel's backend whose guest may end.
_PASSED = (xenstore.CONNECTED, xenstore.CLOSING, xenstore.CLOSED)

_CONNECTS = 30.0
"""Seconds: a Linux guest boots in less."""


class XlToolstack:
    """xl, which gives devices to guests itself.

    :param xl: that of this host
    :param host: what it runs on
    """

    def __init__(self, xl: Xl, host: Platform) -> None:
        self.xl = xl
        self._host = host

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        """Why a guest would not get devices, one sentence for each that it can't have, as far as can be foreseen."""
        return self._host.obstacles(addresses)

    def forget(self, domid: int) -> None:
        """Remove what xenstore has of the devices of a domain that is gone, where it can stay behind."""
        self._host.forget_backend(domid)

    def domains(self) -> tuple[RunningDomain, ...]:
        """See :meth:`Xl.domains`."""
        return self.xl.domains()

    def create(self, config: XlConfig, allow: Collection[str] = (), irqs: Mapping[Address, int] | None = None) -> None:
        """Start a guest with the devices that its file lists.

        :param allow: what the owner allows for them, in pcibackctl's words
        :param irqs: the interrupts that the owner states of devices
        :raises PcibackError: it was not started
        """
        self.xl.create(config.file)

    def shutdown(self, domain: RunningDomain) -> None:
        """See :meth:`Xl.shutdown`."""
        self.xl.shutdown(domain)

    def destroy(self, domain: RunningDomain) -> None:
        """See :meth:`Xl.destroy`."""
        self.xl.destroy(domain)

    def attach(self, domain: RunningDomain, spec: PciSpec) -> None:
        """Give a device to a guest that runs.

        :param spec: the device, with all its options
        :raises PcibackError: it does not get it
        """
        self.xl.attach(domain, spec.render())

    def detach(self, domain: RunningDomain, address: Address) -> None:
        """Take a device from a guest that runs; the guest has to let go of it.

        :raises PcibackError: it keeps it
        """
        self.xl.detach(domain, address)

    def wait_for_start_up(self, timeout: float) -> None:
        """Wait until a host that was rebooted has started guests with their devices by itself, if it does.

        :param timeout: seconds; what it has not done by then it is left to do
        """
        return

    def wait_connected(self, domain: RunningDomain, timeout: float) -> None:
        """See :meth:`Xl.wait_connected`."""
        self.xl.wait_connected(domain, timeout)


class PausedToolstack(XlToolstack, abc.ABC):
    """xl for the guests, and something else for their devices.

    A guest is made paused and without devices, gets them, and only then runs. What xl does for one whose file lists
    devices (an IOMMU context, the machine's memory map) it is told to do, because it is told of no device.

    :cvar server: what serves the guests, for a sentence
    """

    server: str

    def create(self, config: XlConfig, allow: Collection[str] = (), irqs: Mapping[Address, int] | None = None) -> None:
        words = [self._word(config.with_defaults(entry.spec), config) for entry in config.pci]
        if not words:
            super().create(config)
            return
        if config.type != "pv":
            raise PcibackError(
                f"it makes a guest of type {config.type}, and {self.server} serves PV guests only",
                code=DOMAIN_CONFIG_INVALID,
                file=config.file,
            )
        settings = ["pci=[]", "e820_host=1"]
        # xl refuses that without an IOMMU; whether a device may be given then is for pcibackctl to say.
        settings += [] if self.xl.has_iommu() is False else ['passthrough="enabled"']
        self.xl.create(config.file, settings, paused=True)
        domain = next((each for each in self.xl.states() if each.name == config.name), None)
        if domain is None:
            raise PcibackError(f"guest {config.name} was made and is gone")
        try:
            self._give(domain, words, allow, irqs or {})
        except PcibackError:
            # It never ran, and would run without what its file lists.
            with contextlib.suppress(PcibackError):
                self.destroy(domain)
            raise
        self.xl.unpause(domain)

    @abc.abstractmethod
    def _give(
        self, domain: RunningDomain, words: Sequence[str], allow: Collection[str], irqs: Mapping[Address, int]
    ) -> None:
        """Give all of its devices to a guest that has not run yet.

        :raises PcibackError: it gets none of them
        """

    def _word(self, spec: PciSpec, config: XlConfig | None) -> str:
        """A device for pcibackctl.

        :raises PcibackError: it is none that pcibackctl could find
        """
        if spec.address is None or spec.all_functions:
            raise PcibackError(
                f"{spec.device} is no address of a function, and only xl knows what it stands for",
                code=DOMAIN_CONFIG_INVALID,
                file=None if config is None else config.file,
                remedy="list each function by its address",
            )
        return spec_word(spec)


class PcibackdToolstack(PausedToolstack):
    """xl, and pcibackd for the devices."""

    server = "pcibackd"

    def __init__(self, xl: Xl, host: Platform, pcibackd: Pcibackd) -> None:
        super().__init__(xl, host)
        self._pcibackd = pcibackd

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        status = self._pcibackd.status()
        if status is None and addresses:
            return ("pcibackd does not run, which gives devices to guests",)
        claims = () if status is None else status.claims
        return tuple(f"pcibackd has not taken {address.bdf}" for address in addresses if address not in claims)

    def forget(self, domid: int) -> None:
        # pcibackd removes what it has written itself.
        return

    def domains(self) -> tuple[RunningDomain, ...]:
        return with_served(self.xl.domains(), self._pcibackd.status())

    def _give(
        self, domain: RunningDomain, words: Sequence[str], allow: Collection[str], irqs: Mapping[Address, int]
    ) -> None:
        # What is allowed and stated of a device pcibackd was told when it took it.
        self._pcibackd.attach(domain.domid, words, who=domain.name)

    def attach(self, domain: RunningDomain, spec: PciSpec) -> None:
        self._pcibackd.attach(domain.domid, [self._word(spec, None)], who=domain.name)

    def detach(self, domain: RunningDomain, address: Address) -> None:
        self._pcibackd.detach(domain.domid, [address], who=domain.name)

    def wait_connected(self, domain: RunningDomain, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        pause = 0.1
        while True:
            status = self._pcibackd.status()
            guest = None if status is None else status.guests.get(domain.domid)
            if guest is None or not guest.devices or guest.phase == CONNECTED:
                return
            if time.monotonic() >= deadline:
                raise PcibackError(
                    f"guest {domain.name} has not connected to pcibackd within {timeout:g} s"
                    + (f", which says: {guest.message}" if guest.message else ""),
                    remedy="look at its console, and load its PCI frontend (xen-pcifront on Linux), or restart it",
                )
            time.sleep(pause)
            pause = min(pause * 2, 1.0)


class KernelToolstack(PausedToolstack):
    """xl, and the backend of NetBSD's kernel for the devices.

    Where the kernel has to let go of a guest whose frontend has not connected, it panics. So such a guest is neither
    destroyed nor asked to shut down.
    """

    server = "the kernel's backend"

    def __init__(self, xl: Xl, host: Platform, kernel: KernelPciback, patience: float = _CONNECTS) -> None:
        """Look at nothing yet.

        :param patience: seconds that a guest which is to end has for its frontend to connect
        """
        super().__init__(xl, host)
        self._kernel = kernel
        self._patience = patience

    def obstacles(self, addresses: Sequence[Address]) -> tuple[str, ...]:
        held = self._host.claims() or ()
        return tuple(f"{address.bdf} is not kept by pciback(4)" for address in addresses if address not in held)

    def wait_for_start_up(self, timeout: float) -> None:
        # Of two that make the same guest one would end it, perhaps while the kernel gives it what the other one asks for.
        service = self._host.guests_service()
        deadline = time.monotonic() + timeout
        while service is not None and not service.has_begun() and time.monotonic() < deadline:
            time.sleep(0.5)

    def forget(self, domid: int) -> None:
        if domid in self._host.kernel_guests():
            # What stays behind hinders nobody: who gives the devices away again looks whether it is through with them.
            with contextlib.suppress(PcibackError):
                self._kernel.detach(domid)

    def domains(self) -> tuple[RunningDomain, ...]:
        return with_kernel_guests(self.xl.domains(), self._host)

    def shutdown(self, domain: RunningDomain) -> None:
        self._await_connection(domain)
        super().shutdown(domain)

    def destroy(self, domain: RunningDomain) -> None:
        self._await_connection(domain)
        super().destroy(domain)
        self.forget(domain.domid)

    def wait_connected(self, domain: RunningDomain, timeout: float) -> None:
        if not self._is_connected(domain, timeout):
            raise PcibackError(
                f"guest {domain.name} has not connected to the kernel's backend within {timeout:g} s",
                remedy="look at its console, and load its PCI frontend (xen-pcifront on Linux)",
            )

    def _give(
        self, domain: RunningDomain, words: Sequence[str], allow: Collection[str], irqs: Mapping[Address, int]
    ) -> None:
        self._kernel.attach(domain.domid, words, allow, irqs, who=domain.name)

    def _word(self, spec: PciSpec, config: XlConfig | None) -> str:
        if spec.permissive:
            raise PcibackError(
                f"{spec.device} is to be permissive, which the kernel's backend does not know: it passes each write on",
                code=DOMAIN_CONFIG_INVALID,
                file=None if config is None else config.file,
                remedy="take permissive out of it, or choose pciback_backend: native",
            )
        return super()._word(spec, config)

    def _await_connection(self, domain: RunningDomain) -> None:
        """Make sure that the kernel survives the end of a guest.

        :raises PcibackError: it would not
        """
        if not self._is_connected(domain, self._patience if domain.state == RUNNING else 0):
            raise PcibackError(
                f"guest {domain.name} has not connected to its devices, and dom0's kernel panics when such a guest ends",
                remedy="let its kernel find them and run again, or reboot dom0 by hand when it suits you",
            )

    def _is_connected(self, domain: RunningDomain, timeout: float) -> bool:
        """Whether the kernel's backend gives nothing to a guest, or the guest's frontend has found it in time."""
        deadline = time.monotonic() + timeout
        while True:
            guest = self._host.kernel_guests().get(domain.domid)
            if guest is None or guest.state in _PASSED:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.5)


def toolstack_of(backend: Backend, xl: Xl, host: Platform, pcibackctl: str, run: Run) -> XlToolstack:
    """What gives devices to guests with a backend.

    :param pcibackctl: path of the program
    """
    if backend.xl_gives:
        return XlToolstack(xl, host)
    if backend.name == NATIVE:
        return PcibackdToolstack(xl, host, Pcibackd(run, pcibackctl))
    return KernelToolstack(xl, host, KernelPciback(run, pcibackctl))


def with_kernel_guests(domains: Sequence[RunningDomain], host: Platform) -> tuple[RunningDomain, ...]:
    """Domains with the devices that the kernel's backend gives to them, where those are not xl's to list."""
    guests = host.kernel_guests() if domains else {}
    return tuple(
        replace(
            domain,
            devices=tuple(dict.fromkeys((*domain.devices, *guests[domain.domid].devices))),
            passthrough=True,
            irqs=guests[domain.domid].irqs,
        )
        if domain.domid in guests
        else domain
        for domain in domains
    )


def with_served(domains: Sequence[RunningDomain], status: PcibackdStatus | None) -> tuple[RunningDomain, ...]:
    """Domains with the devices that they have through pcibackd, which are not xl's to list."""
    guests = {} if status is None else status.guests
    return tuple(
        replace(
            domain,
            devices=tuple(dict.fromkeys((*domain.devices, *guests[domain.domid].devices))),
            options={**domain.options, **guests[domain.domid].devices},
            passthrough=True,
        )
        if domain.domid in guests and guests[domain.domid].devices
        else domain
        for domain in domains
    )
