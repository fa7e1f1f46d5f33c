# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolstack of one guest: makes it, changes which devices it has, and ends it. It writes what xl writes."""

from __future__ import annotations

import fcntl
import socket
import termios
import time
from collections.abc import Callable
from random import Random

from tests.simulator.books import Books, backend, frontend
from tests.simulator.guest import Steps

NO_DEVICE = "0000:7f:1f.7"
# Of the nonsense, what can be read.
WELL_FORMED = (NO_DEVICE, "5", "8")
# As many as pcibackd takes at once, less one that it may not have seen go.
CLIENTS = 7
KEYS = ("key", "dev", "vdev", "vdevfn", "opts", "state")


class Toolstack:
    """Acts for one guest. ``online`` tells whether the guest's kernel runs."""

    def __init__(self, books: Books, domain: int, random: Random, control: str) -> None:
        self.books = books
        self.domain = domain
        self.random = random
        self.control = control
        self.has_kernel = False
        self.patience = 15

    def run(self) -> Steps:
        """A whole life."""
        self.books.life[self.domain] = 0
        if self.random.random() < 0.2:
            yield from self.command("attach")
        if not self.named():
            self.make()
        yield
        self.has_kernel = True
        yield from self.let_it_be()
        changes = (
            self.plug,
            self.plug,
            self.unplug,
            self.unplug,
            self.unplug_by_force,
            self.go_offline,
            self.make_anew,
            self.suspend,
            self.report_error,
            self.write_nonsense,
            lambda: self.command("attach"),
            lambda: self.command("detach"),
            self.let_time_pass,
        )
        for change in self.random.choices(changes, k=self.random.randrange(4)):
            yield from change()
            yield from self.let_it_be()
        yield from self.random.choice((self.shut_down, self.shut_down, self.destroy, self.vanish))()

    def let_it_be(self) -> Steps:
        for _turn in range(self.random.randrange(2, 11)):
            yield

    def wait(self, condition: Callable[[], bool]) -> Steps:
        """Wait for a frontend, and in the end let 10 seconds pass, as xl does."""
        for _turn in range(self.patience):
            if condition():
                return
            yield
        self.books.let_pass(10000)
        yield

    # ---- The store

    def read(self, key: str) -> str:
        return self.books.store.get(f"{backend(self.domain)}/{key}", "")

    def named(self) -> list[str]:
        """The guest's devices, by number."""
        names = self.books.names(self.domain)
        return sorted(names, key=names.__getitem__)

    def change(self, what: str, keys: dict[str, str | None]) -> None:
        """One transaction on the backend's directory, as long as there is one."""
        if not self.read("frontend"):
            return
        self.books.say(f"toolstack of {self.domain}: {what} {keys}")
        self.books.transaction({f"{backend(self.domain)}/{key}": value for key, value in keys.items()})

    def device(self, number: int, address: str) -> dict[str, str | None]:
        """The keys of one device."""
        options = "msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict"
        return {
            f"key-{number}": address,
            f"dev-{number}": address,
            f"opts-{number}": options,
            f"state-{number}": "1",
        }

    def choose(self, most: int) -> list[str]:
        """Devices that it would give, whether another guest has them or not."""
        addresses = [device.address for device in self.books.machine.devices]
        return self.random.sample(addresses, self.random.randrange(1, most + 1))

    def make(self) -> None:
        """Both directories, with some devices."""
        front, back = frontend(self.domain), backend(self.domain)
        devices = self.choose(3)
        keys: dict[str, str | None] = {
            f"{front}/backend": back,
            f"{front}/backend-id": "0",
            f"{front}/state": "1",
            f"{back}/frontend": front,
            f"{back}/frontend-id": str(self.domain),
            f"{back}/online": "1",
            f"{back}/domain": f"guest-{self.domain}",
            f"{back}/num_devs": str(len(devices)),
        }
        for number, address in enumerate(devices):
            keys.update({f"{back}/{key}": value for key, value in self.device(number, address).items()})
        keys[f"{back}/state"] = "1"
        self.books.malformed.discard(self.domain)
        self.books.say(f"toolstack of {self.domain}: makes it with {devices}")
        self.books.transaction(keys)

    def remove(self) -> None:
        """Both directories go, in either order."""
        directories = [f"/local/domain/{self.domain}/device/pci", backend(self.domain).rpartition("/")[0]]
        self.random.shuffle(directories)
        self.books.say(f"toolstack of {self.domain}: removes its directories")
        for directory in directories:
            self.books.remove(directory)

    # ---- Changes

    def plug(self) -> Steps:
        """Hot plug; what it is said of may be another guest's, or a NetBSD that panics."""
        yield from self.wait(lambda: self.read("state") == "4")
        names = self.books.names(self.domain)
        address = self.choose(1)[0]
        if not names or address in names:
            return
        number = max(names.values()) + 1
        self.change(f"plugs {address}", {**self.device(number, address), "num_devs": str(number + 1), "state": "7"})
        yield from self.wait(lambda: self.read("state") == "4")

    def unplug(self) -> Steps:
        """Hot unplug."""
        yield from self.wait(lambda: self.read("state") == "4")
        names = self.named()
        if not names:
            return
        address = self.random.choice(names)
        number = self.books.names(self.domain)[address]
        self.change(f"unplugs {address}", {f"state-{number}": "5", "state": "7"})
        yield from self.wait(lambda: self.read("state") == "4")
        self.take_out(address)
        yield

    def unplug_by_force(self) -> Steps:
        """The keys of a device go without a word."""
        names = self.named()
        if names:
            self.take_out(self.random.choice(names))
        yield

    def take_out(self, address: str) -> None:
        """Remove a device's keys; all later ones move down."""
        names = self.named()
        if address not in names:
            return
        first = names.index(address)
        keys: dict[str, str | None] = {"num_devs": str(len(names) - 1)}
        for number in range(first, len(names)):
            for key in KEYS:
                following = self.read(f"{key}-{number + 1}") if number + 1 < len(names) else ""
                keys[f"{key}-{number}"] = following or None
        self.change(f"takes {address} out", keys)

    def go_offline(self) -> Steps:
        """No devices for a while."""
        self.change("goes offline", {"online": "0", "state": "5"})
        yield from self.wait(lambda: self.read("state") == "6")
        if self.random.random() < 0.5:
            self.change("goes online", {"online": "1"})
        yield

    def make_anew(self) -> Steps:
        """The directories go and come again, under a running guest."""
        self.remove()
        if self.random.random() < 0.5:
            yield
        self.make()
        yield

    def suspend(self) -> Steps:
        """The domain stops, and goes on with new directories."""
        self.has_kernel = False
        self.books.say(f"domain {self.domain} is suspended")
        self.books.kill(self.domain, 1)
        yield
        self.remove()
        yield
        self.books.kill(self.domain, 0)
        self.make()
        yield
        self.has_kernel = True

    def report_error(self) -> Steps:
        """A device of the machine has an error, whosever it is."""
        # It may have named what is no device.
        known = [address for address in self.named() if address in self.books.machine.by_address]
        address = self.random.choice(known + self.choose(1))
        self.books.report(self.random.randrange(6, 10), self.random.randrange(1, 4), address)
        yield

    def write_nonsense(self) -> Steps:
        """A toolstack with a defect."""
        key, value = self.random.choice(
            (
                ("num_devs", self.random.choice(("-1", "4294967296", "x", "", "1000"))),
                ("dev-0", self.random.choice((NO_DEVICE, "nonsense", "", "0000:01:00.8"))),
                ("state-0", self.random.choice(("9", "", "5", "x"))),
                ("state", self.random.choice(("9", "", "8", "x"))),
                ("opts-0", "permissive=maybe"),
                ("online", "maybe"),
                ("frontend", "/local/domain/0"),
                ("frontend-id", "0"),
            )
        )
        if self.read("state"):
            self.change("nonsense", {key: value})
            if value not in WELL_FORMED:
                self.books.malformed.add(self.domain)
        yield
        if self.random.random() < 0.5:
            yield from self.make_anew()

    def command(self, verb: str) -> Steps:
        """What ``pcibackctl attach`` and ``detach`` ask for."""
        while self.books.meanwhile is not None or self.books.clients == CLIENTS:
            # When pcibackd hears of it would depend on chance.
            yield
        self.books.clients += 1
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        addresses = self.choose(2) if verb == "attach" else self.named()[: self.random.randrange(1, 3)]
        option = "force " if verb == "detach" and self.random.random() < 0.3 else ""
        line = f"{verb} text {self.domain} {option}{' '.join(addresses)}"
        self.books.say(line)
        self.books.counts[f"pcibackctl {verb}"] += 1
        try:
            client.connect(self.control)
            client.sendall(f"{line}\n".encode())
            client.setblocking(False)
            self.let_it_be_read(client)
            for _turn in range(self.patience):
                try:
                    answer = client.recv(4096)
                except BlockingIOError:
                    yield
                    continue
                except ConnectionError:
                    answer = b"nothing: it was killed"
                self.books.say(f"answered {answer!r}")
                break
            else:
                self.books.let_pass(30000)
                yield
        finally:
            client.close()
            self.books.clients -= 1

    def let_it_be_read(self, client: socket.socket) -> None:
        """Wait until pcibackd has the request, or waits itself for an answer of Xen's, which nobody gives meanwhile."""
        unread = bytearray(4)
        for _time in range(10000):
            fcntl.ioctl(client, termios.TIOCOUTQ, unread)
            if not any(unread) or self.books.has_news(0):
                break
            time.sleep(0.0002)

    def let_time_pass(self) -> Steps:
        self.books.let_pass(self.random.choice((10, 1000, 5500, 9000)))
        yield

    # ---- Ends

    def shut_down(self) -> Steps:
        """As ``xl shutdown``: the frontend is asked, then both directories go."""
        self.change("shuts it down", {"online": "0", "state": "5"})
        yield from self.wait(lambda: self.read("state") == "6")
        yield from self.destroy()

    def destroy(self) -> Steps:
        """The domain goes, then its directories."""
        self.has_kernel = False
        # One that is gone after a crash never runs again.
        if self.books.life[self.domain] != 2 and self.random.random() < 0.5:
            self.books.say(f"domain {self.domain} stops")
            self.books.kill(self.domain, 1)
            yield
        self.books.say(f"domain {self.domain} is gone")
        self.books.kill(self.domain, 2)
        if self.random.random() < 0.5:
            yield
        self.remove()

    def vanish(self) -> Steps:
        """The domain goes, and nobody removes its directories: pcibackd removes its own after a while."""
        self.has_kernel = False
        self.books.say(f"domain {self.domain} vanishes")
        self.books.kill(self.domain, 2)
        for _turn in range(self.patience):
            yield
            if not self.read("frontend"):
                break
            self.books.let_pass(31000)
        self.books.remove(f"/local/domain/{self.domain}/device/pci")
