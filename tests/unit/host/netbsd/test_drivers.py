# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drvctl(8) takes devices from drivers of NetBSD, one at a time, and gives each back alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.drivers import NetbsdDrivers

CARD, OTHER = parse_address("00:05.0"), parse_address("00:06.0")


class Kernel:
    """A kernel with two cards that answers pcictl(8) and drvctl(8) as the captures show.

    :ivar next: the driver that takes a card that is looked for
    :ivar fails: by option of drvctl(8), what it says when it fails
    """

    def __init__(self) -> None:
        self.drivers: dict[int, str | None] = {5: "wm2", 6: "re0"}
        self.next = "wm2"
        self.fails: dict[str, str] = {}
        self.calls: list[str] = []

    def run(self, argv: Sequence[str]) -> tuple[int, str, str]:
        if argv[0] == bus.PCICTL:
            if argv[-1] == "-n":
                return 0, "".join(f"000:{device:02}:0: 0x100e8086 (0x02000003)\n" for device in self.drivers), ""
            held = {device: f" [{name}]" if name else "" for device, name in self.drivers.items()}
            return 0, "".join(f"000:{device:02}:0: a card{name}\n" for device, name in held.items()), ""
        self.calls.append(" ".join(argv))
        if argv[1] in self.fails:
            return 1, "", self.fails[argv[1]]
        if argv[1] == "-d":
            device = next(device for device, name in self.drivers.items() if name == argv[2])
            self.drivers[device] = None
        elif self.drivers[int(argv[5])] is None:
            self.drivers[int(argv[5])] = self.next
        return 0, "", ""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(bus, "claims", lambda: None)
    monkeypatch.setattr(bus, "kernel_messages", lambda: "pci0 at mainbus0 bus 0: configuration mode 1\n")
    return Kernel()


def test_a_driver_lets_go_and_gets_it_back_alone(kernel: Kernel) -> None:
    drivers = NetbsdDrivers(kernel.run)
    kernel.drivers[6] = None
    drivers.detach(CARD, "wm2")
    assert drivers.holder(CARD) is None
    kernel.next = "wm7"
    drivers.attach(CARD, "wm2")
    assert (drivers.holder(CARD), drivers.holder(OTHER)) == ("wm7", None)
    assert kernel.calls == ["/sbin/drvctl -d wm2", "/sbin/drvctl -r -a pci pci0 5 0"]


def test_one_that_had_no_driver_or_has_one_is_left_alone(kernel: Kernel) -> None:
    drivers = NetbsdDrivers(kernel.run)
    drivers.attach(CARD, "wm2")
    kernel.drivers[5] = None
    drivers.attach(CARD, None)
    assert (drivers.holder(CARD), kernel.calls) == (None, [])
    drivers.attach(CARD, None, known=False)
    assert drivers.holder(CARD) == "wm2"


def test_what_would_panic_the_kernel_is_not_tried(kernel: Kernel) -> None:
    with pytest.raises(PcibackError) as refused:
        NetbsdDrivers(kernel.run).detach(parse_address("00:1f.0"), "ichlpcib0")
    assert str(refused.value) == (
        "ichlpcib0 can't let go of 00:1f.0: NetBSD's kernel panics when that driver is detached"
    )
    assert (refused.value.remedy, kernel.calls) == ("leave the device to dom0", [])


@pytest.mark.parametrize("said", ["drvctl: DRVDETACHDEV: Device busy\n", ""])
def test_a_driver_that_keeps_its_device(kernel: Kernel, said: str) -> None:
    kernel.fails["-d"] = said
    with pytest.raises(PcibackError) as refused:
        NetbsdDrivers(kernel.run).detach(CARD, "wm2")
    reason = said.strip() or "drvctl ended with status 1"
    assert str(refused.value) == f"wm2 does not let go of 00:05.0: {reason}"
    assert refused.value.remedy == (
        "see what uses wm2 and end that, or hide the device from the next boot with pciback_backend: kernel"
    )


def test_no_driver_or_another_one_comes(kernel: Kernel) -> None:
    drivers = NetbsdDrivers(kernel.run)
    kernel.drivers[5], kernel.next = None, "re1"
    with pytest.raises(PcibackError, match=r"00:05\.0 is back in dom0, but re1 holds it, and wm did before"):
        drivers.attach(CARD, "wm2")
    kernel.drivers[5], kernel.fails["-r"] = None, "drvctl: DRVRESCANBUS: Device not configured\n"
    with pytest.raises(PcibackError) as refused:
        drivers.attach(CARD, "wm2")
    assert str(refused.value) == (
        "the kernel did not look for a driver of 00:05.0: drvctl: DRVRESCANBUS: Device not configured"
    )
    assert refused.value.remedy == "run 'drvctl -r pci0', which gives a driver to each device on that bus that has none"
