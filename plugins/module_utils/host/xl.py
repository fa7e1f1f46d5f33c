# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Domains through xl(1).

A domain is told by its number: xl takes a name of digits for a number, and a name that begins with '-' for an
option. Its number is new each time that it starts.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError, printable
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_list import (
    parse_devices,
    parse_options,
    parse_passthrough,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import NOT_FOUND, Run
from ansible_collections.xen.pciback.plugins.module_utils.refusals import NO_IOMMU

# pkgsrc's place comes first: sysutils/xentools* puts it there.
PLACES = ("/usr/pkg/sbin/xl", "/usr/sbin/xl", "/usr/local/sbin/xl")

RUNNING = "running"
PAUSED = "paused"
NEVER_RAN = "never_ran"
SHUT_DOWN = "shut_down"
CRASHED = "crashed"
DYING = "dying"
ABSENT = "absent"
ALIVE = (RUNNING, PAUSED)

# xl's letters, in the order in which they tell more of a domain.
_LETTERS = (("d", DYING), ("c", CRASHED), ("s", SHUT_DOWN), ("p", PAUSED))
_LINE = re.compile(
    r"(?P<name>\S.*?)\s+(?P<domid>[0-9]+)\s+[0-9]+\s+[0-9]+\s+(?P<state>[-rbpscd]{6})\s+(?P<seconds>[0-9.]+)\s*\Z"
)
_LIBXL = re.compile(
    r"\A(?:libxl|xc|xl|libxlu): (?P<level>[a-z]+): (?:\S+?:[0-9]+:\w+: )?(?:Domain [0-9]+:)?(?P<text>.*)\Z"
)
_NO_NAME = re.compile(r"[\x00-\x1f\x7f/]")
_LONGEST_MESSAGE = 300
_OTHER_XL = "see what it prints on the host, and give the path of Xen's xl as 'xl'"
# Words of virt_caps in 'xl info' that Xen says if and only if it has an IOMMU in use.
_DIRECT_IO = frozenset({"directio", "hvm_directio", "pv_directio"})
_VIRT_CAPS = re.compile(r"^virt_caps\s*:(.*)$", re.MULTILINE)
_NO_SYSFS = "/sys/bus/pci"
# What xl and libxenstore say if nobody answers for the store.
_NO_XENSTORE = re.compile(r"cannot connect to xenstore|is xenstore daemon running|cannot open xenstore|xs_open", re.I)
_NO_IOMMU = "passthrough not supported on this platform"
# What Xen answers about a domain that was created without a device and without passthrough=: it has no IOMMU context.
_NO_CONTEXT = "xc_assign_device failed: Operation not supported"
XENSTORE_READ = "/usr/bin/xenstore-read"
CONNECTED = "4"


# A domain's last state shows until xl's own process has taken it away, and libxl waits 10 s for each backend that a Linux
# guest has closed itself (seen with Xen 4.17). Longer than this means that it is kept.
_KEPT_AFTER = 45.0


@dataclass(frozen=True)
class RunningDomain:
    """A domain other than dom0, as xl shows it.

    :ivar state: ``running``, ``paused``, ``never_ran`` (made paused, and left so), ``shut_down`` (and kept), ``crashed`` (and kept) or ``dying``
    :ivar devices: the PCI functions that it holds, in the order in which it got them
    :ivar options: with which options it holds each of them, under the names that its file has for them
    :ivar passthrough: whether its file asked for an IOMMU, whatever devices it listed
    :ivar irqs: the interrupts that were stated of devices when NetBSD's own backend gave them to it
    """

    domid: int
    name: str
    state: str = RUNNING
    devices: tuple[Address, ...] = ()
    passthrough: bool = False
    options: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    irqs: Mapping[Address, int] = field(default_factory=dict, hash=False)

    @property
    def alive(self) -> bool:
        """Whether there is still a system in it that runs or can go on."""
        return self.state in ALIVE


def find_xl() -> str:
    """The path of xl.

    :raises PcibackError: it is at none of its usual places
    """
    for place in PLACES:
        if os.access(place, os.X_OK):
            return place
    raise PcibackError(
        f"xl was found at none of {', '.join(PLACES)}",
        remedy="install Xen's tools (sysutils/xentools in pkgsrc, xen-utils on Debian), or give the path as 'xl'",
    )


def check_name(name: str) -> None:
    """Make sure that xl can tell a domain by this name.

    :raises PcibackError: it can't
    """
    if not name or _NO_NAME.search(name) or name != name.strip():
        raise PcibackError(
            f"{name!r} is no name of a guest; it has no '/', no control characters, no blanks at its ends"
        )
    if name.isdigit():
        raise PcibackError(f"'{name}' is no name of a guest, xl takes it for the number of a domain; add a letter")
    if name.startswith("-"):
        raise PcibackError(f"'{name}' is no name of a guest, xl takes it for an option; begin it with a letter")
    if name == "Domain-0":
        raise PcibackError("'Domain-0' is this host itself; name one of its guests")


def check_config_path(config: str) -> None:
    """Make sure that xl can start a guest from this path.

    :raises PcibackError: it can't
    """
    if not os.path.isabs(config) or "=" in config:
        raise PcibackError(
            f"'{config}' can't be given to xl: the path has to be absolute, and xl takes one with '=' for a setting"
        )


class Xl:
    """xl(1) of one dom0.

    :param run: runs an argument list, as :func:`commands.run` does
    :param xl: the path of xl; looked for at its usual places by default
    """

    def __init__(self, run: Run, xl: str | None = None) -> None:
        self._run = run
        self.xl = xl or find_xl()

    def _call(self, what: str, *arguments: str) -> str:
        try:
            status, out, err = self._run([self.xl, *arguments])
        except PcibackError as error:
            raise PcibackError(f"{what}: {error.message}", remedy=error.remedy) from error
        if status == NOT_FOUND:
            raise PcibackError(f"{self.xl} can't be run", remedy="give the right path as 'xl'")
        if status != 0:
            raise _failure(what, status, out, err)
        return out

    def states(self) -> tuple[RunningDomain, ...]:
        """The domains with their states, without asking for their devices.

        :raises PcibackError: xl can't say; it lists dom0 too, so that silence does not mean that no guest runs
        """
        what = "xl can't say which guests run"
        text = self._call(what, "list")
        domains = []
        for line in text.splitlines()[1:]:
            match = _LINE.match(line)
            if match is None:
                raise PcibackError(f"'{line.strip()}' is no line that 'xl list' is known to print")
            state = next((word for letter, word in _LETTERS if letter in match.group("state")), RUNNING)
            if state == PAUSED and float(match.group("seconds")) == 0:
                state = NEVER_RAN
            domains.append(RunningDomain(int(match.group("domid")), printable(match.group("name")), state))
        if all(domain.domid for domain in domains):
            said = f"only '{text.strip()}'" if text.strip() else "nothing"
            raise PcibackError(f"{what}: '{self.xl} list' prints {said}, not even Domain-0", remedy=_OTHER_XL)
        return tuple(domain for domain in domains if domain.domid)

    def domains(self) -> tuple[RunningDomain, ...]:
        """The domains with their states and their devices.

        :raises PcibackError: xl can't say
        """
        what = "xl can't say which devices the guests have"
        states = self.states()
        if not states:
            # No process more than needed: a plan asks on each run.
            return ()
        text = self._call(what, "list", "-l")
        if not text.strip() and any(domain.alive for domain in self.states()):
            raise PcibackError(f"{what}: '{self.xl} list -l' prints nothing", remedy=_OTHER_XL)
        devices, passthrough, options = parse_devices(text), parse_passthrough(text), parse_options(text)
        return tuple(
            replace(
                domain,
                devices=devices.get(domain.domid, ()),
                passthrough=domain.domid in passthrough,
                options=options.get(domain.domid, {}),
            )
            for domain in states
        )

    def info(self) -> str:
        """What ``xl info`` prints of the machine and Xen.

        :raises PcibackError: xl can't say
        """
        return self._call("xl can't say what machine this is", "info")

    def has_iommu(self) -> bool | None:
        """Whether Xen has an IOMMU in use; ``None`` if that can't be said."""
        try:
            match = _VIRT_CAPS.search(self.info())
        except PcibackError:
            return None
        return None if match is None else not _DIRECT_IO.isdisjoint(match.group(1).split())

    def create(self, config: str, settings: Sequence[str] = (), *, paused: bool = False) -> None:
        """Start the guest of a configuration file.

        :param settings: what counts instead of what the file says, each as a line of it
        :param paused: make it, and let it run only when it is unpaused
        :raises PcibackError: xl could not, and what it said
        """
        check_config_path(config)
        options = ["-p"] if paused else []
        self._call(f"the guest of {config} was not started", "create", *options, config, *settings)

    def unpause(self, domain: RunningDomain) -> None:
        """Let a paused domain run.

        :raises PcibackError: xl could not, and what it said
        """
        self._call(f"guest {domain.name} stays paused", "unpause", str(domain.domid))

    def shutdown(self, domain: RunningDomain) -> None:
        """Ask a guest to shut down; it takes its time, :meth:`wait` for it.

        :raises PcibackError: it can't be asked
        """
        # -F: an HVM guest without PV drivers is told through ACPI.
        self._call(f"guest {domain.name} can't be asked to shut down", "shutdown", "-F", str(domain.domid))

    def destroy(self, domain: RunningDomain) -> None:
        """Take a domain away at once, as pulling a plug does.

        :raises PcibackError: xl could not, and what it said
        """
        self._call(f"guest {domain.name} was not destroyed", "destroy", str(domain.domid))

    def attach(self, domain: RunningDomain, spec: str) -> None:
        """Give a device to a guest that runs.

        :param spec: the device and its options, as a configuration file lists it
        :raises PcibackError: xl could not, and what it said
        """
        self._call(f"{spec} was not attached to guest {domain.name}", "pci-attach", str(domain.domid), spec)

    def detach(self, domain: RunningDomain, address: Address) -> None:
        """Take a device from a guest that runs; the guest has to let go of it.

        :raises PcibackError: xl could not, and what it said
        """
        text = str(address)
        self._call(f"{address.bdf} was not detached from guest {domain.name}", "pci-detach", str(domain.domid), text)

    def wait_connected(self, domain: RunningDomain, timeout: float) -> None:
        """Wait until a guest's PCI frontend is connected: it has, or has noticed what changed.

        While backend and frontend negotiate, xenstore shows another state than Connected; without its tools nobody
        can look, and there is no wait.

        :param timeout: seconds
        :raises PcibackError: it has not noticed by then
        """
        deadline = time.monotonic() + timeout
        path = f"/local/domain/0/backend/pci/{domain.domid}/0/state"
        pause = 0.1
        while True:
            status, out, _err = self._run([XENSTORE_READ, path])
            # No node: nothing is attached any more.
            if status != 0 or out.strip() == CONNECTED:
                return
            if time.monotonic() >= deadline:
                raise PcibackError(
                    f"guest {domain.name} has not noticed its PCI devices within {timeout:g} s: its frontend is not connected",
                    remedy="look at its console, and load its PCI frontend (xen-pcifront on Linux), or restart it",
                )
            time.sleep(pause)
            pause = min(pause * 2, 1.0)

    def wait(self, domids: Collection[int], timeout: float) -> dict[int, str]:
        """Wait until no system runs in these domains any more.

        :param timeout: seconds, for all of them together
        :returns: the states of those that are still there; of those that run still, the wait was in vain
        """
        deadline = time.monotonic() + timeout
        since: dict[int, float] = {}
        pause = 0.05
        while True:
            left = {domain.domid: domain.state for domain in self.states() if domain.domid in domids}
            now = time.monotonic()
            since = {domid: since.get(domid, now) for domid, state in left.items() if state not in ALIVE}
            if now >= deadline or all(domid in since and now - since[domid] >= _KEPT_AFTER for domid in left):
                return left
            time.sleep(min(pause, max(0.0, deadline - now)))
            pause = min(pause * 2, 1.0)


def has_iommu(run: Run, xl: str | None = None) -> bool | None:
    """Whether Xen has an IOMMU in use; ``None`` if no toolstack can say."""
    try:
        return Xl(run, xl).has_iommu()
    except PcibackError:
        return None


def _failure(what: str, status: int, out: str, err: str) -> PcibackError:
    said = _said(err + "\n" + out)
    if _NO_SYSFS in err or _NO_SYSFS in out:
        return PcibackError(
            f"{what}: xl looked for {_NO_SYSFS}, which only Linux has, so this xl can't give PCI devices to a guest "
            f"({said})",
            remedy="use a toolstack that grants the ports, the memory and the interrupt of a device through Xen itself",
        )
    if _NO_IOMMU in err or _NO_IOMMU in out:
        return PcibackError(
            f"{what}: Xen has no IOMMU in use, and xl then gives PCI devices to no guest",
            code=NO_IOMMU,
            remedy="switch VT-d or AMD-Vi on in the machine's firmware, and boot Xen without iommu=off",
        )
    if _NO_CONTEXT in err or _NO_CONTEXT in out:
        return PcibackError(
            f"{what}: Xen has set up no IOMMU for the guest, because it was started without PCI devices",
            remedy="restart it; 'passthrough = \"enabled\"' and 'e820_host = 1' in its file make it fit to get one later",
        )
    if _NO_XENSTORE.search(err) or _NO_XENSTORE.search(out):
        return PcibackError(
            f"{what}: xl can't reach xenstored ({said})",
            remedy="start Xen's daemons (on Debian 'service xen start', on NetBSD 'service xencommons start')",
        )
    if status in (-11, 139):
        return PcibackError(f"{what}: xl crashed{' after it said: ' + said if said else ''}")
    return PcibackError(f"{what}: {said or f'xl ended with status {status} and said nothing'}")


def _said(text: str) -> str:
    """The first things that went wrong; what xl says later are mostly consequences."""
    errors: list[str] = []
    others: list[str] = []
    for line in text.splitlines():
        match = _LIBXL.match(line.strip())
        if match is None:
            if line.strip() and not line.startswith("Parsing config"):
                others.append(line.strip())
        elif match.group("level") == "error":
            errors.append(match.group("text").strip())
    said = "; ".join((errors or others)[:2])
    return said if len(said) <= _LONGEST_MESSAGE else said[: _LONGEST_MESSAGE - 3] + "..."
