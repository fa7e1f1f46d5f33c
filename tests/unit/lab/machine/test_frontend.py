# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's frontend, step by step, beside a backend that is played here."""

from __future__ import annotations

import struct
from pathlib import Path

from machine.frontend import ACTIVE, AER_HANDLER, Frontend
from machine.hypervisor import BACKENDS
from machine.xenstore import Store

HOME = "/local/domain/3/device/pci/0/state"
BACKEND = f"{BACKENDS}/3/0/state"


class Backend:
    """Answers requests: one device, in a slot."""

    def __init__(self, directory: Path, slot: int) -> None:
        self.page = directory / "page-3"
        self.slot = slot

    def answer(self, _domid: int) -> None:
        data = bytearray(self.page.read_bytes())
        flags, _command, _error, _domain, _bus, devfn = struct.unpack("=IIiIII", data[:24])
        assert flags == AER_HANDLER | ACTIVE
        here = devfn >> 3 == self.slot
        data[8:12] = struct.pack("=i", 0 if here else -1)
        data[32:36] = struct.pack("=I", 0x100E8086 if here else 0)
        data[0:4] = struct.pack("=I", AER_HANDLER)
        with self.page.open("r+b") as file:
            file.write(data)


def test_it_connects_follows_hot_plug_and_closes(tmp_path: Path) -> None:
    backend = Backend(tmp_path, 1)
    frontend = Frontend(3, str(tmp_path), backend.answer)
    store = Store({})

    def reaches(state: str) -> bool:
        for _step in range(3):
            frontend.step(store)
        return store.read(HOME) == state

    frontend.step(store)
    assert store.nodes == {}
    store.write(HOME, "1")
    store.write(BACKEND, "3")
    assert reaches("3")
    assert (store.read("/local/domain/3/device/pci/0/pci-op-ref"), frontend.found) == ("8", {})
    store.write(BACKEND, "4")
    assert reaches("4")
    assert frontend.found == {1: "8086:100e"}
    store.write(BACKEND, "7")
    assert reaches("7")
    backend.slot = 2
    store.write(BACKEND, "8")
    assert reaches("4")
    assert frontend.found == {2: "8086:100e"}
    store.write(BACKEND, "5")
    assert reaches("6")
    assert frontend.found == {}
    store.write(BACKEND, "2")
    assert reaches("3")
    store.remove("/local/domain/3/device/pci/0")
    assert reaches("None") is False
    frontend.close()
    assert not backend.page.exists()


def test_it_waits_for_an_answer_and_no_longer_than_it_has_a_backend(tmp_path: Path) -> None:
    frontend = Frontend(3, str(tmp_path), lambda domid: None)
    store = Store({})
    store.write(HOME, "1")
    store.write(BACKEND, "3")
    frontend.step(store)
    store.write(BACKEND, "4")
    for _step in range(5):
        frontend.step(store)
    assert store.read(HOME) == "3"
    store.remove(HOME)
    for _step in range(5):
        frontend.step(store)
    assert frontend.found == {}
    frontend.close()
