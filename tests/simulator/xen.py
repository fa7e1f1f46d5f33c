# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Xen for pcibackd, written from the protocol in native/README.md: store, pages, events, permissions."""

from __future__ import annotations

import errno
import mmap
import select
import socket
import struct
from pathlib import Path

BACKENDS = "/local/domain/0/backend/pci"
REST, STOP_CLOCK = 105, 107
# The domain that has devices that nobody else has, so that they reach no memory.
QUARANTINE = 0x7FF1
# Answers of pcibackd: at rest, and what a device's registers hold.
NOT_ANSWERED = (22, 23)


class Lost(Exception):
    """pcibackd has closed the connection."""


class Message:
    """The payload of one message, read from its beginning."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position = 0

    def u32(self) -> int:
        value: int = struct.unpack_from("=I", self.payload, self.position)[0]
        self.position += 4
        return value

    def u64(self) -> int:
        value: int = struct.unpack_from("=Q", self.payload, self.position)[0]
        self.position += 8
        return value

    def text(self) -> str:
        length = self.u32()
        value = self.payload[self.position : self.position + length]
        self.position += length
        return value.decode("latin-1")


def text(value: str) -> bytes:
    """A text as it stands in a message."""
    data = value.encode("latin-1")
    return struct.pack("=I", len(data)) + data


class SimulatedXen:
    """Answers one pcibackd. Permissions that are given twice or taken back without having been given are errors."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = str(directory / "xen.sock")
        self.store: dict[str, str] = {}
        self.watches: set[tuple[int, str]] = set()
        self.life: dict[int, int] = {}
        self.held: set[tuple[object, ...]] = set()
        # Devices in quarantine, unless a guest has them; and those whose MSI-X table Xen knows.
        self.quarantine: set[str] = set()
        self.tables: set[str] = set()
        # What dom0's kernel does beside: the sign of its own backend, and the devices of its driver wm0 with their lines.
        self.kernel_backend = ""
        self.drivers: dict[str, int] = {}
        self.order: list[str] = []
        self.errors: list[str] = []
        self.fail: dict[str, int] = {}
        self.ports: dict[int, tuple[int, int]] = {}
        self.notified: list[int] = []
        self.recovered: list[tuple[object, ...]] = []
        self.pages: dict[int, mmap.mmap] = {}
        self.grants: dict[tuple[int, int], Path] = {}
        self.received = b""
        self.next_pirq = 1000
        self.at_rest = 0
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.connection: socket.socket | None = None

    def accept(self) -> None:
        self.listener.settimeout(10)
        self.connection, _address = self.listener.accept()
        self.connection.settimeout(20)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.listener.close()

    # ---- The store

    def write(self, path: str, value: str) -> None:
        self.store[path] = value
        self.fire(path)

    def remove(self, path: str) -> None:
        for node in [node for node in self.store if node == path or node.startswith(path + "/")]:
            del self.store[node]
        self.fire(path, removed=True)

    def fire(self, path: str, *, removed: bool = False) -> None:
        for token, watched in sorted(self.watches):
            below = path == watched or path.startswith(watched + "/")
            if below or (removed and watched.startswith(path + "/")):
                self.send(101, struct.pack("=I", token) + text(path))

    def kill(self, domain: int, life: int = 2) -> None:
        self.life[domain] = life
        self.fire("@releaseDomain")

    def forget_process(self) -> None:
        """What Xen and xenstored take back of a pcibackd that is gone."""
        assert self.connection is not None
        self.connection.close()
        self.received = b""
        self.held = {what for what in self.held if what[0] not in ("page", "event")}
        self.ports.clear()
        self.watches.clear()

    # ---- Messages

    def send(self, kind: int, payload: bytes = b"", number: int = 0) -> None:
        assert self.connection is not None
        self.connection.sendall(struct.pack("=III", len(payload), number, kind) + payload)

    def _read(self, size: int) -> bytes:
        assert self.connection is not None
        while len(self.received) < size:
            part = self.connection.recv(1 << 16)
            if not part:
                raise Lost
            self.received += part
        data, self.received = self.received[:size], self.received[size:]
        return data

    def has_news(self, seconds: float) -> bool:
        """Whether something of pcibackd is there to be served, after waiting so long for it."""
        assert self.connection is not None
        return bool(self.received or select.select([self.connection], [], [], seconds)[0])

    def settle(self) -> None:
        """Serve pcibackd until it has nothing to do any more."""
        self.at_rest += 1
        number = self.at_rest
        self.send(REST, b"", number)
        while self.serve_one() != (22, number):
            pass

    def pass_time(self, milliseconds: int) -> None:
        self.send(104, struct.pack("=I", milliseconds))
        self.settle()

    def serve_one(self) -> tuple[int, int]:
        length, number, kind = struct.unpack("=III", self._read(12))
        message = Message(self._read(length))
        handler = getattr(self, f"_on_{kind}")
        result, payload = handler(message)
        assert message.position == length, f"message {kind} has {length} bytes, not {message.position}"
        if number and kind not in NOT_ANSWERED:
            self.send(100, struct.pack("=i", result) + (payload if result == 0 else b""), number)
        return kind, number

    def _give(self, *what: object) -> int:
        if str(what[0]) in self.fail:
            return -self.fail[str(what[0])]
        if what in self.held:
            self.errors.append(f"given twice: {what}")
        self.held.add(what)
        self.order.append(f"+{what[0]}")
        return 0

    def _take(self, *what: object) -> int:
        if what not in self.held:
            self.errors.append(f"not given, or taken back twice: {what}")
        self.held.discard(what)
        self.order.append(f"-{what[0]}")
        return 0

    def _switch(self, allow: int, *what: object) -> tuple[int, bytes]:
        return (self._give(*what) if allow else self._take(*what)), b""

    def _on_1(self, message: Message) -> tuple[int, bytes]:
        reply = b""
        for _item in range(message.u32()):
            value = self.store.get(message.text())
            reply += struct.pack("=i", -errno.ENOENT if value is None else 0) + text(value or "")
        return 0, reply

    def _on_2(self, message: Message) -> tuple[int, bytes]:
        items = [(message.u32(), message.text(), message.text()) for _item in range(message.u32())]
        if any(self.is_stale(*item) for item in items):
            return -errno.ESTALE, b""
        for action, path, value in items:
            if action == 3:
                self.write(path, value)
            elif action == 4:
                self.remove(path)
            elif action == 5:
                self.write(path, "")
        return 0, b""

    def is_stale(self, action: int, path: str, value: str) -> bool:
        """Whether one item of a change is an expectation that does not hold."""
        return (action == 1 and self.store.get(path) != value) or (action == 2 and path in self.store)

    def _on_3(self, message: Message) -> tuple[int, bytes]:
        path = message.text() + "/"
        names = sorted({node[len(path) :].split("/")[0] for node in self.store if node.startswith(path)})
        numbers = [int(name) for name in names if name.isdigit()]
        if not names:
            return -errno.ENOENT, b""
        return 0, struct.pack(f"={1 + len(numbers)}I", len(numbers), *numbers)

    def _on_4(self, message: Message) -> tuple[int, bytes]:
        token, path = message.u32(), message.text()
        self.watches.add((token, path))
        self.send(101, struct.pack("=I", token) + text(path))
        return 0, b""

    def _on_5(self, message: Message) -> tuple[int, bytes]:
        watch = (message.u32(), message.text())
        if watch not in self.watches:
            self.errors.append(f"no such watch: {watch}")
        self.watches.discard(watch)
        return 0, b""

    def _on_6(self, message: Message) -> tuple[int, bytes]:
        return 0, struct.pack("=I", self.life.get(message.u32(), 2))

    def _on_7(self, message: Message) -> tuple[int, bytes]:
        domain, reference = message.u32(), message.u32()
        page = self.grants.get((domain, reference))
        if page is None:
            return -errno.EINVAL, b""
        return self._give("page", domain, reference), text(str(page))

    def _on_8(self, message: Message) -> tuple[int, bytes]:
        return self._take("page", message.u32(), message.u32()), b""

    def _on_9(self, message: Message) -> tuple[int, bytes]:
        remote = (message.u32(), message.u32())
        port = 1 + max(self.ports, default=0)
        self.ports[port] = remote
        return self._give("event", port), struct.pack("=I", port)

    def _on_10(self, message: Message) -> tuple[int, bytes]:
        port = message.u32()
        self.ports.pop(port, None)
        return self._take("event", port), b""

    def _on_11(self, message: Message) -> tuple[int, bytes]:
        message.u32()
        return 0, b""

    def _on_12(self, message: Message) -> tuple[int, bytes]:
        self.notified.append(message.u32())
        return 0, b""

    def _on_13(self, message: Message) -> tuple[int, bytes]:
        what = ("ioport", message.u32(), message.u32(), message.u32())
        return self._switch(message.u32(), *what)

    def _on_14(self, message: Message) -> tuple[int, bytes]:
        what = ("iomem", message.u32(), message.u64(), message.u64())
        return self._switch(message.u32(), *what)

    def _on_15(self, message: Message) -> tuple[int, bytes]:
        domain, irq = message.u32(), message.u32()
        return self._give("pirq", domain, irq), struct.pack("=I", irq)

    def _on_16(self, message: Message) -> tuple[int, bytes]:
        domain, pirq = message.u32(), message.u32()
        return self._take("msi" if pirq >= 1000 else "pirq", domain, pirq), b""

    def _on_17(self, message: Message) -> tuple[int, bytes]:
        what = ("irq", message.u32(), message.u32())
        return self._switch(message.u32(), *what)

    def _on_18(self, message: Message) -> tuple[int, bytes]:
        domain, address = message.u32(), message.text()
        if domain == QUARANTINE and any(what[0] == "device" and what[2] == address for what in self.held):
            return -errno.EBUSY, b""
        if domain == QUARANTINE and "device" not in self.fail:
            return self.move(self.quarantine, address, into=True, letter="quarantine"), b""
        return self._give("device", domain, address), b""

    def _on_19(self, message: Message) -> tuple[int, bytes]:
        domain, address = message.u32(), message.text()
        if domain == QUARANTINE:
            return self.move(self.quarantine, address, into=False, letter="quarantine"), b""
        return self._take("device", domain, address), b""

    def move(self, devices: set[str], address: str, *, into: bool, letter: str) -> int:
        """A device goes into quarantine or out of it, or Xen learns or forgets its MSI-X table."""
        # Of an earlier pcibackd, or one that Xen refused to take it from, it may be so already.
        if not into and address not in devices:
            self.errors.append(f"{letter} of {address}: it has none")
        (devices.add if into else devices.discard)(address)
        self.order.append(f"{'+' if into else '-'}{letter}")
        return 0

    def _on_20(self, message: Message) -> tuple[int, bytes]:
        domain = message.u32()
        message.text(), message.u32(), message.u64()
        self.next_pirq += 1
        return self._give("msi", domain, self.next_pirq), struct.pack("=I", self.next_pirq)

    def _on_21(self, message: Message) -> tuple[int, bytes]:
        self.recovered.append((message.u32(), message.text(), message.u32(), message.u32()))
        return 0, b""

    def _on_24(self, message: Message) -> tuple[int, bytes]:
        known = message.u32()
        return self.move(self.tables, message.text(), into=bool(known), letter="table"), b""

    def _on_25(self, message: Message) -> tuple[int, bytes]:
        drivers = b"".join(
            text(address) + struct.pack("=I", line) + text("wm0") for address, line in sorted(self.drivers.items())
        )
        return 0, text(self.kernel_backend) + struct.pack("=I", len(self.drivers)) + drivers

    def _on_26(self, message: Message) -> tuple[int, bytes]:
        domain = message.u32()
        if domain not in self.life:
            return -errno.ESRCH, b""
        return 0, struct.pack("=I", domain + 1)

    def _on_27(self, message: Message) -> tuple[int, bytes]:
        message.text()
        return 0, struct.pack("=I", 0)

    def _on_22(self, message: Message) -> tuple[int, bytes]:
        return 0, b""

    # ---- Guests, as xl and a frontend make them

    def domain(self, domain: int) -> None:
        """Let a domain run; its page is granted under reference 8."""
        self.life[domain] = 0
        self.pages[domain] = self.grant(domain, 8, self.directory / f"page-{domain}")

    def grant(self, domain: int, reference: int, path: Path) -> mmap.mmap:
        """Let a domain grant a page of zeros, which is a file."""
        path.write_bytes(bytes(4096))
        self.grants[domain, reference] = path
        with path.open("r+b") as file:
            return mmap.mmap(file.fileno(), 4096)

    def frontend(self, domain: int, state: int) -> None:
        self.write(f"/local/domain/{domain}/device/pci/0/state", str(state))
        self.settle()

    def connect(self, domain: int) -> None:
        """What Linux's frontend does until it is at 4."""
        self.pages[domain][0:4] = struct.pack("=I", 2)
        front = f"/local/domain/{domain}/device/pci/0"
        self.store.update({f"{front}/pci-op-ref": "8", f"{front}/event-channel": "5", f"{front}/magic": "7"})
        self.frontend(domain, 3)
        assert self.state(domain) == "4"
        self.frontend(domain, 4)

    def state(self, domain: int) -> str:
        return self.store.get(f"{BACKENDS}/{domain}/0/state", "")

    def request(self, domain: int, command: int, devfn: int, offset: int, size: int, value: int = 0) -> tuple[int, int]:
        """One request; returns error and value."""
        page = self.pages[domain]
        page[4:36] = struct.pack("=IiIIIiiI", command, 77, 0, 0, devfn, offset, size, value)
        page[0:4] = struct.pack("=I", struct.unpack("=I", page[0:4])[0] | 1)
        for port, (owner, _remote) in self.ports.items():
            if owner == domain:
                self.send(102, struct.pack("=I", port))
        self.settle()
        assert struct.unpack("=I", page[0:4])[0] & 1 == 0, "no answer"
        _command, error = struct.unpack("=Ii", page[4:12])
        return error, struct.unpack("=I", page[32:36])[0]
