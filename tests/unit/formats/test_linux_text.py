# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of procfs and sysfs, as kernels print them, and as they never do."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats import linux_text
from ansible_collections.xen.pciback.plugins.module_utils.formats.linux_text import MountLine

MOUNTINFO = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
24 22 0:45 /@home /home\\040of\\134all rw,relatime master:7 propagate_from:2 - btrfs /dev/sda2 rw
25 22 0:51 / /mnt rw - nfs4 server:/a\\040b rw
26 22 8:1
"""
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t0002000A\t00000000\t0001\t0\t0\t0\tC0FFFFFF\t0\t0\t0
*\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0
eth2\t00000000\t0303000A\t0000\t0\t0\t0\t00000000\t0\t0\t0
"""
FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.2.0/24 2 0 2
        |-- 10.0.2.0
           /32 link BROADCAST
           /24 link UNICAST
        |-- 10.0.2.15
           /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
Local:
  +-- 10.0.2.0/24 2 0 2
     |-- 10.0.2.15
        /32 host LOCAL
     |-- 10.0.2.200
        /32 host LOCAL
     |-- 192.0.2.9
        /32 host LOCAL
"""
PCI_IDS = """\
#\tVersion: 2023.04.11
# Vendors, devices and subsystems. Please keep sorted.

10ec  Realtek Semiconductor Co., Ltd.
\t8139  RTL-8100/8101L/8139 PCI Fast Ethernet Adapter
\t\t10ec 8139  RT8139
8086  Intel Corporation
\t100e  82540EM Gigabit Ethernet Controller
\t\t1af4 1100  QEMU Virtual Machine
# a word between
\t2934  82801I (ICH9 Family) USB UHCI Controller #1

ffff  Illegal Vendor ID
C 0c  Serial bus controller
\t03  USB controller
\t\t30  XHCI
"""
ALIASES = """\
# Aliases extracted from modules themselves.
alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000
alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e
alias pci:v000010ECd00008139sv*sd*bc*sc*i* 8139cp
alias pci:v000010ECd00008139sv*sd*bc*sc*i* 8139too
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias pci:v00001002d*sv*sd*bc04sc03i00* snd-hda-intel
alias pci:v00001106d00003288sv00001462sd0000A0A0bc*sc*i* snd-subsystem
alias pci:v*d*sv*sd*bc01sc08i02* nvme
alias usb:v8086p100Ed*dc*dsc*dp*ic*isc*ip*in* no_pci
"""


def test_mounts():
    assert linux_text.parse_mounts(MOUNTINFO) == (
        MountLine("254:1", "/", "ext4", "/dev/vda1"),
        MountLine("0:45", "/home of\\all", "btrfs", "/dev/sda2"),
        MountLine("0:51", "/mnt", "nfs4", "server:/a b"),
    )


def test_swaps():
    text = "Filename\tType\n/dev/vda2   partition\t1\t0\t-2\n/swap\\040file   file\t1\t0\t-3\n"
    assert linux_text.parse_swaps(text) == ("/dev/vda2", "/swap file")
    assert linux_text.parse_swaps("") == ()


def test_routes_that_are_in_use():
    routes = linux_text.parse_routes(ROUTES)
    assert [(route.interface, str(route.network), route.gateway) for route in routes] == [
        ("eth0", "0.0.0.0/0", True),
        ("eth0", "10.0.2.0/24", False),
        ("eth1", "10.0.2.0/26", False),
    ]
    assert linux_text.default_interfaces(routes, "") == ("eth0",)


def test_addresses_are_where_the_most_exact_network_is():
    local = linux_text.parse_local_addresses(FIB_TRIE)
    assert local == ("10.0.2.15", "127.0.0.1", "10.0.2.200", "192.0.2.9")
    assert linux_text.place_addresses(local, linux_text.parse_routes(ROUTES)) == {
        "eth1": ("10.0.2.15",),
        "lo": ("127.0.0.1",),
        "eth0": ("10.0.2.200",),
    }


def test_ipv6_addresses():
    text = "fe800000000000005054 02\n00000000000000000000000000000001 01 80 10 80       lo\n"
    assert linux_text.parse_ipv6_addresses(text) == {"lo": ("::1",)}


def test_consoles():
    text = "tty0                 -WU (EC p  )    4:1\nttyS0                -W- (E  p a)    4:64\n"
    assert linux_text.parse_consoles(text) == ("tty0", "ttyS0")


@pytest.mark.parametrize(
    ("kind", "address", "start"),
    [
        ("778", "c0:00:02:01", "192.0.2.1"),
        ("769", "20:01:0d:b8:00:00:00:00:00:00:00:00:00:00:00:01", "2001:db8::1"),
        ("776", "00:00:00:00", None),
        ("1", "52:54:00:12:34:56", None),
        ("778", "nonsense", None),
        ("", "", None),
    ],
)
def test_where_a_tunnel_starts(kind, address, start):
    assert linux_text.tunnel_start(kind, address) == start


@pytest.mark.parametrize(
    ("vendor", "device", "name"),
    [
        (0x8086, 0x100E, "Intel Corporation 82540EM Gigabit Ethernet Controller"),
        (0x8086, 0x0001, "Intel Corporation"),
        # It stands with two tabs there, as a subsystem's name.
        (0x8086, 0x1AF4, "Intel Corporation"),
        (0x10EC, 0x8139, "Realtek Semiconductor Co., Ltd. RTL-8100/8101L/8139 PCI Fast Ethernet Adapter"),
        (0xFFFF, 0x0001, "Illegal Vendor ID"),
    ],
)
def test_names_of_devices(vendor, device, name):
    wanted = {(vendor, device), (0x8086, 0x2934)}
    assert linux_text.parse_pci_ids(PCI_IDS, wanted) == {
        (vendor, device): name,
        (0x8086, 0x2934): "Intel Corporation 82801I (ICH9 Family) USB UHCI Controller #1",
    }


def test_a_vendor_that_is_not_listed_has_no_name():
    assert not linux_text.parse_pci_ids(PCI_IDS, {(0x1234, 0x100E), (0x0C03, 0x30)})
    assert not linux_text.parse_pci_ids("", {(0x8086, 0x100E)})


@pytest.mark.parametrize(
    ("modalias", "modules"),
    [
        ("pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00", ("e1000",)),
        ("pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00", ("e1000e",)),
        ("pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", ("nvme",)),
        ("pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i01", ()),
        ("pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", ("virtio_pci",)),
        ("pci:v000010ECd00008139sv000011ECsd00008139bc02sc00i00", ("8139cp", "8139too")),
        ("pci:v00001002d00001478sv00001002sd00001478bc04sc03i00", ("snd_hda_intel",)),
        ("pci:v00001106d00003288sv00001462sd0000A0A0bc04sc03i00", ("snd_subsystem",)),
        ("usb:v8086p100E", ()),
        ("", ()),
    ],
)
def test_modules_that_drive_a_function(modalias, modules):
    assert linux_text.modules_for(modalias, linux_text.parse_aliases(ALIASES)) == modules


FIELD_WIDTHS = {"v": 8, "d": 8, "sv": 8, "sd": 8, "bc": 2, "sc": 2, "i": 2}


def functions():
    """Functions of few kinds, so that patterns meet them."""
    numbers = st.sampled_from([0x1, 0xA, 0x80])
    return st.tuples(*(numbers for _name in FIELD_WIDTHS)).map(
        lambda values: [f"{value:0{width}X}" for value, width in zip(values, FIELD_WIDTHS.values(), strict=True)]
    )


def spelled(fields):
    return "pci:" + "".join(name + field for name, field in zip(FIELD_WIDTHS, fields, strict=True))


@given(
    functions(),
    st.lists(
        st.tuples(functions(), st.lists(st.booleans(), min_size=7, max_size=7)).map(
            lambda drawn: ["*" if wild else field for field, wild in zip(*drawn, strict=True)]
        )
    ),
)
def test_modules_are_found_as_the_kernel_s_tools_match_them(function, patterns):
    # modprobe(8) takes an alias for a pattern of the shell.
    aliases = [spelled(pattern) + ("" if pattern[-1] == "*" else "*") for pattern in patterns]
    text = "".join(f"alias {alias} driver{number}\n" for number, alias in enumerate(aliases))
    expected = {f"driver{number}" for number, alias in enumerate(aliases) if fnmatchcase(spelled(function), alias)}
    assert set(linux_text.modules_for(spelled(function), linux_text.parse_aliases(text))) == expected


@given(
    st.text()
    | st.lists(st.sampled_from([*MOUNTINFO.split("\n"), *ROUTES.split("\n"), *FIB_TRIE.split("\n")])).map("\n".join)
)
def test_no_text_is_too_odd(text):
    routes = linux_text.parse_routes(text)
    linux_text.default_interfaces(routes, text)
    linux_text.parse_mounts(text)
    linux_text.parse_swaps(text)
    linux_text.parse_ipv6_addresses(text)
    linux_text.parse_consoles(text)
    linux_text.parse_pci_ids(text, {(0x8086, 0x100E)})
    linux_text.modules_for(text, linux_text.parse_aliases(text))
    linux_text.tunnel_start(text, text)
    placed = linux_text.place_addresses(linux_text.parse_local_addresses(FIB_TRIE), routes)
    assert all(placed.values())
