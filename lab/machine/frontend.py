# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's frontend, in the steps of Linux's: it connects, looks for its devices, follows hot plug, and closes.

What it finds is read through the backend, as a guest's kernel reads it: a request in the page that it
shares, an event, the answer in the page.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Callable, Iterator

from .hypervisor import BACKENDS
from .xenstore import Store

INITIALISING, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED, RECONFIGURING, RECONFIGURED = (
    str(state) for state in range(1, 9)
)
# The page: flags, then the request: command, error, domain, bus, devfn, offset, size, value.
PAGE = 4096
ACTIVE = 1
# It answers error reports, as Linux's does: by this a backend knows that it follows hot plug.
AER_HANDLER = 2
READ = 0
# What Linux's first grant and first free channel are.
REFERENCE = 8
PORT = 8

Steps = Iterator[None]


class Frontend:
    """The frontend of one domain; each step of ``run`` does what can be done now."""

    def __init__(self, domid: int, pages: str, notify: Callable[[int], None]) -> None:
        self.domid = domid
        self.home = f"/local/domain/{domid}/device/pci/0"
        self.path = os.path.join(pages, f"page-{domid}")
        self.notify = notify
        self.page: mmap.mmap | None = None
        self.store = Store({})
        # Slots of the guest's bus where it has found a device, with vendor and product.
        self.found: dict[int, str] = {}
        # Whether it looks for an answer in its page, which nobody need tell it of.
        self.waits = False
        self.steps = self._run()

    def step(self, store: Store) -> None:
        """Go on with what the store holds now."""
        self.store = store
        self.waits = False
        next(self.steps)

    def close(self) -> None:
        if self.page is not None:
            self.page.close()
            self.page = None
        if os.path.exists(self.path):
            os.unlink(self.path)

    def _own(self) -> str | None:
        return self.store.read(self.home + "/state")

    def _backend(self) -> str | None:
        return self.store.read(f"{BACKENDS}/{self.domid}/0/state")

    def _switch(self, state: str) -> None:
        self.store.write(self.home + "/state", state)

    def _run(self) -> Steps:
        while True:
            own, backend = self._own(), self._backend()
            if own is None:
                self.found = {}
            elif own == INITIALISING and backend in (INIT_WAIT, INITIALISED):
                self._offer()
                self._switch(INITIALISED)
            elif own == INITIALISED and backend == CONNECTED:
                yield from self._look()
                self._switch(CONNECTED)
            elif own == CONNECTED and backend == RECONFIGURING:
                self._switch(RECONFIGURING)
            elif own == RECONFIGURING and backend == RECONFIGURED:
                yield from self._look()
                self._switch(CONNECTED)
            elif own in (INITIALISED, CONNECTED, RECONFIGURING) and backend in (CLOSING, CLOSED):
                self.found = {}
                self._switch(CLOSED)
            elif own == CLOSED and backend in (INIT_WAIT, INITIALISED):
                # A backend that starts anew finds Linux's ready to do so as well.
                self._switch(INITIALISING)
            yield

    def _offer(self) -> None:
        """Share a page and a channel."""
        with open(self.path, "wb") as file:
            file.write(bytes(PAGE))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), PAGE)
        self.page[0:4] = struct.pack("=I", AER_HANDLER)
        for key, value in (("pci-op-ref", str(REFERENCE)), ("event-channel", str(PORT)), ("magic", "7")):
            self.store.write(f"{self.home}/{key}", value)

    def _look(self) -> Steps:
        """Read who sits in each slot of its bus where the backend may have put a device."""
        self.found = {}
        for slot in range(32):
            answer = self._ask(slot << 3)
            identity = None
            while identity is None:
                identity = next(answer, 0xFFFFFFFF)
                if identity is None:
                    yield
            if identity != 0xFFFFFFFF:
                self.found[slot] = f"{identity & 0xFFFF:04x}:{identity >> 16:04x}"

    def _ask(self, devfn: int) -> Iterator[int | None]:
        """Read a function's vendor and product: None until the answer is there; all ones where nobody is."""
        if self.page is None:
            yield 0xFFFFFFFF
            return
        self.page[4:36] = struct.pack("=IiIIIiiI", READ, 0, 0, 0, devfn, 0, 4, 0)
        self.page[0:4] = struct.pack("=I", AER_HANDLER | ACTIVE)
        self.notify(self.domid)
        while struct.unpack("=I", self.page[0:4])[0] & ACTIVE:
            if self._own() is None:
                yield 0xFFFFFFFF
                return
            self.waits = True
            yield None
        _command, error = struct.unpack("=Ii", self.page[4:12])
        yield 0xFFFFFFFF if error else struct.unpack("=I", self.page[32:36])[0]
