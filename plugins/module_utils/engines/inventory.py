# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the inventory says of a host, as the options of module ``plan`` have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import menu_entries
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import OPTIONS
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import check_config_path, check_name
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import (
    ABSENT,
    Wanted,
    WantedDevice,
    WantedGuest,
    WantedTrial,
)
from ansible_collections.xen.pciback.plugins.module_utils.refusals import WHOLE_HOST

_Read = TypeVar("_Read")

MAX_IRQ = 254
"""INTERRUPT_LINE is one byte, in which 0 and 255 mean none."""


def read_wanted(options: Mapping[str, Any]) -> Wanted:
    """What the owner wants; what can't be meant is left out and among ``malformed``."""
    malformed: list[PcibackError] = []

    def read(reader: Callable[..., _Read], items: Iterable[Any], *more: Any) -> tuple[_Read, ...]:
        found = []
        for item in items:
            try:
                found.append(reader(item, *more))
            except PcibackError as error:
                malformed.append(error)
        return tuple(found)

    def guest(item: Mapping[str, Any]) -> WantedGuest:
        devices = read(_device, item["devices"], f"guest {item['name']}")
        return _guest(item, devices)

    entries = read(menu_entries, [options["boot_entries"]], "boot_entries")
    wanted = Wanted(
        guests=read(guest, options["guests"]),
        extra_devices=read(_device, options["extra_devices"], "extra_devices"),
        reboot=options["reboot"],
        restart_guests=options["restart_guests"],
        boot_entries=entries[0] if entries else "xen",
        keep_previous=options["previous"],
        native=options["native"],
        allow=read(_allowed, options["allow"]),
        follow_moves=options["follow_moves"],
        state=options["state"],
        problems=tuple(options["problems"]),
        malformed=tuple(malformed),
        trials=WantedTrial(options["trial"], options["confirm"], options["confirm_within"], options["retry_failed"]),
    )
    if wanted.state == ABSENT:
        return replace(wanted, guests=tuple(replace(guest, devices=()) for guest in wanted.guests), extra_devices=())
    return wanted


def read_allowed(items: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Address | None], ...]:
    """The refusals that the owner overrides: pairs of code and address, ``None`` for a code about the whole host.

    :raises PcibackError: one can't be meant
    """
    return tuple(_allowed(item) for item in items)


def _guest(guest: Mapping[str, Any], devices: tuple[WantedDevice, ...]) -> WantedGuest:
    """One guest of the owner. What xl would refuse after the reboot is refused here."""
    name, config = guest["name"], guest["config"]
    check_name(name)
    check_config_path(config)
    return WantedGuest(name, config, guest["state"], devices)


def _device(item: Mapping[str, Any], where: str) -> WantedDevice:
    """One device line of the owner."""
    try:
        selector = parse_selector(item)
    except PcibackError as error:
        error.message = f"{where}: {error.message}"
        raise
    options = tuple((key, item[key]) for key in OPTIONS if item.get(key) is not None)
    irq = item.get("irq")
    return WantedDevice(selector, options, None if irq is None else read_irq(irq, f"{where}: irq of {selector}"))


def read_irq(value: Any, what: str) -> int:
    """The interrupt that an owner states of a device: what the register can say to a guest.

    :param what: of what it is, for a sentence
    :raises PcibackError: it is none
    """
    number = int(value) if re.fullmatch(r"[0-9]{1,9}", str(value)) else 0
    if not 1 <= number <= MAX_IRQ:
        raise PcibackError(
            f"{what} is {value}, and an interrupt that a guest can be told has a number from 1 to {MAX_IRQ}"
        )
    return number


def read_irqs(irqs: Mapping[str, Any]) -> dict[Address, int]:
    """The interrupts that an owner states, by address.

    :raises PcibackError: an address or a number is none
    """
    return {parse_address(text, max_domain=0): read_irq(value, f"irq of {text}") for text, value in irqs.items()}


def _allowed(item: Mapping[str, Any]) -> tuple[str, Address | None]:
    """One refusal that the owner overrides."""
    code, address = item["code"], item.get("address")
    if code in WHOLE_HOST:
        if address is not None:
            raise PcibackError(f"allow: '{code}' is about the whole host; leave out 'address'")
        return code, None
    if address is None:
        raise PcibackError(f"allow: '{code}' is about one device; say which one with 'address'")
    try:
        return code, parse_address(address, max_domain=0)
    except PcibackError as error:
        error.message = f"allow: {error.message}"
        raise
