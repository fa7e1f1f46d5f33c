# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU's arguments, and how ssh knows the machine."""

from __future__ import annotations

from pathlib import Path

from xen import hardware

FILES = hardware.Files(Path("/lab/machine"))


def options(argv: list[str], name: str) -> list[str]:
    """What follows each occurrence of an option."""
    return [argv[number + 1] for number, each in enumerate(argv) if each == name]


def test_the_machine_has_the_cards_and_others_to_boot_and_to_log_in() -> None:
    devices = options(hardware.command_line(FILES, 2222), "-device")
    assert [each.split(",")[0] for each in devices] == [
        "intel-iommu", "virtio-blk-pci", "virtio-net-pci", "e1000", "e1000", "e1000e", "rtl8139", "e1000",
        "pcie-root-port", "nvme",
    ]  # fmt: skip
    (rtl8139,) = [each for each in devices if each.startswith("rtl8139")]
    assert ",addr=06.0," in rtl8139 and rtl8139.endswith(",multifunction=on")
    assert any(each.startswith("e1000,") and ",addr=06.1," in each for each in devices)
    assert "nvme,drive=nvme,bus=root-port,serial=xen-lab" in devices


def test_no_two_devices_share_a_place_or_an_ethernet_address() -> None:
    devices = options(hardware.command_line(FILES, 2222), "-device")
    for key in ("addr=", "mac=", "netdev="):
        values = [part for each in devices for part in each.split(",") if part.startswith(key)]
        assert len(values) == len(set(values))


def test_only_the_management_card_is_reached_from_outside_and_none_leads_out() -> None:
    networks = options(hardware.command_line(FILES, 2222), "-netdev")
    assert all("restrict=on" in each for each in networks)
    assert [each for each in networks if "hostfwd" in each] == [
        "user,id=net2,restrict=on,net=10.0.2.0/24,hostfwd=tcp:127.0.0.1:2222-:22"
    ]


def test_a_machine_without_an_iommu_is_the_same_but_for_it() -> None:
    with_it, without = (hardware.command_line(FILES, 2222, iommu) for iommu in (True, False))
    assert [each for each in with_it if each not in without] == ["intel-iommu,intremap=on"]


def test_ssh_knows_the_machine_by_its_key_only() -> None:
    text = hardware.ssh_config(Path("/a b/key"), Path("/a b/hosts"), 4022)
    assert text.splitlines()[0] == "Host xen-lab"
    assert '    IdentityFile "/a b/key"' in text.splitlines()
    assert "    StrictHostKeyChecking yes" in text.splitlines()
    assert "    Port 4022" in text.splitlines()
