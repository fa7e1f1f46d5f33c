# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of procfs, as kernels print them, and as they never do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats import procfs
from ansible_collections.xen.pciback.plugins.module_utils.formats.procfs import MountLine

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


def test_mounts():
    assert procfs.parse_mounts(MOUNTINFO) == (
        MountLine("254:1", "/", "ext4", "/dev/vda1"),
        MountLine("0:45", "/home of\\all", "btrfs", "/dev/sda2"),
        MountLine("0:51", "/mnt", "nfs4", "server:/a b"),
    )


def test_swaps():
    text = "Filename\tType\n/dev/vda2   partition\t1\t0\t-2\n/swap\\040file   file\t1\t0\t-3\n"
    assert procfs.parse_swaps(text) == ("/dev/vda2", "/swap file")
    assert procfs.parse_swaps("") == ()


def test_routes_that_are_in_use():
    routes = procfs.parse_routes(ROUTES)
    assert [(route.interface, str(route.network), route.gateway) for route in routes] == [
        ("eth0", "0.0.0.0/0", True),
        ("eth0", "10.0.2.0/24", False),
        ("eth1", "10.0.2.0/26", False),
    ]
    assert procfs.default_interfaces(routes, "") == ("eth0",)


def test_addresses_are_where_the_most_exact_network_is():
    local = procfs.parse_local_addresses(FIB_TRIE)
    assert local == ("10.0.2.15", "127.0.0.1", "10.0.2.200", "192.0.2.9")
    assert procfs.place_addresses(local, procfs.parse_routes(ROUTES)) == {
        "eth1": ("10.0.2.15",),
        "lo": ("127.0.0.1",),
        "eth0": ("10.0.2.200",),
    }


def test_ipv6_addresses():
    text = "fe800000000000005054 02\n00000000000000000000000000000001 01 80 10 80       lo\n"
    assert procfs.parse_ipv6_addresses(text) == {"lo": ("::1",)}


def test_consoles():
    text = "tty0                 -WU (EC p  )    4:1\nttyS0                -W- (E  p a)    4:64\n"
    assert procfs.parse_consoles(text) == ("tty0", "ttyS0")


TUNNELS = [
    ("778", "c0:00:02:01", "192.0.2.1"),
    ("769", "20:01:0d:b8:00:00:00:00:00:00:00:00:00:00:00:01", "2001:db8::1"),
    ("776", "00:00:00:00", None),
    ("1", "52:54:00:12:34:56", None),
    ("778", "nonsense", None),
    ("", "", None),
]


@pytest.mark.parametrize(("kind", "address", "start"), TUNNELS)
def test_where_a_tunnel_starts(kind, address, start):
    assert procfs.tunnel_start(kind, address) == start


@given(
    st.text()
    | st.lists(st.sampled_from([*MOUNTINFO.split("\n"), *ROUTES.split("\n"), *FIB_TRIE.split("\n")])).map("\n".join)
)
def test_no_text_is_too_odd(text):
    routes = procfs.parse_routes(text)
    procfs.default_interfaces(routes, text)
    procfs.parse_mounts(text)
    procfs.parse_swaps(text)
    procfs.parse_ipv6_addresses(text)
    procfs.parse_consoles(text)
    procfs.tunnel_start(text, text)
    placed = procfs.place_addresses(procfs.parse_local_addresses(FIB_TRIE), routes)
    assert all(placed.values())
