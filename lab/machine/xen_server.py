# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that plays Xen, xenstored and the guests' kernels to pcibackd, and to pcibackctl.

What it speaks is in native/README.md, "Simulated Xen". It keeps nothing of its own but the connection:
store, domains and devices are in the machine's memory, where xl and drvctl change them, and whatever
changed there since it last looked is told to pcibackd. It lives as long as one boot.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import socket
import struct
from contextlib import contextmanager, suppress
from typing import Any, Iterator

from . import domains, hypervisor, kernel_backend, xenstore
from .bus import Slot
from .frontend import Frontend
from .state import Machine, write_atomically
from .xen_process import PAGES, PEER, SOCKET, WAKE

# How often it looks whether the machine is still the same, and for guests that end.
_TURN = 0.2
# Kinds of messages that pcibackd sends without waiting for an answer.
_SILENT = (21, 22, 23)
_FIRST_MSI = 1000
KERNEL_BACKEND = "/kern/xen/pci"


class Message:
    """The payload of one message, read from its beginning."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position = 0

    def number(self, kind: str = "I") -> int:
        value: int = struct.unpack_from("=" + kind, self.payload, self.position)[0]
        self.position += struct.calcsize("=" + kind)
        return value

    def text(self) -> str:
        length = self.number()
        self.position += length
        return self.payload[self.position - length : self.position].decode("latin-1")


def text(value: str) -> bytes:
    """A text as it stands in a message."""
    data = value.encode("latin-1", "replace")
    return struct.pack("=I", len(data)) + data


class XenServer:
    """Answers one pcibackd or pcibackctl at a time.

    ``stays`` until the boot is over, or only until the first one is through.
    """

    def __init__(self, machine: Machine, stays: bool = True) -> None:
        self.machine = machine
        self.stays = stays
        self.is_through = False
        machine.load()
        self.stamp: tuple[int, int] = (0, 0)
        self.known = ""
        self.boot = machine.state["boot"]["number"]
        self.connection: socket.socket | None = None
        self.received = b""
        self.watches: set[tuple[int, str]] = set()
        self.seen: dict[str, str] = dict(machine.state["xen"]["store"])
        self.lives = self._lives()
        # Local ports, and the domain at their other ends.
        self.ports: dict[int, int] = {}
        self.next_msi = _FIRST_MSI
        self.frontends: dict[int, Frontend] = {}
        os.makedirs(machine.path(PAGES), exist_ok=True)
        self.listener = _bound(machine.path(SOCKET), socket.SOCK_STREAM)
        self.listener.listen(1)
        self.waker = _bound(machine.path(WAKE), socket.SOCK_DGRAM)

    # -- The process

    def run(self) -> None:
        """Serve until the boot is over."""
        signal.signal(signal.SIGTERM, _leave)
        try:
            while self.turn():
                pass
        finally:
            self.close()

    def turn(self) -> bool:
        """Wait for something to do, and do it; False when the machine is another one or gone."""
        sockets = [self.listener, self.waker] + ([self.connection] if self.connection else [])
        ready, _w, _x = select.select(sockets, [], [], _TURN)
        if self.listener in ready:
            self._accept()
        if self.waker in ready:
            self.waker.recv(16)
        if self.connection in ready:
            self._receive()
        if self.is_through and not self.stays:
            return False
        try:
            is_idle = not ready and self._stamp() == self.stamp
            return True if is_idle and not self._is_expected() else self._go_on()
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """The machine loses its power: what runs on it ends at once."""
        self._hang_up(kill=True)
        for frontend in self.frontends.values():
            frontend.close()
        self.listener.close()
        self.waker.close()
        for name in (SOCKET, WAKE, PEER):
            if os.path.exists(self.machine.path(name)):
                os.unlink(self.machine.path(name))

    def _accept(self) -> None:
        connection, _address = self.listener.accept()
        if self.connection is not None:
            # One that has ended is noticed later than the next one comes.
            self._hang_up(kill=False)
        self.connection = connection
        write_atomically(self.machine.path(PEER), f"{peer(connection)}\n")

    def _hang_up(self, kill: bool) -> None:
        if self.connection is None:
            return
        process = peer(self.connection)
        self.is_through = True
        self.connection.close()
        self.connection = None
        self.received = b""
        self.watches.clear()
        self.ports.clear()
        if kill:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)

    def _receive(self) -> None:
        assert self.connection is not None
        try:
            part = self.connection.recv(1 << 16)
        except OSError:
            part = b""
        if not part:
            self._hang_up(kill=False)
            return
        self.received += part
        while len(self.received) >= 12:
            length, number, kind = struct.unpack("=III", self.received[:12])
            if len(self.received) < 12 + length:
                break
            message = Message(self.received[12 : 12 + length])
            self.received = self.received[12 + length :]
            self._serve(kind, number, message)

    def _serve(self, kind: int, number: int, message: Message) -> None:
        with self._changing():
            result, payload = getattr(self, f"_on_{kind}")(message)
        if number and kind not in _SILENT:
            self._send(100, struct.pack("=i", result) + (payload if result == 0 else b""), number)
        self._tell()

    def _send(self, kind: int, payload: bytes = b"", number: int = 0) -> None:
        if self.connection is None:
            return
        try:
            self.connection.sendall(struct.pack("=III", len(payload), number, kind) + payload)
        except OSError:
            self._hang_up(kill=False)

    def _go_on(self) -> bool:
        """Let guests and their frontends do what they can, and tell pcibackd."""
        for _turn in range(64):
            with self._changing():
                if self.machine.state["boot"]["number"] != self.boot or self.machine.state["power"]["state"] == "dead":
                    return False
                domains.settle(self.machine)
                before = dict(self.machine.state["xen"]["store"])
                self._step()
            self._tell()
            if before == self.machine.state["xen"]["store"]:
                break
        return True

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """As the machine's own, without reading what is known or writing what is the same."""
        with self.machine.locked():
            if self._stamp() != self.stamp:
                self.machine.load()
                self.known = json.dumps(self.machine.state, sort_keys=True)
            yield
            now = json.dumps(self.machine.state, sort_keys=True)
            if now != self.known:
                self.machine.save()
                self.known = now
            self.stamp = self._stamp()

    def _stamp(self) -> tuple[int, int]:
        found = os.stat(self.machine.path("state.json"))
        return found.st_ino, found.st_mtime_ns

    def _is_expected(self) -> bool:
        """Whether something comes that nobody tells of: the end of a guest, or an answer in a page."""
        ends = any(each["ends_at"] is not None for each in self.machine.state["domains"])
        return ends or any(frontend.waits for frontend in self.frontends.values())

    def _step(self) -> None:
        state = self.machine.state
        if kernel_backend.is_up(self.machine):
            kernel_backend.look(self.machine)
            return
        running = {each["domid"] for each in state["domains"] if each["state"] == "running"}
        alive = {each["domid"] for each in state["domains"]}
        for domid in [domid for domid in self.frontends if domid not in alive]:
            self.frontends.pop(domid).close()
        for domid in running:
            if domid not in self.frontends:
                self.frontends[domid] = Frontend(domid, self.machine.path(PAGES), self._notify)
            self.frontends[domid].step(hypervisor.store(self.machine))
        for each in state["domains"]:
            if each["domid"] in self.frontends:
                each["sees"] = list(self.frontends[each["domid"]].found.values())

    def _notify(self, domid: int) -> None:
        for port, domain in self.ports.items():
            if domain == domid:
                self._send(102, struct.pack("=I", port))

    def _lives(self) -> dict[int, int]:
        """How each domain is: 0 runs, 1 runs no code now."""
        return {each["domid"]: int(each["state"] == "shutdown") for each in self.machine.state["domains"]}

    def _tell(self) -> None:
        """Let watches fire for what has changed since the last time."""
        now = self.machine.state["xen"]["store"]
        for path, gone in xenstore.changed(self.seen, now):
            for token, watched in sorted(self.watches):
                if xenstore.is_seen(watched, path, gone):
                    self._send(101, struct.pack("=I", token) + text(path))
        self.seen = dict(now)
        lives = self._lives()
        if lives != self.lives:
            self.lives = lives
            for token, watched in sorted(self.watches):
                if watched == "@releaseDomain":
                    self._send(101, struct.pack("=I", token) + text(watched))

    # -- What pcibackd asks, by the number of its message

    def _on_1(self, message: Message) -> tuple[int, bytes]:
        reply = b""
        for _item in range(message.number()):
            value = hypervisor.store(self.machine).read(message.text())
            reply += struct.pack("=i", -errno.ENOENT if value is None else 0) + text(value or "")
        return 0, reply

    def _on_2(self, message: Message) -> tuple[int, bytes]:
        store = hypervisor.store(self.machine)
        items = [(message.number(), message.text(), message.text()) for _item in range(message.number())]
        for action, path, value in items:
            if (action == 1 and store.read(path) != value) or (action == 2 and store.read(path) is not None):
                return -errno.ESTALE, b""
        for action, path, value in items:
            if action == 3:
                store.write(path, value)
            elif action == 4:
                store.remove(path)
            elif action == 5:
                store.write(path)
        return 0, b""

    def _on_3(self, message: Message) -> tuple[int, bytes]:
        store = hypervisor.store(self.machine)
        path = message.text()
        if store.read(path) is None:
            return -errno.ENOENT, b""
        numbers = [int(name) for name in store.children(path) if name.isdigit()]
        return 0, struct.pack(f"={1 + len(numbers)}I", len(numbers), *numbers)

    def _on_4(self, message: Message) -> tuple[int, bytes]:
        token, path = message.number(), message.text()
        self.watches.add((token, path))
        self._send(101, struct.pack("=I", token) + text(path))
        return 0, b""

    def _on_5(self, message: Message) -> tuple[int, bytes]:
        self.watches.discard((message.number(), message.text()))
        return 0, b""

    def _on_6(self, message: Message) -> tuple[int, bytes]:
        return 0, struct.pack("=I", self._lives().get(message.number(), 2))

    def _on_7(self, message: Message) -> tuple[int, bytes]:
        frontend = self.frontends.get(message.number())
        return (-errno.EINVAL, b"") if frontend is None else (0, text(frontend.path))

    def _on_8(self, message: Message) -> tuple[int, bytes]:
        return 0, b""

    def _on_9(self, message: Message) -> tuple[int, bytes]:
        port = 1 + max(self.ports, default=0)
        self.ports[port] = message.number()
        return 0, struct.pack("=I", port)

    def _on_10(self, message: Message) -> tuple[int, bytes]:
        self.ports.pop(message.number(), None)
        return 0, b""

    def _on_15(self, message: Message) -> tuple[int, bytes]:
        _domid, line = message.number(), message.number()
        return 0, struct.pack("=I", line)

    def _on_18(self, message: Message) -> tuple[int, bytes]:
        domid, address = message.number(), message.text()
        if not self.machine.state["boot"]["iommu"]:
            return -errno.EOPNOTSUPP, b""
        try:
            hypervisor.assign(self.machine, domid, address)
        except hypervisor.Busy:
            return -errno.EBUSY, b""
        return 0, b""

    def _on_19(self, message: Message) -> tuple[int, bytes]:
        domid, address = message.number(), message.text()
        return (0 if hypervisor.deassign(self.machine, domid, address) else -errno.ENODEV), b""

    def _on_20(self, message: Message) -> tuple[int, bytes]:
        self.next_msi += 1
        return 0, struct.pack("=I", self.next_msi)

    def _on_25(self, message: Message) -> tuple[int, bytes]:
        sign = KERNEL_BACKEND if os.path.isdir(self.machine.file(KERNEL_BACKEND)) else ""
        reply = []
        for device in self.machine.tree.devices:
            if "slot" in device and device["driver"] != "pciback":
                function = self.machine.bus.get(Slot.parse(device["slot"]))
                line = self.machine.pin(function) if function else 0
                reply.append(text(device["slot"]) + struct.pack("=I", line) + text(device["name"]))
        return 0, text(sign) + struct.pack("=I", len(reply)) + b"".join(reply)

    def _on_27(self, message: Message) -> tuple[int, bytes]:
        """For how many milliseconds a reset goes on: here each is done at once."""
        return 0, struct.pack("=I", 0)

    def _nothing(self, message: Message) -> tuple[int, bytes]:
        """Permissions and notes of which nothing depends here."""
        return 0, b""

    _on_11 = _on_12 = _on_13 = _on_14 = _on_16 = _on_17 = _on_21 = _on_22 = _on_23 = _on_24 = _nothing


def peer(connection: socket.socket) -> int:
    """The process at the other end."""
    process: int = struct.unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return process


def _bound(path: str, kind: int) -> socket.socket:
    if os.path.lexists(path):
        os.unlink(path)
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(path)
    return made


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(0)
