# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for xl where a test decides how guests and xl behave: it prints what Xen 4.17's xl printed.

The embedded dom0 has an xl of its own (``lab/machine/commands/xl.py``), which does what its bus and its guests' files
make of a command; nothing can be told to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Answer = tuple[int, str, str]
"""Status, output and errors of a command."""

LETTERS = {
    "running": "-b----",
    "idle": "------",
    "paused": "--p---",
    "never_ran": "--p---",
    "shut_down": "---s--",
    "crashed": "----c-",
    "dying": "-----d",
}
_DEVICE = re.compile(r"([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")


def done(out: str = "") -> Answer:
    """A command that did what it should."""
    return 0, out, ""


def failed(status: int, *lines: str) -> Answer:
    """A command that did not, and what it said."""
    return status, "", "".join(f"{line}\n" for line in lines)


def libxl(place: str, domid: int, said: str) -> str:
    """A line of libxl about a domain; ``place`` is file, line and function."""
    file, line, function = place.split()
    return f"libxl: error: libxl_{file}.c:{line}:{function}: Domain {domid}:{said}"


def as_json(device: str | Mapping[str, int]) -> Mapping[str, int]:
    """A device as ``xl list -l`` shows it: each number that is 0 is left out. Others than addresses are shown as given."""
    if not isinstance(device, str):
        return device
    match = _DEVICE.search(device)
    assert match, device
    numbers = zip(("bus", "dev", "func"), (int(part, 16) for part in match.groups()))
    return {**{key: value for key, value in numbers if value}, "vfunc_mask": 1}


class XlDouble:
    """xl, its domains, and what it was called with.

    :ivar path: where it would be
    :ivar guests: the domains: ``domid``, ``name``, ``state``, ``pci`` (addresses, or what xl's JSON says of a device)
    :ivar habits: how guests behave, by their names: ``deaf`` can't be asked, ``ignores`` does not follow, ``kept`` and
        ``returns`` say what becomes of one that shut down, ``dies`` ends at once, ``immortal`` can't be destroyed; of
        their creation ``not-assignable``, ``no-sysfs`` and ``crashes-xl``
    :ivar deeds: the calls that were no mere looks
    :ivar iommu: whether Xen has an IOMMU in use
    :ivar looks_to_end: how often a guest is still seen after it was asked to shut down
    """

    looks_to_end = 2
    iommu = True

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "xl"
        self.guests: list[dict[str, Any]] = []
        self.next = 1
        self.habits: dict[str, str] = {}
        self.deeds: list[str] = []
        self.broken = False

    def add(self, name: str, state: str = "running", *devices: str | Mapping[str, int], habit: str = "") -> int:
        """A domain that is there already; its number."""
        domid, self.next = self.next, self.next + 1
        self.guests.append({"domid": domid, "name": name, "state": state, "pci": list(devices)})
        if habit:
            self.habits[name] = habit
        return domid

    @property
    def domains(self) -> dict[str, int]:
        """The domains' numbers by their names."""
        return {guest["name"]: guest["domid"] for guest in self.guests}

    def run(self, argv: Sequence[str], cwd: str | None = None) -> Answer:
        """Run a command, as :func:`commands.run` does; nothing but xl is there."""
        if argv[0] != str(self.path):
            return 127, "", f"{argv[0]}: No such file or directory"
        return self.answer(list(argv[1:]))

    def answer(self, words: list[str]) -> Answer:
        """What xl does."""
        command, *arguments = words
        if command not in ("list", "info"):
            self.deeds.append(" ".join(words))
        if self.broken:
            return failed(1, "libxl: error: libxl.c:38:libxl_ctx_alloc: cannot open libxc handle: Permission denied")
        method: Callable[[list[str]], Answer] = getattr(self, "_" + command.replace("-", "_"))
        return method(arguments)

    def _find(self, word: str) -> dict[str, Any]:
        return next(guest for guest in self.guests if word == str(guest["domid"]))

    def _list(self, arguments: list[str]) -> Answer:
        if arguments == ["-l"]:
            dom0 = {"domid": 0, "config": {"c_info": {"name": "Domain-0"}}}
            said = "libxl: warning: libxl_domain.c:2603:retrieve_domain_configuration_end: Domain 3:ignored\n"
            return 0, json.dumps([dom0, *map(self._document, self.guests)]), said
        self._settle()
        lines = ["Name                                        ID   Mem VCPUs\tState\tTime(s)"]
        for guest in [{"name": "Domain-0", "domid": 0, "state": "running"}, *self.guests]:
            letters = LETTERS[guest["state"]]
            lines.append(
                f"{guest['name']:<40} {guest['domid']:>5}  1536     2     {letters}  {0.0 if guest['state'] == 'never_ran' else 720.2:8.1f}"
            )
        return done("\n".join(lines) + "\n")

    def _document(self, guest: Mapping[str, Any]) -> Mapping[str, Any]:
        about = {"name": guest["name"], **({"passthrough": "enabled"} if guest.get("asked") else {})}
        return {"domid": guest["domid"], "config": {"c_info": about, "pcidevs": [*map(as_json, guest["pci"])]}}

    def _settle(self) -> None:
        """Guests that were asked to shut down get one look nearer to it."""
        for guest in list(self.guests):
            if guest.get("looks_left") is not None:
                guest["looks_left"] -= 1
                if guest["looks_left"] <= 0:
                    self._end(guest)

    def _end(self, guest: dict[str, Any]) -> None:
        self.guests.remove(guest)
        habit = self.habits.get(guest["name"])
        if habit == "kept":
            self.guests.append({**guest, "state": "shut_down", "looks_left": None})
        elif habit == "returns":
            self.guests.append({**guest, "domid": self.next, "looks_left": None})
            self.next += 1

    def _shutdown(self, arguments: list[str]) -> Answer:
        assert arguments[0] == "-F"
        guest = self._find(arguments[1])
        habit = self.habits.get(guest["name"])
        if habit == "deaf":
            return failed(
                1,
                "libxl: error: libxl_domain.c:797:pvcontrol_cb: guest didn't acknowledge control request: -9",
                "shutdown failed (rc=-9)",
            )
        if habit != "ignores":
            guest["looks_left"] = self.looks_to_end
            if self.looks_to_end == 0:
                self._end(guest)
        return done()

    def _destroy(self, arguments: list[str]) -> Answer:
        guest = self._find(arguments[0])
        if self.habits.get(guest["name"]) == "immortal":
            return failed(1, libxl("domain 1183 libxl__destroy_domid", guest["domid"], "Non-existant domain"))
        self.guests.remove(guest)
        return done()

    def _create(self, arguments: list[str]) -> Answer:
        paused = arguments[0] == "-p"
        path, *settings = arguments[paused:]
        text = "\n".join([Path(path).read_text(encoding="utf-8"), *settings])
        match = re.search(r"name *= *['\"]([^'\"]*)", text)
        assert match
        name, habit = match.group(1), self.habits.get(match.group(1))
        said = f"Parsing config from {path}\n"
        if habit == "crashes-xl":
            return -11, said, "libxl: error: libxl_pci.c:1:parse: Domain 9:bad day\n"
        domid, self.next = self.next, self.next + 1
        devices = ["0000:{}:{}.{}".format(*parts) for parts in _DEVICE.findall(text.rpartition("pci")[2])]
        if devices and habit == "no-sysfs":
            path = f"/sys/bus/pci/devices/{devices[0]}/resource"
            return failed(
                3,
                libxl("pci 1490 pci_add", domid, f"Couldn't open {path}: No such file or directory"),
                libxl("create 1921 domcreate_attach_devices", domid, "unable to add pci devices"),
            )
        if devices and habit == "not-assignable":
            numbers = as_json(devices[0])
            device = "0:{:x}:{:x}.{}".format(*(numbers.get(key, 0) for key in ("bus", "dev", "func")))
            return failed(
                3,
                libxl("pci 1677 libxl__device_pci_add", domid, f"PCI device {device} is not assignable"),
                libxl("pci 1809 device_pci_add_done", domid, "libxl__device_pci_add failed"),
                libxl("create 1921 domcreate_attach_devices", domid, "unable to add pci devices"),
            )
        if habit != "dies":
            state = "paused" if paused else "running"
            self.guests.append({"domid": domid, "name": name, "state": state, "pci": devices})
        return done(said)

    def _unpause(self, arguments: list[str]) -> Answer:
        self._find(arguments[0])["state"] = "running"
        return done()

    def _info(self, _arguments: list[str]) -> Answer:
        return done(f"virt_caps              :{' pv pv_directio' if self.iommu else ' pv'}\n")
