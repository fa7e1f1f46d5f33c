# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host uses, read from its tools: a captured dom0, layers as their tools print them, and tools that fail.

The captured texts are in data/usage.txt and data/interrupts.txt. That of tools whose layers the captured machine lacks follows their sources.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Interface, Mount, Unseen
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import bus as netbsd_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import facts as netbsd_facts

CAPTURE = (Path(__file__).parent / "data" / "usage.txt").read_text()
BLOCK = re.compile(r"=====\[ (.*?) \]=====\n(.*?)--- exit (\d+)\n", re.DOTALL)
CAPTURED = {command: out for command, out, _status in BLOCK.findall(CAPTURE)}

SWAP = """\
Device      512-blocks     Used    Avail Capacity  Priority
/dev/wd0b       262144        0   262144     0%    0
/swapfile        65536        0    65536     0%    1
Total           327680        0   327680     0%
"""
ROUTE = """\
   route to: default
destination: default
       mask: default
    gateway: 10.0.2.2
 local addr: 10.0.2.15
  interface: wm0
      flags: <UP,GATEWAY,DONE,STATIC>
"""
RAID = """\
Components:
           /dev/wd0a: optimal
          component1: failed
           /dev/wd2a: reconstructing
Spares:
           /dev/wd3a: spare
Component label for /dev/wd0a:
   Row: 0, Column: 0, Num Rows: 1, Num Columns: 2
Parity status: clean
"""
INTERFACES = """\
wm0: flags=0x8943<UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST> mtu 1500
\tec_enabled=0x0
\taddress: 52:54:00:12:34:56
\tinet6 fe80::5054:ff:fe12:3456%wm0/64 flags 0 scopeid 0x1
vlan7: flags=0x8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1496
\tvlan: 7 parent: agr0
\tinet 192.0.2.1/24 broadcast 192.0.2.255 flags 0
\tinet alias 192.0.2.9 netmask 0xffffff00 broadcast 192.0.2.255
vlan8: flags=0x8002<BROADCAST,MULTICAST> mtu 1496
\tvlan: 0 parent: <none>
agr0: flags=0x8943<UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST> mtu 1500
\tagrproto lacp
\tagrport: wm1, flags=0x3<COLLECTING,DISTRIBUTING>
\tagrport: wm2, flags=0x0
lagg0: flags=0x8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tlaggproto lacp
\tlaggport:
\t\twm3 pri=32768 flags=0x7<ACTIVE,COLLECTING,DISTRIBUTING>
\t\twm4 pri=32768 flags=0x0
\taddress: 52:54:00:12:34:59
gif0: flags=0x8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1280
\ttunnel inet 192.0.2.1 --> 198.51.100.7
\tinet6 2001:db8::1 -> 2001:db8::2 prefixlen 128
tap0: flags=0x0 mtu 1500
"""
BRIDGES = """\
bridge0: flags=41<UP,RUNNING>
\tConfiguration:
\t\tpriority 32768 hellotime 2 fwddelay 15 maxage 20
\tInterfaces:
\t\ttap0 flags=3<LEARNING,DISCOVER>
\t\t\tport 5 priority 128
\t\twm0 flags=3<LEARNING,DISCOVER>
\t\t\tport 1 priority 128
\tAddress cache (max cache: 100, timeout: 1200):
\t\t52:54:00:12:34:56 wm0 1199 flags=0<>
bridge1: flags=0<>
"""


class Tools:
    """Answers for command lines; what has none is not installed."""

    def __init__(self, **more: str) -> None:
        self.asked: list[str] = []
        self.answers = {
            "/sbin/drvctl -lt": CAPTURED["drvctl -lt"],
            "/sbin/mount": CAPTURED["mount"],
            "/sbin/ifconfig -a": CAPTURED["ifconfig -a"],
            "/sbin/swapctl -l": "no swap devices configured\n",
            "/sbin/route -n get default": ROUTE,
            "/sbin/sysctl -n kern.root_device": "wd0\n",
            **more,
        }

    def __call__(self, argv, cwd=None):
        command = " ".join(argv)
        self.asked.append(command)
        if command == "/sbin/route -n get -inet6 default":
            return 1, "", "route: writing to routing socket: not in table\n"
        if command not in self.answers:
            return 127, "", f"{argv[0]}: No such file or directory"
        return 0, self.answers[command], ""


@pytest.fixture(autouse=True)
def dmesg(tmp_path, monkeypatch):
    path = tmp_path / "dmesg.boot"
    monkeypatch.setattr(netbsd_bus, "DMESG_BOOT", str(path))
    return path


def card(number: int, driver: str | None) -> Device:
    return Device(Address(0, 0, number, 0), 0x8086, 0x100E, 0x020000, driver=driver)


def macs(text: str, *drivers: str | None, status: int = 0) -> list[str | None]:
    """The MACs of cards with these drivers, on a host whose ifconfig(8) prints this."""
    devices = [card(number, driver) for number, driver in enumerate(drivers)]
    return [device.mac for device in netbsd_facts.with_macs(lambda argv: (status, text, ""), devices)]


def test_cards_have_the_ethernet_addresses_of_their_interfaces():
    assert macs(CAPTURED["ifconfig -a"], "ne0", "wm0", "pciback0", None) == [
        "52:54:00:12:34:58",
        "52:54:00:12:34:5a",
        None,
        None,
    ]
    assert macs(INTERFACES, "wm0") == ["52:54:00:12:34:56"]
    assert macs("", "wm0", status=1) == [None]


def test_an_address_that_tells_no_card_is_none():
    port = "wm{}: flags=0x8943<UP> mtu 1500\n\taddress: {}\n"
    shared = "".join(port.format(unit, "52:54:00:12:34:56") for unit in (0, 1)) + port.format(2, "00:00:00:00:00:00")
    assert macs(shared, "wm0", "wm1", "wm2") == [None, None, None]
    # agr(4) shows the address of its port; it is no card.
    assert macs(INTERFACES + "agr0: flags=0<> mtu 1500\n\taddress: 52:54:00:12:34:56\n", "wm0") == ["52:54:00:12:34:56"]


def test_captured_host():
    tools = Tools()
    facts = netbsd_facts.read_facts(tools)
    assert facts.unchecked == ()
    assert facts.parents["wd0"] == "atabus0" and facts.parents["atabus0"] == "piixide0"
    assert facts.parents["piixide0"] == "pci0" and facts.parents["pci0"] == "hypervisor0"
    assert facts.parents["cd0"] == "atapibus0" and facts.parents["wsdisplay0"] == "vga0"
    assert facts.parents["swcrypto0"] == "" and facts.parents["mainbus0"] == ""
    assert facts.mounts == (Mount("/dev/wd0a", "/", "ffs"), Mount("kernfs", "/kern", "kernfs"))
    assert list(facts.interfaces) == ["ne0", "wm0", "wm1", "wm2", "wm3", "wm4", "lo0"]
    assert not any(interface.up or interface.addresses for interface in facts.interfaces.values())
    assert facts.default_routes == ("wm0",) and facts.root_device == "wd0"
    assert not [command for command in tools.asked if "raidctl" in command or "brconfig" in command]


def test_interrupt_lines_are_those_of_the_last_boot():
    earlier = "mainbus0 (root)\nwm0: interrupting at ioapic0 pin 19, event channel 4\nne1: interrupting at irq 5\n"
    messages = (Path(__file__).parent / "data" / "interrupts.txt").read_text()
    assert netbsd_facts.parse_interrupts(earlier + messages) == {
        "piixide0": ("ioapic0 pin 14", "ioapic0 pin 15"),
        "pciback0": ("ioapic0 pin 11",),
        "pciback1": ("ioapic0 pin 10",),
        "ne0": ("ioapic0 pin 10",),
        "wm0": ("ioapic0 pin 11",),
        "wm1": ("ioapic0 pin 10",),
        "wm2": ("ioapic0 pin 10",),
        "wm3": ("ioapic0 pin 11",),
        "wm4": ("ioapic0 pin 11",),
    }
    assert netbsd_facts.parse_interrupts("wm0: interrupting at msi0 vec 0\nmainbus0 (root)\n") == {}


def test_server_address_comes_from_the_connection():
    assert netbsd_facts.read_facts(Tools(), "192.0.2.7 50000 192.0.2.1 22").server_address == "192.0.2.1"
    assert netbsd_facts.read_facts(Tools(), "nonsense").server_address is None
    assert netbsd_facts.read_facts(Tools()).server_address is None


def test_interfaces_and_what_carries_them():
    found = netbsd_facts.parse_interfaces(INTERFACES)
    assert found["vlan7"] == Interface("vlan7", True, ("192.0.2.1", "192.0.2.9"), ("agr0",))
    assert found["vlan8"] == Interface("vlan8")
    assert found["agr0"].parts == ("wm1", "wm2")
    assert found["lagg0"].parts == ("wm3", "wm4")
    assert found["gif0"].tunnel == "192.0.2.1" and found["gif0"].addresses == ("2001:db8::1",)
    assert found["wm0"].addresses == ("fe80::5054:ff:fe12:3456%wm0",)
    assert found["tap0"] == Interface("tap0")


def test_bridges_and_their_members():
    assert netbsd_facts.parse_bridges(BRIDGES) == {"bridge0": ("tap0", "wm0"), "bridge1": ()}


def test_bridges_are_asked_only_if_there_are_any():
    tools = Tools(**{"/sbin/ifconfig -a": "bridge0: flags=0x41<UP,RUNNING> mtu 1500\n", "/sbin/brconfig -a": BRIDGES})
    assert netbsd_facts.read_facts(tools).bridges["bridge0"] == ("tap0", "wm0")


def test_swap_areas():
    assert netbsd_facts.parse_swap(SWAP) == ("/dev/wd0b", "/swapfile")
    assert netbsd_facts.parse_swap("no swap devices configured\n") == ()


def test_mount_points_with_blanks():
    (mount,) = netbsd_facts.parse_mounts("/dev/sd0e on /mnt/on type a type msdos (local, noexec)\n")
    assert mount == Mount("/dev/sd0e", "/mnt/on type a", "msdos")


def test_layers_are_followed_down_to_their_disks():
    facts = netbsd_facts.read_facts(
        Tools(
            **{
                "/sbin/mount": "/dev/cgd0a on / type ffs (local)\n/dev/ccd0e on /a type ffs (local)\n",
                "/sbin/cgdconfig -l cgd0": "cgd0: raid0e aes-cbc\n",
                "/sbin/raidctl -s raid0": RAID,
                "/sbin/ccdconfig -g ccd0": "ccd0\t\t32\t0x0\t1048576\t/dev/dk3 /dev/wd4e\n",
                "/sbin/dkctl dk3 getwedgeinfo": "dk3 at wd5: data: a\ndk3: 100 blocks at 64, type: ccd\n",
            }
        )
    )
    assert facts.layers == {
        "cgd0": ("raid0e",),
        "raid0": ("wd0a", "wd2a", "wd3a"),
        "ccd0": ("/dev/dk3", "/dev/wd4e"),
        "dk3": ("wd5",),
    }
    assert facts.unchecked == ()


def test_older_ccdconfig_prints_no_size():
    assert netbsd_facts.parse_concatenated("# ccd\t\tileave\tflags\nccd1\t\t16\t0x2\t/dev/wd0e /dev/wd1e\n") == {
        "ccd1": ("/dev/wd0e", "/dev/wd1e")
    }


def test_cgd_that_is_not_in_use():
    assert netbsd_facts.parse_encrypted("cgd0: not in use\n") == {}


def test_missing_tools_are_named_and_end_nothing(dmesg):
    dmesg.write_text(
        "pci0 at hypervisor0 bus 0: configuration mode 1\n"
        "piixide0 at pci0 dev 1 function 1: Intel 82371SB IDE Interface (PIIX3) (rev. 0x00)\n"
        "atabus0 at piixide0 channel 0\nwd0 at atabus0 drive 0\ncom2 at puc0 port 0\ncom2: console\n"
    )
    tools = Tools()
    tools.answers = {}
    facts = netbsd_facts.read_facts(tools)
    gone = "No such file or directory"
    assert facts.unchecked == (
        f"'/sbin/drvctl -lt' failed (/sbin/drvctl: {gone}): the tree of devices is taken from the kernel's messages",
    )
    assert facts.unseen == (
        Unseen("disks", f"'/sbin/mount' failed (/sbin/mount: {gone}): mounted file systems were not looked at"),
        Unseen("disks", f"'/sbin/swapctl -l' failed (/sbin/swapctl: {gone}): swap areas were not looked at"),
        Unseen(
            "network", f"'/sbin/ifconfig -a' failed (/sbin/ifconfig: {gone}): network interfaces were not looked at"
        ),
        Unseen(
            "network",
            f"'/sbin/route -n get default' failed (/sbin/route: {gone}): this default route was not looked at",
        ),
    )
    assert facts.parents["wd0"] == "atabus0", "the kernel's messages know the tree as well"
    assert facts.locations == {"piixide0": parse_address("00:01.1")}
    assert list(facts.consoles) == ["com2"]


@pytest.mark.parametrize(
    ("command", "said", "uses", "why"),
    [
        ("/sbin/mount", "", ["disks"], "prints nothing, which tells nothing: mounted file systems were not looked at"),
        (
            "/sbin/mount",
            "kernfs on /kern type kernfs (local)\n",
            ["disks"],
            "prints 'kernfs on /kern type kernfs (local)', which tells nothing: mounted file systems were not looked at",
        ),
        ("/sbin/swapctl -l", "", ["disks"], "prints nothing, which tells nothing: swap areas were not looked at"),
        (
            "/sbin/ifconfig -a",
            "\n",
            ["network"],
            "prints nothing, which tells nothing: network interfaces were not looked at",
        ),
        ("/sbin/route -n get default", "", ["network"], "names no interface: this default route was not looked at"),
    ],
)
def test_silence_of_a_tool_is_no_answer(command, said, uses, why):
    facts = netbsd_facts.read_facts(Tools(**{command: said}))
    assert facts.unseen == tuple(Unseen(use, f"'{command}' {why}") for use in uses)


def test_a_layer_that_is_not_told_is_not_none():
    tools = Tools(**{"/sbin/mount": "/dev/raid0a on / type ffs (local)\n", "/sbin/raidctl -s raid0": "Components:\n"})
    why = "'/sbin/raidctl -s raid0' prints 'Components:', which tells nothing: what raid0 lies on is not known"
    assert netbsd_facts.read_facts(tools).unseen == (Unseen("disks", why),)


def test_a_bridge_that_is_not_told_is_not_empty():
    tools = Tools(**{"/sbin/ifconfig -a": "bridge0: flags=0x41<UP,RUNNING> mtu 1500\n", "/sbin/brconfig -a": ""})
    why = "'/sbin/brconfig -a' prints nothing, which tells nothing: members of bridges are not known"
    assert netbsd_facts.read_facts(tools).unseen == (Unseen("network", why),)


def test_without_a_tree_nothing_can_be_traced():
    facts = netbsd_facts.read_facts(Tools(**{"/sbin/drvctl -lt": ""}))
    assert [gap.use for gap in facts.unseen] == ["disks", "network"]
    assert {gap.why for gap in facts.unseen} == {
        f"neither /sbin/drvctl nor {netbsd_bus.DMESG_BOOT} tells the tree of devices: where disks and network interfaces "
        "are is not known"
    }
    assert facts.unchecked == (
        "'/sbin/drvctl -lt' prints nothing, which tells nothing: the tree of devices is taken from the kernel's messages",
    )


def test_location_on_a_bus_behind_a_bridge(dmesg):
    dmesg.write_text("pci3 at ppb0 bus 5\npuc0 at pci3 dev 2 function 1: a card\npuc1 at pci9 dev 1 function 0\n")
    assert netbsd_facts.read_facts(Tools()).locations == {"puc0": parse_address("05:02.1")}


PARSERS = [
    netbsd_facts.parse_tree,
    netbsd_facts.parse_mounts,
    netbsd_facts.parse_swap,
    netbsd_facts.parse_interfaces,
    netbsd_facts.parse_bridges,
    netbsd_facts.parse_route,
    netbsd_facts.parse_components,
    netbsd_facts.parse_encrypted,
    netbsd_facts.parse_concatenated,
    netbsd_facts.parse_wedge,
]
PIECES = st.sampled_from(
    ["wd0", "raid0", " on ", " type ", ": flags=", "<UP>", "\t", "\t\t", "\n", " at ", "/dev/", ": "]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=30).map("".join))
def test_no_output_of_a_tool_breaks_a_run(text):
    for parser in PARSERS:
        parser(text)
    tools = Tools(**dict.fromkeys(Tools().answers, text))
    assert isinstance(netbsd_facts.read_facts(tools, text).unchecked, tuple)
