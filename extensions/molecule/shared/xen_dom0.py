# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios' tests see of a real dom0 and of its guests: as little ssh as possible, as each login is emulated."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra

LAB = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "build/xen-lab"
GUEST_SECONDS = 180
LOGIN_SECONDS = 60
LOOK = r"""
for device in /sys/bus/pci/devices/*; do
    driver=$(readlink "$device/driver")
    echo "driver ${device##*/} ${driver##*/}"
done
for slot in $(cat /sys/bus/pci/drivers/pciback/slots 2>/dev/null); do echo "slot $slot"; done
for log in /var/log/xen/console/guest-*.log; do
    [ -e "$log" ] || continue
    name=${log##*/guest-}
    grep -a '^guest-report ' "$log" | tail -n 3 | sed "s/^/report ${name%.log} /"
done
echo "command-line $(cat /proc/cmdline)"
echo "boot $(cat /proc/sys/kernel/random/boot_id)"
echo "served $(pcibackctl status --json 2>/dev/null)"
echo "xl $(xl list -l | tr -d '\n')"
"""


@dataclass(frozen=True)
class Dom0:
    """One look at dom0.

    :ivar drivers: the driver of each function, "" without one
    :ivar slots: what pciback holds
    :ivar guests: the devices of each guest, as xl says
    :ivar numbers: the domain number of each guest
    :ivar reports: what each guest said last on its console
    :ivar served: the devices of each domain by its number, with their interrupts, as pcibackd says
    :ivar boot: what tells this boot of dom0 from others
    """

    drivers: dict[str, str]
    slots: set[str]
    guests: dict[str, list[str]]
    numbers: dict[str, int]
    reports: dict[str, dict[str, Any]]
    command_line: str
    served: dict[int, dict[str, str]]
    boot: str

    def guest_drivers(self, guest: str) -> dict[str, str]:
        """The drivers in a guest, by the ids of its devices, as it reports them."""
        return {device["id"]: device["driver"] for device in self.reports.get(guest, {}).get("devices", [])}

    def answered(self, guest: str) -> set[str]:
        """The Ethernet addresses of a guest's cards behind which something answers."""
        return {card["mac"] for card in self.reports.get(guest, {}).get("interfaces", []) if card["answers"]}


def look(host: Any) -> Dom0:
    """Look at dom0 with one login."""
    lines = [line.split(" ", 1) for line in host.check_output(LOOK).splitlines() if " " in line]
    of = {kind: [rest for each, rest in lines if each == kind] for kind, _rest in lines}
    domains = [each for each in json.loads(of["xl"][0]) if each["domid"]]
    guests = {
        each["config"]["c_info"]["name"]: [
            "{:04x}:{:02x}:{:02x}.{:x}".format(*(device.get(key, 0) for key in ("domain", "bus", "dev", "func")))
            for device in each["config"].get("pcidevs", [])
        ]
        for each in domains
    }
    reports = {}
    for each in of.get("report", []):
        name, _word, text = each.split(" ", 2)
        # A kernel's message may stand in the middle of one; it comes again.
        with contextlib.suppress(ValueError):
            reports[name] = json.loads(text)
    return Dom0(
        {address: driver for address, _space, driver in (each.partition(" ") for each in of["driver"])},
        set(of.get("slot", [])),
        guests,
        {each["config"]["c_info"]["name"]: each["domid"] for each in domains},
        reports,
        of["command-line"][0],
        {
            guest["domain"]: {device["address"]: device["interrupt"] for device in guest["devices"]}
            for guest in (json.loads(of["served"][0]).get("guests", ()) if of["served"][0].strip() else ())
        },
        of["boot"][0],
    )


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """dom0, by ssh, with one login for all commands."""
    return testinfra.get_host(
        "ssh://xen-lab",
        ssh_config=str(LAB / "machine/ssh_config"),
        timeout=LOGIN_SECONDS,
        controlpath=str(tmp_path_factory.mktemp("ssh") / "master"),
    )


@pytest.fixture(scope="session")
def look_until(host: Any) -> Callable[[Callable[[Dom0], bool]], Dom0]:
    """Look until something holds; guests notice their devices in their own time. The last look if it never does."""

    def wait(holds: Callable[[Dom0], bool]) -> Dom0:
        deadline = time.monotonic() + GUEST_SECONDS
        while True:
            seen = look(host)
            if holds(seen) or time.monotonic() > deadline:
                return seen
            time.sleep(2)

    return wait


@pytest.fixture(scope="session")
def picture() -> Callable[[str], list[str]]:
    """The lines of a picture of dom0 that a playbook took."""

    def read(name: str) -> list[str]:
        return (LAB / f"picture-{name}").read_text().splitlines()

    return read


@pytest.fixture(scope="session")
def recorded() -> list[dict[str, Any]]:
    """The results of all tasks so far."""
    return [json.loads(line) for line in (LAB / "record.jsonl").read_text().splitlines()]
