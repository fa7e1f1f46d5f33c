# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How guests get their devices: from xl itself, or from pcibackd while xl sees to the rest of their lives."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import spec_word
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import CONNECTED, PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import RunningDomain, Xl
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID


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

    def create(self, config: XlConfig) -> None:
        """Start a guest with the devices that its file lists.

        :raises PcibackError: it was not started
        """
        self.xl.create(config.file)

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

    def wait_connected(self, domain: RunningDomain, timeout: float) -> None:
        """See :meth:`Xl.wait_connected`."""
        self.xl.wait_connected(domain, timeout)


def toolstack_of(backend: str, xl: Xl, host: Platform, pcibackd: Pcibackd) -> XlToolstack:
    """What gives devices to guests with a backend."""
    return PcibackdToolstack(xl, host, pcibackd) if backend == NATIVE else XlToolstack(xl, host)


class PcibackdToolstack(XlToolstack):
    """xl for the guests, and pcibackd for their devices.

    A guest is made paused and without devices, gets them, and only then runs. What xl does for one whose file lists
    devices (an IOMMU context, the machine's memory map) it is told to do, because it is told of no device.

    """

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

    def create(self, config: XlConfig) -> None:
        words = [_word(config.with_defaults(entry.spec), config) for entry in config.pci]
        if not words:
            super().create(config)
            return
        if config.type != "pv":
            raise PcibackError(
                f"it makes a guest of type {config.type}, and pcibackd serves PV guests only",
                code=DOMAIN_CONFIG_INVALID,
                file=config.file,
            )
        settings = ["pci=[]", "e820_host=1"]
        # xl refuses that without an IOMMU; whether a device may be given then is for pcibackd to say.
        settings += [] if self.xl.has_iommu() is False else ['passthrough="enabled"']
        self.xl.create(config.file, settings, paused=True)
        domain = next((each for each in self.xl.states() if each.name == config.name), None)
        if domain is None:
            raise PcibackError(f"guest {config.name} was made and is gone")
        try:
            self._pcibackd.attach(domain.domid, words, who=domain.name)
        except PcibackError:
            # It never ran, and would run without what its file lists.
            with contextlib.suppress(PcibackError):
                self.xl.destroy(domain)
            raise
        self.xl.unpause(domain)

    def attach(self, domain: RunningDomain, spec: PciSpec) -> None:
        self._pcibackd.attach(domain.domid, [_word(spec, None)], who=domain.name)

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


def _word(spec: PciSpec, config: XlConfig | None) -> str:
    """A device for pcibackctl.

    :raises PcibackError: it is none that pcibackd could find
    """
    if spec.address is None or spec.all_functions:
        raise PcibackError(
            f"{spec.device} is no address of a function, and only xl knows what it stands for",
            code=DOMAIN_CONFIG_INVALID,
            file=None if config is None else config.file,
            remedy="list each function by its address",
        )
    return spec_word(spec)
