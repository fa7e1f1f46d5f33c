# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which configuration spaces are read: a converged host pays for the devices that it gives away, and for no other."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import parse_selector
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from tests.unit.host.netbsd.test_bus import Transcript, nine_nics

CARD = parse_address("00:04.0")


@pytest.fixture
def host(tmp_path, monkeypatch) -> Transcript:
    """A dom0 with nine network cards, whose pciback holds 00:04.0; every card answers with the same registers."""
    (tmp_path / "pci").mkdir()
    (tmp_path / "pci" / str(CARD)).touch()
    monkeypatch.setattr(bus, "KERNFS_PCI", str(tmp_path / "pci"))
    monkeypatch.setattr(bus, "DMESG_BOOT", str(tmp_path / "dmesg.boot"))
    transcript = nine_nics()
    for device in bus.devices(nine_nics()):
        transcript.add(
            f"pcictl pci0 dump -b 0 -d {device.address.device} -f {device.address.function}", "pcictl pci0 dump -d 4"
        )
    transcript.answers["ifconfig -a"] = (0, "", "")
    return transcript


def read(host, selector, pins=None):
    """Which configuration spaces were read, by device number."""
    host.asked.clear()
    devices = Netbsd(host).devices_for([parse_selector(selector)], bus.claims() or (), pins or {})
    dumped = [int(found.group(1)) for text in host.asked for found in [re.search(r"dump -b 0 -d (\d+)", text)] if found]
    assert sorted(dumped) == [device.address.device for device in devices if device.config is not None]
    return sorted(dumped)


@pytest.fixture
def pin(host):
    return pin_of(next(each for each in bus.devices(host, configuration=True) if each.address == CARD))


def test_a_converged_host_pays_for_what_it_gives_away(host, pin):
    assert read(host, {"address": "00:04.0"}, {CARD: pin}) == [4]


def test_a_selector_by_subsystem_asks_those_that_match_otherwise(host):
    assert read(host, {"id": "10ec:8139", "subsystem": "1af4:1100"}) == [4, 5]
    assert len(read(host, {"subsystem": "1af4:1100"})) == 14


@pytest.mark.parametrize(
    "change", [{"subsystem": "8086:0001"}, {"serial": "52-54-00-ff-ff-12-34-56"}, {"slot": "0000:00/05.0"}]
)
def test_all_are_read_if_a_pinned_device_is_not_surely_there(host, pin, change):
    assert len(read(host, {"address": "00:04.0"}, {CARD: replace(pin, **change)})) == 14


def test_all_are_read_if_nobody_is_where_a_device_was_pinned(host, pin):
    assert len(read(host, {"address": "00:04.0"}, {parse_address("00:1e.0"): pin})) == 14
