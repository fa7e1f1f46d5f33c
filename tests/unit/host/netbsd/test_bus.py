# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a real NetBSD dom0 printed, read by the adapter."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import Bar
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus as netbsd_bus

DATA = Path(__file__).parent / "data"
BLOCK = re.compile(r"=====\[ (.*?) \]=====\n(.*?)--- exit (\d+)\n", re.DOTALL)


class Transcript:
    """Answers as the captured machine did; a question that it was not asked is a failure of the test."""

    def __init__(self, name: str, **more: str) -> None:
        self.answers = {
            command: (int(status), out, "") for command, out, status in BLOCK.findall((DATA / name).read_text())
        }
        self.asked: list[str] = []

    def add(self, command: str, like: str) -> Transcript:
        self.answers[command] = self.answers[like]
        return self

    def __call__(self, argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        command = " ".join([os.path.basename(argv[0]), *argv[1:]])
        self.asked.append(command)
        assert argv[0].startswith("/"), "root's PATH over ssh has no sbin"
        return self.answers[command]


@pytest.fixture(autouse=True)
def kernfs(tmp_path, monkeypatch):
    """A kernfs in which pciback holds two functions, and a dmesg without bus lines."""
    pci = tmp_path / "pci"
    pci.mkdir()
    for name in ("0000:00:05.0", "0000:00:04.0"):
        (pci / name).touch()
    monkeypatch.setattr(netbsd_bus, "KERNFS_PCI", str(pci))
    monkeypatch.setattr(netbsd_bus, "DMESG_BOOT", str(tmp_path / "dmesg.boot"))
    return pci


def nine_nics() -> Transcript:
    return Transcript("nine-nics.txt").add("pcictl pci0 list -b 0 -N", like="pcictl pci0 list -N")


def test_reads_decimal_listing():
    devices = {device.address.bdf: device for device in netbsd_bus.devices(nine_nics())}
    assert len(devices) == 14
    card = devices["00:0a.0"]
    assert (card.id, card.class_code, card.revision, card.driver) == ("8086:100e", 0x020000, 3, "wm2")
    assert card.name == "Intel i82540EM 1000baseT Ethernet"
    assert devices["00:00.0"].name == "Intel 82441FX (PMC) PCI and Memory Controller"
    assert devices["00:07.0"].driver is None
    assert devices["00:04.0"].held_by_backend
    assert devices["00:01.0"].is_bridge and not devices["00:01.0"].is_pci_bridge


def test_two_calls_for_one_bus():
    host = nine_nics()
    netbsd_bus.devices(host)
    assert host.asked == ["pcictl pci0 list -n", "pcictl pci0 list -b 0 -N"]


def test_reads_configuration_space():
    host = nine_nics()
    for device in netbsd_bus.devices(nine_nics()):
        where = f"-b 0 -d {device.address.device} -f {device.address.function}"
        host.add(f"pcictl pci0 dump {where}", like="pcictl pci0 dump -d 4")
    card = next(d for d in netbsd_bus.devices(host, configuration=True) if d.address.bdf == "00:04.0")
    assert card.subsystem_id == "1af4:1100"
    assert card.bars == (Bar(0, "mem32", 0xFEB20000), Bar(1, "io", 0xC200))
    assert card.irq == 0xC7
    assert (card.slot, card.serial) == ("0000:00/04.0", None)


def test_configuration_space_that_can_not_be_read_is_unknown():
    host = nine_nics()
    for device in netbsd_bus.devices(nine_nics()):
        where = f"-b 0 -d {device.address.device} -f {device.address.function}"
        host.answers[f"pcictl pci0 dump {where}"] = (1, "", "pcictl: /dev/pci0: Device not configured")
    assert {device.config for device in netbsd_bus.devices(host, configuration=True)} == {None}


def test_configuration_space_is_read_through_the_first_bus_if_its_own_has_no_node(tmp_path):
    dump = nine_nics().answers["pcictl pci0 dump -d 4"]
    host = Transcript("bridge.txt")
    status, listing, err = host.answers["pcictl pci1 list -b 1 -Nn"]
    host.answers["pcictl pci0 list -n"] = (status, re.sub(r" \[\w+\]", "", listing), err)
    (tmp_path / "dmesg.boot").write_text("pci0 at hypervisor0 bus 0\npci1 at ppb0 bus 1\n")
    for number in (3, 11):
        where = f"-b 1 -d {number} -f 0"
        host.answers[f"pcictl pci1 dump {where}"] = (1, "", "pcictl: /dev/pci1: No such file or directory")
        host.answers[f"pcictl pci0 dump {where}"] = dump
    assert [device.subsystem_id for device in netbsd_bus.devices(host, configuration=True)] == ["1af4:1100"] * 2


@pytest.mark.parametrize("unit", [1, 3])
def test_drivers_are_asked_through_the_bus_s_own_node(tmp_path, unit):
    host = Transcript("bridge.txt")
    status, listing, err = host.answers["pcictl pci1 list -b 1 -Nn"]
    host.answers["pcictl pci0 list -n"] = (status, re.sub(r" \[\w+\]", "", listing), err)
    host.add(f"pcictl pci{unit} list -b 1 -N", like="pcictl pci1 list -b 1 -N")
    (tmp_path / "dmesg.boot").write_text(f"pci0 at hypervisor0 bus 0: configuration mode 1\npci{unit} at ppb0 bus 1\n")
    drivers = {device.address.bdf: device.driver for device in netbsd_bus.devices(host)}
    assert drivers == {"01:03.0": "pciback1", "01:0b.0": "re1"}
    assert host.asked[-1] == f"pcictl pci{unit} list -b 1 -N"


def test_a_stray_file_in_kernfs_is_named(kernfs):
    (kernfs / ".DS_Store").touch()
    with pytest.raises(PcibackError) as caught:
        netbsd_bus.claims()
    assert str(caught.value) == (
        f"{kernfs}/.DS_Store: its name is no PCI address, so it is none of the functions that pciback shows there"
    )
    assert caught.value.remedy == "see what is mounted on /kern; it has to be kernfs"


def test_names_that_are_no_text_can_be_shown():
    name = b"Caf\xe9 card".decode("utf-8", "surrogateescape")
    device = netbsd_bus._device(parse_address("00:05.0"), "0x813910ec (0x02000020)", f"{name} [re0]")
    assert (device.name, device.driver) == (r"Caf\xe9 card", "re0")


def test_claims_come_from_kernfs_alone(kernfs):
    assert netbsd_bus.claims() == (parse_address("00:04.0"), parse_address("00:05.0"))
    for file in kernfs.iterdir():
        file.unlink()
    assert netbsd_bus.claims() == ()
    kernfs.rmdir()
    assert netbsd_bus.claims() is None


def test_a_claimed_function_without_driver_name_is_held():
    """Old versions of pcictl have no -N; kernfs still tells."""
    host = nine_nics()
    host.answers["pcictl pci0 list -b 0 -N"] = (1, "", "usage: pcictl device command")
    status, out, err = host.answers["pcictl pci0 list -N"]
    host.answers["pcictl pci0 list -b 0"] = (status, re.sub(r" \[\w+\]", "", out), err)
    drivers = {device.address.bdf: device.driver for device in netbsd_bus.devices(host)}
    assert (drivers["00:04.0"], drivers["00:08.0"]) == ("pciback", None)


def test_failing_tool_is_named():
    with pytest.raises(PcibackError, match="'/usr/sbin/pcictl pci0 list -n' failed with status 1: pcictl: /dev/pci9"):
        host = Transcript("bridge.txt").add("pcictl pci0 list -n", like="pcictl pci9 list")
        netbsd_bus.devices(host)


@pytest.mark.parametrize(
    ("kernel", "sentence"),
    [
        ("GENERIC\n", "this host runs GENERIC, not a NetBSD dom0 under Xen"),
        ("XEN3_DOM0\n", "kernfs is not mounted, so the kernel can't say which devices pciback holds"),
    ],
)
def test_other_kernels_are_refused(monkeypatch, tmp_path, kernel, sentence):
    monkeypatch.setattr(netbsd_bus, "KERNFS_XEN", str(tmp_path / "none"))
    with pytest.raises(PcibackError) as caught:
        netbsd_bus.check_dom0(lambda argv: (0, kernel, ""))
    assert str(caught.value) == sentence
    assert caught.value.remedy


def test_a_dom0_is_recognised_by_kernfs(monkeypatch, tmp_path):
    monkeypatch.setattr(netbsd_bus, "KERNFS_XEN", str(tmp_path))
    netbsd_bus.check_dom0(lambda argv: pytest.fail("sysctl is not needed"))
