# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards on facts: which device is refused, with which evidence, and that nothing untraceable is silent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.devices.device import Device
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.config_space import ConfigSpace
from ansible_collections.xen.pciback.plugins.module_utils.guards.safety import (
    Facts,
    Interface,
    Mount,
    Verdict,
    disk_of,
    guard,
    siblings,
)


def device(bdf: str, class_code: int, driver: str | None) -> Device:
    return Device(parse_address(bdf), 0x8086, 0x1000, class_code, name="a card", driver=driver, config=ConfigSpace({}))


DEVICES = (
    device("00:01.0", 0x060100, "pcib0"),
    device("00:01.1", 0x010180, "piixide0"),
    device("00:02.0", 0x030000, "vga0"),
    device("00:04.0", 0x020000, "wm0"),
    device("00:05.0", 0x020000, "wm1"),
    device("00:06.0", 0x060400, "ppb0"),
    device("01:00.0", 0x010601, "ahcisata0"),
    device("01:01.0", 0x070002, "puc0"),
    device("01:02.0", 0x0C0330, "xhci0"),
)
TREE = {
    "mainbus0": "",
    "pci0": "mainbus0",
    "pcib0": "pci0",
    "piixide0": "pci0",
    "atabus0": "piixide0",
    "wd0": "atabus0",
    "vga0": "pci0",
    "wsdisplay0": "vga0",
    "wm0": "pci0",
    "makphy0": "wm0",
    "wm1": "pci0",
    "ppb0": "pci0",
    "pci1": "ppb0",
    "ahcisata0": "pci1",
    "atabus2": "ahcisata0",
    "wd1": "atabus2",
    "puc0": "pci1",
    "com2": "puc0",
    "xhci0": "pci1",
    "usb0": "xhci0",
    "sd0": "usb0",
    "wskbd1": "usb0",
    "raid0": "",
    "cgd0": "",
    "dk0": "",
}
NICS = {
    "wm0": Interface("wm0", True, ("192.0.2.1",)),
    "wm1": Interface("wm1"),
    "lo0": Interface("lo0", True, ("127.0.0.1",)),
}
BASE = Facts(
    parents=TREE,
    mounts=(Mount("/dev/wd0a", "/", "ffs"),),
    root_device="wd0",
    interfaces=NICS,
    default_routes=("wm0",),
    iommu=True,
)


def choose(*addresses: str) -> list[Device]:
    return [device for device in DEVICES if device.address.bdf in addresses]


def judge(facts: Facts, *addresses: str):
    return guard(facts, DEVICES, choose(*addresses))


def found(facts: Facts) -> set[tuple[str, str]]:
    """Everything that would be refused if all were given away."""
    return {(finding.code, finding.device.bdf) for finding in guard(facts, DEVICES, DEVICES).findings}


def test_boot_disk_with_its_chain():
    (finding,) = judge(BASE, "00:01.1").findings
    assert (finding.code, finding.device) == ("boot-disk", parse_address("00:01.1"))
    assert finding.message.endswith(
        "wd0a is /; wd0 is on atabus0, piixide0, pci0 dev 1 function 1; wd0 is the root device"
    )
    assert "allow code 'boot-disk'" in finding.remedy


def test_what_is_not_chosen_is_not_refused():
    verdict = judge(BASE, "01:00.0")
    assert verdict.findings == () and verdict.warnings == ()


@pytest.mark.parametrize(
    ("changes", "controller", "evidence"),
    [
        ({"swap": ("/dev/wd1b",)}, "01:00.0", "wd1b is swap; wd1 is on atabus2, ahcisata0, pci1 dev 0 function 0"),
        ({"mounts": (Mount("/dev/sd0e", "/mnt", "msdos"),)}, "01:02.0", "sd0 is on usb0, xhci0, pci1 dev 2 function 0"),
        (
            {"mounts": (Mount("/dev/raid0a", "/", "ffs"),), "layers": {"raid0": ("wd0a", "wd1a")}},
            "01:00.0",
            "raid0a is /; raid0 lies on wd0a, wd1a; wd1 is on atabus2, ahcisata0",
        ),
        (
            {
                "mounts": (Mount("/dev/cgd0a", "/home", "ffs"),),
                "layers": {"cgd0": ("raid0e",), "raid0": ("dk0",), "dk0": ("wd1",)},
            },
            "01:00.0",
            "cgd0a is /home; cgd0 lies on raid0e; raid0 lies on dk0; dk0 lies on wd1; wd1 is on atabus2",
        ),
        (
            {"mounts": (Mount("root_device", "/", "ffs"),), "root_device": "wd1"},
            "01:00.0",
            "wd1 is /; wd1 is on atabus2",
        ),
    ],
)
def test_disks_through_their_layers(changes, controller, evidence):
    findings = {
        f.device.bdf: f for f in guard(replace(BASE, **changes), DEVICES, DEVICES).findings if f.code == "boot-disk"
    }
    assert evidence in findings[controller].message


@pytest.mark.parametrize(
    ("mount", "named"),
    [
        (Mount("tank/root", "/", "zfs"), "tank/root (/)"),
        (Mount("/dev/mapper/vg-home", "/home", "ffs"), "mapper/vg-home (/home)"),
        (Mount("server:/export", "/mnt", "nfs"), "server:/export (/mnt)"),
        (Mount("/dev/raid0a", "/", "ffs"), "raid0a (/)"),
        (Mount("/dev/ld7a", "/x", "ffs"), "ld7a (/x)"),
        (Mount("root_device", "/", "ffs"), "root_device (/)"),
    ],
)
def test_what_can_not_be_traced_is_named(mount, named):
    verdict = judge(replace(BASE, mounts=(mount,), root_device=None), "01:00.0")
    assert any(warning.startswith(f"{named} can't be traced to the bus") for warning in verdict.warnings)


@pytest.mark.parametrize(
    "mount",
    [
        Mount("kernfs", "/kern", "kernfs"),
        Mount("tmpfs", "/tmp", "tmpfs"),
        Mount("/usr/pkg", "/opt", "null"),
        Mount("/dev/vnd0a", "/mnt", "cd9660"),
        Mount("/dev/md0a", "/", "ffs"),
    ],
)
def test_what_lies_on_no_disk_of_its_own_needs_no_trace(mount):
    verdict = judge(replace(BASE, mounts=(mount,), root_device=None), "00:01.1")
    assert verdict == judge(replace(BASE, mounts=(), root_device=None), "00:01.1")


def test_management_nic_by_default_route():
    (finding,) = judge(BASE, "00:04.0", "00:05.0").findings
    assert (finding.code, finding.device.bdf) == ("management-nic", "00:04.0")
    assert finding.message.endswith("the default route leaves through wm0; wm0 is at pci0 dev 4 function 0")


@pytest.mark.parametrize("server", ["192.0.2.1", "::ffff:192.0.2.1"])
def test_management_nic_by_connection(server):
    (finding,) = judge(replace(BASE, default_routes=(), server_address=server), "00:04.0").findings
    assert f"this connection came in at {server}, an address of wm0" in finding.message


def test_management_nic_by_scope():
    both = {name: Interface(name, True, (f"fe80::1%{name}",)) for name in ("wm0", "wm1")}
    facts = replace(BASE, default_routes=(), interfaces=both, server_address="fe80:0::1%wm1")
    assert found(facts) >= {("management-nic", "00:05.0")} and ("management-nic", "00:04.0") not in found(facts)


@pytest.mark.parametrize(
    ("interfaces", "bridges", "evidence"),
    [
        ({"vlan7": Interface("vlan7", True, ("192.0.2.9",), ("wm1",))}, {}, "vlan7 is carried by wm1; wm1 is at pci0"),
        (
            {
                "vlan7": Interface("vlan7", True, ("192.0.2.9",), ("agr0",)),
                "agr0": Interface("agr0", True, (), ("wm0", "wm1")),
            },
            {},
            "vlan7 is carried by agr0; agr0 is carried by wm1; wm1 is at pci0",
        ),
        (
            {"tap0": Interface("tap0", True, ("192.0.2.9",)), "xvif1i0": Interface("xvif1i0", True)},
            {"bridge0": ("xvif1i0", "tap0", "wm1")},
            "tap0 is a member of bridge0; bridge0 bridges wm1; wm1 is at pci0",
        ),
        (
            {
                "gif0": Interface("gif0", True, ("192.0.2.9",), tunnel="198.51.100.1"),
                "wm1": Interface("wm1", True, ("198.51.100.1",)),
            },
            {},
            "gif0 is a tunnel from 198.51.100.1 of wm1; wm1 is at pci0",
        ),
    ],
)
def test_management_nic_through_what_lies_above_it(interfaces, bridges, evidence):
    facts = replace(BASE, interfaces=interfaces, bridges=bridges, default_routes=(), server_address="192.0.2.9")
    (finding,) = judge(facts, "00:05.0").findings
    assert finding.code == "management-nic" and evidence in finding.message
    assert not any("can't be traced" in warning for warning in judge(facts, "00:05.0").warnings)


def test_a_member_of_a_bridge_does_not_endanger_the_others():
    facts = replace(BASE, bridges={"bridge0": ("wm0", "wm1")})
    verdict = judge(facts, "00:05.0")
    assert verdict.findings == ()
    assert any("dom0 loses wm1, a member of bridge0" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    "changes",
    [
        {"default_routes": ("wg0",)},
        {"default_routes": (), "server_address": "203.0.113.9"},
        {"interfaces": {"agr0": Interface("agr0", True)}, "default_routes": ("agr0",)},
    ],
)
def test_a_way_that_leads_nowhere_is_named(changes):
    verdict = judge(replace(BASE, **changes), "00:05.0")
    assert any("can't be traced to the bus" in warning for warning in verdict.warnings)


def test_not_knowing_the_way_in_is_said():
    (warning,) = judge(replace(BASE, default_routes=()), "00:05.0").warnings
    assert "which card it is managed through is not known" in warning


def test_a_local_connection_needs_no_card():
    verdict = judge(replace(BASE, default_routes=(), server_address="127.0.0.1"), "00:05.0")
    assert verdict.findings == () and verdict.warnings == ()


def test_console_is_the_display_in_use_and_the_serial_console():
    facts = replace(BASE, consoles={"com2": "com2 is the kernel's console"})
    assert {pair for pair in found(facts) if pair[0] == "console"} == {("console", "00:02.0"), ("console", "01:01.0")}
    (display,) = judge(facts, "00:02.0").findings
    assert display.message.endswith("wsdisplay0 is on vga0, pci0 dev 2 function 0")


def test_a_serial_card_that_may_be_the_console_is_a_warning():
    verdict = judge(BASE, "01:01.0")
    assert verdict.findings == ()
    assert any("com2 is on puc0, pci1 dev 1 function 0" in warning for warning in verdict.warnings)


def test_a_keyboard_that_leaves_is_a_warning():
    assert any("has a keyboard: wskbd1 is on usb0, xhci0" in warning for warning in judge(BASE, "01:02.0").warnings)


def test_configured_interface_is_a_warning():
    facts = replace(BASE, interfaces={**NICS, "wm1": Interface("wm1", True, ("198.51.100.1", "fe80::1%wm1"))})
    (warning,) = judge(facts, "00:05.0").warnings
    assert "dom0 loses interface wm1 (198.51.100.1)" in warning
    idle = replace(facts, interfaces={**NICS, "wm1": Interface("wm1", True, ("fe80::1%wm1",))})
    assert judge(idle, "00:05.0").warnings == ()


def test_units_that_move_are_a_warning():
    facts = replace(BASE, interfaces={"wm1": Interface("wm1", True, ("192.0.2.1",))}, default_routes=("wm1",))
    (warning,) = judge(facts, "00:04.0").warnings
    assert "without wm0 the next boot gives wm1 a lower number" in warning and "/etc/ifconfig.wm1" in warning
    mounts = replace(BASE, mounts=(Mount("/dev/wd1a", "/", "ffs"),), root_device="wd1")
    assert any("without wd0 the next boot gives wd1" in warning for warning in judge(mounts, "00:01.1").warnings)


def test_siblings_that_stay_are_named():
    (warning,) = siblings(DEVICES, choose("00:01.1"))
    assert "other functions of its card stay: 00:01.0" in warning
    assert siblings(DEVICES, choose("00:01.0", "00:01.1", "00:04.0")) == ()


def test_a_listing_without_drivers_falls_back_on_the_kernels_messages():
    nameless = [replace(each, driver=None) for each in DEVICES]
    facts = replace(BASE, locations={"piixide0": parse_address("00:01.1")})
    (finding,) = guard(facts, nameless, nameless).findings
    assert (finding.code, finding.device.bdf) == ("boot-disk", "00:01.1")


def test_what_could_not_be_read_is_said():
    assert judge(replace(BASE, unchecked=("'/sbin/mount' failed",)), "00:05.0").warnings == ("'/sbin/mount' failed",)


def test_hostile_names_do_not_reach_the_terminal():
    facts = replace(BASE, mounts=(Mount("/dev/wd0a", "/\x1b[2J\u202e\r", "ffs"),))
    (finding,) = judge(facts, "00:01.1").findings
    assert "\x1b" not in finding.message and "\r" not in finding.message


def test_layers_and_trees_in_a_circle_end():
    facts = replace(
        BASE,
        parents={"a0": "b0", "b0": "a0", "wd0": "a0", "wm0": "b0"},
        mounts=(Mount("/dev/raid0a", "/", "ffs"),),
        layers={"raid0": ("cgd0a",), "cgd0": ("raid0a",)},
        interfaces={
            "vlan0": Interface("vlan0", True, ("192.0.2.1",), ("vlan1",)),
            "vlan1": Interface("vlan1", parts=("vlan0",)),
        },
        default_routes=("vlan0",),
    )
    assert any(warning.startswith("raid0a (/) can't be traced") for warning in judge(facts, "00:01.1").warnings)


# Nothing is in use; the connection came in over the loopback interface.
ALONE = Facts(parents=TREE, interfaces=NICS, server_address="127.0.0.1", iommu=True)
INTX = 1 << 8  # the interrupt pin INTA, in the register of the interrupt line
MSI_ON = {0x04: 1 << 20, 0x34: 0x40, 0x40: 0x00010005}


def wired(bdf: str, driver: str | None, line: int, class_code: int = 0x020000, **registers: int) -> Device:
    """A function with INTA; ``bar0`` and ``bar1`` are its base address registers."""
    config = {0x3C: INTX | line, 0x10: registers.get("bar0", 0), 0x14: registers.get("bar1", 0)}
    return replace(device(bdf, class_code, driver), config=ConfigSpace(config))


def with_registers(device: Device, changes: dict[int, int]) -> Device:
    return replace(device, config=ConfigSpace({**device.config.registers, **changes}))


def sharing(facts: Facts, *devices: Device, owners: dict[str, str | None] | None = None):
    """Judge the first device, everything else stays in dom0 or goes where ``owners`` says."""
    given_away = {parse_address(bdf): guest for bdf, guest in (owners or {}).items()}
    return guard(facts, devices, devices[:1], {devices[0].address: None, **given_away})


WM1_UP = replace(ALONE, interfaces={"wm1": Interface("wm1", True, ("198.51.100.1",))})


def test_an_interrupt_line_that_dom0_uses_is_refused():
    (finding,) = sharing(WM1_UP, wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)).findings
    assert (finding.code, finding.device.bdf) == ("shared-irq", "00:09.0")
    assert "interrupt line 199 is also that of 00:05.0 (pcictl 000:05:0) 8086:1000 a card [wm1]" in finding.message
    assert "or allow code 'shared-irq' for this address: a guest that holds the line" in finding.remedy


@pytest.mark.parametrize(
    "other",
    [
        wired("00:05.0", "wm1", 198),
        wired("00:05.0", None, 199),
        wired("00:05.0", "pciback0", 199),
        with_registers(wired("00:05.0", "wm1", 199), {0x3C: 199}),
        with_registers(wired("00:05.0", "wm1", 199), MSI_ON),
        wired("00:05.0", "wm9", 199, class_code=0x060400),
    ],
    ids=["another line", "no driver", "held by pciback", "no pin", "MSI", "a bridge"],
)
def test_a_line_that_nobody_in_dom0_waits_for_is_not(other):
    assert sharing(WM1_UP, wired("00:09.0", "wm2", 199), other).findings == ()


def test_a_device_without_a_pin_shares_no_line():
    silent = with_registers(wired("00:09.0", "wm2", 199), {0x3C: 199})
    assert sharing(WM1_UP, silent, wired("00:05.0", "wm1", 199)).findings == ()


@pytest.mark.parametrize(
    ("interface", "bridges", "refused"),
    [
        (Interface("wm1"), {}, False),
        (Interface("wm1", up=True), {}, True),
        (Interface("wm1", addresses=("192.0.2.1",)), {}, True),
        (Interface("wm1"), {"bridge0": ("wm1",)}, True),
        (None, {}, True),
    ],
    ids=["idle", "up", "an address", "member of a bridge", "not known"],
)
def test_a_network_card_that_carries_nothing_does_not_count(interface, bridges, refused):
    interfaces = {"wm1": interface} if interface else {}
    facts = replace(ALONE, interfaces={**interfaces, "wm0": NICS["wm0"]}, bridges=bridges)
    verdict = sharing(facts, wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199))
    assert bool(verdict.findings) == refused


def test_a_part_of_a_vlan_counts():
    facts = replace(ALONE, interfaces={"wm1": Interface("wm1"), "vlan0": Interface("vlan0", parts=("wm1",))})
    assert sharing(facts, wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)).findings


def test_any_other_driver_counts():
    disk = wired("01:00.0", "ahcisata0", 199, class_code=0x010601)
    (finding,) = sharing(ALONE, wired("00:09.0", "wm2", 199), disk).findings
    assert finding.code == "shared-irq" and "[ahcisata0]" in finding.message


def test_the_kernels_words_tell_lines_apart_where_numbers_do_not():
    facts = replace(WM1_UP, interrupts={"wm1": ("ioapic0 pin 11",), "wm2": ("ioapic0 pin 11",)})
    (finding,) = sharing(facts, wired("00:09.0", "wm2", 198), wired("00:05.0", "wm1", 199)).findings
    assert "ioapic0 pin 11 is also that of 00:05.0" in finding.message


def test_a_device_without_a_driver_has_the_firmwares_line():
    facts = replace(WM1_UP, interrupts={"wm1": ("ioapic0 pin 11",)})
    (finding,) = sharing(facts, wired("00:07.0", None, 11), wired("00:05.0", "wm1", 199)).findings
    assert "ioapic0 pin 11 is also that of 00:05.0" in finding.message
    assert sharing(facts, wired("00:07.0", None, 10), wired("00:05.0", "wm1", 199)).findings == ()


def test_a_line_of_two_guests_is_a_warning():
    cards = wired("00:09.0", "wm2", 199), wired("00:05.0", "wm1", 199)
    owners = {"00:09.0": "firewall", "00:05.0": "storage"}
    expected = (
        "00:09.0 of guest firewall and 00:05.0 of guest storage share interrupt line 199: each can disturb the other"
    )
    assert sharing(ALONE, *cards, owners=owners) == Verdict((), (expected,))
    both = guard(ALONE, cards, cards, {parse_address(bdf): guest for bdf, guest in owners.items()})
    assert len(both.warnings) == 1 and "share interrupt line 199" in both.warnings[0]
    assert sharing(ALONE, *cards, owners=dict.fromkeys(owners, "firewall")) == Verdict((), ())
    assert sharing(ALONE, *cards, owners=dict.fromkeys(owners)) == Verdict((), ())


def test_a_page_with_registers_of_a_device_that_stays_is_refused():
    leaving = wired("00:09.0", "wm2", 199, bar0=0xFEBF1800)
    staying = wired("00:05.0", None, 10, bar0=0xC001, bar1=0xFEBF1008)
    (finding,) = sharing(ALONE, leaving, staying).findings
    assert (finding.code, finding.device.bdf) == ("shared-bar-page", "00:09.0")
    assert finding.message.endswith(
        "its BAR 0 and BAR 1 of 00:05.0 (pcictl 000:05:0) 8086:1000 a card lie in the page at 0xfebf1000"
    )
    assert "read and write registers of the other device" in finding.remedy
    assert sharing(ALONE, leaving, staying, owners={"00:05.0": "firewall"}).findings == ()


@pytest.mark.parametrize(
    ("mine", "its"),
    [(0xFEBF1000, 0xFEBF2000), (0xC001, 0xC041), (0, 0), (0xFEBF1000, 0xFEBF1001)],
    ids=["two pages", "ports", "not set", "memory and ports"],
)
def test_what_is_in_two_pages_or_no_memory_is_not(mine, its):
    devices = wired("00:09.0", "wm2", 199, bar0=mine), wired("00:05.0", None, 10, bar0=its)
    assert sharing(ALONE, *devices).findings == ()


def test_configuration_space_that_could_not_be_read_is_said():
    blind = replace(wired("00:09.0", "wm2", 199), config=None)
    (warning,) = sharing(ALONE, blind, wired("00:05.0", "wm1", 199)).warnings
    assert warning.startswith("configuration space of 00:09.0 could not be read")


def test_without_an_iommu_each_device_is_refused():
    verdict = judge(replace(BASE, iommu=False), "00:05.0", "01:02.0")
    assert [(finding.code, finding.device.bdf) for finding in verdict.findings] == [
        ("no-iommu", "00:05.0"),
        ("no-iommu", "01:02.0"),
    ]
    assert verdict.findings[0].message.endswith("virt_caps of 'xl info' names no directio")
    assert "read and write all memory of the machine by DMA" in verdict.findings[0].remedy


def test_an_iommu_that_nobody_can_tell_of_is_a_warning():
    (warning,) = judge(replace(BASE, iommu=None), "00:05.0").warnings
    assert warning.startswith("no toolstack says whether Xen uses an IOMMU") and "XSA-61" in warning
    assert judge(replace(BASE, iommu=None)).warnings == ()


NAMES = st.sampled_from([*TREE, "vlan0", "agr0", "bridge0", "ccd0", "", "x"])


@given(
    parents=st.dictionaries(NAMES, NAMES, max_size=12),
    layers=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=6),
    disks=st.lists(NAMES, max_size=4),
    parts=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=5),
    bridges=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=2),
    routes=st.lists(NAMES, max_size=2).map(tuple),
)
def test_every_use_is_refused_or_named(parents, layers, disks, parts, bridges, routes):
    """Whatever the tools say: with all devices chosen, a disk in use ends in a finding or in a warning."""
    facts = Facts(
        parents=parents,
        mounts=tuple(Mount(f"/dev/{name}a", f"/{name}", "ffs") for name in disks),
        layers=layers,
        interfaces={name: Interface(name, True, ("192.0.2.1",), parts[name]) for name in parts},
        bridges=bridges,
        default_routes=routes,
    )
    verdict = guard(facts, DEVICES, DEVICES)
    said = " ".join([*(finding.message for finding in verdict.findings), *verdict.warnings])
    bridge = {"ppb0"}
    for name in disks:
        if name not in bridge:
            assert f"{name}a is /{name}" in said or f"{name}a (/{name}) can't be traced" in said
    for name in routes:
        assert f"the default route leaves through {name}" in said


@pytest.mark.parametrize(
    ("name", "disk"),
    [("/dev/wd0a", "wd0"), ("wd10", "wd10"), ("dk3", "dk3"), ("tank/root", None), ("server:/x", None), ("", None)],
)
def test_disk_of(name, disk):
    assert disk_of(name) == disk
