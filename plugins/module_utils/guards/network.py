# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of the network: the card that dom0 is managed by, through VLANs, aggregates, bridges and tunnels."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Evidence, Notes, Trace
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import (
    base_of,
    interface_of,
    parse_ip,
    trace_interface,
    untraced,
)
from ansible_collections.xen.pciback.plugins.module_utils.refusals import MANAGEMENT_NIC

SAYS = {MANAGEMENT_NIC: "carries the network connection that dom0 is managed by"}


def management(case: Case) -> Notes:
    """Refuse cards of the default routes and of this connection; warn of a way in that leads to none."""
    facts = case.facts
    ways = [(name, f"the default route leaves through {name}") for name in facts.default_routes]
    server = facts.server_address
    if server is not None:
        name = interface_of(facts, server)
        if name is None:
            yield untraced(f"the address {server} that this connection came in at")
        else:
            ways.append((name, f"this connection came in at {server}, an address of {name}"))
    if not ways and server is None:
        yield "this host has no default route, and SSH_CONNECTION is not set: which card it is managed through is not known"
    for name, reason in ways:
        if base_of(name) == "lo":
            continue
        for trace in trace_interface(case, name):
            yield from case.evidence(MANAGEMENT_NIC, [Trace((reason, *trace.steps), trace.address)])
            if trace.address is None:
                yield untraced(f"interface {name} ({reason})", trace.steps)


def interfaces(case: Case) -> Notes:
    """Warn of configured interfaces and members of bridges, unless their loss is refused anyway."""
    refused = {note.device for note in management(case) if isinstance(note, Evidence)}
    uses = [
        (interface.name, f"interface {interface.name} ({', '.join(shown)})")
        for interface in case.facts.interfaces.values()
        for shown in [[text for text in interface.addresses if not _is_local(text)]]
        if interface.up and shown and base_of(interface.name) != "lo"
    ]
    uses += [
        (member, f"{member}, a member of {bridge}")
        for bridge, members in case.facts.bridges.items()
        for member in members
    ]
    for name, words in uses:
        for trace in trace_interface(case, name):
            device = case.chosen_of(trace)
            if device is not None and device.address not in refused:
                yield f"{device.describe()} is in use: dom0 loses {words}; {'; '.join(trace.steps)}"


def _is_local(text: str) -> bool:
    """Whether an address comes by itself (fe80::) and says nothing about use."""
    address, _scope = parse_ip(text)
    return address is None or (address.version == 6 and address.is_link_local)
