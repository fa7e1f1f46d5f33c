# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power on: what the boot.cfg that is really there makes of the machine.

The firmware's copy of the model of NetBSD's loader and kernel (``pcibackctl boot``) says which
entry boots, what the kernel claims and how it ends. This module makes that true: devices and
their drivers, /kern, the message buffer, the console, and whether the machine answers at all.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import time
from typing import Any

from . import autoconf, consequence, hypervisor, loader, xen_process
from .autoconf import Line
from .bus import Bus, Function, Slot, render
from .firmware import predict
from .kernel import KERNEL_RELEASE, kernel_version
from .state import Machine, write_atomically

DEVICES = "devices.lspci"
# When Xen's watchdog of dom0 fires, in seconds since 1970.
WATCHDOG = "watchdog"


def power_on(machine: Machine, chosen: int | None = None, last_words: str = "") -> None:
    """Boot the machine whose state is loaded and locked; guests of the boot before are gone.
    ``chosen`` is the entry that a person picks in the menu; None lets the loader take its default.
    ``last_words`` are the old kernel's."""
    machine.console(last_words)
    state = machine.state
    before = state.get("boot")
    number = 1 if before is None else before["number"] + 1
    up_at = time.time() + (0 if before is None else state["settings"]["downtime"])
    # ansible.builtin.reboot tells boots apart by a date in whole seconds.
    boottime = int(up_at) if before is None else max(int(up_at), before["boottime"] + 1)
    lose_power(machine)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(machine.path(WATCHDOG))
    prediction = _predict(machine, chosen)
    outcome = prediction["outcome"]
    under_xen = outcome not in ("not-xen", "loader-failure")
    claims = [Slot.parse(text) for text in prediction["claims"]] if under_xen else []
    tree, lines = autoconf.boot(machine.bus, claims, under_xen)
    configname = "XEN3_DOM0" if under_xen else "GENERIC"
    boot: dict[str, Any] = {
        "number": number,
        "boottime": boottime,
        "outcome": outcome,
        "entry": prediction["entry"],
        "title": prediction["title"],
        "under_xen": under_xen,
        "configname": configname,
        "memory_mib": _memory(machine, prediction, under_xen),
        "iommu": _iommu(machine, prediction, under_xen),
        "claims": [str(slot) for slot in claims],
        "tree": tree.state,
        "config": {},
        "interfaces": {},
        "default_route": None,
        "ends": None,
    }
    state["boot"] = boot
    state["xen"] = hypervisor.fresh()
    state["domains"] = []
    state["next_domid"] = 1
    _loader_console(machine, prediction)
    reason = _end(machine, prediction, tree, chosen)
    if reason is None:
        begin = _start_lines(machine, configname, under_xen)
        machine.kernel_says(begin + _fit(lines, _complaints(machine, prediction)) + _disk_lines(tree))
        settle_config(machine)
        _start_network(machine)
        _populate_kern(machine)
        _show_devices(machine)
        state["power"] = {"state": "up", "up_at": up_at, "reason": "it is rebooting"}
        lost = consequence.judge(machine, claims)
        if lost is not None:
            boot["ends"] = lost.ends
            state["power"] = {"state": "lost", "up_at": None, "reason": lost.reason}
        machine.console("\nNetBSD/amd64 ({}) (console)\n\nlogin: \n".format(state["name"]))
    else:
        if under_xen:
            seen = [line for line in _start_lines(machine, configname, under_xen) if not line.verbose]
            machine.console("".join(line.text + "\n" for line in seen))
        machine.console(_last_words(prediction, tree))
        state["power"] = {"state": "dead", "up_at": None, "reason": reason}
    write_down(machine, number)


def write_down(machine: Machine, number: int) -> None:
    """Leave the note by which lab/enter knows that the machine does not answer (now, or ever)."""
    for name in os.listdir(machine.directory):
        if name.startswith("down."):
            os.unlink(machine.path(name))
    power = machine.state["power"]
    if power["state"] in ("dead", "lost"):
        write_atomically(machine.path(f"down.{number}"), "dead {}\n".format(power["reason"]))
    elif power["up_at"] > time.time():
        write_atomically(machine.path(f"down.{number}"), f"{math.ceil(power['up_at'])} {power['reason']}\n")


def _predict(machine: Machine, chosen: int | None) -> dict[str, Any]:
    if os.path.isfile(machine.file("/boot.cfg")):
        return predict(machine, chosen)
    empty: dict[str, Any] = {"entry": None, "title": None, "entries": [], "claims": [], "hide": None, "findings": []}
    return dict(empty, outcome="not-xen")


def _memory(machine: Machine, prediction: dict[str, Any], under_xen: bool) -> int:
    """What dom0 has, in MiB: what Xen's dom0_mem= says, else all the machine has."""
    total: int = machine.bus.facts.get("memory_mib", 1024)
    found = re.search(r"\bdom0_mem=([0-9]+)([KMG])\b", loader.xen_arguments(machine, prediction)) if under_xen else None
    if not found:
        return total
    return max(1, int(found.group(1)) * {"K": 1, "M": 1024, "G": 1024 * 1024}[found.group(2)] // 1024)


def _iommu(machine: Machine, prediction: dict[str, Any], under_xen: bool) -> bool:
    """Whether Xen uses an IOMMU: it does where the machine has one, unless its own iommu= says no."""
    off = re.search(
        r"\siommu=(?:[^\s;]*,)?(?:0|no|off|false|disable)(?=[\s,;]|\Z)", loader.xen_arguments(machine, prediction)
    )
    return under_xen and bool(machine.state["settings"]["iommu"]) and not off


# What the model warns of, where it means that nobody will ever reach the machine.
_WAITS = {
    "menu-waits": "the boot loader's menu waits for a person, as timeout in boot.cfg says",
    "kernel-asks-root": "the kernel asks for its root device at the console, as its boot flags say",
    "kernel-single-user": "the kernel came up in single-user mode, as its boot flags say",
    "kernel-userconf": "the kernel waits in userconf at the console, as its boot flags say",
}


def _end(machine: Machine, prediction: dict[str, Any], tree: autoconf.Tree, chosen: int | None) -> str | None:
    """Why the machine never answers after this boot; None: it does."""
    outcome = prediction["outcome"]
    codes = {finding["code"] for finding in prediction["findings"]}
    if outcome == "kernel-fault":
        return "the kernel faulted while it booted, and sits in its debugger"
    if outcome == "undefined":
        return "the kernel or the loader read past a buffer while it booted, and did not come up"
    if outcome == "loader-failure":
        return "the boot loader could not start what boot.cfg says"
    if chosen is not None:
        codes.discard("menu-waits")
    for code, reason in _WAITS.items():
        if code in codes:
            return reason
    if outcome == "not-xen":
        entry = next((each for each in prediction["entries"] if each["number"] == prediction["entry"]), None)
        # Without a menu the loader counts down and boots /netbsd.
        if entry is None and not os.path.isfile(machine.file("/netbsd")):
            return "the boot loader found no menu and no /netbsd, and waits at its prompt"
        if entry is not None and entry["kind"] != "kernel":
            return "the boot loader waits at its prompt"
    if tree.find("wd0") is None:
        return "the kernel found no disk to mount its root from, and asks for one at the console"
    return None


def _loader_console(machine: Machine, prediction: dict[str, Any]) -> None:
    words = ["", f">> NetBSD/x86 BIOS Boot, Revision {loader.REVISION} (from NetBSD {loader.release(machine)})"]
    words += [f">> Memory: 639/{(machine.bus.facts.get('memory_mib', 1024) - 1) * 1024 - 128} k", ""]
    words += [
        "     {}. {}".format(entry.get("key", entry["number"]), entry["title"]) for entry in prediction["entries"]
    ]
    if prediction["entries"]:
        words += ["", "Choose an option; RETURN for default; SPACE to stop countdown."]
        words.append("Option {} will be chosen.".format(prediction["entry"]))
    # What the model of the firmware found wrong is no text of NetBSD's, and marked so.
    for finding in prediction["findings"]:
        words.append("[firmware] boot.cfg line {line}, column {column}: {message}".format(**finding))
    machine.console("\n".join(words) + "\n")


def _complaints(machine: Machine, prediction: dict[str, Any]) -> list[Line]:
    """What the kernel's parser of the hide list prints: the list from where it gave up."""
    value = prediction["hide"]["value"] if prediction["hide"] else ""
    found = []
    for finding in prediction["findings"]:
        if finding["code"] == "hide-list-error":
            with open(machine.file("/boot.cfg"), encoding="latin-1", newline="\n") as stream:
                text = stream.read().split("\n")[finding["line"] - 1][finding["column"] - 1 :]
            length = next((count for count in range(len(value), 0, -1) if text.startswith(value[-count:])), 0)
            found.append(Line(f"pciback_pci_init: syntax error at {text[:length]}"))
    return found


def _fit(lines: list[Line], complaints: list[Line]) -> list[Line]:
    """Put the parser's complaints where the kernel prints them: right after its claims."""
    place = next((index + 1 for index in range(len(lines) - 1, -1, -1) if "hide claim device" in lines[index].text), 2)
    return lines[:place] + complaints + lines[place:]


def _start_lines(machine: Machine, configname: str, under_xen: bool) -> list[Line]:
    total = machine.state["boot"]["memory_mib"]
    lines = [
        Line(kernel_version(configname)),
        Line(f"total memory = {total} MB"),
        Line(f"avail memory = {total * 29 // 32} MB"),
        Line("timecounter: Timecounters tick every 10.000 msec", True),
        Line("mainbus0 (root)"),
        Line("cpu0 at mainbus0 apid 0"),
        Line("ioapic0 at mainbus0 apid 0"),
    ]
    parent = "mainbus0"
    if under_xen:
        parent = "hypervisor0"
        lines += [
            Line("hypervisor0 at mainbus0: Xen version 4.17.7"),
            Line("vcpu0 at hypervisor0"),
            Line("xenbus0 at hypervisor0: Xen Virtual Bus Interface"),
            Line("xencons0 at hypervisor0: Xen Virtual Console Driver"),
        ]
    return [
        *lines,
        Line(f"acpi0 at {parent}: Intel ACPICA 20150410"),
        Line("pckbc1 at acpi0 (KBD, PNP0303) (kbd port): io 0x60,0x64 irq 1"),
        Line("pckbc2 at acpi0 (MOU, PNP0F13) (aux port): irq 12"),
        Line("pckbd0 at pckbc1 (kbd slot)"),
        Line("wskbd0 at pckbd0 mux 1"),
        Line("pms0 at pckbc1 (aux slot)"),
        Line("wsmouse0 at pms0 mux 0"),
    ]


def _disk_lines(tree: autoconf.Tree) -> list[Line]:
    lines = []
    for device in tree.devices:
        if device["driver"] in ("wd", "cd"):
            lines.append(Line("{} at {} drive 0".format(device["name"], device["parent"])))
        elif device["driver"] == "atapibus":
            lines.append(Line("{} at {}: 2 targets".format(device["name"], device["parent"])))
    return [
        *lines,
        Line("boot device: wd0"),
        Line("root on wd0a dumps on wd0b"),
        Line("root file system type: ffs"),
        Line(f"kern.module.path=/stand/amd64/{KERNEL_RELEASE}/modules"),
    ]


# What the loader prints of the failures that the model knows by these codes.
_LOADER_WORDS = {
    "loader-unknown-command": "unknown command",
    "loader-missing-module": "WARNING: 1 module failed to load",
    "loader-no-kernel": "(XEN) dom0 kernel not specified. Check bootloader configuration",
    "loader-missing-xen": "multiboot: No such file or directory",
    "loader-boot-fails": "boot: No such file or directory",
}


def _last_words(prediction: dict[str, Any], tree: autoconf.Tree) -> str:
    """What stays on the console of a machine that did not come up."""
    outcome = prediction["outcome"]
    codes = [finding["code"] for finding in prediction["findings"]]
    if outcome == "kernel-fault" and "hide-bridge" in codes:
        return "panic: HYPERVISOR_mmu_update failed\nStopped in pid 0.1 (system)\ndb{0}> "
    if outcome == "kernel-fault" and "kernel-debugger" in codes:
        return "Stopped in pid 0.1 (system)\ndb{0}> "
    if outcome == "kernel-fault":
        return "fatal page fault in supervisor mode\nStopped in pid 0.1 (system) at pciback_parse_pci\ndb{0}> "
    if outcome == "undefined":
        return ""
    if outcome in ("loader-failure", "not-xen"):
        said = "".join(_LOADER_WORDS[code] + "\n" for code in codes if code in _LOADER_WORDS)
        return said if "menu-waits" in codes or "loader-endless-loop" in codes else said + "> "
    if "kernel-single-user" in codes:
        return "Enter pathname of shell or RETURN for /bin/sh: "
    if "kernel-userconf" in codes:
        return "uc> "
    if tree.find("wd0") is None or "kernel-asks-root" in codes:
        return "boot device: <unknown>\nroot device: "
    return ""


def settle_config(machine: Machine, functions: set[str] | None = None) -> None:
    """What the kernel's drivers leave in the configuration space of some functions (None: all): the mapped
    interrupt's number in the line register (also for claimed devices), and bus mastering for network cards in use."""
    tree = machine.tree
    for slot_text, line in tree.state["lines"].items():
        if functions is None or slot_text in functions:
            slot = Slot.parse(slot_text)
            machine.write_config(slot, 0x3C, machine.read_config(slot, 0x3C) & ~0xFF | line)
    for device in tree.devices:
        if device["driver"] in ("wm", "re") and (functions is None or device["slot"] in functions):
            slot = Slot.parse(device["slot"])
            machine.write_config(slot, 0x04, machine.read_config(slot, 0x04) | 0x4)


def _show_devices(machine: Machine) -> None:
    """The bus as pcibackd is to find it: each function's interrupt line is the one that the kernel says it has."""
    shown = []
    for function in machine.bus:
        config = bytearray(function.config)
        config[0x3C] = machine.pin(function)
        shown.append(Function(function.slot, bytes(config), function.facts))
    write_atomically(machine.path(DEVICES), render(Bus(shown, machine.bus.facts)))


# What the start-up scripts give the interface that the machine is managed by; its gateway.
_ADDRESS, _GATEWAY = "10.0.2.15", "10.0.2.2"


def _start_network(machine: Machine) -> None:
    """The start-up scripts configure one interface, found by its place on the bus: its unit differs
    from boot to boot. Without it the machine has no network; lab/enter comes in another way."""
    place = machine.bus.facts.get("management")
    name = None if place is None else machine.tree.at(Slot.parse(place))
    device = None if name is None else machine.tree.find(name)
    if device is not None and device["driver"] in ("wm", "re", "ne"):
        boot = machine.state["boot"]
        boot["interfaces"][name] = {"up": True, "inet": _ADDRESS}
        boot["default_route"] = {"gateway": _GATEWAY, "interface": name}


# -- /kern -------------------------------------------------------------------------------------


def lose_power(machine: Machine) -> None:
    """End Xen and pcibackd, and empty what is there only while a kernel runs: its nodes, and what processes leave."""
    xen_process.end(machine)
    run = machine.file("/var/run")
    for name in os.listdir(run) if os.path.isdir(run) else ():
        if not os.path.isdir(os.path.join(run, name)):
            # A process that ends because Xen did removes its file itself.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(run, name))
    kern = machine.file("/kern")
    for name in os.listdir(kern):
        path = os.path.join(kern, name)
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _node(machine: Machine, path: str, text: str, mode: int) -> None:
    write_atomically(machine.file(path), text, mode)


def _populate_kern(machine: Machine) -> None:
    boot = machine.state["boot"]
    _node(machine, "/kern/boottime", f"{boot['boottime']}\n", 0o444)
    _node(machine, "/kern/hostname", machine.state["name"] + "\n", 0o644)
    _node(machine, "/kern/hz", "100\n", 0o444)
    _node(machine, "/kern/pagesize", "4096\n", 0o444)
    _node(machine, "/kern/version", "{}\n\troot@vm:BUILD\n".format(kernel_version(boot["configname"])), 0o444)
    with open(machine.path("msgbuf"), encoding="utf-8") as stream:
        messages = stream.read()
    _node(machine, "/kern/msgbuf", messages, 0o444)
    os.makedirs(machine.file("/var/run"), exist_ok=True)
    _node(machine, "/var/run/dmesg.boot", messages, 0o644)
    if not boot["under_xen"]:
        return
    os.mkdir(machine.file("/kern/xen"))
    _node(machine, "/kern/xen/privcmd", "", 0o400)
    _node(machine, "/kern/xen/xenbus", "", 0o600)
    _node(machine, "/kern/xen/xsd_port", "12\n", 0o400)
    # The backend makes its folder when it registers; after an error in the list the nodes of
    # what was claimed before it land in /kern itself.
    folder = "/kern"
    if boot["outcome"] == "registered":
        folder = "/kern/xen/pci"
        os.mkdir(machine.file(folder))
    for device in machine.tree.devices:
        if device["driver"] == "pciback":
            _node(machine, "{}/{}".format(folder, device["slot"]), _device_node(machine, device["slot"]), 0o400)


def _device_node(machine: Machine, text: str) -> str:
    slot = Slot.parse(text)
    function = machine.bus.get(slot)
    assert function is not None
    lines = [
        f"vendor: 0x{function.vendor:04x}",
        f"product: 0x{function.product:04x}",
        f"subsys_vendor: 0x{function.subsystem[0]:04x}",
        f"subsys_product: 0x{function.subsystem[1]:04x}",
    ]
    for window in function.bars():
        lines.append(
            "{}: 0x{:08x} - 0x{:08x}".format(
                "I/O" if window.is_io else "mem", window.address, window.address + window.size
            )
        )
    lines.append(f"irq: {machine.read_config(slot, 0x3C) & 0xFF}")
    return "\n".join(lines) + "\n"
