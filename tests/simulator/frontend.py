# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frontends: those of Linux, NetBSD and Mini-OS in the order of their steps, and hostile ones.

Each ``run`` is a life without an end; the toolstack ends it, at whatever step it is.
"""

from __future__ import annotations

import struct
import threading

from tests.simulator.books import NUMBERS, Place, backend, parse_place
from tests.simulator.guest import (
    ACTIVE,
    AER,
    AER_ACTIVE,
    AER_HANDLER,
    DISABLE_MSI,
    DISABLE_MSIX,
    ENABLE_MSI,
    ENABLE_MSIX,
    READ,
    SUCCESS,
    WRITE,
    Guest,
    Request,
    Steps,
)
from tests.simulator.machine import MSI, MSIX, POWER, VPD

INITIALISING, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED, RECONFIGURING, RECONFIGURED = (
    str(state) for state in range(1, 9)
)


class Panic(Exception):
    """The guest's kernel has panicked."""


class Frontend(Guest):
    """What the well-behaved ones share: they find their devices, drive them, and close when they are asked to."""

    handles_errors = False
    # Our states 6, 7 and 8 make it panic.
    is_fragile = False
    has_msi = True
    # It tells of errors only what it was told.
    is_honest = True
    # Turns of everybody else between two of its steps.
    slowness = 0
    places: tuple[Place, ...] = ()

    def run(self) -> Steps:
        yield from self.connect()
        while True:
            yield from self.pause()
            yield from self.react(self.read("state"))

    def pause(self) -> Steps:
        """Let others go on; for how long makes a slow frontend."""
        for _turn in range(1 + self.slowness):
            yield

    def connect(self) -> Steps:
        """From nothing to state 4."""
        self.publish(AER_HANDLER if self.handles_errors else 0)
        yield from self.pause()
        self.switch(3)
        yield from self.pause()
        if (yield from self.wait(lambda: self.read("state") == CONNECTED)):
            yield from self.find()
            self.switch(4)

    def react(self, state: str) -> Steps:
        """Do what the backend's state asks for."""
        if state == CONNECTED and self.own("state") == CONNECTED:
            yield from self.drive()
        elif state == CLOSING and self.own("state") != CLOSED:
            yield from self.close()
        elif state in (INIT_WAIT, INITIALISED) and self.own("state") == INITIALISING:
            yield from self.connect()

    def close(self) -> Steps:
        self.switch(6)
        yield

    # ---- Devices

    def find(self) -> Steps:
        """Look where devices may be: at some places of each root, those where there are some among them."""
        roots = {(0, 0)}
        if self.read("root_num").isdigit():
            roots = set()
            for number in range(int(self.read("root_num"))):
                segment, _colon, at = self.read(f"root-{number}").partition(":")
                roots.add((int(segment or "0", 16), int(at or "0", 16)))
        named = sorted(self.books.published(self.domain))
        found = []
        for domain, bus in sorted(roots):
            slots = {slot for at_domain, at_bus, slot in named if (at_domain, at_bus) == (domain, bus)}
            slots.add(self.random.randrange(256))
            for slot in sorted(slots):
                place = (domain, bus, slot)
                error, identity = yield from self.ask(Request(READ, place, 0, 4))
                if error == SUCCESS and identity != 0xFFFFFFFF:
                    found.append(place)
        self.places = tuple(found)

    def drive(self) -> Steps:
        """One thing that a driver does."""
        if not self.places:
            yield
            return
        place = self.random.choice(self.places)
        yield from self.random.choice((self.configure, self.size, self.look, self.manage, self.interrupt))(place)

    def configure(self, place: Place) -> Steps:
        """Switch decoding and bus mastering on, and clear errors."""
        _error, command = yield from self.ask(Request(READ, place, 4, 2))
        yield from self.ask(Request(WRITE, place, 4, 2, command | 7))
        yield from self.ask(Request(WRITE, place, 6, 2, 0xF900))
        yield from self.ask(Request(WRITE, place, 0x0C, 1, 8))

    def size(self, place: Place) -> Steps:
        """Ask how large what decodes is, with and without putting back what was there."""
        offset = self.random.choice((0x10, 0x14, 0x18, 0x1C, 0x20, 0x24, 0x30))
        _error, value = yield from self.ask(Request(READ, place, offset))
        yield from self.ask(Request(WRITE, place, offset, 4, 0xFFFFFFFF))
        yield from self.ask(Request(READ, place, offset))
        yield from self.ask(Request(WRITE, place, offset, 4, value))

    def look(self, place: Place) -> Steps:
        """Read whatever is there."""
        for _time in range(4):
            size = self.random.choice((1, 2, 4))
            end = self.random.choice((0x40, 0x100, 0x100, 0x1000))
            yield from self.ask(Request(READ, place, self.random.randrange(0, end, size), size))

    def manage(self, place: Place) -> Steps:
        """Power states and vital product data."""
        yield from self.ask(Request(WRITE, place, POWER + 4, 2, self.random.choice((0, 3, 0x8103))))
        yield from self.ask(Request(WRITE, place, VPD + 2, 2, self.random.randrange(0, 0x8000, 4)))
        yield from self.ask(Request(READ, place, VPD + 4))

    def interrupt(self, place: Place) -> Steps:
        """Change how the device interrupts."""
        if not self.has_msi:
            return
        if self.random.random() < 0.5:
            yield from self.ask(Request(ENABLE_MSI, place))
            yield from self.ask(Request(DISABLE_MSI, place))
        else:
            n = self.random.randrange(1, 9)
            vectors = b"".join(struct.pack("=HH", 0, entry) for entry in range(n))
            yield from self.ask(Request(ENABLE_MSIX, place, value=n, vectors=vectors))
            if self.random.random() < 0.7:
                yield from self.ask(Request(DISABLE_MSIX, place))


class Linux(Frontend):
    """Takes part in hot plug and in error recovery."""

    handles_errors = True

    def react(self, state: str) -> Steps:
        own = self.own("state")
        if self.page is not None and self.flags & AER_ACTIVE:
            self.recover()
        if state == RECONFIGURING and own == CONNECTED:
            self.let_go()
            yield from self.pause()
            self.switch(7)
        elif state == RECONFIGURED and own == RECONFIGURING:
            yield from self.find()
            self.switch(4)
        else:
            yield from super().react(state)

    def let_go(self) -> None:
        """Detach what the toolstack takes away."""
        going = {
            place
            for place, address in self.books.published(self.domain).items()
            if self.read(f"state-{self.books.names(self.domain)[address]}") == CLOSING
        }
        self.places = tuple(place for place in self.places if place not in going)

    def recover(self) -> None:
        """Answer an error report."""
        assert self.page is not None
        domain, bus, slot = struct.unpack("=III", self.page[AER + 8 : AER + 20])
        self.books.counts["error reports seen"] += 1
        if self.is_honest:
            self.books.reported(self.domain, (domain, bus, slot))
        self.touch_page(AER + 4, struct.pack("=i", self.random.choice((1, 2, 3, 4, 5, 77))))
        self.set_flags(AER_ACTIVE, 0)
        self.fire()


class NetBSD(Frontend):
    """Knows one bus of domain 0, no MSI, no hot plug, and panics when it sees that anybody else does."""

    is_fragile = True
    has_msi = False

    def react(self, state: str) -> Steps:
        if state in (CLOSED, RECONFIGURING, RECONFIGURED):
            raise Panic
        yield from super().react(state)

    def find(self) -> Steps:
        yield from super().find()
        self.places = tuple(place for place in self.places if place[0] == 0)


class MiniOS(Frontend):
    """Needs vdev-N, takes part in hot plug, and can close and come back."""

    def find(self) -> Steps:
        found = []
        # A toolstack with a defect may have written any number, or none.
        for number in range(NUMBERS if self.read("num_devs") else 0):
            vdev = self.read(f"vdev-{number}")
            if vdev:
                found.append(parse_place(vdev))
        self.places = tuple(found)
        for place in found:
            yield from self.ask(Request(READ, place, 0, 4))

    def react(self, state: str) -> Steps:
        own = self.own("state")
        if state == RECONFIGURING and own == CONNECTED:
            self.switch(7)
        elif state == RECONFIGURED and own == RECONFIGURING:
            yield from self.find()
            self.switch(4)
        elif state == CONNECTED and own == CONNECTED and self.random.random() < 0.05:
            yield from self.come_back()
        else:
            yield from super().react(state)

    def come_back(self) -> Steps:
        """Close, and start anew."""
        self.switch(5)
        yield from self.wait(lambda: self.read("state") == CLOSING)
        self.switch(6)
        yield from self.wait(lambda: self.read("state") in (CLOSED, INIT_WAIT))
        self.switch(1)
        yield from self.wait(lambda: self.read("state") in (INIT_WAIT, INITIALISED))
        yield from self.connect()


class Hostile(Linux):
    """Tries what it may not do, now and then behind the face of a frontend that works."""

    is_honest = False

    def run(self) -> Steps:
        self.books.tampering.pop(self.domain, None)
        if self.random.random() < 0.7:
            yield from self.connect()
        tricks = (
            self.name_others,
            self.name_offsets,
            self.name_commands,
            self.change_the_page,
            self.race,
            self.storm_of_events,
            self.storm_of_states,
            self.lie_about_keys,
            self.come_again,
            self.interrupt_in_any_order,
        )
        while True:
            yield from self.random.choice(tricks)()
            yield
            if self.random.random() < 0.4:
                yield from self.react(self.read("state"))
            elif self.read("state") != CONNECTED and self.random.random() < 0.5:
                self.switch(1)
                yield
                yield from self.connect()

    def place(self) -> Place:
        """One of its own places."""
        return self.random.choice(self.places or ((0, 0, 0),))

    def number(self) -> int:
        """A number that somebody may have forgotten to check."""
        edge = self.random.choice((0, 1, 255, 256, 4092, 4095, 4096, 0x7FFF, 0x8000, 0xFFFF, 1 << 31, (1 << 32) - 1))
        return (edge + self.random.randrange(-3, 4)) & 0xFFFFFFFF

    def name_others(self) -> Steps:
        """Other guests' devices by their real addresses, and places that nobody has."""
        for _time in range(3):
            device = self.random.choice(self.books.machine.devices)
            domain, bus = int(device.address[:4], 16), int(device.address[5:7], 16)
            place = self.random.choice(
                (
                    (domain, bus, device.slot),
                    (domain, bus, device.slot | self.number() & 0xFFFFFF00),
                    (0, 0, self.random.randrange(256)),
                    (self.number(), self.number(), self.number()),
                    (self.domain, *self.place()[1:]),
                )
            )
            if self.random.random() < 0.5:
                yield from self.ask(Request(READ, place, self.random.choice((0, 0x10, 0x2C, 0x90)), 4))
            else:
                yield from self.ask(Request(WRITE, place, self.random.choice((4, 0x10, 0x90)), 4, self.number()))

    def name_offsets(self) -> Steps:
        """Offsets and sizes that no register has."""
        for _time in range(4):
            size = self.random.choice((1, 2, 4, 4, 3, 0, 8, self.number()))
            offset = self.random.choice((self.random.randrange(4096), self.number(), -self.number() & 0xFFFFFFFF))
            command = self.random.choice((READ, WRITE))
            yield from self.ask(Request(command, self.place(), offset, size, self.number()))

    def name_commands(self) -> Steps:
        for _time in range(3):
            command = self.random.choice((6, 7, 8, 9, 10, 11, self.number()))
            yield from self.ask(Request(command, self.place(), self.number(), self.number(), self.number()))

    def interrupt_in_any_order(self) -> Steps:
        """MSI and MSI-X on and off, by requests and by registers, with vectors that can't be."""
        for _time in range(self.random.randrange(3, 8)):
            command = self.random.choice((ENABLE_MSI, DISABLE_MSI, ENABLE_MSIX, DISABLE_MSIX, WRITE))
            place = self.place()
            if command == WRITE:
                offset = self.random.choice((MSI, MSI + 2, MSI + 4, MSI + 8, MSI + 12, MSIX + 2, MSIX + 4))
                yield from self.ask(Request(WRITE, place, offset, 2, self.random.choice((1, 0x8000, self.number()))))
                continue
            n = self.random.choice((0, 1, 2, 8, 9, 128, 129, self.number()))
            vectors = b"".join(
                struct.pack("=HH", self.random.randrange(1 << 16), self.random.randrange(12))
                for _vector in range(min(n, 128))
            )
            yield from self.ask(Request(command, place, value=n, vectors=vectors if command == ENABLE_MSIX else b""))

    def change_the_page(self) -> Steps:
        """Change a request whenever pcibackd calls Xen for it: what it copied must count."""
        self.books.tampering[self.domain] = self.tamper
        yield from self.interrupt_in_any_order()
        del self.books.tampering[self.domain]

    def tamper(self) -> None:
        """Point the request somewhere else."""
        device = self.random.choice(self.books.machine.devices)
        self.touch_page(4, Request(ENABLE_MSIX, (0, 0, device.slot), self.number(), 4, 128).pack())
        self.touch_page(40, bytes(self.random.randrange(256) for _byte in range(16)))

    def race(self) -> Steps:
        """Change a request in another thread while it is served. Answers are anybody's; what was changed is not."""
        if self.page is None or self.random.random() < 0.7:
            yield
            return
        mine = Request(READ, self.place(), 0x2C, 4).pack()
        other = self.random.choice(self.books.machine.devices)
        theirs = Request(WRITE, (0, int(other.address[5:7], 16), other.slot), self.number(), 4, 0).pack()
        page, stop = self.page, threading.Event()

        def change() -> None:
            for _time in range(400):
                if stop.is_set():
                    break
                page[4:40] = theirs
                page[4:40] = mine

        thread = threading.Thread(target=change)
        thread.start()
        for _time in range(3):
            self.set_flags(0, ACTIVE)
            self.fire()
            yield
        stop.set()
        thread.join()
        self.books.asked.add(self.domain)
        self.books.counts["races"] += 1
        yield

    def storm_of_events(self) -> Steps:
        for _time in range(self.random.choice((5, 50))):
            self.fire()
        yield

    def storm_of_states(self) -> Steps:
        """States in any order, and what is no state."""
        for _time in range(self.random.choice((2, 5, 120))):
            state = str(self.random.randrange(9)) if self.random.random() < 0.9 else self.rubbish()
            self.write("state", state)
            if self.random.random() < 0.1:
                yield
        yield

    def rubbish(self) -> str:
        """What no key should hold."""
        return self.random.choice(
            ("", "-1", "99", "4x", " 4", "4294967296", "18446744073709551615", "\xff", "4" * 300, "0x4", "%s%n")
        )

    def lie_about_keys(self) -> Steps:
        """Pages and channels of others, and keys that are none."""
        someone = self.random.choice([self.domain, *self.books.pages])
        references = [reference for domain, reference in self.books.grants if domain == someone]
        key, value = self.random.choice(
            (
                ("pci-op-ref", str(self.random.choice(references or [8]))),
                ("pci-op-ref", str(self.number())),
                ("pci-op-ref", self.rubbish()),
                ("event-channel", str(self.number())),
                ("event-channel", self.rubbish()),
                ("magic", self.random.choice(("6", "", "77", self.rubbish()))),
                ("backend", backend(someone)),
                ("backend-id", "7"),
            )
        )
        self.write(key, value)
        yield
        self.switch(self.random.choice((1, 3)))
        yield

    def come_again(self) -> Steps:
        """Start anew without a word, with another page."""
        self.publish(self.random.randrange(8) & ~ACTIVE)
        self.switch(3)
        yield from self.wait(lambda: self.read("state") == CONNECTED)
        if self.random.random() < 0.5:
            self.switch(4)


class SlowLinux(Linux):
    """A Linux that takes its time."""

    slowness = 6


class SlowNetBSD(NetBSD):
    """A NetBSD that takes its time."""

    slowness = 6


KINDS: tuple[type[Frontend], ...] = (
    Linux,
    Linux,
    SlowLinux,
    NetBSD,
    NetBSD,
    SlowNetBSD,
    MiniOS,
    MiniOS,
    *[Hostile] * 4,
)
