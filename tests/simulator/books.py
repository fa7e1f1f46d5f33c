# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Xen that keeps books: what each guest has, whether it is the guest's to have, and what became of each device.

Nothing here knows how pcibackd works. What must hold comes from the protocol and from what a guest must never get.
"""

from __future__ import annotations

import errno
import struct
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.simulator.machine import CHANGEABLE, VPD, Machine
from tests.simulator.xen import BACKENDS, NOT_ANSWERED, QUARANTINE, Message, SimulatedXen, text

SHOW_REGISTERS, SHOWN = 106, 23
# A guest takes over the process that serves its page, which then sends bytes, or messages that are not true, or nothing, or
# ends: 1 to 4. (One that writes to its devices is a test of its own: here no register may change that a policy keeps.)
CAPTURE, CAPTURES = 108, 5
# From then on pcibackd says what it does between two looks at what has come; and how long an access of configuration space takes,
# in microseconds. It may do so much: a step of a hand-over, and what belongs to the devices that it gives and takes; without what guests'
# requests take. A configuration space that is read in one go has more.
COUNT, ACCESS_TIMES = 109, (0, 0, 30, 1000)
ACCESSES, CALLS = 700, 512
MSI_MAP = 20
COMMAND, MASTER = 4, 4
# What may differ in a device that nobody has: COMMAND, STATUS, where vital product data was read last.
OF_NOBODY = frozenset([4, 5, 6, 7, *range(VPD + 2, VPD + 8)])
PAGE_BYTES = 572
# No change takes longer with one pcibackd, whatever a frontend does, in milliseconds: half of it is documented. The next one waits
# anew.
LONGEST_CHANGE = 136000
# More than pcibackd sends before it comes to rest: one that goes in a circle.
MESSAGES = 50_000
# What a slow reset takes, in milliseconds; the longest one is longer than anybody waits for it. And how often pcibackd may look at
# one at a time; one that ends serves nobody any more, and waits for five seconds, ten milliseconds a look at least.
RESETS = (50, 300, 2000, 30000, 100000)
LOOKS = 40
LOOKS_AT_THE_END = 500
# More devices than the toolstack ever gives to one guest.
NUMBERS = 12
Place = tuple[int, int, int]


class Violation(Exception):
    """What must never happen has happened."""


class Killed(Exception):
    """pcibackd was killed."""


def backend(domain: int) -> str:
    """Our directory of a guest."""
    return f"{BACKENDS}/{domain}/0"


def frontend(domain: int) -> str:
    """The guest's own directory."""
    return f"/local/domain/{domain}/device/pci/0"


def parse_place(vdev: str) -> Place:
    """Domain, bus, and device with function, of a vdev-N."""
    place, function = vdev.split(".")
    segment, bus, slot = (int(part, 16) for part in place.split(":"))
    return segment, bus, slot << 3 | int(function, 16)


class Books(SimulatedXen):
    """Checks every message when it comes, and everything that is held whenever pcibackd is at rest."""

    def __init__(self, directory: Path, machine: Machine) -> None:
        super().__init__(directory)
        self.machine = machine
        self.random = Random(0)
        self.counts: Counter[str] = Counter()
        self.trace: deque[str] = deque(maxlen=80)
        # Of the calls that give something, how many fail; and who acts while pcibackd waits for a reply.
        self.failures = 0.0
        self.meanwhile: Callable[[], None] | None = None
        # Since the last rest: devices that the store named for a guest, that were given or taken, guests that asked.
        self.named: dict[int, set[str]] = {}
        self.moved: set[str] = set()
        self.asked: set[int] = set()
        # Guests whose directory has keys that can't be read, so that they keep what they have.
        self.malformed: set[int] = set()
        # Guests that panic when our state is 6, 7 or 8; event channels that guests offer; MSIs and their devices.
        self.fragile: set[int] = set()
        self.offers: set[tuple[int, int]] = set()
        # Devices of which Xen has refused to take something from a domain, until all of it is taken.
        self.held_back: set[tuple[int, str]] = set()
        # What it has refused already: it is asked again.
        self.refused: set[tuple[int, tuple[object, ...]]] = set()
        # Those of which an MSI was not taken: the guest may only have switched it off, and have the device still.
        self.kept_msi: set[tuple[int, str]] = set()
        # What the owner allows, and which domains could map a frame of memory: they keep what they have mapped.
        self.allowed: frozenset[str] = frozenset()
        self.mapped: dict[int, set[int]] = {}
        # After how many messages pcibackd is killed, 0 for never; how, and what follows; whose process was once.
        self.kill_in = 0
        self.end_process: Callable[[], None] = lambda: None
        self.restart: Callable[[], None] = lambda: None
        self.hand_over: Callable[[], None] = lambda: None
        self.killed: set[int] = set()
        # A pcibackd that starts looks whose the devices are that it was told of.
        self.is_adopting = False
        # Whether each guest's page is served by a process of its own.
        self.has_children = False
        self.msi: dict[tuple[int, int], str] = {}
        # The same, with those that were taken back.
        self.ever_msi: dict[tuple[int, int], str] = {}
        self.registers: dict[str, bytes] = {device.address: device.config for device in machine.devices}
        self.seen_pages: dict[int, bytes] = {}
        # Guests that change their page while pcibackd waits for a reply.
        self.tampering: dict[int, Callable[[], None]] = {}
        self.shown = self.unsent = b""
        # Of the control socket.
        self.clients = 0
        self.placed: dict[tuple[int, str], Place] = {}
        # The same, with those that were taken back.
        self.ever_placed: dict[tuple[int, Place], set[str]] = {}
        # Devices that are being reset, and when that ends; how many of them take longer. And how often pcibackd has looked at
        # each since it was at rest: who looks without end serves nobody.
        self.resetting: dict[str, int] = {}
        self.slowness = 0.0
        self.looks: Counter[str] = Counter()
        self.looks_allowed = LOOKS
        # Milliseconds that have passed, and since when guests have what the store does not name.
        self.passed = 0
        self.unnamed: dict[tuple[object, ...], int] = {}
        self.last_message = float("inf")
        self.owners: dict[tuple[object, ...], set[str] | None] = {}
        # Something was given, taken or written since the last look.
        self.is_changed = True
        # For each guest, how often something of it was given or taken.
        self.epochs: Counter[int] = Counter()
        self._addresses = struct.pack("=I", len(machine.devices))
        self._addresses += b"".join(text(device.address) for device in machine.devices)
        self._last_shown = b""

    # ---- What the store says

    def say(self, line: str) -> None:
        """Remember what happened, for who looks for the reason of a failure."""
        self.trace.append(line)

    def names(self, domain: int) -> dict[str, int]:
        """The devices that the store names for a guest, and their numbers."""
        prefix = f"{backend(domain)}/dev-"
        found = ((self.store.get(f"{prefix}{number}"), number) for number in range(NUMBERS))
        return {value: number for value, number in found if value is not None}

    def places(self, domain: int) -> dict[Place, str]:
        """Where a guest has which device, as pcibackd said when it gave it; of two, the one that is not held back."""
        placed = [
            (owner_address in self.held_back, owner_address, place) for owner_address, place in self.placed.items()
        ]
        return {
            place: address
            for _is_held_back, (owner, address), place in sorted(placed, reverse=True)
            if owner == domain and ("device", domain, address) in self.held
        }

    def holds_back(self, domain: int) -> bool:
        """Whether a guest may see fewer devices than it has."""
        return any(owner == domain for owner, _address in self.held_back)

    def published(self, domain: int) -> dict[Place, str]:
        """Where the store says that a guest has which device."""
        found = {}
        for address, number in self.names(domain).items():
            vdev = self.store.get(f"{backend(domain)}/vdev-{number}", "")
            if vdev:
                found[parse_place(vdev)] = address
        return found

    def _remember_names(self, path: str) -> None:
        """What was named since the last rest may be given: pcibackd looked before it changed."""
        if path.startswith(BACKENDS + "/"):
            domain = int(path[len(BACKENDS) + 1 :].split("/")[0])
            self.named.setdefault(domain, set()).update(self.names(domain))

    def write(self, path: str, value: str) -> None:
        self._remember_names(path)
        super().write(path, value)

    def remove(self, path: str) -> None:
        self._remember_names(path)
        super().remove(path)

    def fire(self, path: str, *, removed: bool = False) -> None:
        self.is_changed = True
        super().fire(path, removed=removed)

    def transaction(self, writes: dict[str, str | None]) -> None:
        """Change several nodes at one moment; None removes one."""
        for path in writes:
            self._remember_names(path)
        for path, value in writes.items():
            if value is None:
                for node in [node for node in self.store if node == path or node.startswith(path + "/")]:
                    del self.store[node]
            else:
                self.store[path] = value
        for path, value in writes.items():
            if value is None:
                self.fire(path, removed=True)
            else:
                self.write(path, value)

    # ---- Messages

    def send(self, kind: int, payload: bytes = b"", number: int = 0) -> None:
        """Messages go out together, when there is nothing to be read."""
        self.unsent += struct.pack("=III", len(payload), number, kind) + payload

    def _read(self, size: int) -> bytes:
        if len(self.received) < size and self.unsent:
            assert self.connection is not None
            unsent, self.unsent = self.unsent, b""
            self.connection.sendall(unsent)
        return super()._read(size)

    def serve_one(self) -> tuple[int, int]:
        self.counts["messages"] += 1
        if self.counts["messages"] > self.last_message:
            raise Violation(f"pcibackd has sent {MESSAGES} messages and does not come to rest")
        if self.kill_in > 0:
            self.kill_in -= 1
            if self.kill_in == 0:
                self._kill_process()
                raise Killed
        return super().serve_one()

    def settle(self) -> None:
        """As above; a pcibackd that is killed meanwhile is followed by another one."""
        while True:
            self.last_message = self.counts["messages"] + MESSAGES
            try:
                super().settle()
            except Killed:
                self.restart()
            else:
                self.last_message = float("inf")
                return

    def _kill_process(self) -> None:
        """What it asks for is done, or not, and it does not hear of it."""
        length, _number, kind = struct.unpack("=III", self._read(12))
        message = Message(self._read(length))
        self.end_process()
        self.counts["kills"] += 1
        self.say(f"pcibackd is killed at message {kind}")
        if self.random.random() < 0.5 and kind not in NOT_ANSWERED:
            self.meanwhile, meanwhile = None, self.meanwhile
            result, _payload = getattr(self, f"_on_{kind}")(message)
            self.meanwhile = meanwhile
            if kind == MSI_MAP and result == 0:
                # Nobody but Xen knows that one, which goes with its domain.
                domain = struct.unpack_from("=I", message.payload)[0]
                del self.msi[domain, self.next_pirq]
                self.held.discard(("msi", domain, self.next_pirq))

    def forget_process(self) -> None:
        super().forget_process()
        # One that was killed after it gave a device, and before it wrote where, may have meant what was there from before.
        for what in sorted(self.held, key=str):
            domain, address = what[1], str(what[-1])
            if what[0] != "device" or not isinstance(domain, int) or (domain, address) in self.placed:
                continue
            vdev = self.store.get(f"{backend(domain)}/vdev-{self.names(domain).get(address)}", "")
            if vdev:
                place = self.placed[domain, address] = parse_place(vdev)
                self.ever_placed.setdefault((domain, place), set()).add(address)
        self.unsent = b""
        self.unnamed = {}
        # What it had not written down any more may be taken from them once more, and what waits is answered.
        self.killed |= self.life.keys()
        self.asked |= self.life.keys()
        self.moved |= {device.address for device in self.machine.devices}
        self.epochs.update(self.life.keys())
        self.is_changed = True

    def _reply_is_due(self) -> None:
        """Somebody may act before pcibackd has its reply."""
        for tamper in self.tampering.values():
            tamper()
        if self.meanwhile is not None:
            self.meanwhile()

    def _give(self, *what: object) -> int:
        kind, domain = str(what[0]), what[1]
        self._reply_is_due()
        if kind != "event" and (not isinstance(domain, int) or domain not in self.life):
            raise Violation(f"given to a domain that does not exist: {what}")
        owners = self._owners(what)
        if owners is not None:
            assert isinstance(domain, int)
            self._must_be_named(domain, owners, what)
            self._must_be_free(domain, what)
            if kind in ("iomem", "ioport") and not any(self._is_protected(domain, owner) for owner in owners):
                raise Violation(f"given before the IOMMU has the device and its MSI-X table is known: {what}")
        if kind == "device" and str(what[2]) in self.resetting:
            raise Violation(f"given while it is being reset: {what}")
        if self.random.random() < self.failures:
            self.counts["calls that fail"] += 1
            self.say(f"fails: {what}")
            return -self.random.choice([errno.EPERM, errno.ENOMEM, errno.EBUSY, errno.EINVAL])
        self.say(f"given: {what}")
        self._count(what)
        self.counts[f"{kind} given"] += 1
        if kind == "iomem":
            self._note_frames(*(int(str(value)) for value in what[1:]))
        if kind == "page":
            # A request may lie there already.
            self.asked.add(int(str(domain)))
        result = super()._give(*what)
        self._no_errors()
        return result

    def _note_frames(self, domain: int, first: int, n: int) -> None:
        """A PV domain maps what it is given, and keeps that as long as it lives."""
        for frame in range(first, first + n):
            domains = self.mapped.setdefault(frame, set())
            others = {other for other in domains if self.life.get(other, 2) != 2} - {domain}
            if others and "kept-mappings" not in self.allowed:
                raise Violation(f"domain {domain} is given frame {frame:x}, which {others} may have mapped")
            domains.add(domain)

    def _take(self, *what: object) -> int:
        kind, domain = str(what[0]), what[1]
        self._reply_is_due()
        if what not in self.held and domain in self.killed:
            self.counts["taken once more"] += 1
            return 0
        if kind != "msi":
            self.held_back |= self.kept_msi & {(int(str(domain)), owner) for owner in self._owners(what) or ()}
        if self._refuses_to_take(what):
            return -errno.EPERM
        self.say(f"taken: {what}")
        self._count(what)
        super()._take(*what)
        self._no_errors()
        self.counts[f"{kind} taken"] += 1
        self.refused.discard((int(str(domain)), what))
        if kind == "page":
            # A report that was out has been taken back from it.
            self.asked.add(int(str(domain)))
        elif kind == "device":
            address = str(what[2])
            self.moved.add(address)
            self.placed.pop((int(str(domain)), address), None)
            if address in [at for (owner, _pirq), at in self.msi.items() if owner == domain]:
                raise Violation(f"{address} is taken from domain {domain} before its MSI")
            self._must_have_nothing_of(int(str(domain)), address)
            self.held_back.discard((int(str(domain)), address))
            self.kept_msi.discard((int(str(domain)), address))
        elif kind == "msi":
            del self.msi[int(str(domain)), int(str(what[2]))]
        elif kind == "pirq" and ("irq", *what[1:]) in self.held:
            raise Violation(f"unmapped before the permission is taken back: {what}")
        return 0

    def _refuses_to_take(self, what: tuple[object, ...]) -> bool:
        """Whether Xen refuses, which it can while there is such a domain. Then nobody gets the device."""
        domain, owners = int(str(what[1])), self._devices_of(what)
        if not owners or self.life.get(domain, 2) == 2 or self.random.random() >= self.failures:
            return False
        self.counts["refused to take"] += 1
        self.say(f"not taken: {what}")
        self.moved |= owners
        # Of what belongs to several, it is taken with the last of them.
        having = {(domain, owner) for owner in owners if ("device", domain, owner) in self.held}
        if what[0] == "msi":
            self.kept_msi |= having
        elif (domain, what) not in self.refused or not self._is_held_back(domain, what):
            # Or anew: another device of the guest has taken over what it had in common with the one that was held back.
            self.held_back |= having
        self.refused.add((domain, what))
        return True

    def _is_held_back(self, domain: int, what: tuple[object, ...]) -> bool:
        """Whether something stays with a domain because Xen refused to take it, or something else of that device."""
        return any((domain, owner) in self.held_back | self.kept_msi for owner in self._devices_of(what))

    def _devices_of(self, what: tuple[object, ...]) -> set[str]:
        """The devices that something belongs to, an MSI too."""
        if what[0] == "msi":
            return {self.msi[int(str(what[1])), int(str(what[2]))]}
        return self._owners(what) or set()

    def _is_protected(self, domain: int, address: str) -> bool:
        """Whether a guest may have memory and ports of a device: it reaches no other memory, and not its MSI-X table."""
        return self._is_ready(address) and ("device", domain, address) in self.held

    def _is_ready(self, address: str) -> bool:
        """Whether a device may be given to a guest: it was in quarantine before, and its MSI-X table is known."""
        known = address in self.tables or not self.machine.by_address[address].has_msix
        return known and address in self.quarantine

    def _must_have_nothing_of(self, domain: int, address: str) -> None:
        """Ports and memory go before the device, unless they are those of another device of the guest, too."""
        for other in self.held:
            owners = self._owners(other) if other[0] in ("iomem", "ioport") and other[1] == domain else None
            if owners and address in owners and not any(self._is_protected(domain, owner) for owner in owners):
                raise Violation(f"{address} is taken from domain {domain}, which still has {other}")

    def _count(self, what: tuple[object, ...]) -> None:
        domain = self.ports.get(int(str(what[1])), (0, 0))[0] if what[0] == "event" else int(str(what[1]))
        self.epochs[domain] += 1
        self.is_changed = True

    def _no_errors(self) -> None:
        if self.errors:
            raise Violation(self.errors[0])

    def _owners(self, what: tuple[object, ...]) -> set[str] | None:
        if what not in self.owners:
            self.owners[what] = self._find_owners(what)
        return self.owners[what]

    def _find_owners(self, what: tuple[object, ...]) -> set[str] | None:
        """The devices that something belongs to; None: it isn't a device's. Of what belongs to several, any."""
        kind, numbers = str(what[0]), [value for value in what[2:] if isinstance(value, int)]
        if kind == "device":
            return {str(what[2])}
        if kind in ("pirq", "irq"):
            return self.machine.lines.get(numbers[0], set())
        if kind in ("iomem", "ioport"):
            first, n = numbers
            table = self.machine.memory if kind == "iomem" else self.machine.ports
            if n == 0 or n > 1 << 16:
                raise Violation(f"an impossible range: {what}")
            # Each frame has to belong to the same device.
            return set.intersection(*(table.get(page, set()) for page in range(first, first + n)))
        return None

    def _must_be_named(self, domain: int, owners: set[str], what: tuple[object, ...]) -> None:
        if not owners & (self.named.get(domain, set()) | set(self.names(domain))):
            raise Violation(f"the store names no such device for domain {domain}: {what}")

    def _must_be_free(self, domain: int, what: tuple[object, ...]) -> None:
        """What another guest has can't be given, nor a part of it."""
        for other in self.held:
            if other[0] != what[0] or other[1] == domain:
                continue
            same = other[2:] == what[2:]
            if what[0] in ("iomem", "ioport"):
                first, n, other_first, other_n = (int(str(value)) for value in (*what[2:], *other[2:]))
                same = first < other_first + other_n and other_first < first + n
            if same:
                raise Violation(f"given to domain {domain} while domain {other[1]} has it: {what}")

    def _on_2(self, message: Message) -> tuple[int, bytes]:
        position = message.position
        self._reply_is_due()
        items = [(message.u32(), message.text(), message.text()) for _item in range(message.u32())]
        # What is decided on old news is never written.
        if not any(self.is_stale(*item) for item in items):
            for item in items:
                if item[0] >= 3:
                    self._may_write(*item)
        message.position = position
        result = super()._on_2(message)
        if result[0] == 0:
            message.position = position
            self._note_places(message)
        return result

    def _note_places(self, message: Message) -> None:
        """Remember where pcibackd puts a device; the toolstack may remove the key before the device is taken."""
        for _item in range(message.u32()):
            action, path, value = message.u32(), message.text(), message.text()
            if action == 3 and "/vdev-" in path and value:
                domain = int(path[len(BACKENDS) + 1 :].split("/")[0])
                address = self.store.get(path.replace("/vdev-", "/dev-"), "")
                place = self.placed[domain, address] = parse_place(value)
                self.ever_placed.setdefault((domain, place), set()).add(address)

    def _may_write(self, action: int, path: str, value: str) -> None:
        """pcibackd writes below its guests' backend directories, and where it reports errors."""
        self.say(f"pcibackd: {action} {path} {value}")
        parts = path.split("/")
        if path.startswith(BACKENDS + "/"):
            domain = int(parts[6])
        elif path.startswith("/local/domain/0/error/backend/pci/"):
            return
        elif path.startswith("/local/domain/") and parts[4:6] == ["device", "pci"]:
            domain = int(parts[3])
        else:
            raise Violation(f"pcibackd writes {path}")
        if domain not in self.life:
            raise Violation(f"pcibackd writes {path} of a domain that nobody made")
        is_seen = self.life[domain] == 0 and f"{frontend(domain)}/state" in self.store
        if path == f"{backend(domain)}/state" and value in ("6", "7", "8") and is_seen and domain in self.fragile:
            raise Violation(f"pcibackd writes state {value}: the guest {domain} panics")

    def _on_3(self, message: Message) -> tuple[int, bytes]:
        self._reply_is_due()
        return super()._on_3(message)

    def _on_7(self, message: Message) -> tuple[int, bytes]:
        domain, reference = struct.unpack_from("=II", message.payload)
        if f"{backend(domain)}/state" not in self.store and domain not in self.named:
            raise Violation(f"the page of domain {domain} is mapped, which has no backend")
        self.say(f"map page {reference} of domain {domain}")
        return super()._on_7(message)

    def _on_9(self, message: Message) -> tuple[int, bytes]:
        domain, remote = struct.unpack_from("=II", message.payload)
        if (domain, remote) not in self.offers:
            message.position += 8
            return -errno.EINVAL, b""
        result, payload = super()._on_9(message)
        if result < 0:
            self.ports.pop(max(self.ports))
        return result, payload

    def _on_18(self, message: Message) -> tuple[int, bytes]:
        domain, address = message.u32(), message.text()
        self.moved.add(address)
        if domain == QUARANTINE:
            return self._change(self.quarantine, address, "quarantine", into=True), b""
        if not self._is_ready(address):
            raise Violation(f"{address} goes to domain {domain} before Xen has it in quarantine and knows its table")
        if not self.machine.by_address[address].can_be_reset and "no-reset" not in self.allowed:
            raise Violation(f"domain {domain} gets {address}, which can't be reset")
        return self._give("device", domain, address), b""

    def _on_19(self, message: Message) -> tuple[int, bytes]:
        domain, address = message.u32(), message.text()
        if domain == QUARANTINE:
            # One whose guest went while it was reset goes back once that has ended.
            self.moved.add(address)
            return self._change(self.quarantine, address, "quarantine", into=False), b""
        return self._take("device", domain, address), b""

    def _on_24(self, message: Message) -> tuple[int, bytes]:
        known, address = message.u32(), message.text()
        if not self.machine.by_address[address].has_msix:
            raise Violation(f"Xen is told of the MSI-X table of {address}, which has none")
        if address not in self.quarantine:
            raise Violation(f"Xen is told of the MSI-X table of {address}, which is dom0's: {known}")
        return self._change(self.tables, address, "table", into=bool(known)), b""

    def _on_27(self, message: Message) -> tuple[int, bytes]:
        """A reset begins, or is looked at: for how long it goes on."""
        address = message.text()
        self.moved.add(address)
        self._reply_is_due()
        if any(other[0] == "device" and other[2] == address for other in self.held):
            raise Violation(f"{address} is reset while a guest has it")
        if address not in self.resetting:
            is_slow = self.slowness > 0 and self.random.random() < self.slowness
            self.resetting[address] = self.passed + (self.random.choice(RESETS) if is_slow else 0)
        left = self.resetting[address] - self.passed
        if left <= 0:
            del self.resetting[address]
            return 0, struct.pack("=I", 0)
        self.counts["looks at a slow reset"] += 1
        self.looks[address] += 1
        if self.looks[address] > self.looks_allowed:
            raise Violation(f"pcibackd waits for the reset of {address}, and for nothing else")
        self.say(f"{address} is being reset for {left} ms")
        return 0, struct.pack("=I", self.random.choice((10, 100)))

    def _on_28(self, message: Message) -> tuple[int, bytes]:
        """What pcibackd has done since it looked at what has come, and before it looks again."""
        accesses, calls = message.u32(), message.u32()
        self.counts["accesses in one go"] = max(self.counts["accesses in one go"], accesses)
        self.counts["calls in one go"] = max(self.counts["calls in one go"], calls)
        if accesses > ACCESSES or calls > CALLS:
            raise Violation(f"others wait for {accesses} accesses of configuration space and {calls} calls in one go")
        return 0, b""

    def _change(self, devices: set[str], address: str, what: str, *, into: bool) -> int:
        """What happens to a device that no guest has: quarantine, and its MSI-X table."""
        self._reply_is_due()
        if any(other[0] == "device" and other[2] == address for other in self.held):
            if self.is_adopting and into and what == "quarantine":
                return -errno.EBUSY
            raise Violation(f"{what} of {address} while a guest has it: {into}")
        if self.random.random() < self.failures:
            self.counts[f"{what} refused"] += 1
            self.say(f"refused: {what} of {address}: {into}")
            return -errno.EINVAL
        self.say(f"{what} of {address}: {into}")
        self.counts[f"{what} given" if into else f"{what} taken"] += 1
        result = self.move(devices, address, into=into, letter=what)
        self._no_errors()
        return result

    def _on_20(self, message: Message) -> tuple[int, bytes]:
        domain, address, entry, table = message.u32(), message.text(), message.u32(), message.u64()
        if ("device", domain, address) not in self.held:
            raise Violation(f"an MSI of {address} for domain {domain}, which does not have it")
        device = self.machine.by_address[address]
        if table and (address not in self.tables or not device.has_msix or table != device.msix_table or entry >= 8):
            raise Violation(f"entry {entry} of a table at {table:x} is not of {address}")
        if not table and (not device.has_msi or entry):
            raise Violation(f"{address} has no MSI {entry}")
        self.next_pirq = self.next_pirq + 1 if self.next_pirq < 60000 else 1001
        result = self._give("msi", domain, self.next_pirq)
        if result == 0:
            self.msi[domain, self.next_pirq] = self.ever_msi[domain, self.next_pirq] = address
        return result, struct.pack("=I", self.next_pirq)

    def _on_21(self, message: Message) -> tuple[int, bytes]:
        self.counts["error reports that ended"] += 1
        self.asked.add(struct.unpack_from("=I", message.payload)[0])
        return super()._on_21(message)

    def report(self, command: int, state: int, address: str) -> None:
        """A device has an error."""
        self.asked |= {int(str(what[1])) for what in self.held if what[0] == "device" and what[2] == address}
        self.say(f"{address} reports an error")
        self.send(103, struct.pack("=Ii", command, state) + text(address))

    def capture(self, domain: int, kind: int, seed: int) -> None:
        """A guest takes over what serves its page, if it is connected."""
        self.counts["captured"] += 1
        self.say(f"domain {domain} takes over what serves its page: {kind}")
        self.asked.add(domain)
        self.send(CAPTURE, struct.pack("=III", domain, kind, seed))

    def reported(self, domain: int, place: Place) -> None:
        """A guest sees that an error was reported of a device at that place."""
        # It may have lost the device before it read the report.
        if (domain, place) not in self.ever_placed:
            raise Violation(f"domain {domain} is told of an error of {place}, where it has no device")

    def _on_23(self, message: Message) -> tuple[int, bytes]:
        self.shown = message.payload
        message.position = len(message.payload)
        return 0, b""

    def let_pass(self, milliseconds: int) -> None:
        """Time passes for pcibackd."""
        self.say(f"{milliseconds} ms pass")
        self.passed += milliseconds
        self.is_changed = True
        self.send(104, struct.pack("=I", milliseconds))

    # ---- At rest

    def look(self) -> None:
        """Check all that is held, every device and every page, if something has happened to them."""
        if self.asked or self.moved or self.random.random() < 0.1:
            self.look_at_devices()
        if self.is_changed:
            self._look_at_holdings()
        self._look_at_pages()
        self.is_changed = False
        self.named = {}
        self.looks.clear()
        self.moved, self.asked = set(), set()

    def _look_at_holdings(self) -> None:
        names: dict[int, dict[str, int]] = {}
        unnamed: dict[tuple[object, ...], int] = {}
        for what in self.held:
            domain = self.ports[int(str(what[1]))][0] if what[0] == "event" else int(str(what[1]))
            if self._is_held_back(domain, what):
                continue
            if self.life[domain] != 0:
                raise Violation(f"domain {domain} runs no more and still has {what}")
            if f"{backend(domain)}/state" not in self.store:
                raise Violation(f"domain {domain} has no backend and still has {what}")
            if domain not in names:
                names[domain] = self.names(domain)
            owners = self._owners(what)
            if owners is None or domain in self.malformed or owners & set(names[domain]):
                continue
            # While our state is another one, a change is under way that a frontend takes part in, or doesn't.
            since = self.unnamed.setdefault(what, self.passed)
            unnamed[what] = since
            state, lasts = self.store[f"{backend(domain)}/state"], self.passed - since
            if state in ("3", "4") or lasts > LONGEST_CHANGE:
                raise Violation(
                    f"the store no longer names what domain {domain} has, for {lasts} ms in state {state}: {what}"
                )
        self.unnamed = unnamed

    def _registers(self, size: int) -> bytes:
        """What all devices hold, as it comes. Who asks over the control socket may wake pcibackd: then it has to rest
        again."""
        while True:
            n_messages = self.counts["messages"]
            self.send(SHOW_REGISTERS, struct.pack("=I", size) + self._addresses, 1)
            while self.serve_one() != (SHOWN, 1):
                pass
            if self.counts["messages"] == n_messages + 1:
                return self.shown
            self.settle()

    def look_at_devices(self, size: int = 256) -> None:
        """Check as much of every device's configuration space."""
        shown = self._registers(size)
        if shown == self._last_shown:
            return
        self._last_shown = shown
        holders: dict[str, int] = {str(w[2]): int(str(w[1])) for w in self.held if w[0] == "device"}
        position = 0
        for device in self.machine.devices:
            (length,) = struct.unpack_from("=I", shown, position)
            now = shown[position + 4 : position + 4 + length] + self.registers[device.address][length:]
            position += 4 + length
            # It is restored once it is reset; by the next process, if one is killed between the two.
            if device.address in self.resetting:
                self._last_shown = b""
                continue
            before = self.registers[device.address]
            if now == before:
                continue
            self.registers[device.address] = now
            changed = [i for i, (a, b) in enumerate(zip(before, now)) if a != b]
            domain = holders.get(device.address)
            if len(now) != len(before) or not CHANGEABLE.issuperset(changed):
                raise Violation(f"{device.address} changed where no guest may change it: {changed}")
            if device.address not in self.moved and domain not in self.asked:
                raise Violation(f"{device.address} of domain {domain} changed at {changed}, and nobody asked for it")
            if domain is None and now[COMMAND] & MASTER:
                raise Violation(f"{device.address} is nobody's and may write to memory")
            left = [i for i in changed if now[i] != device.config[i] and i not in OF_NOBODY]
            if domain is None and left and not any(at == device.address for _of, at in self.held_back):
                raise Violation(f"{device.address} is nobody's and keeps what its last owner wrote: {left}")

    def _look_at_pages(self) -> None:
        for domain, page in self.pages.items():
            now = page[:PAGE_BYTES]
            if now != self.seen_pages.get(domain, now) and domain not in self.asked:
                raise Violation(f"the page of domain {domain} changed, and it asked for nothing")
            self.seen_pages[domain] = now

    def forget(self, domain: int) -> None:
        """A guest has come to its end: nothing of it may be left."""
        left = [w for w in self.held if w[0] != "event" and w[1] == domain]
        left += [("event", port) for port, (owner, _remote) in self.ports.items() if owner == domain]
        if left:
            raise Violation(f"domain {domain} is gone and still has {left}")
        watched = [w for w in self.watches if w[1].startswith(f"/local/domain/{domain}/")]
        if watched:
            raise Violation(f"domain {domain} is gone and still watched: {watched}")
        self.store = {
            p: v for p, v in self.store.items() if not p.startswith(f"/local/domain/0/error/backend/pci/{domain}/")
        }
        nodes = [p for p in self.store if p.startswith((f"/local/domain/{domain}/", f"{BACKENDS}/{domain}/"))]
        if nodes:
            raise Violation(f"domain {domain} is gone, and the store still has {nodes[:3]}")
        self.life.pop(domain)
        self.killed.discard(domain)
        for domains in self.mapped.values():
            domains.discard(domain)
        self.fragile.discard(domain)
        self.tampering.pop(domain, None)
        self.ever_msi = {key: address for key, address in self.ever_msi.items() if key[0] != domain}
        self.ever_placed = {key: addresses for key, addresses in self.ever_placed.items() if key[0] != domain}
        self.malformed.discard(domain)
        self.offers = {offer for offer in self.offers if offer[0] != domain}
        for grant in [grant for grant in self.grants if grant[0] == domain]:
            del self.grants[grant]
        self.pages.pop(domain, None)
        self.seen_pages.pop(domain, None)
