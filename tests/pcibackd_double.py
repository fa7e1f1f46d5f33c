# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pcibackd that keeps books of devices and guests, behind the command pcibackctl, for tests of what asks it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

SOCKET = "/var/run/pcibackd.sock"
PROGRAM = "/usr/local/sbin/pcibackctl"


class PcibackdDouble:
    """What runs as ``pcibackctl``: an argument list in, status and output back.

    :ivar running: whether pcibackd runs
    :ivar taken: the devices that dom0 does not have, with how they were taken
    :ivar guests: the devices of each domain, with how they were attached
    :ivar phases: how far each domain's frontend is; connected if nothing else is said
    :ivar refuses: by command, the sentence with which the next such command fails
    :ivar held_back: the devices that only the domain gets that had them, for so many ``looks``
    :ivar calls: all commands but ``status``
    """

    def __init__(self) -> None:
        self.running = True
        self.taken: dict[str, str] = {}
        self.guests: dict[int, dict[str, str]] = {}
        self.phases: dict[int, str] = {}
        self.refuses: dict[str, str] = {}
        self.calls: list[str] = []
        self.held_back: dict[str, int] = {}
        self.looks = 0

    def run(self, argv: Sequence[str], **_options: Any) -> tuple[int, str, str]:
        """Do a command."""
        command, arguments = argv[1], list(argv[2:])
        if not self.running:
            return 1, "", f"pcibackctl: pcibackd is not running: nobody listens at {SOCKET}\n"
        if command == "status":
            return 0, json.dumps(self.status()), ""
        self.calls.append(" ".join([command, *arguments]))
        if command in self.refuses:
            return 1, "", f"pcibackctl: {self.refuses.pop(command)}\n"
        domid = 0
        if arguments[0] == "--domain":
            domid, arguments = int(arguments[1]), arguments[2:]
        devices = {word.partition(",")[0]: word for word in arguments}
        if command == "take":
            self.taken.update(devices)
        elif command == "return":
            for address in devices:
                del self.taken[address]
        elif command == "attach":
            for address in devices:
                self.taken.setdefault(address, address)
            self.guests.setdefault(domid, {}).update(devices)
        else:
            for address in devices or dict(self.guests[domid]):
                del self.guests[domid][address]
        return 0, "", ""

    def _irq(self, address: str) -> int | None:
        return next((int(word[4:]) for word in self.taken.get(address, "").split(",") if word.startswith("irq=")), None)

    def _allow(self, address: str) -> str:
        return self.taken.get(address, "").partition(",allow=")[2]

    def _held_back(self) -> list[tuple[str, int]]:
        """What is held back now; each look is one nearer to its end."""
        found = list(self.held_back.items())
        self.looks -= 1
        if self.looks <= 0:
            self.held_back = {}
        return found

    def status(self) -> dict[str, Any]:
        """What ``status --json`` prints."""
        given = {address for devices in self.guests.values() for address in devices}
        return {
            "schema": "xen.pciback/status/1",
            "version": "0.1.0",
            "pid": 77,
            "guests": [
                {
                    "domain": domid,
                    "phase": self.phases.get(domid, "connected"),
                    "message": None,
                    "devices": [
                        {
                            "address": address,
                            "permissive": "permissive=1" in word,
                            "rdm_policy": "strict",
                            "allow": self._allow(address),
                            "irq": self._irq(address),
                        }
                        for address, word in devices.items()
                    ],
                }
                for domid, devices in self.guests.items()
            ],
            "held_back": [{"address": address, "domain": domid} for address, domid in self._held_back()],
            "taken": [
                {
                    "address": address,
                    "clean": True,
                    "lost": False,
                    "allow": self._allow(address),
                    "irq": self._irq(address),
                }
                for address in self.taken
                if address not in given
            ],
        }
