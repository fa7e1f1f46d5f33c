# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every frontend has: its directory, its page, its event channel, and requests whose answers are judged."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.simulator.books import Books, Place, Violation, backend, frontend
from tests.simulator.machine import Device

# Bits of the page's flags, commands and errors, as Xen's public header io/pciif.h has them.
ACTIVE, AER_HANDLER, AER_ACTIVE = 1, 2, 4
READ, WRITE, ENABLE_MSI, DISABLE_MSI, ENABLE_MSIX, DISABLE_MSIX = range(6)
SUCCESS, NOT_FOUND, INVALID_OFFSET, ACCESS_DENIED, NOT_IMPLEMENTED, FAILED = range(0, -6, -1)
AER = 552

Steps = Generator[None, None, None]


@dataclass
class Request:
    """One operation; numbers of 32 bits, as they stand in the page."""

    command: int
    place: Place
    offset: int = 0
    size: int = 4
    value: int = 0
    vectors: bytes = b""

    def pack(self) -> bytes:
        """Command to vectors, 548 bytes at most. The error that lies there is none that anybody answers."""
        return struct.pack("=9I", self.command, 77, *self.place, self.offset, self.size, self.value, 0) + self.vectors

    @property
    def is_inside(self) -> bool:
        """Whether size and offset are those of a register."""
        return self.size in (1, 2, 4) and 0 <= self.offset <= 4096 - self.size and self.offset % self.size == 0


class Guest:
    """A domain, seen from its kernel. A method that yields lets the rest of the world go on."""

    def __init__(self, books: Books, domain: int, random: Random, directory: Path) -> None:
        self.books = books
        self.domain = domain
        self.random = random
        self.directory = directory
        self.page: mmap.mmap | None = None
        self.reference = 0
        self.patience = 12

    # ---- The store

    def read(self, key: str) -> str:
        """A key of the backend's directory, "" if it is not there."""
        return self.books.store.get(f"{backend(self.domain)}/{key}", "")

    def own(self, key: str) -> str:
        """A key of its own directory."""
        return self.books.store.get(f"{frontend(self.domain)}/{key}", "")

    def write(self, key: str, value: str) -> None:
        """Write a key of its own directory, if the toolstack has made one."""
        if f"{frontend(self.domain)}/backend" in self.books.store:
            self.books.say(f"guest {self.domain}: {key} = {value!r}")
            self.books.write(f"{frontend(self.domain)}/{key}", value)

    def switch(self, state: int) -> None:
        """Go to a state of xenbus."""
        self.write("state", str(state))

    def wait(self, condition: Callable[[], bool]) -> Generator[None, None, bool]:
        """Wait, but not for ever; returns whether it has come."""
        for _turn in range(self.patience):
            if condition():
                return True
            yield
        return condition()

    # ---- Page and event channel

    def offer(self, flags: int = 0) -> tuple[int, int]:
        """Grant a page and an event channel; returns their numbers."""
        if self.reference:
            # The frontend ends the grant that it had. pcibackd's mapping stays until it looks.
            self.books.grants.pop((self.domain, self.reference), None)
        self.reference = self.random.randrange(8, 1 << 20)
        port = self.random.randrange(1, 4096)
        path = self.directory / f"page-{self.domain % 64}-{self.reference % 2}"
        path.unlink(missing_ok=True)
        self.page = self.books.grant(self.domain, self.reference, path)
        self.page[0:4] = struct.pack("=I", flags)
        self.books.pages[self.domain] = self.page
        self.books.seen_pages.pop(self.domain, None)
        self.books.offers.add((self.domain, port))
        return self.reference, port

    def publish(self, flags: int = 0, magic: str = "7") -> None:
        """Put the keys of page and channel into the store, in one transaction."""
        reference, port = self.offer(flags)
        if f"{frontend(self.domain)}/backend" in self.books.store:
            front = frontend(self.domain)
            keys: dict[str, str | None] = {f"{front}/pci-op-ref": str(reference), f"{front}/event-channel": str(port)}
            self.books.say(f"guest {self.domain}: page {reference}, port {port}")
            self.books.transaction({**keys, f"{front}/magic": magic})

    @property
    def flags(self) -> int:
        assert self.page is not None
        value: int = struct.unpack("=I", self.page[0:4])[0]
        return value

    def set_flags(self, clear: int, put: int) -> None:
        """Change bits of the flags, and leave the others."""
        assert self.page is not None
        self.page[0:4] = struct.pack("=I", (self.flags & ~clear) | put)

    def fire(self) -> None:
        """Send an event to pcibackd, if it listens."""
        self.books.asked.add(self.domain)
        for port, (owner, _remote) in self.books.ports.items():
            if owner == self.domain:
                self.books.send(102, struct.pack("=I", port))

    def touch_page(self, offset: int, data: bytes) -> None:
        """Write to its page; it is its own."""
        assert self.page is not None
        self.page[offset : offset + len(data)] = data
        self.books.asked.add(self.domain)

    # ---- Requests

    def ask(self, request: Request) -> Generator[None, None, tuple[int, int]]:
        """Make a request and wait; returns error and value. Without an answer it gives up, as Linux's frontend does."""
        if self.page is None:
            return NOT_FOUND, 0
        books = self.books
        before, epoch, is_open = books.places(self.domain), books.epochs[self.domain], self.is_connected
        rests = books.counts["rests"]
        self.touch_page(4, request.pack())
        self.set_flags(0, ACTIVE)
        self.fire()
        for _turn in range(6):
            yield
            if not self.flags & ACTIVE:
                break
            self.fire()
        is_steady = is_open and self.is_connected and not request.vectors
        is_steady = is_steady and before == books.places(self.domain) and not books.holds_back(self.domain)
        # Only its own interrupts may have come or gone.
        is_steady = is_steady and (request.command not in (READ, WRITE) or epoch == books.epochs[self.domain])
        if self.flags & ACTIVE:
            # During the first rest it may have come too late; after a second one pcibackd has had its turn.
            had_time = books.counts["rests"] >= rests + 2
            if is_steady and had_time and epoch == books.epochs[self.domain]:
                raise Violation(f"domain {self.domain} gets no answer to {request}")
            return NOT_FOUND, 0
        error, value = self._answer()
        books.counts["requests"] += 1
        books.counts[f"answered {error}"] += 1
        books.say(f"guest {self.domain}: {request} is answered {error}, {value:x}")
        if self.domain not in books.tampering:
            self._judge(request, error, value, before, is_steady=is_steady)
        return error, value

    def _answer(self) -> tuple[int, int]:
        assert self.page is not None
        error: int = struct.unpack("=i", self.page[8:12])[0]
        value: int = struct.unpack("=I", self.page[32:36])[0]
        return error, value

    @property
    def is_connected(self) -> bool:
        """Whether pcibackd has its page."""
        return ("page", self.domain, self.reference) in self.books.held

    def _judge(self, request: Request, error: int, value: int, before: dict[Place, str], *, is_steady: bool) -> None:
        """Compare an answer with what the protocol allows for what the store names."""
        # When its places change meanwhile, it is answered before or after that.
        now = self.books.places(self.domain)
        known = {places[request.place] for places in (before, now) if request.place in places}
        # It may have come and gone between the two.
        if not is_steady:
            known |= self.books.ever_placed.get((self.domain, request.place), set())
        addresses = sorted(known)
        what = f"domain {self.domain}, {request}, answered {error} and {value:x}"
        is_known = request.command <= DISABLE_MSIX
        if error == SUCCESS and not addresses:
            raise Violation(f"no device of the guest is there: {what}")
        if error == SUCCESS and not is_known:
            raise Violation(f"there is no such command: {what}")
        if not addresses or not is_known:
            if error not in (NOT_FOUND, NOT_IMPLEMENTED):
                raise Violation(f"neither is there: {what}")
            return
        violations = []
        for address in addresses:
            device = self.books.machine.by_address[address]
            try:
                if request.command in (READ, WRITE):
                    self._judge_access(request, device, error, value, what, is_steady=is_steady)
                elif error == SUCCESS:
                    self._judge_interrupt(request, device, value, what, is_steady=is_steady)
                return
            except Violation as violation:
                violations.append(violation)
        raise violations[0]

    def _judge_access(
        self, request: Request, device: Device, error: int, value: int, what: str, *, is_steady: bool
    ) -> None:
        if error == SUCCESS and not request.is_inside:
            raise Violation(f"no register is there: {what}")
        good = SUCCESS if request.is_inside else INVALID_OFFSET
        if is_steady and error != good and not (request.command == WRITE and error in (ACCESS_DENIED, FAILED)):
            raise Violation(f"should have been {good}: {what}")
        if request.command == READ and error == SUCCESS:
            shown = struct.pack("<I", value)
            if any(shown[request.size :]):
                raise Violation(f"more than was asked for: {what}")
            now = self.books.registers[device.address]
            if not device.may_show(request.offset, shown[: request.size], now):
                raise Violation(f"{device.address} has no such register: {what}")

    def _judge_interrupt(self, request: Request, device: Device, value: int, what: str, *, is_steady: bool) -> None:
        ours = {
            pirq for (owner, pirq), at in self.books.ever_msi.items() if (owner, at) == (self.domain, device.address)
        }
        if request.command == ENABLE_MSI and value not in ours:
            raise Violation(f"not the guest's MSI: {what}")
        if request.command in (DISABLE_MSI, DISABLE_MSIX) and is_steady and value != device.irq:
            raise Violation(f"not the device's interrupt: {what}")
        if request.command == ENABLE_MSIX and self.page is not None:
            n = min(request.value, len(request.vectors) // 4)
            given = [struct.unpack("=HH", self.page[40 + 4 * i : 44 + 4 * i])[0] for i in range(n)]
            if not ours.issuperset(given):
                raise Violation(f"vectors {given} are not the guest's {sorted(ours)}: {what}")
