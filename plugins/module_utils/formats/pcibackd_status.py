# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What ``pcibackctl status --json`` prints: which devices pcibackd has taken from dom0, and who has them. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address

SCHEMA = "xen.pciback/status/1"

CONNECTED = "connected"
"""The phase of a guest whose frontend uses its devices."""


_WITHOUT_DEVICES = ("released", "closed")


@dataclass(frozen=True)
class ServedGuest:
    """A domain that has devices through pcibackd.

    :ivar phase: how far its frontend is, in pcibackd's words; :data:`CONNECTED` is the end
    :ivar devices: with which options it has each, under xl's names
    :ivar lines: the interrupts of its devices as it reads them, where it was given one
    :ivar message: the last error that the store has of it, ``None`` without one
    """

    domid: int
    phase: str
    devices: Mapping[Address, Mapping[str, Any]]
    message: str | None = None
    lines: Mapping[Address, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PcibackdStatus:
    """What a pcibackd that runs is, and what it holds.

    :ivar pid: its process
    :ivar source_sha256: digest of the sources that it is made of; empty for one that is too old to say so
    :ivar hands_over: whether another one can take its place under guests; one that is too old to say so can't
    :ivar idle: devices that were taken from dom0 and that no guest has
    :ivar lost: those of them, and of those that are held back, that a driver of dom0 has taken since, or that are gone,
        and that were not taken anew
    :ivar held_back: devices that nobody else gets before the domain is gone that may still reach them
    :ivar allowed: what is allowed for a device alone, in the words of ``pcibackctl take``
    :ivar irqs: the interrupts that it was told devices have
    """

    pid: int = 0
    source_sha256: str = ""
    hands_over: bool = False
    guests: Mapping[int, ServedGuest] = field(default_factory=dict)
    idle: tuple[Address, ...] = ()
    lost: tuple[Address, ...] = ()
    held_back: Mapping[Address, int] = field(default_factory=dict)
    allowed: Mapping[Address, frozenset[str]] = field(default_factory=dict)
    irqs: Mapping[Address, int] = field(default_factory=dict)

    @property
    def claims(self) -> tuple[Address, ...]:
        """What it offers to guests or has given to them, in bus order."""
        held = {*self.idle, *self.held_back, *(address for guest in self.guests.values() for address in guest.devices)}
        return tuple(sorted(held.difference(self.lost)))

    @property
    def users(self) -> tuple[int, ...]:
        """Numbers of the domains that have devices of it, or may reach one still: these lose something with it."""
        served = [domid for domid, guest in self.guests.items() if guest.devices or guest.phase not in _WITHOUT_DEVICES]
        return tuple(sorted({*served, *self.held_back.values()}))


def parse(text: str) -> PcibackdStatus:
    """Read the status.

    :raises PcibackError: it is none
    """
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is '{document['schema']}'")
        pid = int(document["pid"])
        # One that was taken anew may be held back as well, as what it was before.
        devices = [
            *document["held_back"],
            *document["taken"],
            *(device for guest in document["guests"] for device in guest["devices"]),
        ]
        return PcibackdStatus(
            pid=pid,
            source_sha256=str(document.get("source_sha256", "")),
            hands_over=document.get("hands_over") is True,
            guests={int(guest["domain"]): _guest(guest) for guest in document["guests"]},
            idle=tuple(parse_address(device["address"]) for device in document["taken"]),
            lost=_lost(document),
            held_back={parse_address(device["address"]): int(device["domain"]) for device in document["held_back"]},
            allowed={
                parse_address(device["address"]): frozenset(filter(None, device["allow"].split("+")))
                for device in devices
                # Older ones don't say.
                if "allow" in device
            },
            irqs=_numbers(devices, "irq"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, PcibackError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise PcibackError(f"the answer of 'pcibackctl status' is not of schema '{SCHEMA}': {reason}") from error


def _lost(document: Mapping[str, Any]) -> tuple[Address, ...]:
    entries = [*document["taken"], *document["held_back"]]
    taken = {parse_address(device["address"]) for device in document["taken"] if not device.get("lost")}
    served = {parse_address(device["address"]) for guest in document["guests"] for device in guest["devices"]}
    lost = {parse_address(device["address"]) for device in entries if device.get("lost")}
    return tuple(sorted(lost - taken - served))


def _guest(guest: Mapping[str, Any]) -> ServedGuest:
    devices = {
        parse_address(device["address"]): {
            "permissive": bool(device.get("permissive")),
            # Older ones don't say.
            **({"rdm_policy": device["rdm_policy"]} if "rdm_policy" in device else {}),
        }
        for device in guest["devices"]
    }
    lines = _numbers(guest["devices"], "line")
    return ServedGuest(int(guest["domain"]), str(guest["phase"]), devices, guest.get("message"), lines)


def _numbers(devices: Iterable[Mapping[str, Any]], key: str) -> dict[Address, int]:
    """What devices have under a key, but for those that have nothing there."""
    found = {parse_address(device["address"]): device.get(key) for device in devices}
    return {address: int(number) for address, number in found.items() if number is not None}
