# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What ``xl list -l`` prints: libxl's JSON of each domain's configuration, with the devices that it has now."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address

# Flags of a device that hold as long as a guest has it. 'seize' is only how xl gets it.
_FLAGS = ("permissive", "msitranslate", "power_mgmt")

_Found = TypeVar("_Found")


def parse_devices(text: str) -> dict[int, tuple[Address, ...]]:
    """The PCI functions of each domain, from what ``xl list -l`` prints.

    libxl leaves out each number that is 0.

    :raises PcibackError: the text is not what xl prints
    """
    return _read_configs(text, _devices)


def parse_options(text: str) -> dict[int, dict[Address, dict[str, Any]]]:
    """With which options each domain has its PCI functions, from what ``xl list -l`` prints.

    libxl leaves out a flag that is off, and the slot of a device for which nobody asked for one.

    :raises PcibackError: the text is not what xl prints
    """
    return _read_configs(text, _options)


def parse_passthrough(text: str) -> frozenset[int]:
    """The domains whose files asked for an IOMMU with ``passthrough=``, from what ``xl list -l`` prints.

    :raises PcibackError: the text is not what xl prints
    """
    return frozenset(domid for domid, asked in _read_configs(text, _asks_passthrough).items() if asked)


def _read_configs(text: str, read: Callable[[Mapping[str, Any]], _Found]) -> dict[int, _Found]:
    """What ``read`` finds in the configuration of each domain."""
    try:
        documents = json.loads(text) if text.strip() else []
        if isinstance(documents, dict):
            documents = [documents]
        return {int(document["domid"]): read(document["config"]) for document in documents}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PcibackError(
            f"'xl list -l' printed something else than a list of domains in JSON ({type(error).__name__}: {error})",
            remedy="use the tools of Xen 4.2 or later",
        ) from error


def _devices(config: Mapping[str, Any]) -> tuple[Address, ...]:
    return tuple(address for device in config.get("pcidevs", ()) for address in _functions(device))


def _options(config: Mapping[str, Any]) -> dict[Address, dict[str, Any]]:
    found = {}
    for device in config.get("pcidevs", ()):
        shown: dict[str, Any] = {flag: device.get(flag, False) in (True, "True") for flag in _FLAGS}
        shown["vslot"] = int(device.get("vdevfn", 0)) >> 3
        if "rdm_policy" in device:
            shown["rdm_policy"] = device["rdm_policy"]
        found.update(dict.fromkeys(_functions(device), shown))
    return found


def _asks_passthrough(config: Mapping[str, Any]) -> bool:
    return config.get("c_info", {}).get("passthrough", "default") not in ("default", "disabled")


def _functions(device: Mapping[str, Any]) -> list[Address]:
    domain, bus, slot, function = (int(device.get(key, 0)) for key in ("domain", "bus", "dev", "func"))
    mask = int(device.get("vfunc_mask", 1))
    # One bit a function if several are passed together; all bits mean whatever functions the device has.
    several = [number for number in range(8) if mask >> number & 1] if mask & (mask - 1) and mask <= 0xFF else []
    return [Address(domain, bus, slot, number) for number in several or [function]]
