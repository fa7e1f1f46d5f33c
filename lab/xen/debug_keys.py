# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Xen's debug keys q, Q, i, g and e say of who has what, counted; and whether an attack has changed it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

QUARANTINE = "DomIO"
Ranges = tuple[tuple[int, int], ...]

_DOMAIN = re.compile(r"Rangesets belonging to domain (\d+):")
_RANGES = re.compile(r"(Interrupts|I/O Memory|I/O Ports)\s*\{(.*)\}")
_OWNER = re.compile(r"([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) - (?:d(\d+)|(\S+))")
_INTERRUPT = re.compile(r"IRQ:\s*(\d+) vec:")
_BOUND = re.compile(r"\bd(\d+):\s*\d+\(")
_GRANTS = re.compile(r"grant-table for remote d(\d+)")
_GRANT = re.compile(r"\[0x[0-9a-f]+\]\s+(\d+) 0x[0-9a-f]+ 0x[0-9a-f]+\s")
_CHANNELS = re.compile(r"Event channel information for domain (\d+):")
_CHANNEL = re.compile(r"\d+ \[.*\]: s=3 .*\bd=(\d+)")


@dataclass
class Picture:
    """Who has what.

    :ivar ranges: interrupts, frames and ports that a domain may use: by domain and kind
    :ivar owners: the domain of each device; ``DomIO:`` and a number where Xen has it in quarantine
    :ivar interrupts: the domains to which each interrupt is bound
    :ivar grants: how many pages of a domain another one has mapped: by owner and user
    :ivar channels: how many event channels a domain has to another one
    """

    ranges: dict[tuple[int, str], Ranges] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    interrupts: dict[int, frozenset[int]] = field(default_factory=dict)
    grants: Counter[tuple[int, int]] = field(default_factory=Counter)
    channels: Counter[tuple[int, int]] = field(default_factory=Counter)

    @property
    def domains(self) -> set[int]:
        """All of which Xen told."""
        return {domain for domain, _kind in self.ranges}


def parse_ranges(kind: str, text: str) -> Ranges:
    """The numbers in braces: decimal ones of interrupts, hexadecimal ones of all else."""
    base = 10 if kind == "Interrupts" else 16
    found = []
    for each in text.replace(" ", "").split(","):
        first, _dash, last = each.partition("-")
        if first:
            found.append((int(first, base), int(last or first, base)))
    return tuple(found)


def parse(text: str) -> Picture:
    """What Xen's console shows after the keys.

    :raises ValueError: one of the five has shown nothing: the console has lost it.
    """
    seen = Picture()
    domain = owner = user = -1
    for line in text.splitlines():
        if found := _DOMAIN.search(line):
            domain = int(found[1])
        elif found := _RANGES.search(line):
            seen.ranges[domain, found[1]] = parse_ranges(found[1], found[2])
        elif found := _OWNER.search(line):
            seen.owners[found[1]] = found[2] or found[3]
        elif found := _INTERRUPT.search(line):
            seen.interrupts[int(found[1])] = frozenset(int(each) for each in _BOUND.findall(line))
        elif found := _GRANTS.search(line):
            owner = int(found[1])
        elif found := _GRANT.search(line):
            seen.grants[owner, int(found[1])] += 1
        elif found := _CHANNELS.search(line):
            user = int(found[1])
        elif found := _CHANNEL.search(line):
            seen.channels[user, int(found[1])] += 1
    for name in ("ranges", "owners", "interrupts", "channels"):
        if not getattr(seen, name):
            raise ValueError(f"Xen's debug keys have shown nothing of {name}")
    if "grant-table for remote" not in text:
        raise ValueError("Xen's debug keys have shown nothing of grants")
    return seen


def _is_within(inner: Ranges, outer: Ranges) -> bool:
    return all(any(low <= first and last <= high for low, high in outer) for first, last in inner)


def reached(before: Picture, after: Picture, attacker: int) -> Iterator[str]:
    """A sentence for each thing that an attack has changed. It may have lost what it had, and nothing else."""
    for key in sorted(set(before.ranges) | set(after.ranges)):
        domain, kind = key
        had, has = before.ranges.get(key), after.ranges.get(key)
        if domain == attacker:
            if not _is_within(has or (), had or ()):
                yield f"the attacker has {kind} {has}, and had {had}"
        elif had != has:
            yield f"domain {domain} has {kind} {has}, and had {had}"
    for device in sorted(set(before.owners) | set(after.owners)):
        had_device, has_device = before.owners.get(device), after.owners.get(device)
        if had_device != has_device and not (had_device == str(attacker) and str(has_device).startswith(QUARANTINE)):
            yield f"{device} was domain {had_device}'s, and is {has_device}'s"
    for number in sorted(set(before.interrupts) | set(after.interrupts)):
        had_it, has_it = (each.interrupts.get(number, frozenset()) - {attacker} for each in (before, after))
        if had_it != has_it:
            yield f"interrupt {number} was bound to domains {sorted(had_it)}, and is to {sorted(has_it)}"
    for what, had_them, has_them in (
        ("pages mapped", before.grants, after.grants),
        ("event channels", before.channels, after.channels),
    ):
        for pair in sorted(set(had_them) | set(has_them)):
            # Its own side may have fewer: it has closed by then.
            if has_them[pair] > had_them[pair] or (attacker not in pair and has_them[pair] != had_them[pair]):
                yield f"{what} between domains {pair[0]} and {pair[1]}: {has_them[pair]}, and {had_them[pair]} before"


def left(seen: Picture, gone: set[int]) -> Iterator[str]:
    """A sentence for each thing that domains still have which are gone."""
    for domain in sorted(gone & seen.domains):
        yield f"domain {domain} is still there"
    for device, owner in sorted(seen.owners.items()):
        if owner in {str(each) for each in gone}:
            yield f"{device} is still domain {owner}'s"
    for what, counted in (("pages mapped", seen.grants), ("event channels", seen.channels)):
        for pair in sorted(counted):
            if gone & set(pair):
                yield f"{what} between domains {pair[0]} and {pair[1]}: {counted[pair]}"
