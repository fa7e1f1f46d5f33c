# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What the texts of Linux's procfs and of sysfs's interfaces say: mounts, swap areas, routes, addresses, consoles.

Their forms are those of proc(5) and of Documentation/ABI in the kernel's sources.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Dict, Tuple

Addresses = Dict[str, Tuple[str, ...]]
"""Addresses by the name of their interface."""

TUNNELS = frozenset({768, 769, 776, 778, 823})
"""Types of tunnels (ARPHRD_* of the kernel) whose hardware address is the address that they start from."""

_OCTAL = re.compile(r"\\([0-7]{3})")
_LOCAL = re.compile(r"\s+\|-- ([0-9.]+)\s*\Z")
_UP, _REJECT = 0x1, 0x200
_ALL_ZERO = "0" * 32


@dataclass(frozen=True)
class MountLine:
    """One line of mountinfo: the device's number ``MAJOR:MINOR``, mount point, kind of file system, source."""

    number: str
    point: str
    kind: str
    source: str


@dataclass(frozen=True)
class Route:
    """One IPv4 route: interface, network, and whether a gateway comes first."""

    interface: str
    network: ipaddress.IPv4Network
    gateway: bool


def parse_mounts(text: str) -> tuple[MountLine, ...]:
    """What is mounted, from /proc/self/mountinfo."""
    found = []
    for line in text.splitlines():
        fields, dash, rest = line.partition(" - ")
        words, kinds = fields.split(" "), rest.split(" ")
        if dash and len(words) >= 5 and len(kinds) >= 2:
            found.append(MountLine(words[2], _unescaped(words[4]), kinds[0], _unescaped(kinds[1])))
    return tuple(found)


def parse_swaps(text: str) -> tuple[str, ...]:
    """Paths of the swap areas, from /proc/swaps."""
    return tuple(_unescaped(line.split()[0]) for line in text.splitlines()[1:] if line.strip())


def parse_routes(text: str) -> tuple[Route, ...]:
    """IPv4 routes in use, from /proc/net/route, whose numbers are in the byte order of a PC."""
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        try:
            destination, gateway, flags, mask = (int(words[index], 16) for index in (1, 2, 3, 7))
            netmask = str(ipaddress.IPv4Address(_host_order(mask)))
            network = ipaddress.IPv4Network((_host_order(destination), netmask), strict=False)
        except (IndexError, ValueError, OverflowError):
            continue
        if flags & _UP and not flags & _REJECT:
            found.append(Route(words[0], network, gateway != 0))
    return tuple(found)


def default_interfaces(routes: Iterable[Route], ipv6_routes: str) -> tuple[str, ...]:
    """The interfaces that default routes leave through; ``ipv6_routes`` is /proc/net/ipv6_route."""
    found = [route.interface for route in routes if route.network.prefixlen == 0]
    for line in ipv6_routes.splitlines():
        words = line.split()
        # The kernel keeps a route to nowhere through lo.
        if len(words) == 10 and words[0] == _ALL_ZERO and words[1] == "00" and words[9] != "lo":
            found.append(words[9])
    return tuple(dict.fromkeys(found))


def parse_ipv6_addresses(text: str) -> Addresses:
    """IPv6 addresses by interface, from /proc/net/if_inet6."""
    found: Addresses = {}
    for line in text.splitlines():
        words = line.split()
        try:
            address = str(ipaddress.IPv6Address(int(words[0], 16)))
            name = words[5]
        except (IndexError, ValueError):
            continue
        found[name] = (*found.get(name, ()), address)
    return found


def parse_local_addresses(text: str) -> tuple[str, ...]:
    """The host's own IPv4 addresses, from /proc/net/fib_trie, which does not say on which interface they are."""
    found, last = [], ""
    for line in text.splitlines():
        match = _LOCAL.match(line)
        if match:
            last = match.group(1)
        elif "/32 host LOCAL" in line and last:
            found.append(last)
    return tuple(dict.fromkeys(found))


def place_addresses(addresses: Iterable[str], routes: Sequence[Route]) -> Addresses:
    """Own IPv4 addresses by interface: each is where the most exact network without a gateway holds it."""
    found: Addresses = {}
    for address in addresses:
        number = ipaddress.IPv4Address(address)
        if number.is_loopback:
            found["lo"] = (*found.get("lo", ()), address)
            continue
        near = [route for route in routes if not route.gateway and route.network.prefixlen and number in route.network]
        if near:
            name = max(near, key=lambda route: route.network.prefixlen).interface
            found[name] = (*found.get(name, ()), address)
    return found


def parse_consoles(text: str) -> tuple[str, ...]:
    """Names of the kernel's consoles, from /proc/consoles."""
    return tuple(line.split()[0] for line in text.splitlines() if line.strip())


def tunnel_start(kind: str, address: str) -> str | None:
    """Where a tunnel starts, from ``type`` and ``address`` of its interface; ``None`` of one that does not say."""
    try:
        if int(kind) not in TUNNELS:
            return None
        found = ipaddress.ip_address(bytes.fromhex(address.strip().replace(":", "")))
    except ValueError:
        return None
    return None if found.is_unspecified else str(found)


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)


def _host_order(number: int) -> int:
    return int.from_bytes(number.to_bytes(4, "little"), "big")
