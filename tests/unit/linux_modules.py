# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on a Linux dom0, in the order in which the role calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.host import platforms, state_directory, trial
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files, bus, drivers, facts
from ansible_collections.xen.pciback.plugins.module_utils.ranges import Range
from ansible_collections.xen.pciback.plugins.modules import (
    assignable,
    boot_hide,
    device_info,
    domain,
    domain_pci,
    plan,
)
from tests.linux_dom0 import LinuxDom0
from tests.unit.module_call import call

XL = "/usr/sbin/xl"
CARD, RTL, SECOND, NVME = "0000:00:05.0", "0000:00:06.0", "0000:00:06.1", "0000:01:00.0"
FIREWALL = {"name": "firewall", "devices": [{"address": "00:05.0"}]}


class Dom0(LinuxDom0):
    """A host with the modules."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        # What the owner allows, as it was planned with.
        self.allowed: list[dict[str, str]] = []
        # What is done of steps that work on more than is here, by their names.
        self.others: dict[str, Callable[[dict[str, Any], bool], None]] = {}
        for name in ("firewall", "storage"):
            self.config(name)

    def config(self, name: str, more: str = "") -> Path:
        path = self.folder / name
        path.write_text(f"name = '{name}'\nkernel = '/boot/vmlinuz'\n{more}")
        return path

    def wanted(self, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        listed = [{"config": str(self.folder / guest["name"]), "devices": [], **guest} for guest in guests]
        return {"guests": listed, "xl": XL, **more}

    def plan(self, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        self.allowed = more.get("allow", [])
        return call(plan.main, self.wanted(*guests, **more, state_directory=state_directory.DIRECTORY))

    def apply(self, planned: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        """What the role does with a plan."""
        done = []
        for action in planned["actions"]:
            arguments = action["arguments"]
            if action["action"] in self.others:
                self.others[action["action"]](arguments, check)
                continue
            if action["action"] == "hide":
                done.append(call(boot_hide.main, {"path": planned["boot_config"], **arguments}, check=check))
            elif action["action"] == "configure":
                done.append(call(domain_pci.main, arguments, check=check))
            elif action["action"] in ("assign", "return", "release"):
                state = {"assign": "assigned", "return": "returned", "release": "released"}[action["action"]]
                after = {"after_release": "release" in kinds(planned)} if state != "released" else {}
                given = {"backend": planned["backend"], **arguments, "state": state, **after}
                done.append(call(assignable.main, {**given, "allow": self.allowed, "xl": XL}, check=check))
            elif action["action"] == "run":
                down = [each["name"] for each in self._arguments(planned, "shut_down").get("domains", ())]
                given = {"backend": planned["backend"], **arguments, "after_shut_down": down, "xl": XL, "timeout": 0}
                done.append(call(domain.main, given, check=check))
            elif action["action"] == "native":
                self.install_trial()
                continue
            elif action["action"] == "shut_down":
                self.xl.guests = []
                continue
            elif action["action"] == "reboot":
                self.reboot()
                continue
            elif action["action"] == "confirm":
                path = planned["boot_config"]
                done.append(call(boot_hide.main, {"path": path, "state": "confirmed", **arguments}, check=check))
            elif action["action"] == "restore":
                if arguments["guests"]:
                    done.append(
                        call(domain_pci.main, {"domains": arguments["guests"], "state": "original"}, check=check)
                    )
                for path in arguments["boot"]:
                    done.append(call(boot_hide.main, {"path": path, "state": "original"}, check=check))
            else:
                raise ValueError(action["action"])
            assert not done[-1].get("failed"), done[-1]["msg"]
        return done

    def _arguments(self, planned: dict[str, Any], step: str) -> dict[str, Any]:
        return next((each["arguments"] for each in planned["actions"] if each["action"] == step), {})

    def install_trial(self) -> None:
        """What native_backend installs for trials, and what systemctl makes of it."""
        for name in (trial.PROGRAM, trial.UNIT, trial.LINK):
            self.write_file(name, "")

    def converge(self, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Plan and apply; then nothing may be left to do."""
        planned = self.plan(*guests, **more)
        assert not planned.get("failed") and planned["refusals"] == [], planned
        self.apply(planned)
        again = self.plan(*guests, **more)
        assert (again["actions"], again["refusals"]) == ([], []), again
        return planned

    def run_guest(self, name: str, *devices: str) -> None:
        self.xl.add(name, "running", *devices)
        self.xl.guests[-1].update(context=bool(devices))

    def pci(self) -> dict[str, list[str]]:
        return {guest["name"]: guest["pci"] for guest in self.xl.guests}


def connect(host: Dom0, monkeypatch: pytest.MonkeyPatch) -> Dom0:
    """Let the modules work on a host."""
    monkeypatch.setattr(platforms, "SYSFS_PCI", str(host.sys / "bus/pci/devices"))
    monkeypatch.setattr(bus, "SYS", str(host.sys))
    monkeypatch.setattr(facts, "PROC", str(host.proc))
    monkeypatch.setattr(boot_files, "HOST", boot_files.Host(str(host.root)))
    monkeypatch.setattr(trial, "RECORD", str(host.root / "etc/xen-pciback/trial"))
    monkeypatch.setattr(drivers, "write", host.write)
    # Nothing here takes time, and so nobody waits.
    monkeypatch.setattr(domain, "SHUT_DOWN_TIME", Range(0, 0, "seconds"))
    for module in (assignable, boot_hide, device_info, domain, plan):
        monkeypatch.setattr(module, "run", host.run)
    return host


def kinds(planned: dict[str, Any]) -> list[str]:
    return [action["action"] for action in planned["actions"]]
