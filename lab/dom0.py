# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, shows and removes embedded dom0s: directories that behave like a NetBSD dom0.

DIR/root is what is ``/`` inside, DIR/machine the firmware and the machine's memory.
``lab/enter DIR/root -- COMMAND`` runs a command inside; Ansible's way in is the connection
plugin xen.pciback.lab.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import re
import shutil
import stat
import sys
from contextlib import contextmanager
from typing import Iterator

LAB = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, LAB)

from machine import board, boot, bus, consequence, hypervisor, services, watchdog, xen_process
from machine.borrowed import Refused, borrow
from machine.build import build
from machine.firmware import FirmwareError
from machine.state import STATE_SCHEMA, Machine

BOOT_CFG = """\
menu=Boot Xen dom0:load /netbsd-XEN3_DOM0.gz console=xencons;multiboot /xen.gz dom0_mem=512M \
com1=115200,8n1 console=com1
menu=Boot NetBSD:boot netbsd
menu=Drop to boot prompt:prompt
default=1
timeout=5
clear=1
"""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


# -- create --------------------------------------------------------------------------------------


def create(options: argparse.Namespace) -> int:
    """Make each machine that is not there, or refresh what it borrows from the controller."""
    # The machine's commands run with a read-only lab, and would be compiled at every call.
    compileall.compile_dir(os.path.join(LAB, "machine"), quiet=2)
    dump, facts = _hardware(options.bus)
    hardware = bus.load(dump, facts)
    management = _management(options.management, hardware)
    firmware = _firmware(options.firmware)
    boot_cfg = _boot_cfg(options.boot_cfg)
    for name in options.guest + options.ignores_shutdown + options.no_frontend:
        if not NAME.fullmatch(name):
            raise Refused(f"guest name {name!r}: letters, digits, dots, dashes and underscores only")
    for directory in options.directory:
        if options.force and os.path.exists(directory):
            _remove(directory)
        settings = {
            "bus": options.bus,
            "compiler": options.compiler,
            "downtime": options.downtime,
            "guest_shutdown_seconds": options.guest_shutdown_seconds,
            "ignores_shutdown": sorted(options.ignores_shutdown),
            "no_frontend": sorted(options.no_frontend),
            "management": management,
            "iommu": _iommu(options.iommu, hardware),
            "lost_lines": options.lost_lines,
            "hidden_faults": dict(map(consequence.fault, options.hidden_fault)),
            "watchdog_second": options.watchdog_second,
        }
        if os.path.exists(os.path.join(directory, "machine", "state.json")):
            _refresh(directory, settings, firmware)
            print(f"{directory}: is there already")
            continue
        if os.path.isdir(directory) and os.listdir(directory):
            raise Refused(f"{directory} is not empty and not an embedded dom0; give another directory")
        build(
            Machine.outside(directory), settings, dump, facts, firmware, boot_cfg, options.guest, tuple(options.kernel)
        )
        print(f"{directory}: created")
    return 0


def _hardware(name: str) -> tuple[str, str]:
    dump = name if name.endswith(".lspci") else os.path.join(LAB, "buses", name + ".lspci")
    facts = dump[: -len(".lspci")] + ".json"
    try:
        bus.load(dump, facts)
    except (OSError, ValueError, bus.BusError) as error:
        known = sorted(
            each[: -len(".lspci")] for each in os.listdir(os.path.join(LAB, "buses")) if each.endswith(".lspci")
        )
        raise Refused(
            "bus {}: {}; there are {}, or give a file whose name ends in .lspci".format(name, error, ", ".join(known))
        ) from error
    return dump, facts


def _management(wanted: str | None, hardware: bus.Bus) -> str | None:
    """The card that the machine is managed through: the owner's, else the board's; None: it has no network."""
    place = hardware.facts.get("management") if wanted is None else wanted
    if place is None or place == "none":
        return None
    try:
        slot = bus.Slot.parse(place)
    except ValueError:
        raise Refused(f"management card {place!r}: it is an address such as 0000:00:0c.0, or none") from None
    if hardware.get(slot) is None:
        raise Refused(f"management card {place}: this machine has no such device")
    return str(slot)


def _iommu(wanted: bool | None, hardware: bus.Bus) -> bool:
    """Whether the machine has an IOMMU that is switched on: the owner's word, else the board's."""
    return bool(hardware.facts.get("iommu", False)) if wanted is None else wanted


def _firmware(path: str) -> str:
    if not os.access(path, os.X_OK) or not os.path.isfile(path):
        raise Refused(f"firmware {path} is not there; 'make -C native' builds it, or name another with --firmware")
    return path


def _boot_cfg(path: str | None) -> bytes:
    if path is None:
        return BOOT_CFG.encode("ascii")
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise Refused(f"boot.cfg {path}: {error.strerror}") from error


def _refresh(directory: str, settings: dict[str, object], firmware: str) -> None:
    machine = Machine.outside(directory)
    machine.load()
    if machine.state["schema"] != STATE_SCHEMA or machine.state["settings"] != settings:
        changed = [key for key in settings if machine.state["settings"].get(key) != settings[key]]
        raise Refused(
            "{} is there with another {}; --force removes it and makes it anew".format(
                directory, ", ".join(changed) or "version of the lab"
            )
        )
    borrow(machine, bool(settings["compiler"]), firmware)


# -- the other commands ----------------------------------------------------------------------------


def _machine(directory: str) -> Machine:
    machine = Machine.outside(directory)
    try:
        machine.load()
    except (OSError, ValueError) as error:
        raise Refused(f"{directory} is not an embedded dom0: {error}") from error
    return machine


def status(options: argparse.Namespace) -> int:
    """Whether the machine answers, how its last boot went, what is claimed and which guests run."""
    machine = _machine(options.directory)
    if watchdog.look(machine):
        machine.load()
    state = machine.state
    until = machine.silent_until()
    found = {
        "name": state["name"],
        "power": "up" if until is None else state["power"]["state"] if until == float("inf") else "rebooting",
        "reason": None if until is None else state["power"]["reason"],
        "boot": state["boot"]["number"],
        "boottime": state["boot"]["boottime"],
        "entry": state["boot"]["entry"],
        "outcome": state["boot"]["outcome"],
        "claims": state["boot"]["claims"],
        "domains": [domain["name"] for domain in state["domains"]],
        "cut_off": hypervisor.cut_off(machine),
        "compiler": state["settings"]["compiler"],
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    print("{}: {}{}".format(options.directory, found["power"], ", " + str(found["reason"]) if found["reason"] else ""))
    print("boot {}, entry {}: {}".format(found["boot"], found["entry"], found["outcome"]))
    print(f"claimed: {' '.join(state['boot']['claims']) or 'nothing'}")
    print(f"guests: {' '.join(domain['name'] for domain in state['domains']) or 'none'}")
    if found["cut_off"]:
        print(f"without DMA, because Xen has their devices: {' '.join(hypervisor.cut_off(machine))}")
    return 0


def console(options: argparse.Namespace) -> int:
    """Everything the machine's console has shown."""
    machine = _machine(options.directory)
    with open(machine.path("console.log"), encoding="utf-8") as stream:
        sys.stdout.write(stream.read())
    return 0


def reboot(options: argparse.Namespace) -> int:
    """Press the reset button; with --entry, choose that entry of the menu this once."""
    machine = _machine(options.directory)
    with machine.changing():
        boot.power_on(machine, options.entry)
    services.start(machine)
    return 0


def look(options: argparse.Namespace) -> int:
    """Let time pass for Xen's watchdog of dom0; if its own is over by that, the machine is reset."""
    machine = _machine(options.directory)
    watchdog.advance(machine, options.seconds)
    watchdog.look(machine)
    return 0


def add_card(options: argparse.Namespace) -> int:
    """Put a card in, behind new bridges if need be, and switch the machine on again."""
    with _opened(options.directory) as bench:
        slot = bench.add(options.slot, _card_like(options.card), options.mac)
    print(f"{options.directory}: {slot}")
    return 0


def remove_card(options: argparse.Namespace) -> int:
    """Take a card out, and switch the machine on again."""
    with _opened(options.directory) as bench:
        bench.remove(_slot(options.address))
    return 0


def swap_cards(options: argparse.Namespace) -> int:
    """Exchange two cards, and switch the machine on again."""
    with _opened(options.directory) as bench:
        bench.swap(_slot(options.address), _slot(options.other))
    return 0


@contextmanager
def _opened(directory: str) -> Iterator[board.Board]:
    """The hardware of a machine that is off meanwhile; it boots with the boot.cfg that is there."""
    machine = _machine(directory)
    with machine.changing():
        bench = board.Board(machine.bus)
        yield bench
        machine.refit(bench.as_bus())
        boot.power_on(machine)
    services.start(machine)


def _card_like(name: str) -> bus.Function:
    hardware, _slash, address = name.rpartition("/")
    found = bus.load(*_hardware(hardware)).get(_slot(address))
    if found is None or found.is_bridge:
        raise Refused(
            f"card {name}: there is no such card; it is a bus and an address on it, such as pc-bridge/01:03.0"
        )
    return found


def _slot(text: str) -> bus.Slot:
    found = re.fullmatch(r"(?:0000:)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])", text)
    if not found:
        raise Refused(f"address {text!r}: it is like 0000:00:0c.0 or 00:0c.0")
    return bus.Slot.parse("0000:" + found.group(1))


def destroy(options: argparse.Namespace) -> int:
    """Remove machines; a directory that is none is refused."""
    for directory in options.directory:
        if os.path.lexists(directory):
            _remove(directory)
    return 0


def _remove(directory: str) -> None:
    if not os.path.isdir(os.path.join(directory, "machine")) or not os.path.isdir(os.path.join(directory, "root")):
        raise Refused(f"{directory} is not an embedded dom0; it was left alone")

    xen_process.end(Machine.outside(directory))

    def unlock(function: object, path: str, error: object) -> None:
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        os.chmod(path, stat.S_IRWXU) if not os.path.islink(path) else None
        os.unlink(path) if os.path.islink(path) or not os.path.isdir(path) else shutil.rmtree(path)

    shutil.rmtree(directory, onerror=unlock)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Embedded dom0s: directories that behave like a NetBSD dom0.")
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("create", help="make machines and boot them; one that is there is left as it is")
    make.add_argument("directory", nargs="+")
    make.add_argument("--bus", default="pc-nine-nics", help="hardware: a name in lab/buses, or a file NAME.lspci")
    make.add_argument("--firmware", default=os.path.join(os.path.dirname(LAB), "native", "build", "pcibackctl"))
    make.add_argument("--boot-cfg", metavar="FILE", help="the machine's first boot.cfg")
    make.add_argument("--guest", action="append", default=[], metavar="NAME", help="a guest's configuration and kernel")
    make.add_argument(
        "--ignores-shutdown", action="append", default=[], metavar="NAME", help="a guest that xl shutdown does not move"
    )
    make.add_argument(
        "--no-frontend", action="append", default=[], metavar="NAME", help="a guest whose kernel finds no PCI devices"
    )
    make.add_argument("--kernel", action="append", default=[], metavar="PATH", help="one more kernel file, such as /n")
    make.add_argument("--no-compiler", dest="compiler", action="store_false", help="no compiler and no make inside")
    make.add_argument("--downtime", type=float, default=1.0, metavar="SECONDS", help="silence of a reboot")
    make.add_argument(
        "--guest-shutdown-seconds", type=float, default=0.5, metavar="SECONDS", help="what a guest takes to shut down"
    )
    make.add_argument(
        "--management",
        metavar="ADDRESS",
        help="the network card that gets an address and the default route, or none; by default the board's",
    )
    remapping = make.add_mutually_exclusive_group()
    remapping.add_argument(
        "--iommu", action="store_true", default=None, help="the machine has an IOMMU; by default as the board has"
    )
    remapping.add_argument("--no-iommu", dest="iommu", action="store_false", help="it has none")
    make.add_argument(
        "--lost-lines",
        action="store_true",
        help="a device that is hidden takes its interrupt line from the network card that has the same",
    )
    make.add_argument(
        "--hidden-fault",
        action="append",
        default=[],
        metavar="ADDRESS=hang|panic",
        help="what dom0 does after rc(8) where this device is hidden",
    )
    make.add_argument(
        "--watchdog-second",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how long a second of Xen's watchdog lasts; default: %(default)s",
    )
    make.add_argument("--force", action="store_true", help="remove what is there first")
    make.set_defaults(run=create)
    show = commands.add_parser("status", help=(status.__doc__ or "").splitlines()[0])
    show.add_argument("directory")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=status)
    log = commands.add_parser("console", help=(console.__doc__ or "").splitlines()[0])
    log.add_argument("directory")
    log.set_defaults(run=console)
    reset = commands.add_parser("reboot", help=(reboot.__doc__ or "").splitlines()[0])
    reset.add_argument("directory")
    reset.add_argument("--entry", type=int, metavar="N")
    reset.set_defaults(run=reboot)
    wait = commands.add_parser("wait", help=(look.__doc__ or "").splitlines()[0])
    wait.add_argument("directory")
    wait.add_argument("seconds", type=float, nargs="?", default=0.0)
    wait.set_defaults(run=look)
    add = commands.add_parser("add-card", help=(add_card.__doc__ or "").splitlines()[0])
    add.add_argument("directory")
    add.add_argument("slot", metavar="SLOT", help="its path: 00/05.0, or 00/03.0/05.0 behind a bridge at 00:03.0")
    add.add_argument(
        "--card", default="pc-bridge/01:03.0", metavar="BUS/ADDRESS", help="which one it is like; default: %(default)s"
    )
    add.add_argument("--mac", help="its Ethernet address; the next free one by default")
    add.set_defaults(run=add_card)
    take = commands.add_parser("remove-card", help=(remove_card.__doc__ or "").splitlines()[0])
    take.add_argument("directory")
    take.add_argument("address")
    take.set_defaults(run=remove_card)
    swap = commands.add_parser("swap-cards", help=(swap_cards.__doc__ or "").splitlines()[0])
    swap.add_argument("directory")
    swap.add_argument("address")
    swap.add_argument("other")
    swap.set_defaults(run=swap_cards)
    remove = commands.add_parser("destroy", help=(destroy.__doc__ or "").splitlines()[0])
    remove.add_argument("directory", nargs="+")
    remove.set_defaults(run=destroy)
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        result: int = options.run(options)
    except (Refused, FirmwareError, board.BoardError) as error:
        print(f"dom0.py: {error}", file=sys.stderr)
        return 1
    return result


if __name__ == "__main__":
    sys.exit(main())
