# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How a name of the host leads to PCI functions: through the kernel's tree, layers of disks, and layers of interfaces."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Trace
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts

_DISK = re.compile(r"(?:/dev/)?([a-z]+[0-9]+)([a-p])?\Z")
_UNIT = re.compile(r"([A-Za-z][A-Za-z0-9]*?)([0-9]+)\Z")


def base_of(name: str) -> str:
    """The name of a unit without its number: ``wm`` of ``wm0``."""
    match = _UNIT.match(name)
    return match.group(1) if match else name


def number_of(name: str) -> int:
    """The number of a unit: 0 of ``wm0``; -1 if the name has none."""
    match = _UNIT.match(name)
    return int(match.group(2)) if match else -1


def disk_of(name: str) -> str | None:
    """The disk of a device name or path (``/dev/wd0a`` is on ``wd0``), ``None`` if it names no disk."""
    match = _DISK.match(name)
    return match.group(1) if match else None


def without_dev(name: str) -> str:
    """A path of /dev as its name there."""
    return name[len("/dev/") :] if name.startswith("/dev/") else name


def functions_above(case: Case, name: str) -> Iterator[Trace]:
    """Each PCI function that a device of the tree hangs on; PCI-PCI bridges aside, which can't be given away anyway."""
    path = _path(case.facts, name)
    for index, driver in enumerate(path):
        address = case.functions.get(driver)
        if address is None or address in case.bridges:
            continue
        above = path[1 : index + 1]
        if not case.by_address:
            bus = path[index + 1] if index + 1 < len(path) else f"bus {address.bus}"
            above.append(f"{bus} dev {address.device} function {address.function}")
        if not above:
            yield Trace((), address)
            continue
        yield Trace((f"{name} is {'on' if index else 'at'} {', '.join(above)}",), address)


def trace_disk(case: Case, name: str, seen: tuple[str, ...] = ()) -> Iterator[Trace]:
    """Each way from a disk, or a part of one, down to the bus.

    :param seen: the disks above, so that layers in a circle end
    """
    layers = case.facts.layers
    disk = name if name in layers or name in case.facts.parents else disk_of(name)
    if disk is None or disk in seen:
        yield Trace((), None)
        return
    parts = layers.get(disk)
    if parts:
        for part in parts:
            for trace in trace_disk(case, part, (*seen, disk)):
                yield Trace((f"{disk} lies on {', '.join(map(without_dev, parts))}", *trace.steps), trace.address)
        return
    found = list(functions_above(case, disk))
    yield from found or [Trace((), None)]


def trace_interface(case: Case, name: str, seen: tuple[str, ...] = ()) -> Iterator[Trace]:
    """Each way from a network interface down to the bus: through VLANs, aggregates, bridges and tunnels.

    :param seen: the interfaces above, so that layers in a circle end
    """
    if name in seen:
        return
    seen = (*seen, name)
    found = list(functions_above(case, name))
    if found:
        yield from found
        return
    parts, how = _carriers(case.facts, name)
    below = []
    for part in parts:
        if part not in seen:
            below += [Trace((f"{name} {how} {part}", *t.steps), t.address) for t in trace_interface(case, part, seen)]
    # Guests' ends of a bridge lead nowhere; that is no gap while another member leads to a card.
    traced = [trace for trace in below if trace.address is not None]
    yield from traced or [Trace((), None)]


def untraced(what: str, steps: Sequence[str] = ()) -> str:
    """The warning of a use that leads to no function.

    :param steps: how far it could be followed
    """
    so_far = f" ({'; '.join(steps)})" if steps else ""
    return f"{what} can't be traced to the bus{so_far}: make sure yourself that none of the chosen devices carries it"


def interface_of(facts: Facts, address: str) -> str | None:
    """The interface that has an address, which may name it by its scope."""
    wanted, scope = parse_ip(address)
    for interface in facts.interfaces.values():
        for own in interface.addresses:
            found, _scope = parse_ip(own)
            if wanted is not None and found == wanted and scope in (None, interface.name):
                return interface.name
    return None


def parse_ip(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address | None, str | None]:
    """An address and the interface that its scope names; an IPv4-mapped IPv6 address is that IPv4 address.

    The address is ``None`` if the text is none.
    """
    bare, _percent, scope = text.partition("%")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None, None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address, scope or None


def _path(facts: Facts, name: str) -> list[str]:
    """The device and everything above it; a tree with a circle is walked once."""
    path: list[str] = []
    while name and name not in path:
        path.append(name)
        name = facts.parents.get(name, "")
    return path


def _carriers(facts: Facts, name: str) -> tuple[tuple[str, ...], str]:
    """The interfaces below one that is no PCI function's, and how they carry it."""
    interface = facts.interfaces.get(name)
    if name in facts.bridges:
        return facts.bridges[name], "bridges"
    if interface is not None and interface.parts:
        return interface.parts, "is carried by"
    if interface is not None and interface.tunnel is not None:
        below = interface_of(facts, interface.tunnel)
        if below is not None:
            return (below,), f"is a tunnel from {interface.tunnel} of"
    return tuple(bridge for bridge, members in facts.bridges.items() if name in members), "is a member of"
