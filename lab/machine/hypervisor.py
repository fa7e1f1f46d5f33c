# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Xen: which domain has which device, and what xenstore knows of the domains.

A device that dom0 gives away is put into quarantine, from there into a guest, and goes back the same
way. In quarantine it reaches no memory, whatever driver dom0 may have given it to meanwhile.
"""

from __future__ import annotations

import time
from typing import Any, Dict

from .state import Machine
from .xenstore import Store

Json = Dict[str, Any]
DOM0 = 0
# DOMID_IO.
QUARANTINE = 0x7FF1
BACKENDS = "/local/domain/0/backend/pci"


class Busy(Exception):
    """Another guest has the device."""


def fresh() -> Json:
    """Xen when it has just started: dom0 has all devices."""
    store = Store({})
    for path, value in (
        ("/tool/xenstored", ""),
        ("/local/domain/0/domid", "0"),
        ("/local/domain/0/name", "Domain-0"),
        ("/local/pool/0/name", "Pool-0"),
        ("/vm", ""),
        ("/libxl", ""),
    ):
        store.write(path, value)
    return {"store": store.nodes, "owners": {}}


def store(machine: Machine) -> Store:
    return Store(machine.state["xen"]["store"])


# -- Devices -----------------------------------------------------------------------------------


def owner(machine: Machine, address: str) -> int:
    """The domain that has a device."""
    return int(machine.state["xen"]["owners"].get(address, DOM0))


def assign(machine: Machine, domid: int, address: str) -> None:
    """Give a device of dom0's, or one in quarantine, to a domain."""
    if owner(machine, address) not in (DOM0, QUARANTINE, domid):
        raise Busy(address)
    machine.state["xen"]["owners"][address] = domid


def deassign(machine: Machine, domid: int, address: str) -> bool:
    """Take a device back: from a guest into quarantine, from there to dom0. False: the domain has not got it."""
    owners = machine.state["xen"]["owners"]
    if domid == QUARANTINE and owner(machine, address) == QUARANTINE:
        del owners[address]
        return True
    # A guest that has ended has left its devices in quarantine.
    if domid not in (DOM0, QUARANTINE) and owner(machine, address) in (domid, QUARANTINE):
        owners[address] = QUARANTINE
        return True
    return False


def cut_off(machine: Machine) -> list[str]:
    """The drivers of dom0 whose device is somebody else's, and can do no DMA for them."""
    found = []
    for device in machine.tree.devices:
        is_pciback = device["driver"] == "pciback"
        if "slot" in device and not is_pciback and owner(machine, device["slot"]) != DOM0:
            found.append(str(device["name"]))
    return found


# -- Domains -----------------------------------------------------------------------------------


def announce(machine: Machine, domain: Json) -> None:
    """The nodes that xl makes for a new domain."""
    domid = domain["domid"]
    nodes = store(machine)
    home, vm = f"/local/domain/{domid}", f"/vm/{domain['uuid']}"
    memory = str(domain["memory"] * 1024)
    for key, value in (
        ("vm", vm), ("name", domain["name"]), ("cpu/0/availability", "online"), ("memory/static-max", memory),
        ("memory/target", memory), ("memory/videoram", "0"), ("device/suspend/event-channel", ""), ("device/pci", ""),
        ("control/shutdown", ""), ("control/platform-feature-multiprocessor-suspend", "1"),
        ("control/platform-feature-xs_reset_watches", "1"), ("data", ""), ("drivers", ""), ("feature", ""),
        ("attr", ""), ("error", ""), ("domid", str(domid)), ("store/port", "1"), ("console/type", "xenconsoled"),
    ):  # fmt: skip
        nodes.write(f"{home}/{key}", value)
    for key, value in (("name", domain["name"]), ("uuid", domain["uuid"]), ("image/ostype", "linux")):
        nodes.write(f"{vm}/{key}", value)
    nodes.write(f"{vm}/image/kernel", domain["kernel"] or "")
    nodes.write(f"{vm}/start_time", f"{time.time():.2f}")
    nodes.write(f"/libxl/{domid}/type", domain["type"])


def forget(machine: Machine, domain: Json) -> None:
    """What becomes of a domain's nodes and devices when it is gone. xl removes what it knows of a backend, too."""
    domid = domain["domid"]
    nodes = store(machine)
    for path in (f"/local/domain/{domid}", f"/vm/{domain['uuid']}", f"/libxl/{domid}"):
        nodes.remove(path)
    if domain["served"]:
        # The kernel's backend lets go of a guest later than xl waits for it, and then nobody removes what is left.
        nodes.write(f"{BACKENDS}/{domid}/0/state", "6")
    else:
        nodes.clean_up(f"{BACKENDS}/{domid}", "/local/domain/0")
    for address, holder in list(machine.state["xen"]["owners"].items()):
        if holder == domid:
            machine.state["xen"]["owners"][address] = QUARANTINE


def served(machine: Machine, domid: int) -> list[Json]:
    """The devices that a backend gives to a domain as xenstore has them, in the form of a domain's ``pci``."""
    nodes = store(machine)
    home = f"{BACKENDS}/{domid}/0"
    found = []
    for number in range(int(nodes.read(f"{home}/num_devs") or "0")):
        address = nodes.read(f"{home}/dev-{number}")
        if address is None:
            continue
        pairs = [word.partition("=") for word in (nodes.read(f"{home}/opts-{number}") or "").split(",")]
        options = {key: value for key, _sign, value in pairs}
        flags = {key: int(value) for key, value in options.items() if value.isdigit()}
        strict = options.get("rdm_policy") != "relaxed"
        found.append({"address": address, "slot": None, "options": flags, "strict": strict})
    return found
