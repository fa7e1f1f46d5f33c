# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines' hardware, and what pcictl does that no captured session shows."""

from __future__ import annotations

import pytest
from machine import autoconf, bus, names
from machine.bus import Slot

from .conftest import LAB, Host

BUSES = ("pc-nine-nics", "pc-bridge", "q35-bridges")


def load(name: str) -> bus.Bus:
    return bus.load(str(LAB / "buses" / f"{name}.lspci"), str(LAB / "buses" / f"{name}.json"))


def test_the_machines_are_what_their_names_say() -> None:
    found = {name: load(name) for name in BUSES}
    assert {name: len(each.functions) for name, each in found.items()} == dict(zip(BUSES, (14, 17, 12)))
    nics = [function for function in found["pc-nine-nics"] if function.class_code == 0x0200]
    assert len(nics) == 9
    assert found["pc-bridge"].numbers() == found["q35-bridges"].numbers() == [0, 1]


@pytest.mark.parametrize("name", BUSES)
def test_no_two_cards_share_an_ethernet_address(name: str) -> None:
    cards = [function for function in load(name) if function.class_code == 0x0200]
    addresses = [function.facts["mac"] for function in cards]
    assert len(set(addresses)) == len(cards) > 0


@pytest.mark.parametrize("name", BUSES)
def test_no_two_windows_overlap_and_every_size_is_known(name: str) -> None:
    spans = []
    for function in load(name):
        for window in function.bars():
            assert f"0x{window.register:02x}" in function.facts["bars"], (str(function.slot), window)
            assert window.address % window.size == 0
            spans.append((window.is_io, window.address, window.address + window.size))
    spans.sort()
    for (kind, _begin, end), (other, begin, _end) in zip(spans, spans[1:]):
        assert kind != other or end <= begin


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no PCI function"),
        ("00:00.0 x\n00: 86 80\n", "has 2 bytes of configuration space"),
        ("0001:00:00.0 x\n", "line 1: only PCI domain 0000"),
        ("00: 86 80\n", "line 1: bytes before any device line"),
        ("00:00.0 x\n10: 86 80\n", "line 2: offset 10, expected 00"),
    ],
)
def test_a_dump_that_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(bus.BusError, match=words):
        bus.parse(text)


def test_other_options_of_lspci_do_not_disturb() -> None:
    rows = "".join(f"{row:02x}: {' '.join(['12'] * 16)}\n" for row in range(0, 64, 16))
    found = bus.parse(f"00:1f.7 Bridge (rev 02)\n\tSubsystem: x\n\tRegion 0: I/O ports at c100 [size=128]\n{rows}\n")
    assert [str(function.slot) for function in found] == ["0000:00:1f.7"]


def test_functions_past_the_first_need_a_multifunction_device() -> None:
    whole = load("q35-bridges")
    assert Slot(0, 6, 1) in [function.slot for function in whole.on(0)]
    first = whole.get(Slot(0, 6, 0))
    assert first is not None
    assert first.config[0x0E] == 0x80
    first.config = first.config[:0x0E] + b"\0" + first.config[0x0F:]
    assert Slot(0, 6, 1) not in [function.slot for function in whole.on(0)]


def test_names_fall_back_to_numbers() -> None:
    q35 = {str(function.slot)[5:]: names.full_words(function) for function in load("q35-bridges")}
    assert q35["00:07.0"] == "Intel product 10d3 (ethernet network)"
    assert q35["00:08.0"] == "vendor 1b36 product 000c (PCI bridge)"
    assert q35["01:00.0"] == "vendor 1b36 product 0010 (NVM mass storage, interface 0x02, revision 0x02)"
    assert names.class_name(0x42) == "class 0x42"
    assert names.subclass_name(0x01, 0x42) == "subclass 0x42"


def test_drivers_of_the_q35() -> None:
    tree, lines = autoconf.boot(load("q35-bridges"), [Slot(1, 0, 0), Slot(0, 6, 1)], True)
    held = {device["slot"][5:]: device["name"] for device in tree.devices if "slot" in device}
    assert held == {
        "00:00.0": "pchb0", "00:05.0": "wm0", "00:06.0": "re0", "00:06.1": "pciback0", "00:07.0": "wm1",
        "00:08.0": "ppb0", "00:1f.0": "ichlpcib0", "00:1f.2": "ahcisata0", "01:00.0": "pciback1",
    }  # fmt: skip
    text = "\n".join(line.text for line in lines)
    assert "vendor 1af4 product 1000 (ethernet network) at pci0 dev 3 function 0 not configured" in text
    assert "pci1 at ppb0 bus 1" in text


def test_the_kernel_writes_interrupts_into_configuration_space(host: Host) -> None:
    host.create("--kernel", "/n", boot_cfg="menu=Xen:load /n pciback.hide=(00:04.0);multiboot /xen.gz\ntimeout=1\n")
    reads = [host.run("/usr/sbin/pcictl", "pci0", "read", "-d", device, "0x3c").stdout for device in ("4", "5", "1")]
    assert reads == ["000001c7\n", "000001c6\n", "00000000\n"]


@pytest.mark.parametrize(
    ("words", "output", "error", "status"),
    [
        ("read -d 0x1f 0", "ffffffff\n", "", 0),
        ("read -d 4 -f 0 010", "02000003\n", "", 0),
        ("read -d 4 2", "", "pcictl: read: Invalid argument\n", 1),
        ("read -d 32 0", "", "pcictl: read: Invalid argument\n", 1),
        ("read 0", "", "pcictl: read: must specify a device number\n", 1),
        ("read -d any 0", "", "pcictl: read: wildcard device number not permitted\n", 1),
        ("dump -d 4 -f all", "", "pcictl: dump: wildcard function number not permitted\n", 1),
        ("list -d 08", "", 'pcictl: "08" is not a number\n', 1),
        ("list -d -1", "", 'pcictl: "-1" is not a number\n', 1),
        ("list -n -d 0x4 -b any -f all", "000:04:0: 0x100e8086 (0x02000003)\n", "", 0),
        ("list -d 99", "", "", 0),
        ("erase", "", "pcictl: unknown command: erase\n", 1),
        ("write -d 4 0 0x12345678", "", "", 0),
    ],
)
def test_pcictl(words: str, output: str, error: str, status: int, host: Host) -> None:
    host.create()
    done = host.run("/usr/sbin/pcictl", "pci0", *words.split())
    assert (done.stdout, done.stderr, done.returncode) == (output, error, status)
    # Identity is read-only.
    assert host.run("/usr/sbin/pcictl", "pci0", "read", "-d", "4", "0").stdout == "100e8086\n"


def test_a_bar_takes_addresses_only_in_steps_of_its_size(host: Host) -> None:
    host.create()
    assert host.run("/usr/sbin/pcictl", "pci0", "write", "-d", "4", "0x10", "0xffffffff").returncode == 0
    assert host.run("/usr/sbin/pcictl", "pci0", "read", "-d", "4", "0x10").stdout == "fffe0000\n"


def test_every_function_can_be_dumped(host: Host) -> None:
    host.create("--bus", "q35-bridges")
    for function in load("q35-bridges"):
        place = ["-b", str(function.slot.bus), "-d", str(function.slot.device), "-f", str(function.slot.function)]
        done = host.run("/usr/sbin/pcictl", f"pci{function.slot.bus}", "dump", *place)
        assert done.returncode == 0, done.stderr
        assert f"    Vendor Name: {names.vendor_name(function.vendor)} (0x{function.vendor:04x})\n" in done.stdout
    bridge = host.run("/usr/sbin/pcictl", "pci0", "dump", "-d", "8").stdout
    assert "    Secondary bus number: 0x01\n" in bridge
    assert "      range: 0xfe400000-0xfe5fffff\n" in bridge


def test_sysctl_of_what_tells_a_dom0(host: Host) -> None:
    host.create()
    done = host.run("/sbin/sysctl", "hw.ncpu", "kern.nothing", "kern.ostype")
    assert (done.stdout, done.returncode) == ("hw.ncpu = 1\n", 1)
    assert done.stderr == "sysctl: second level name 'nothing' in 'kern.nothing' is invalid\n"
    top = host.run("/sbin/sysctl", "-n", "nothing.at.all")
    assert top.stderr == "sysctl: top level name 'nothing' in 'nothing.at.all' is invalid\n"
    assert host.run("/sbin/sysctl", "hw.physmem64").stdout == f"hw.physmem64 = {512 * 1024 * 1024}\n"
    assert host.run("/sbin/sysctl", "-a").stdout.count("\n") >= 15


def test_uname_is_netbsds(host: Host) -> None:
    host.create()
    assert host.run("uname", "-srm").stdout == "NetBSD 7.99.10 amd64\n"
    whole = host.run("uname", "-a").stdout
    assert (
        whole
        == "NetBSD dom0 7.99.10 NetBSD 7.99.10 (XEN3_DOM0) #0: Sun Nov 22 17:04:00 UTC 2026  root@vm:BUILD amd64\n"
    )
    assert host.run("uname", "-z").returncode == 1
