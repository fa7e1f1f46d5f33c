# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend in NetBSD's kernel, and what libxl makes of it.

libxl opens text files of Linux, which NetBSD has only if somebody makes them. With them a guest gets its
first device. Of nodes that somebody else writes at once the kernel reads all. In either case a guest that
ends before it has connected takes dom0 down.
"""

from __future__ import annotations

import os
import time
from typing import Any, Dict

from . import hypervisor
from .bus import Slot
from .state import Machine

Json = Dict[str, Any]
PANIC = """\
uvm_fault(0xffffffff808bd520, 0x0, 1) -> e
fatal page fault in supervisor mode
panic: trap
cpu0: Begin traceback...
intr_unmask() at netbsd:intr_unmask+0x20
otherend_changed() at netbsd:otherend_changed+0x7f
xenwatch_thread() at netbsd:xenwatch_thread+0xf9
cpu0: End traceback...
rebooting...
(XEN) Hardware Dom0 shutdown: rebooting machine
"""


def _sysfs(address: str, name: str) -> str:
    return f"/sys/bus/pci/devices/{address}/{name}"


def _no_file(where: str, domid: int, path: str) -> str:
    return f"{where}: Domain {domid}:Couldn't open {path}: No such file or directory"


def _no_reset(address: str) -> str:
    return f"libxl_pci.c:1573:libxl__device_pci_reset: The kernel doesn't support reset from sysfs for PCI device {address}"


def _irq(machine: Machine, address: str) -> str | None:
    """What stands in a device's file ``irq``."""
    try:
        with open(machine.file(_sysfs(address, "irq")), encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def add(machine: Machine, domid: int, address: str) -> tuple[bool, list[str]]:
    """Whether libxl can give the device to a domain, and what it complains of in either case."""
    lines = [_no_reset(address)]
    resource = _sysfs(address, "resource")
    if not os.path.isfile(machine.file(resource)):
        return False, [*lines, _no_file("libxl_pci.c:1445:pci_add_dm_done", domid, resource)]
    irq = _irq(machine, address)
    function = machine.bus.get(Slot.parse(address))
    if irq is None:
        lines.append(_no_file("libxl_pci.c:1485:pci_add_dm_done", domid, _sysfs(address, "irq")))
    elif function is None or irq != str(machine.pin(function)):
        # Xen knows the interrupts that dom0 has mapped, and those go by their real numbers.
        words = f"xc_domain_irq_permission irq={irq} (error=-1): Operation not permitted"
        return False, [*lines, f"libxl_pci.c:1499:pci_add_dm_done: Domain {domid}:{words}"]
    return True, lines


def remove(machine: Machine, domain: Json) -> list[str]:
    """What libxl complains of when it destroys a domain: it takes each device in the store for one of its own."""
    domid = domain["domid"]
    backend = f"{hypervisor.BACKENDS}/{domid}/0"
    lines = []
    for address in domain["served"]:
        if not os.path.isfile(machine.file(_sysfs(address, "resource"))):
            lines.append(_no_file("libxl_pci.c:2003:do_pci_remove", domid, _sysfs(address, "resource")))
        if _irq(machine, address) is None:
            lines.append(_no_file("libxl_pci.c:2038:do_pci_remove", domid, _sysfs(address, "irq")))
        lines += [_no_reset(address), f"libxl_device.c:1470:libxl__wait_for_backend: Backend {backend} not ready"]
    if lines:
        return lines
    for entry in hypervisor.served(machine, domid):
        address = entry["address"]
        irq = _irq(machine, address)
        if not os.path.isfile(machine.file(_sysfs(address, "resource"))):
            lines.append(_no_file("libxl_pci.c:2003:do_pci_remove", domid, _sysfs(address, "resource")))
        if irq is None:
            lines.append(_no_file("libxl_pci.c:2038:do_pci_remove", domid, _sysfs(address, "irq")))
        else:
            lines += [
                f"libxl_pci.c:2044:do_pci_remove: Domain {domid}:xc_physdev_unmap_pirq irq={irq}: Invalid argument",
                f"libxl_pci.c:2048:do_pci_remove: Domain {domid}:xc_domain_irq_permission irq={irq}: "
                "Operation not permitted",
            ]
        lines.append(_no_reset(address))
        if not machine.state["boot"]["iommu"]:
            words = "xc_deassign_device failed: Operation not supported"
            lines.append(f"libxl_pci.c:2258:pci_remove_detached: Domain {domid}:{words}")
    if lines and hypervisor.store(machine).read(f"{backend}/state") != "4":
        lines.append(f"libxl_device.c:1470:libxl__wait_for_backend: Backend {backend} not ready")
    for entry in domain["pci"]:
        lines += [
            _no_reset(entry["address"]),
            f"libxl_device.c:1470:libxl__wait_for_backend: Backend {backend} not ready",
        ]
    return lines


def connect(machine: Machine, domain: Json) -> None:
    """The guest's kernel runs: its frontend connects, and sees what the backend has looked for."""
    if not is_up(machine):
        return
    look(machine)
    if domain["connected"] or domain["name"] in machine.state["settings"]["no_frontend"]:
        return
    domain["connected"] = True
    # NetBSD's reads the number of devices once, when libxl has added the first.
    domain["sees"] = _seen(machine, [entry["address"] for entry in domain["pci"][:1]])


def _seen(machine: Machine, addresses: list[str]) -> list[str]:
    """What a guest finds of devices: vendor and product of each."""
    functions = [machine.bus.get(Slot.parse(address)) for address in addresses]
    return [f"{each.vendor:04x}:{each.product:04x}" for each in functions if each is not None]


def is_up(machine: Machine) -> bool:
    """Whether the kernel has hidden devices and serves guests."""
    return bool(machine.state["boot"]["outcome"] == "registered")


def look(machine: Machine) -> None:
    """What the kernel makes of nodes that somebody has written, and the frontends of guests that run.

    It reads how many devices there are when it first finds a domain's nodes, and never again.
    """
    nodes = hypervisor.store(machine)
    for domain in machine.state["domains"]:
        domid = domain["domid"]
        home = f"{hypervisor.BACKENDS}/{domid}/0"
        if nodes.read(f"{home}/state") == "1" and not domain["served"]:
            domain["served"] = [entry["address"] for entry in hypervisor.served(machine, domid)]
            roots = list(dict.fromkeys(address.rpartition(":")[0] for address in domain["served"]))
            for number, root in enumerate(roots):
                nodes.write(f"{home}/root-{number}", root)
            nodes.write(f"{home}/root_num", str(len(roots)))
            nodes.write(f"{home}/state", "3")
            domain["connected"] = False
        has_frontend = domain["state"] == "running" and domain["name"] not in machine.state["settings"]["no_frontend"]
        if domain["served"] and has_frontend and nodes.read(f"{home}/state") == "3":
            nodes.write(f"/local/domain/{domid}/device/pci/0/state", "4")
            nodes.write(f"{home}/state", "4")
            domain["sees"] = _seen(machine, domain["served"])
            domain["connected"] = True


def hidden(machine: Machine) -> str:
    """What the kernel keeps, each with the interrupt that its messages tell: as pcibackctl-simulated reads it."""
    words = []
    messages = "".join(map(_text, (machine.path("msgbuf"), machine.file("/var/run/dmesg.boot"))))
    for device in machine.tree.devices if is_up(machine) else ():
        if "slot" in device and device["driver"] == "pciback":
            function = machine.bus.get(Slot.parse(device["slot"]))
            pin = machine.pin(function) if function is not None else 0
            has_line = function is None or function.interrupt_pin
            is_told = f"{device['name']}: interrupting at " in messages
            words.append(f"{device['slot']}={(pin if is_told and pin else '') if has_line else 0}")
    return " ".join(words)


def _text(path: str) -> str:
    """A file's text; nothing of one that is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def panic(machine: Machine) -> None:
    """Dom0 goes down, and boots again."""
    # Only here: nothing else of xl needs it.
    from . import boot

    boot.power_on(machine, last_words=PANIC)


def come_back(machine: Machine) -> int:
    """Start what a boot after a panic starts; the status of whoever has lost the connection meanwhile."""
    from . import services

    services.start(machine)
    return 255


def takes_dom0_down(machine: Machine, domain: Json) -> bool:
    """Whether the end of a domain does: the kernel lets go of an interrupt that it has not got."""
    has_some = domain["served"] or domain["pci"]
    return bool(is_up(machine) and has_some and not domain["connected"])


def go_down(machine: Machine) -> None:
    """End the command that runs, with dom0, if a guest has ended meanwhile that takes dom0 down."""
    now = time.time()
    ended = [each for each in machine.state["domains"] if each["ends_at"] is not None and each["ends_at"] <= now]
    if any(takes_dom0_down(machine, each) for each in ended):
        with machine.changing():
            panic(machine)
        raise SystemExit(come_back(machine))
