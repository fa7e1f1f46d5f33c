# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's memory: one JSON file, read and replaced under a lock.

Every command that changes something holds the lock from reading to replacing, so that parallel
commands see each other's changes and a killed one leaves a whole file.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from typing import Any, Iterator

from . import bus as hardware
from .autoconf import Line, Tree

STATE_SCHEMA = "xen.pciback/lab/2"
# What NetBSD keeps of its messages (the captures show 32 KiB).
MESSAGE_BUFFER = 32736


class Machine:
    """One embedded dom0, seen from inside (root ``/``) or from the controller."""

    def __init__(self, directory: str, root: str) -> None:
        self.directory = directory
        self.root = root
        self.state: dict[str, Any] = {}
        self._bus: hardware.Bus | None = None

    @classmethod
    def inside(cls) -> Machine:
        """The machine that this process runs in."""
        return cls("/.machine", "/")

    @classmethod
    def outside(cls, host: str) -> Machine:
        """The machine in a directory that dom0.py made."""
        return cls(os.path.join(host, "machine"), os.path.join(host, "root"))

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def file(self, path: str) -> str:
        """A path of the machine's file system as this process reaches it."""
        return os.path.join(self.root, path.lstrip("/"))

    @property
    def bus(self) -> hardware.Bus:
        if self._bus is None:
            self._bus = hardware.load(self.path("bus.lspci"), self.path("bus.json"))
        return self._bus

    def refit(self, bus: hardware.Bus) -> None:
        """Other hardware, which the next boot finds."""
        write_atomically(self.path("bus.lspci"), hardware.render(bus))
        write_atomically(self.path("bus.json"), json.dumps(bus.facts, indent=2) + "\n")
        self._bus = None

    def pin(self, function: hardware.Function) -> int:
        """The number by which the kernel knows a function's interrupt; 0 for none."""
        return int(function.facts.get("pin", function.interrupt_line)) if function.interrupt_pin else 0

    @property
    def tree(self) -> Tree:
        return Tree(self.bus, self.state["boot"]["tree"])

    def load(self) -> None:
        with open(self.path("state.json"), encoding="utf-8") as stream:
            self.state = json.load(stream)

    def save(self) -> None:
        write_atomically(self.path("state.json"), json.dumps(self.state, indent=1) + "\n")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock, read the state, and write it back when the block ends without an error."""
        with self.locked():
            self.load()
            yield
            self.save()

    @contextmanager
    def locked(self) -> Iterator[None]:
        handle = os.open(self.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def read_config(self, slot: hardware.Slot, register: int) -> int:
        """A configuration register as it reads now: the firmware's value, or what the kernel or
        ``pcictl write`` put there since the machine started."""
        function = self.bus.get(slot)
        if function is None:
            return 0xFFFFFFFF
        written = self.state["boot"]["config"].get(str(slot), {})
        return int(written.get(f"0x{register:02x}", function.read(register)))

    def write_config(self, slot: hardware.Slot, register: int, value: int) -> None:
        written = self.state["boot"]["config"].setdefault(str(slot), {})
        written[f"0x{register:02x}"] = value

    def kernel_says(self, lines: list[Line]) -> None:
        """Messages of the running kernel: all to its buffer, the plain ones to the console as well."""
        self.append_messages("".join(line.text + "\n" for line in lines))
        self.console("".join(line.text + "\n" for line in lines if not line.verbose))

    def append_messages(self, text: str) -> None:
        """The message buffer; a warm reboot does not clear it, so earlier boots show in it too."""
        try:
            with open(self.path("msgbuf"), encoding="utf-8") as stream:
                old = stream.read()
        except FileNotFoundError:
            old = ""
        kept = (old + text)[-MESSAGE_BUFFER:]
        write_atomically(self.path("msgbuf"), kept)

    def console(self, text: str) -> None:
        """What a person at the console sees."""
        with open(self.path("console.log"), "a", encoding="utf-8") as stream:
            stream.write(text)

    def silent_until(self) -> float | None:
        """Until when the machine does not answer (seconds since 1970; inf when its boot went
        wrong); None when it answers."""
        power = self.state["power"]
        if power["state"] in ("dead", "lost"):
            return float("inf")
        return float(power["up_at"]) if time.time() < power["up_at"] else None


def write_atomically(path: str, text: str, mode: int = 0o644) -> None:
    """Replace a file so that a reader finds the old or the new one, never a part."""
    temporary = f"{path}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(temporary, mode)
    os.replace(temporary, path)
