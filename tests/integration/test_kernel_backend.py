# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices for the backend in NetBSD's kernel: the program, against a simulated Xen and the devices of a dump."""

from __future__ import annotations

import errno
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.xen import BACKENDS, Lost, SimulatedXen
from tests.unit.lab.conftest import Host

ROOT = Path(__file__).resolve().parents[2]
PCIBACKCTL = ROOT / "native/build/pcibackctl-simulated"
BUS = ROOT / "lab/buses/q35-bridges.lspci"
FIRST, SECOND = "0000:00:07.0", "0000:00:05.0"
SELF, GONE = 0x7FF0, 2


class KernelsBackend(SimulatedXen):
    """A store that NetBSD's kernel looks at, too: what is new, is initialised."""

    def write(self, path: str, value: str) -> None:
        is_new = path.startswith(BACKENDS) and path.endswith("/0/state") and value == "1"
        super().write(path, "3" if is_new else value)


class Dom0:
    """A NetBSD dom0 whose kernel keeps two devices, with a paused guest gB that is domain 1."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.xen = KernelsBackend(directory)
        self.xen.life[1] = 0
        self.xen.store.update({"/local/domain/1/name": "gB", "/libxl/1/type": "pv"})
        self.bus = BUS
        self.hidden = f"{FIRST}=20 {SECOND}=21"

    def ctl(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command, playing its Xen; the exit status and the object that it printed."""
        status, output = self.say(*words, "--json")
        return status, json.loads(output)

    def say(self, *words: str) -> tuple[int, str]:
        """Run a command, playing its Xen; the exit status and what it printed."""
        command = [str(PCIBACKCTL), *words]
        settings = {
            "PCIBACK_SIMULATED_BUS": str(self.bus),
            "PCIBACK_SIMULATED_XEN": self.xen.path,
            "PCIBACK_SIMULATED_HIDDEN": self.hidden,
        }
        done: list[subprocess.CompletedProcess[str]] = []

        def run() -> None:
            done.append(subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False))

        thread = threading.Thread(target=run)
        thread.start()
        self.xen.received = b""
        self.xen.accept()
        try:
            while True:
                self.xen.serve_one()
        except (Lost, ConnectionError):
            thread.join()
        assert self.xen.errors == [], done[0].stderr
        return done[0].returncode, done[0].stdout

    def attach(self, *words: str, domain: int = 1, allow: str = "no-reset") -> tuple[int, dict[str, Any]]:
        command = ["attach", "--backend", "kernel", "--domain", str(domain)]
        return self.ctl(*command, *(["--allow", allow] if allow else []), *words)

    def detach(self, *words: str, domain: int = 1) -> tuple[int, dict[str, Any]]:
        return self.ctl("detach", "--backend", "kernel", "--domain", str(domain), *words)

    def kernel(self, state: int) -> None:
        """The kernel's backend goes to a state."""
        self.xen.store[f"{BACKENDS}/1/0/state"] = str(state)


@pytest.fixture
def dom0(tmp_path: Path) -> Iterator[Dom0]:
    host = Dom0(tmp_path)
    yield host
    host.xen.close()


def test_a_guest_from_attach_to_detach(dom0: Dom0) -> None:
    status, answer = dom0.attach(FIRST, f"{SECOND},rdm_policy=relaxed")
    assert (status, answer) == (
        0,
        {"schema": "xen.pciback/attach/1", "domain": 1, "devices": [{"address": FIRST}, {"address": SECOND}]},
    )
    store = {path.removeprefix(f"{BACKENDS}/1/0/"): value for path, value in dom0.xen.store.items()}
    assert [store[f"dev-{number}"] for number in range(2)] == [FIRST, SECOND]
    assert (store["num_devs"], store["state"], store["domain"]) == ("2", "3", "gB")
    assert dom0.xen.store["/local/domain/1/device/pci/0/backend"] == f"{BACKENDS}/1/0"
    held = {(str(what[0]), what[2]) for what in dom0.xen.held if what[1] == 1}
    assert {("device", FIRST), ("device", SECOND), ("irq", 20), ("irq", 21), ("pirq", 20), ("pirq", 21)} < held
    assert {what for what, _first in held} >= {"iomem", "ioport"}

    status, answer = dom0.attach(FIRST)
    assert status == 1
    assert answer["message"].startswith("domain 1 has devices, and the kernel's backend takes no more")
    dom0.xen.life[9] = 0
    dom0.xen.store["/local/domain/9/name"] = "other"
    status, answer = dom0.attach(SECOND, domain=9)
    assert answer["message"].startswith(f"{SECOND} is domain 1's still, whose backend is in state 3")

    # Not before it has closed; the kernel would panic.
    status, answer = dom0.detach()
    assert answer["message"].startswith("domain 1 has not connected yet")
    dom0.kernel(6)
    dom0.xen.life[1] = 1
    status, answer = dom0.detach()
    assert (status, answer) == (
        0,
        {"schema": "xen.pciback/detach/1", "domain": 1, "devices": [{"address": FIRST}, {"address": SECOND}]},
    )
    assert {what for what in dom0.xen.held if what[1] == 1} == set()
    assert not any("/pci/" in path for path in dom0.xen.store)
    assert dom0.attach(SECOND, domain=9)[0] == 0


def test_a_guest_that_is_gone(dom0: Dom0) -> None:
    """Xen has taken back what it had; the next guest gets the device out of quarantine."""
    assert dom0.attach(FIRST)[0] == 0
    dom0.kernel(6)
    dom0.xen.life[1] = GONE
    dom0.xen.held.clear()
    assert dom0.detach()[0] == 0
    assert not any(path.startswith(BACKENDS) for path in dom0.xen.store)
    assert dom0.detach() == (
        1,
        {"schema": "xen.pciback/error/1", "message": "domain 1 has no devices of the kernel's backend"},
    )


def test_status(dom0: Dom0) -> None:
    status = ["status", "--backend", "kernel"]
    assert dom0.ctl(*status) == (0, {"schema": "xen.pciback/kernel-status/1", "guests": []})
    assert dom0.attach(FIRST)[0] == 0
    guest = {"domain": 1, "life": "running", "state": 3, "devices": [{"address": FIRST}]}
    assert dom0.ctl(*status)[1]["guests"] == [guest]
    dom0.xen.life[1] = GONE
    dom0.kernel(6)
    assert dom0.say(*status) == (0, f"domain 1  gone  backend 6 Closed\n  {FIRST}\n")
    assert dom0.detach()[0] == 0
    assert dom0.say(*status) == (0, "no guest has devices of the kernel's backend\n")


@pytest.mark.parametrize("refused", ["iomem", "ioport", "pirq", "irq", "device"])
def test_all_or_nothing(dom0: Dom0, refused: str) -> None:
    dom0.xen.fail[refused] = errno.EPERM
    before = dict(dom0.xen.store)
    status, answer = dom0.attach(FIRST, SECOND)
    assert status == 1 and answer["message"].startswith(FIRST)
    assert dom0.xen.held == set()
    assert dom0.xen.store == before


def test_what_the_owner_has_to_allow(dom0: Dom0) -> None:
    status, answer = dom0.attach(SECOND, allow="")
    assert status == 1 and "can't be reset" in answer["message"]
    dom0.xen.fail["device"] = errno.EOPNOTSUPP
    status, answer = dom0.attach(FIRST)
    assert status == 1 and "there is no IOMMU for it" in answer["message"]
    assert dom0.attach(FIRST, allow="no-reset,no-iommu")[0] == 0


def test_a_line_of_two_guests(dom0: Dom0) -> None:
    """XSA-461: one could keep it busy for the other."""
    dom0.hidden = f"{FIRST}=20 {SECOND}=20"
    dom0.xen.store["/local/domain/2/name"] = "gC"
    dom0.xen.life[2] = 0
    assert dom0.attach(FIRST)[0] == 0
    status, answer = dom0.attach(SECOND, domain=2)
    assert status == 1
    assert answer["message"] == (
        f"{SECOND} has its interrupt line in common with {FIRST}, which another guest has; see --allow"
    )
    assert dom0.attach(SECOND, domain=2, allow="no-reset,shared-irq")[0] == 0


def test_an_interrupt_that_nobody_tells(dom0: Dom0) -> None:
    dom0.hidden = f"{FIRST}= {SECOND}=21"
    status, answer = dom0.attach(FIRST)
    assert status == 1 and "has an interrupt that the kernel's messages" in answer["message"]
    assert answer["message"].endswith("boot once more, and keep /var/run/dmesg.boot, or state it with irq=")


def test_an_interrupt_that_only_the_owner_knows(dom0: Dom0) -> None:
    """It is granted, and taken back when the kernel's messages are gone for good."""
    dom0.hidden = f"{FIRST}= {SECOND}=21"
    before = dict(dom0.xen.store)
    status, answer = dom0.attach(f"{FIRST},irq=22", f"{SECOND},irq=20")
    assert (status, answer["message"]) == (
        1,
        f"{SECOND} has interrupt 21, as the system itself says, which irq=20 contradicts: leave irq out",
    )
    assert (dom0.xen.held, dom0.xen.store) == (set(), before)
    assert dom0.attach(f"{FIRST},irq=22", SECOND)[0] == 0
    assert dom0.xen.store[f"{BACKENDS}/1/0/opts-0"] == "msitranslate=0,power_mgmt=0,permissive=0,irq=22"
    assert {what[2] for what in dom0.xen.held if what[:2] == ("irq", 1)} == {21, 22}
    dom0.kernel(6)
    dom0.xen.life[1] = 1
    dom0.hidden = f"{FIRST}= {SECOND}="
    status, answer = dom0.detach()
    assert (status, answer["message"]) == (
        1,
        f"{SECOND} can't be taken back: the kernel's messages of this boot don't tell its interrupt any more; "
        "destroy the domain, then detach",
    )
    dom0.hidden = f"{FIRST}= {SECOND}=21"
    assert dom0.detach()[0] == 0
    assert {what for what in dom0.xen.held if what[1] == 1} == set()


def test_files_for_xl_with_an_interrupt_that_is_stated(dom0: Dom0) -> None:
    dom0.hidden = f"{FIRST}= {SECOND}=21"
    root = ["--root", str(dom0.directory), "--allow", "no-reset"]
    status, answer = dom0.ctl("prepare", *root, f"{FIRST},id=ffff:ffff,irq=22")
    assert status == 1 and not (dom0.directory / "sys").exists()
    status, answer = dom0.ctl("prepare", *root, f"{FIRST},irq=22", SECOND)
    assert (status, answer["devices"]) == (0, [{"address": FIRST, "irq": 22}, {"address": SECOND, "irq": 21}])
    assert (dom0.directory / "sys/bus/pci/devices" / FIRST / "irq").read_text() == "22\n"


def test_files_for_xl(dom0: Dom0) -> None:
    root = ["--root", str(dom0.directory), "--allow", "no-reset"]
    status, answer = dom0.ctl("prepare", *root, FIRST, SECOND)
    assert (status, answer) == (
        0,
        {
            "schema": "xen.pciback/prepare/1",
            "devices": [{"address": FIRST, "irq": 20}, {"address": SECOND, "irq": 21}],
        },
    )
    assert {what for what in dom0.xen.held if what[0] == "pirq"} == {("pirq", SELF, 20), ("pirq", SELF, 21)}
    assert dom0.xen.quarantine == {FIRST, SECOND}
    devices = dom0.directory / "sys/bus/pci/devices"
    assert (devices / FIRST / "irq").read_text() == "20\n"
    lines = (devices / FIRST / "resource").read_text().splitlines()
    assert len(lines) == 7 and all(len(line) == 56 for line in lines)
    # In use, they stay: xl reads them once more.
    assert dom0.attach(SECOND)[0] == 0
    status, answer = dom0.ctl("unprepare", *root, FIRST, SECOND)
    assert status == 1 and answer["message"].startswith(f"{SECOND} is domain 1's still")
    assert dom0.ctl("unprepare", *root, FIRST)[0] == 0
    assert not (devices / FIRST).exists()


def test_a_sys_of_somebody_else(dom0: Dom0) -> None:
    (dom0.directory / "sys").symlink_to("/usr/src/sys")
    status, answer = dom0.ctl("prepare", "--root", str(dom0.directory), FIRST)
    assert status == 1 and "is somebody else's: it is a link or a file" in answer["message"]
    assert dom0.xen.order == []


def test_the_embedded_dom0s_xl_takes_the_files(dom0: Dom0, tmp_path: Path) -> None:
    """Its toolstack netbsd opens what libxl opens, and has Xen refuse another interrupt than the real one."""
    boot = "menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:05.0)(00:09.0);multiboot /xen.gz\ntimeout=1\n"
    host = Host(tmp_path / "embedded", ROOT / "native/build/pcibackctl")
    host.create("--guest", "firewall", boot_cfg=boot)
    dom0.bus = ROOT / "lab/buses/pc-nine-nics.lspci"
    dom0.hidden = "0000:00:05.0=10 0000:00:09.0=17"
    create = ["/usr/pkg/sbin/xl", "create", "-q", "/usr/pkg/etc/xen/firewall", "pci=['00:09.0']"]
    root = ["--root", str(host.root), "--allow", "no-reset"]
    try:
        assert "Couldn't open /sys/bus/pci/devices/0000:00:09.0/resource" in host.run(*create).stderr
        assert dom0.ctl("prepare", *root, "0000:00:05.0", "0000:00:09.0")[0] == 0
        done = host.run(*create)
        assert done.returncode == 0, done.stderr
        assert host.state["domains"][0]["sees"] == ["8086:100e"]
        destroyed = host.tool("xl destroy firewall")
        assert destroyed.returncode == 0 and "Couldn't open" not in destroyed.stderr
        assert dom0.ctl("unprepare", *root, "0000:00:05.0", "0000:00:09.0")[0] == 0
        assert not (host.root / "sys").exists()
    finally:
        host.end()
