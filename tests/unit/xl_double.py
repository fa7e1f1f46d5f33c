# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that stands in for xl: it keeps domains in a file and prints what Xen 4.17's xl printed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

PROGRAM = r'''#!@python@ -I
import json, re, sys
from pathlib import Path

HOME = Path("@home@")
STATE = HOME / "state.json"
LETTERS = {
    "running": "-b----", "idle": "------", "paused": "--p---",
    "shut_down": "---s--", "crashed": "----c-", "dying": "-----d",
}


def fail(status, *lines):
    sys.stderr.write("".join(line + "\n" for line in lines))
    sys.exit(status)


def complain(state, status, *errors):
    STATE.write_text(json.dumps(state), encoding="utf-8")
    fail(status, *("libxl: error: libxl_%s.c:%d:%s: Domain %d:%s" % error for error in errors))


def find(state, word):
    for domain in state["domains"]:
        if word in (str(domain["domid"]), domain["name"]):
            return domain
    fail(1, word + " is an invalid domain identifier (rc=-6)")


def settle(state):
    """Guests that were asked to shut down get one look nearer to it."""
    for domain in list(state["domains"]):
        if domain.get("looks_left") is None:
            continue
        domain["looks_left"] -= 1
        if domain["looks_left"] > 0:
            continue
        habit = state["habits"].get(domain["name"])
        state["domains"].remove(domain)
        if habit == "kept":
            domain.update(state="shut_down", looks_left=None)
            state["domains"].append(domain)
        elif habit == "returns":
            state["domains"].append({**domain, "domid": state["next"], "looks_left": None})
            state["next"] += 1


def create(state, path):
    print("Parsing config from " + path)
    text = Path(path).read_text(encoding="utf-8")
    name = re.search(r"name *= *['\"]([^'\"]*)", text).group(1)
    habit = state["habits"].get(name)
    if habit == "crashes-xl":
        sys.stderr.write("libxl: error: libxl_pci.c:1:parse: Domain 9:bad day\n")
        sys.stderr.flush()
        import os, signal
        os.kill(os.getpid(), signal.SIGSEGV)
    domid = state["next"]
    state["next"] += 1
    devices = re.findall(r"([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])", text.partition("pci")[2])
    for bus, dev, func in devices:
        if habit == "no-sysfs":
            path = "/sys/bus/pci/devices/0000:%s:%s.%s/resource" % (bus, dev, func)
            complain(
                state, 3,
                ("pci", 1490, "pci_add", domid, "Couldn't open %s: No such file or directory" % path),
                ("create", 1921, "domcreate_attach_devices", domid, "unable to add pci devices"),
            )
        if habit == "not-assignable":
            device = "%x:%x.%s" % (int(bus, 16), int(dev, 16), func)
            complain(
                state, 3,
                ("pci", 1677, "libxl__device_pci_add", domid, "PCI device 0:%s is not assignable" % device),
                ("pci", 1809, "device_pci_add_done", domid, "libxl__device_pci_add failed"),
                ("create", 1921, "domcreate_attach_devices", domid, "unable to add pci devices"),
            )
    numbers = [{"bus": int(bus, 16), "dev": int(dev, 16), "func": int(func)} for bus, dev, func in devices]
    if habit != "dies":
        pci = [{**{key: value for key, value in each.items() if value}, "vfunc_mask": 1} for each in numbers]
        state["domains"].append({"domid": domid, "name": name, "state": "running", "pci": pci})


def main(words):
    state = json.loads(STATE.read_text(encoding="utf-8"))
    with (HOME / "calls").open("a", encoding="utf-8") as calls:
        calls.write(" ".join(words) + "\n")
    if state["broken"]:
        fail(1, "libxl: error: libxl.c:38:libxl_ctx_alloc: cannot open libxc handle: Permission denied")
    if words == ["list"]:
        settle(state)
        print("Name                                        ID   Mem VCPUs\tState\tTime(s)")
        for domain in [{"name": "Domain-0", "domid": 0, "state": "running"}, *state["domains"]]:
            letters = LETTERS[domain["state"]]
            print("%-40s %5d  1536     2     %s     720.2" % (domain["name"], domain["domid"], letters))
    elif words == ["list", "-l"]:
        sys.stderr.write("libxl: warning: libxl_domain.c:2603:retrieve_domain_configuration_end: Domain 3:ignored\n")
        dom0 = {"domid": 0, "config": {"c_info": {"name": "Domain-0"}}}
        print(json.dumps([dom0] + [
            {"domid": domain["domid"], "config": {"c_info": {"name": domain["name"]}, "pcidevs": domain["pci"]}}
            for domain in state["domains"]
        ]))
    elif words[:2] == ["shutdown", "-F"] and len(words) == 3:
        domain = find(state, words[2])
        habit = state["habits"].get(domain["name"])
        if habit == "deaf":
            fail(1, "libxl: error: libxl_domain.c:797:pvcontrol_cb: guest didn't acknowledge control request: -9",
                 "shutdown failed (rc=-9)")
        if habit != "ignores":
            domain["looks_left"] = 2
    elif words[:1] == ["destroy"] and len(words) == 2:
        domain = find(state, words[1])
        if state["habits"].get(domain["name"]) == "immortal":
            complain(state, 1, ("domain", 1183, "libxl__destroy_domid", domain["domid"], "Non-existant domain"))
        state["domains"].remove(domain)
    elif words[:1] == ["create"] and len(words) == 2:
        create(state, words[1])
    else:
        fail(2, "unknown: " + " ".join(words))
    STATE.write_text(json.dumps(state), encoding="utf-8")


main(sys.argv[1:])
'''


class XlDouble:
    """The stand-in, its domains and what it was called with."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "xl"
        self.path.write_text(PROGRAM.replace("@python@", sys.executable).replace("@home@", str(home)), encoding="utf-8")
        self.path.chmod(0o755)
        self._save({"next": 1, "domains": [], "habits": {}, "broken": False})

    def _load(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.home / "state.json").read_text(encoding="utf-8"))
        return state

    def _save(self, state: dict[str, Any]) -> None:
        (self.home / "state.json").write_text(json.dumps(state), encoding="utf-8")

    def add(self, name: str, state: str = "running", *devices: dict[str, int], habit: str = "") -> int:
        """A domain that is there already; its number. Each device is what xl's JSON says of it."""
        now = self._load()
        domid = int(now["next"])
        now["next"] += 1
        now["domains"].append({"domid": domid, "name": name, "state": state, "pci": list(devices)})
        self._save(now)
        if habit:
            self.habit(name, habit)
        return domid

    def habit(self, name: str, habit: str) -> None:
        """How a guest of this name behaves."""
        now = self._load()
        now["habits"][name] = habit
        self._save(now)

    def break_down(self) -> None:
        """Let every call fail, as it does for whom the hypervisor does not answer."""
        self._save({**self._load(), "broken": True})

    @property
    def domains(self) -> dict[str, int]:
        """The domains by name."""
        return {domain["name"]: domain["domid"] for domain in self._load()["domains"]}

    @property
    def deeds(self) -> list[str]:
        """The calls that were no mere looks."""
        calls = self.home / "calls"
        lines = calls.read_text(encoding="utf-8").splitlines() if os.path.exists(calls) else []
        return [line for line in lines if not line.startswith("list")]
