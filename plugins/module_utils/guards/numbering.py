# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of names: units that the next boot numbers anew, because a device with a lower number leaves."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Notes
from ansible_collections.xen.pciback.plugins.module_utils.guards.disk import disks_in_use
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import (
    base_of,
    disk_of,
    functions_above,
    number_of,
)

# Linux's own names of interfaces, in the order in which drivers found them.
_NUMBERED = frozenset({"eth", "wlan"})


def renumbered(case: Case) -> Notes:
    """Warn of units in use whose number the next boot lowers."""
    if case.native:
        # The next boot attaches the drivers of all as before; they let go afterwards.
        return
    leaving = [name for name in case.facts.parents if any(case.chosen_of(t) for t in functions_above(case, name))]
    for name, where in dict.fromkeys(_named(case)):
        if name not in case.facts.parents or name in leaving:
            continue
        lower = [other for other in leaving if base_of(other) == base_of(name) and number_of(other) < number_of(name)]
        if lower:
            yield (
                f"without {', '.join(lower)} the next boot gives {name} a lower number: "
                f"what names it, such as {where}, has to follow"
            )


def _named(case: Case) -> list[tuple[str, str]]:
    """Units that the host's files name, with the files."""
    facts = case.facts
    configured = [name for name, each in facts.interfaces.items() if each.up and each.addresses]
    if case.by_address:
        # udev(7) gives lasting names to all else, and fstab(5) names file systems.
        return [(name, "the network's configuration") for name in configured if base_of(name) in _NUMBERED]
    disks = [disk_of(name) for name, _use in disks_in_use(facts)]
    disks += [disk_of(part) for parts in facts.layers.values() for part in parts]
    named = [(name, "/etc/fstab") for name in disks if name]
    return named + [(name, f"/etc/ifconfig.{name} and packet filters") for name in configured]
